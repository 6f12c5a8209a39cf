import { and, asc, eq, isNull, lte, ne, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { roomyHomes, serverMoves, servers } from '../../schema/index.ts'

export type MoveRow = typeof serverMoves.$inferSelect

const byServer = prepared((db, { serverId }: Slots<{ serverId: string }>) =>
  db.select().from(serverMoves).where(eq(serverMoves.serverId, serverId)),
)

/** What there is of another machine of a server, or why it has none; for a batch of reads. */
export const moveQuery = (db: Database, serverId: string) => byServer.statement(db, { serverId })

/** The move whose guest reports with a word, by the MACs that it may have been kept as. */
export const moveReporting = async (db: Database, kept: string[]): Promise<MoveRow | null> =>
  (
    await db
      .select()
      .from(serverMoves)
      .where(and(sql`${serverMoves.report} is not null`, anyOf(serverMoves.report, kept)))
  )[0] ?? null

/** As the partial indexes say it. */
const UNDER_WAY = sql`state <> 'staying'`

/** Moves under way that somebody has to see to, longest due first. */
export const dueMoves = (db: Database, now: number, limit: number): Promise<MoveRow[]> =>
  db
    .select()
    .from(serverMoves)
    .where(and(UNDER_WAY, lte(serverMoves.dueAt, now)))
    .orderBy(asc(serverMoves.dueAt))
    .limit(limit)

/** Of a project: moves under way. */
export const movesUnderWay = (db: Database, projectId: string): Promise<MoveRow[]> =>
  db
    .select()
    .from(serverMoves)
    .where(and(eq(serverMoves.projectId, projectId), UNDER_WAY))

/** Servers of a project that are out and may come back, and are not to be left alone for now; oldest first. */
export const comingBack = async (db: Database, projectId: string, now: number, limit: number) =>
  (
    await db
      .select({ server: servers })
      .from(servers)
      .leftJoin(serverMoves, eq(serverMoves.serverId, servers.id))
      .where(
        and(
          eq(servers.projectId, projectId),
          isNull(servers.deletedAt),
          sql`${servers.spilled} = 1 and ${servers.metadata} ->> 'plimsoll:movable' = 'true'`,
          sql`(${serverMoves.serverId} is null or ${serverMoves.state} = 'staying' and ${serverMoves.dueAt} <= ${now})`,
        ),
      )
      .orderBy(asc(servers.createdAt))
      .limit(limit)
  ).map(({ server }) => server)

/** Projects that have something elsewhere than at home. */
export const projectsOut = async (db: Database): Promise<string[]> =>
  (await db.all<{ id: string }>(sql`select project_id as id from spill_use where servers > 0`)).map(({ id }) => id)

/** Statement: how it stands with the other machine of a server, whatever was said before. */
export const setMove = (db: Database, row: typeof serverMoves.$inferInsert) => {
  const { serverId: _, ...set } = { ...NOTHING, ...row }
  return db.insert(serverMoves).values(row).onConflictDoUpdate({ target: serverMoves.serverId, set })
}

/** Why a server has no other machine: said of none that has got one meanwhile. */
export const noteStaying = (
  db: Database,
  {
    reason,
    dueAt,
    updatedAt,
    ...ids
  }: Pick<MoveRow, 'serverId' | 'projectId' | 'dueAt' | 'updatedAt'> & { reason: string },
) =>
  db
    .insert(serverMoves)
    .values({ ...ids, state: 'staying', reason, dueAt, updatedAt })
    .onConflictDoUpdate({
      target: serverMoves.serverId,
      set: { reason, dueAt, updatedAt },
      setWhere: eq(serverMoves.state, 'staying'),
    })

/** What is said of a machine that is not there. */
const NOTHING = {
  reason: null,
  cancelled: false,
  cloudId: null,
  place: null,
  vcpus: 0,
  ramMib: 0,
  hourly: null,
  filters: null,
  seed: null,
  report: null,
  runsAt: null,
  readyAt: null,
} satisfies Partial<MoveRow>

/** Statement: changes what is said of it. */
export const updateMove = (db: Database, serverId: string, set: Partial<MoveRow>) =>
  db.update(serverMoves).set(set).where(eq(serverMoves.serverId, serverId))

/** Statement: what arrives on a cloud still is looked at later. */
export const putOffArrival = (db: Database, { serverId, cloudId }: MoveRow, dueAt: number, now: number) =>
  db
    .update(serverMoves)
    .set({ dueAt, updatedAt: now })
    .where(
      and(
        eq(serverMoves.serverId, serverId),
        eq(serverMoves.state, 'arriving'),
        sql`${serverMoves.cloudId} is ${cloudId}`,
      ),
    )

/** Statements: there is no other machine any more, and nothing to be said of one. */
export const forgetMove = (db: Database, serverId: string, now: number) =>
  [
    // What ran is counted up to now.
    updateMove(db, serverId, { ...NOTHING, state: 'staying', updatedAt: now }),
    db.delete(serverMoves).where(eq(serverMoves.serverId, serverId)),
  ] as const

/** Statement: a guest is ready. */
export const noteReady = (db: Database, serverId: string, now: number) =>
  db
    .update(serverMoves)
    .set({ readyAt: now, updatedAt: now })
    .where(and(eq(serverMoves.serverId, serverId), isNull(serverMoves.readyAt)))

/* ---------------------------------------------------------------- conditions of guards, as SQL */

/** A server has two machines, or is going to. */
export const isMoving = (serverId: string) =>
  sql`exists (select 1 from server_moves where server_id = ${serverId} and state <> 'staying')`

/** Nothing of it is arriving any more; `wanted`: or something else was asked of it meanwhile. */
export const notArriving = (serverId: string, wanted: boolean) =>
  sql`not exists (select 1 from server_moves where server_id = ${serverId} and state = 'arriving'
    and (not ${Number(wanted)} or cancelled = 0))`

/** It is not out on that cloud any more, or is not to be moved. */
export const notComingBack = (serverId: string, cloudId: string | null) =>
  sql`not exists (select 1 from servers where id = ${serverId} and deleted_at is null and cloud_id is ${cloudId} and spilled = 1
    and vm_state = 'active' and task_state is null and locked = 0 and metadata ->> 'plimsoll:movable' = 'true'
    and metadata ->> 'plimsoll:busy' is not 'true')`

const others = (serverId: string, cloudId: string) =>
  sql`from bindings where kind = 'server' and resource_id = ${serverId} and cloud_id <> ${cloudId} and phase <> 'gone'`

/** No cloud but that one has a machine of it any more. */
export const noOtherMachine = (serverId: string, cloudId: string) =>
  sql`not exists (select 1 ${others(serverId, cloudId)})`

/** How many clouds but that one have a machine of it. */
export const machinesBut = async (db: Database, serverId: string, cloudId: string): Promise<number> =>
  (await db.all<{ n: number }>(sql`select count(*) as n ${others(serverId, cloudId)}`))[0]!.n

/* ---------------------------------------------------------------- homes below their mark */

/** Since when a home has been below its mark for a project; null: nobody saw it so. */
export const roomySince = async (db: Database, projectId: string, cloudId: string): Promise<number | null> =>
  (
    await db
      .select({ since: roomyHomes.since })
      .from(roomyHomes)
      .where(and(eq(roomyHomes.projectId, projectId), eq(roomyHomes.cloudId, cloudId)))
  )[0]?.since ?? null

/** A home is below its mark from now on. */
export const noteRoomy = (db: Database, row: typeof roomyHomes.$inferInsert) =>
  db.insert(roomyHomes).values(row).onConflictDoNothing()

/** Of a project no home is below its mark, or none but that. */
export const forgetRoomy = (db: Database, projectId: string, except: string | null) =>
  db.delete(roomyHomes).where(and(eq(roomyHomes.projectId, projectId), ne(roomyHomes.cloudId, except ?? '')))
