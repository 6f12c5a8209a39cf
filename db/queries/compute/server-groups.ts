import { and, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { ServerGrouping } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { serverGroupMembers, serverGroups } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { mostOf } from '../quotas.ts'

export type ServerGroupRow = typeof serverGroups.$inferSelect
export type MemberRow = typeof serverGroupMembers.$inferSelect

/** A group with the ids of its servers, oldest first, as JSON text. */
const shown = {
  ...getTableColumns(serverGroups),
  members: sql<string>`(select json_group_array(server_id) from (select m.server_id from server_group_members m
    where m.group_id = ${serverGroups.id} order by m.created_at, m.server_id))`,
}
export type ShownGroup = ServerGroupRow & { members: string }

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(shown)
    .from(serverGroups)
    .where(and(eq(serverGroups.id, id), within(serverGroups.projectId, scope))),
)

/** A group within the scope; null: there is none. */
export const serverGroupById = async (db: Database, scope: Scope, id: string): Promise<ShownGroup | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

interface Slice {
  limit: number
  offset: number
}
const paging = prepared((db, { scope, limit, offset }: Slots<Slice & { scope: Scope }>) =>
  db
    .select(shown)
    .from(serverGroups)
    .where(within(serverGroups.projectId, scope))
    .orderBy(serverGroups.createdAt, serverGroups.id)
    .limit(limit)
    .offset(offset),
)

/** Groups within the scope, oldest first. */
export const serverGroupsOf = (db: Database, scope: Scope, { limit, offset }: Slice): Promise<ShownGroup[]> =>
  paging.run(db, { scope, limit, offset })

/** Statement: a new group. */
export const insertServerGroup = (db: Database, row: ServerGroupRow) => db.insert(serverGroups).values(row)

/** Statement: a group is gone; its servers stay as they are. */
export const deleteServerGroup = (db: Database, id: string) => db.delete(serverGroups).where(eq(serverGroups.id, id))

/** True (as SQL) when there is no such group of the project. */
export const serverGroupGone = (id: string, projectId: string): SQL =>
  sql`not exists (select 1 from server_groups where id = ${id} and project_id = ${projectId})`

/** True (as SQL) while a group has a server. */
export const hasMembers = (groupId: string): SQL =>
  sql`exists (select 1 from server_group_members where group_id = ${groupId})`

/** True (as SQL) while a group is there for users, or has a server. */
export const groupHeld = (id: string): SQL =>
  sql`(exists (select 1 from server_groups where id = ${id}) or ${hasMembers(id)})`

/** True (as SQL) when so many more would be too many servers in a group; the limit is that of the project. */
export const membersFull = (groupId: string, projectId: string, more: number, otherwise: number): SQL => sql`exists (
  select 1 from (select ${mostOf(projectId, 'server_group_members', otherwise)} as most)
  where most >= 0 and (select count(*) from server_group_members where group_id = ${groupId}) + ${more} > most)`

/** Statement: a server that was lost is in its group again, whether that is still there or not. */
export const joinAgain = (
  db: Database,
  serverId: string,
  { id: groupId, policy, mostPerHost }: Pick<ServerGrouping, 'id' | 'policy' | 'mostPerHost'>,
  createdAt: number,
) =>
  db
    .insert(serverGroupMembers)
    .values({ serverId, groupId, policy, maxServerPerHost: mostPerHost, createdAt })
    .onConflictDoNothing()

/** Statement: a server is in a group. */
export const insertMember = (db: Database, row: MemberRow) => db.insert(serverGroupMembers).values(row)

/** Statement: a server is in no group any more. */
export const deleteMember = (db: Database, serverId: string) =>
  db.delete(serverGroupMembers).where(eq(serverGroupMembers.serverId, serverId))

const member = prepared((db, { serverId }: Slots<{ serverId: string }>) =>
  db.select().from(serverGroupMembers).where(eq(serverGroupMembers.serverId, serverId)),
)

/** Statement: the group that a server was made in, which may be deleted by now: a row or none. */
export const memberQuery = (db: Database, serverId: string) => member.statement(db, { serverId })

/** The group that a server was made in; null: none. */
export const memberOf = async (db: Database, serverId: string): Promise<MemberRow | null> =>
  (await member.run(db, { serverId }))[0] ?? null

/** How many servers of a group are in one zone. */
export interface GroupPlace {
  cloudId: string
  zone: string
  servers: number
}

/** Servers of a group that are somewhere, or on their way: what came to nothing is nowhere. */
const placed = (groupId: SQL | string, but: string) => sql`server_group_members m join servers s on s.id = m.server_id
  where m.group_id = ${groupId} and m.server_id <> ${but} and s.cloud_id is not null and s.zone is not null
    and not (s.status = 'ERROR' and s.launched_at is null)`

const places = (groupId: SQL | string, but: string) => sql`select s.cloud_id as cloudId, s.zone, count(*) as servers
  from ${placed(groupId, but)} group by s.cloud_id, s.zone`

/** Statement: a group of a project, and where its servers are as JSON text (`GroupPlace[]`); a row or none. */
export const groupForPlacing = (db: Database, id: string | null, projectId: string) =>
  db.all<Pick<ServerGroupRow, 'id' | 'name' | 'policy' | 'maxServerPerHost'> & { places: string }>(
    sql`select g.id, g.name, g.policy, g.max_server_per_host as maxServerPerHost,
      (select json_group_array(json_object('cloudId', cloudId, 'zone', zone, 'servers', servers)) from (${places(sql`g.id`, '')})) as places
      from server_groups g where g.id = ${id} and g.project_id = ${projectId}`,
  )

/** Where the servers of a group are, but for one. */
export const groupPlaces = (db: Database, groupId: string, but: string) => db.all<GroupPlace>(places(groupId, but))

/** True (as SQL) when a server of a group, but for these, is somewhere else than in that zone. */
export const groupElsewhere = (groupId: string, at: { cloudId: string; zone: string }, but: string[]): SQL =>
  sql`exists (select 1 from ${placed(groupId, '')} and (s.cloud_id <> ${at.cloudId} or s.zone <> ${at.zone})
    and m.server_id not in (select value from json_each(${JSON.stringify(but)})))`

/** Statement: the row of a group, or of what its servers remember of it when it is deleted: a row or none. */
export const groupBelow = (db: Database, id: string) =>
  db.all<Pick<ServerGroupRow, 'id' | 'name' | 'policy' | 'maxServerPerHost'>>(
    sql`select id, name, policy, max_server_per_host as maxServerPerHost from server_groups where id = ${id}
      union all select * from (select group_id, '', policy, max_server_per_host from server_group_members where group_id = ${id} limit 1)
      limit 1`,
  )
