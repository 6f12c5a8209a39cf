import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { among, anyOf } from '../../conditions.ts'
import { prepared } from '../../prepared.ts'
import { interfaces, serverActions, serverPorts } from '../../schema/index.ts'
import { type Binding, fenceLost } from '../line/bindings.ts'

export type ServerAction = typeof serverActions.$inferSelect

export interface NewServerAction {
  serverId: string
  projectId: string
  userId: string
  requestId: string
  /** Nova's word. */
  action: string
  args?: Record<string, Json>
  /** Absent: it is work that converge has to do. */
  state?: 'pending' | 'done'
  now: number
}

/** An entry in the history of a server. */
export const insertServerAction = (db: Database, { now, state = 'pending', args = {}, ...row }: NewServerAction) =>
  db.insert(serverActions).values({
    ...row,
    args,
    state,
    startedAt: now,
    updatedAt: now,
    finishedAt: state === 'done' ? now : null,
  })

/**
 * An entry for a boot that the cloud reports and nobody asked us for: none where an action of these names, begun and
 * ended by us, was under way at that time, give or take `slackMs`. What was itself only noticed is no such action.
 */
export const insertUnaskedBoot = (
  db: Database,
  { now, message, ...row }: Omit<NewServerAction, 'args' | 'state'> & { message: string },
  bootedAt: number,
  asked: { names: readonly string[]; slackMs: number },
) =>
  db.run(sql`insert into server_actions (server_id, project_id, user_id, request_id, action, args, state, message, started_at, updated_at, finished_at)
    select ${row.serverId}, ${row.projectId}, ${row.userId}, ${row.requestId}, ${row.action}, '{}', 'done', ${message}, ${now}, ${now}, ${now}
    where not exists (select 1 from server_actions where server_id = ${row.serverId}
      and action in ${among(asked.names)}
      and (user_id <> '' or finished_at is null or finished_at > started_at)
      and started_at - ${asked.slackMs} <= ${bootedAt} and coalesce(finished_at, ${now}) + ${asked.slackMs} >= ${bootedAt})`)

/** What a cloud said of a server, or did with it by itself. */
type CloudsWord = Omit<NewServerAction, 'args' | 'state'> & { state: 'done' | 'failed'; cloudId: string; said: string }

/** The same as `insertCloudsWord`, unless there is such an entry since a time, in milliseconds since 1970. */
export const insertCloudsWordOnce = (db: Database, { now, cloudId, said, ...row }: CloudsWord, since: number) =>
  db.run(sql`insert into server_actions (server_id, project_id, user_id, request_id, action, args, state, message, started_at, updated_at, finished_at)
    select ${row.serverId}, ${row.projectId}, ${row.userId}, ${row.requestId}, ${row.action}, '{}', ${row.state},
      coalesce((select name from clouds where id = ${cloudId}), ${cloudId}) || ${said}, ${now}, ${now}, ${now}
    where not exists (select 1 from server_actions where server_id = ${row.serverId} and action = ${row.action} and started_at >= ${since})`)

/** An entry for what a cloud refused, or did by itself; its message begins with the name of the cloud, and goes on with `said`. */
export const insertCloudsWord = (db: Database, { now, cloudId, said, ...row }: CloudsWord) =>
  db.insert(serverActions).values({
    ...row,
    args: {},
    message: sql`coalesce((select name from clouds where id = ${cloudId}), ${cloudId}) || ${said}`,
    startedAt: now,
    updatedAt: now,
    finishedAt: now,
  })

/** Actions of the given names that converge has not finished, oldest first. */
const open = prepared((db) =>
  db
    .select()
    .from(serverActions)
    .where(
      and(
        eq(serverActions.serverId, sql.placeholder('serverId')),
        inArray(serverActions.state, ['pending', 'calling']),
        anyOf(serverActions.action, sql.placeholder('names')),
      ),
    )
    .orderBy(asc(serverActions.id)),
)

/** Actions of these names that were asked of a server and are not finished, oldest first. */
export const openActions = (db: Database, serverId: string, names: readonly string[]) =>
  open.statement(db, { serverId, names: JSON.stringify(names) })

/**
 * Marks an action before its call is made. True for the one process that moved it and still holds the binding: it makes
 * the call. One that finds it marked knows that the call may have been made already.
 */
export const markCalling = async (db: Database, binding: Binding, id: number, now: number): Promise<boolean> => {
  const rows = await db
    .update(serverActions)
    .set({ state: 'calling', updatedAt: now })
    .where(and(eq(serverActions.id, id), eq(serverActions.state, 'pending'), sql`not ${fenceLost(binding)}`))
    .returning({ id: serverActions.id })
  return rows.length > 0
}

/** Statement: how far an action is, in its arguments. `now` in milliseconds since 1970. */
export const setActionArgs = (db: Database, id: number, args: Record<string, Json>, now: number) =>
  db.update(serverActions).set({ args, updatedAt: now }).where(eq(serverActions.id, id))

const ended = (message: string | null, now: number) => ({
  state: message === null ? ('done' as const) : ('failed' as const),
  message,
  updatedAt: now,
  finishedAt: now,
})

/** Condition of a guard: somebody ended the action already. */
export const actionEnded = (id: number) =>
  sql`not exists (select 1 from server_actions where id = ${id} and finished_at is null)`

/** Statement: an action is done, or (with a message) failed. `now` in milliseconds since 1970. */
export const finishActionById = (db: Database, id: number, message: string | null, now: number) =>
  db.update(serverActions).set(ended(message, now)).where(eq(serverActions.id, id))

/** Ends every open entry of these names: the creation that came true, whatever else a deletion overtook. */
export const finishActions = (
  db: Database,
  serverId: string,
  names: readonly string[] | 'all',
  message: string | null,
  now: number,
) =>
  db
    .update(serverActions)
    .set(ended(message, now))
    .where(
      and(
        eq(serverActions.serverId, serverId),
        isNull(serverActions.finishedAt),
        names === 'all' ? undefined : inArray(serverActions.action, [...names]),
      ),
    )

/** An interface with the open wish to take it out, if there is one: what converge works on. */
export const interfaceWork = async (db: Database, id: string) => {
  const [row] = await db
    .select({ plugged: interfaces, owned: serverPorts.owned, detach: serverActions.id })
    .from(interfaces)
    .leftJoin(
      serverPorts,
      and(eq(serverPorts.serverId, interfaces.serverId), eq(serverPorts.portId, interfaces.portId)),
    )
    .leftJoin(
      serverActions,
      and(
        eq(serverActions.serverId, interfaces.serverId),
        eq(serverActions.action, 'detach_interface'),
        isNull(serverActions.finishedAt),
        sql`${serverActions.args} ->> 'port_id' = ${interfaces.portId}`,
      ),
    )
    .where(eq(interfaces.id, id))
    .limit(1)
  return row ?? null
}

interface PortActionEnd {
  serverId: string
  portId: string
  action: 'attach_interface' | 'detach_interface'
  /** Why it failed; null: it did not. */
  message: string | null
  now: number
}

/** Ends the open entries that speak of a port. */
export const finishPortActions = (db: Database, { serverId, portId, action, message, now }: PortActionEnd) =>
  db
    .update(serverActions)
    .set(ended(message, now))
    .where(
      and(
        eq(serverActions.serverId, serverId),
        isNull(serverActions.finishedAt),
        eq(serverActions.action, action),
        sql`${serverActions.args} ->> 'port_id' = ${portId}`,
      ),
    )

/** The server is not being copied any more: what says `image_uploading` of it, and no other action, is over. */
export const endUploading = (db: Database, serverId: string, now: number) =>
  db.run(sql`update servers set task_state = null, progress = case when vm_state = 'active' then 100 else progress end, updated_at = ${now}
    where id = ${serverId} and task_state = 'image_uploading' and not exists (select 1 from server_actions a
      where a.server_id = servers.id and a.action = 'createImage' and a.finished_at is null)`)

/** Throws away servers that were deleted before a time (milliseconds since 1970) and are gone everywhere, with their history; so many at a time. */
export const sweepServers = async (db: Database, before: number, most: number): Promise<void> => {
  const gone = await db.all<{ id: string }>(sql`select id from servers where deleted_at < ${before}
    and not exists (select 1 from bindings b where b.resource_id = servers.id and b.phase <> 'gone') limit ${most}`)
  if (!gone.length) return
  const still = sql`(select id from servers where id in ${among(gone.map(({ id }) => id))} and deleted_at < ${before})`
  await db.batch([
    db.run(sql`delete from server_actions where server_id in ${still}`),
    db.run(sql`delete from server_placements where server_id in ${still}`),
    db.run(sql`delete from servers where id in ${still}`),
  ])
}
