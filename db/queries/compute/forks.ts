import { and, asc, eq, isNotNull, isNull, lte, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { outer } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { attachments, bindings, images, ports, serverPorts, servers } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'

/** The networks of a server's ports, in the order in which its guest sees them, and the volumes that are in it; `root`: it boots from that. */
export const partsToFork = async (db: Database, serverId: string) => {
  const [cards, volumes] = await db.batch([
    db
      .select({ networkId: ports.networkId })
      .from(serverPorts)
      .innerJoin(ports, eq(ports.id, serverPorts.portId))
      .where(eq(serverPorts.serverId, serverId))
      .orderBy(asc(serverPorts.position)),
    db
      .select({ id: attachments.volumeId, bootIndex: attachments.bootIndex })
      .from(attachments)
      .where(eq(attachments.serverId, serverId)),
  ])
  const root = volumes.find(({ bootIndex }) => bootIndex === 0)?.id ?? null
  return { networkIds: cards.map(({ networkId }) => networkId), volumeIds: volumes.map(({ id }) => id), root }
}

const forkOf = (parentId: string): SQL | undefined => and(eq(servers.parentId, parentId), isNull(servers.deletedAt))

/** True (as SQL) while a fork of the server is there, in whatever state. */
export const hasForks = (parentId: string): SQL =>
  sql`exists (select 1 from servers where parent_id = ${parentId} and deleted_at is null)`

/** Forks of a server that are there, oldest first, so many at most. */
export const forksOf = async (db: Database, parentId: string, limit: number): Promise<string[]> =>
  (
    await db
      .select({ id: servers.id })
      .from(servers)
      .where(forkOf(parentId))
      .orderBy(asc(servers.createdAt), asc(servers.id))
      .limit(limit)
  ).map(({ id }) => id)

type Kin = Pick<typeof servers.$inferSelect, 'id' | 'name' | 'status'>
const KIN = sql`json_object('id', r.id, 'name', r.name, 'status', r.status)`
const seenToo = (scope: Scope<string | Placeholder>): SQL =>
  // Plus: the few forks of one server are not looked for among all servers of its project.
  'every' in scope ? sql`` : sql`and +r.project_id = ${scope.projectId}`
const parsed = (text: string) => JSON.parse(text)

const kin = prepared((db, { scope, id, limit }: Slots<{ scope: Scope; id: string; limit: number }>) =>
  db
    .select({
      parent:
        sql<Kin | null>`(select ${KIN} from servers r where r.id = ${outer(servers.parentId)} and r.deleted_at is null
        ${seenToo(scope)})`.mapWith(parsed),
      forks: sql<Kin[]>`(select json_group_array(json(kin)) from (select ${KIN} as kin from servers r
        where r.parent_id = ${outer(servers.id)} and r.deleted_at is null ${seenToo(scope)}
        order by r.created_at, r.id limit ${limit}))`.mapWith(parsed),
    })
    .from(servers)
    .where(and(eq(servers.id, id), isNull(servers.deletedAt), within(servers.projectId, scope))),
)

/** The server that one is a fork of, and its own forks, oldest first, so many at most; null: there is no such server. One query. */
export const kinOf = async (
  db: Database,
  scope: Scope,
  id: string,
  limit: number,
): Promise<{ parent: Kin | null; forks: Kin[] } | null> => (await kin.run(db, { scope, id, limit }))[0] ?? null

/** Forks whose time is up and that no fork of their own keeps, those that nobody locked first. */
export const expiredForks = (db: Database, now: number, limit: number) =>
  db
    .select()
    .from(servers)
    .where(
      and(
        isNotNull(servers.expiresAt),
        lte(servers.expiresAt, now),
        isNull(servers.deletedAt),
        sql`${servers.taskState} is not 'deleting'`,
        sql`not exists (select 1 from servers f where f.parent_id = ${servers.id} and f.deleted_at is null)`,
        // What its user could not delete, time does not either.
        sql`not exists (select 1 from bindings b join clouds c on c.id = b.cloud_id
          where b.resource_id = ${servers.id} and (b.ownership <> 'ours' or c.options ->> 'read_only'))`,
      ),
    )
    .orderBy(asc(servers.locked), asc(servers.expiresAt))
    .limit(limit)

/** Images that were made for forks alone, and from which none of them is still to be made. */
export const spentForkImages = async (db: Database, limit: number): Promise<string[]> => {
  const waiting = db
    .select({ one: sql`1` })
    .from(servers)
    .innerJoin(bindings, and(eq(bindings.kind, 'server'), eq(bindings.resourceId, servers.id)))
    .where(
      and(
        eq(servers.parentId, images.serverId),
        isNull(servers.deletedAt),
        sql`${servers.places} ->> '$.image' = ${images.id}`,
        sql`${bindings.phase} in ('intent', 'calling')`,
      ),
    )
  const rows = await db
    .select({ id: images.id })
    .from(images)
    .where(and(isNotNull(images.forkId), isNull(images.deletedAt), sql`not exists ${waiting}`))
    .limit(limit)
  return rows.map(({ id }) => id)
}
