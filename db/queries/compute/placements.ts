import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { clouds, serverMoves, serverPlacements, servers } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'

export type PlacementRow = typeof serverPlacements.$inferSelect

/** Statement: how a new server was placed. */
export const insertPlacement = (db: Database, row: PlacementRow) => db.insert(serverPlacements).values(row)

const placing = prepared((db, { serverId }: Slots<{ serverId: string }>) =>
  db.select().from(serverPlacements).where(eq(serverPlacements.serverId, serverId)),
)

/** How a server was placed; null: nothing was kept of it. */
export const placementOf = async (db: Database, serverId: string): Promise<PlacementRow | null> =>
  (await placing.run(db, { serverId }))[0] ?? null

const placed = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select({
      cloudId: servers.cloudId,
      cloud: clouds.name,
      zone: servers.zone,
      places: servers.places,
      filters: servers.filters,
      placement: serverPlacements,
      move: serverMoves,
      moveTo: sql<string | null>`(select name from clouds c where c.id = ${serverMoves.cloudId})`,
    })
    .from(servers)
    .leftJoin(clouds, eq(clouds.id, servers.cloudId))
    .leftJoin(serverPlacements, eq(serverPlacements.serverId, servers.id))
    .leftJoin(serverMoves, eq(serverMoves.serverId, servers.id))
    .where(and(eq(servers.id, id), isNull(servers.deletedAt), within(servers.projectId, scope))),
)

/** Where a server is, and how it was placed, if that was kept; null: there is none. One query. */
export const placedServer = async (db: Database, scope: Scope, id: string) =>
  (await placed.run(db, { scope, id }))[0] ?? null
export type PlacedServer = NonNullable<Awaited<ReturnType<typeof placedServer>>>

/** Statement: one more attempt, which has the name of its cloud from here; none where `most` are kept. */
export const addAttempt = (db: Database, serverId: string, cloudId: string, attempt: Json, most: number) =>
  db.run(sql`update server_placements
    set attempts = json_insert(attempts, '$[#]',
      json_set(${JSON.stringify(attempt)}, '$.cloud', (select name from clouds where id = ${cloudId})))
    where server_id = ${serverId} and json_array_length(attempts) < ${most}`)
