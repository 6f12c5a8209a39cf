import { and, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { asTheyAre, prepared, type Slots } from '../../prepared.ts'

/** A move of a server that was asked for, or that the broker made: from size to size on its cloud, or from cloud to cloud. */
export interface MigrationRow {
  id: number
  serverId: string
  projectId: string
  userId: string
  type: 'resize' | 'migration'
  status: string
  fromCloud: string | null
  fromZone: string | null
  toCloud: string | null
  toZone: string | null
  /** Ids of flavors; null: it kept the one that it had, or nobody wrote down which that was. */
  fromFlavor: string | null
  toFlavor: string | null
  createdAt: number
  updatedAt: number
}

export interface MigrationFilter {
  projectId?: string | undefined
  userId?: string | undefined
  serverId?: string | undefined
  status?: string | undefined
  type?: string | undefined
  /** Name of the cloud that it was on, and of that or the one that it went to. */
  source?: string | undefined
  host?: string | undefined
  changesSince?: number | undefined
  changesBefore?: number | undefined
  /** Those that began before it. */
  marker?: number | undefined
  limit: number
}

/** Whether there is a move of that number; of one project, where one is named. */
export const isMigration = async (db: Database, id: number, projectId: string | undefined): Promise<boolean> =>
  (
    await db.all(sql`select 1 from server_actions a where a.id = ${id} and a.action in ('resize', 'homecoming')
      ${projectId === undefined ? sql`` : sql`and a.project_id = ${projectId}`}`)
  ).length > 0

/** What a resize came to: what was asked of the server after it says so (nova/objects/migration.py). */
const status = sql`case
  when a.state in ('pending', 'calling') then 'migrating'
  when a.state = 'failed' then 'error'
  when a.action = 'homecoming' then 'completed'
  when e.action is null then 'finished'
  when e.state in ('pending', 'calling') then iif(e.action = 'confirmResize', 'confirming', 'reverting')
  else iif(e.action = 'confirmResize', 'confirmed', 'reverted') end`

/** So many moves are looked at, from the newest or a marker on, for what no index finds: status, type, clouds and times of changes. */
const LOOKED_AT = 10_000

const COLUMNS: (keyof MigrationRow)[] = [
  ...(['id', 'serverId', 'projectId', 'userId', 'type', 'status', 'fromCloud', 'fromZone'] as const),
  ...(['toCloud', 'toZone', 'fromFlavor', 'toFlavor', 'createdAt', 'updatedAt'] as const),
]

const moves = prepared((db, asked: Slots<MigrationFilter>) => {
  const { projectId, userId, serverId, status: state, type, source, host, changesSince, changesBefore, marker } = asked
  const by =
    serverId !== undefined
      ? sql`server_actions_by_server`
      : projectId !== undefined
        ? sql`server_actions_moving_of_project`
        : userId !== undefined
          ? sql`server_actions_moving_of_user`
          : sql`server_actions_moving`
  const met = and(
    sql`a.action in ('resize', 'homecoming')`,
    serverId && sql`a.server_id = ${serverId}`,
    projectId && sql`a.project_id = ${projectId}`,
    userId && sql`a.user_id = ${userId}`,
    marker && sql`a.id < ${marker}`,
  )
  const shown = and(
    state && sql`m.status = ${state}`,
    type && sql`m.type = ${type}`,
    source && sql`m.fromCloud = ${source}`,
    host && sql`(m.fromCloud = ${host} or m.toCloud = ${host})`,
    changesSince && sql`m.updatedAt >= ${changesSince}`,
    changesBefore && sql`m.updatedAt <= ${changesBefore}`,
  )
  const named = (cloud: string) => sql`(select c.name from clouds c where c.id = a.args ->> ${sql.raw(`'${cloud}'`)})`
  return db
    .select(asTheyAre<MigrationRow>(COLUMNS))
    .from(
      sql`(
    select a.id, a.server_id as serverId, a.project_id as projectId, a.user_id as userId,
      iif(a.action = 'resize', 'resize', 'migration') as type, ${status} as status,
      coalesce(${named('$.from.cloudId')}, ${named('$.place.cloudId')}) as fromCloud,
      coalesce(a.args ->> '$.from.zone', a.args ->> '$.place.zone') as fromZone,
      ${named('$.place.cloudId')} as toCloud, a.args ->> '$.place.zone' as toZone,
      a.args ->> '$.before' as fromFlavor, a.args ->> '$.flavor.id' as toFlavor,
      a.started_at as createdAt, max(a.updated_at, coalesce(e.updated_at, 0)) as updatedAt
    from server_actions a indexed by ${by}
    left join server_actions e on e.id = (select n.id from server_actions n indexed by server_actions_by_server
      where n.server_id = a.server_id and n.id > a.id and n.action in ('confirmResize', 'revertResize') and n.state <> 'failed'
      order by n.id limit 1) and a.action = 'resize'
    where ${met} order by a.id desc limit ${shown ? sql.raw(String(LOOKED_AT)) : asked.limit}) m`,
    )
    .where(shown)
    .limit(asked.limit)
})

/** Newest first; of those that are filtered by status, type, cloud or change among the newest 10 000. */
export const migrationsOf = (db: Database, filter: MigrationFilter): Promise<MigrationRow[]> => moves.run(db, filter)
