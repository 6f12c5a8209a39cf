import { eq, sql } from 'drizzle-orm'
import type { Json } from '../../../adapters/contract.ts'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { serverPlacements } from '../../schema/index.ts'

export type PlacementRow = typeof serverPlacements.$inferSelect

/** Statement: how a new server was placed. */
export const insertPlacement = (db: Database, row: PlacementRow) => db.insert(serverPlacements).values(row)

const placing = prepared((db, { serverId }: Slots<{ serverId: string }>) =>
  db.select().from(serverPlacements).where(eq(serverPlacements.serverId, serverId)),
)

/** How a server was placed; null: nothing was kept of it. */
export const placementOf = async (db: Database, serverId: string): Promise<PlacementRow | null> =>
  (await placing.run(db, { serverId }))[0] ?? null

/** Statement: one more attempt, which has the name of its cloud from here; none where `most` are kept. */
export const addAttempt = (db: Database, serverId: string, cloudId: string, attempt: Json, most: number) =>
  db.run(sql`update server_placements
    set attempts = json_insert(attempts, '$[#]',
      json_set(${JSON.stringify(attempt)}, '$.cloud', (select name from clouds where id = ${cloudId})))
    where server_id = ${serverId} and json_array_length(attempts) < ${most}`)
