import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { subnetPoolRanges, subnetPoolShares, subnetPoolSpace } from '../../schema/index.ts'
import { holdersOf } from './address-scopes.ts'

/*
 * What is free in a subnet pool, as bits (`db/schema/subnet-pools.ts`). Triggers take a range out of the space when its row
 * comes, and put it back when it goes: a batch that takes what is not there any more is undone by the guard `pool-space`.
 */

const fitting = prepared((db, { poolId, length, limit }: Slots<{ poolId: string; length: number; limit: number }>) =>
  db
    .select({ bits: subnetPoolSpace.bits })
    .from(subnetPoolSpace)
    .where(sql`${subnetPoolSpace.poolId} = ${poolId} and ${subnetPoolSpace.length} <= ${length}`)
    .orderBy(sql`${subnetPoolSpace.length} desc`, subnetPoolSpace.bits)
    .limit(limit),
)

/** Free blocks in which a range of so many bits has room: the narrowest first, of these the lowest. At most `limit` are read. */
export const spaceFor = async (db: Database, poolId: string, length: number, limit: number): Promise<string[]> =>
  (await fitting.run(db, { poolId, length, limit })).map(({ bits }) => bits)

/** The free block that holds a range; null: some of the range is taken, or none of the pool's. */
export const spaceHolding = async (db: Database, poolId: string, bits: string): Promise<string | null> =>
  (
    await db
      .select({ bits: subnetPoolSpace.bits })
      .from(subnetPoolSpace)
      .where(sql`${subnetPoolSpace.poolId} = ${poolId} and ${subnetPoolSpace.bits} in ${holdersOf(sql`${bits}`)}`)
  )[0]?.bits ?? null

const share = prepared((db, { poolId, projectId }: Slots<{ poolId: string; projectId: string }>) =>
  db
    .select({ units: subnetPoolShares.units })
    .from(subnetPoolShares)
    .where(sql`${subnetPoolShares.poolId} = ${poolId} and ${subnetPoolShares.projectId} = ${projectId}`),
)

/** What a project has of a pool, in units of the pool's quota. */
export const shareOf = async (db: Database, poolId: string, projectId: string): Promise<number> =>
  (await share.run(db, { poolId, projectId }))[0]?.units ?? 0

/** Statement: a subnet has a range from now on. Undone by the guard `pool-space` where the range is not free. */
export const takeRange = (db: Database, row: typeof subnetPoolRanges.$inferInsert) =>
  db.insert(subnetPoolRanges).values(row)

/** Statement: what subnets had of their pools goes back. */
export const giveRangesBack = (db: Database, subnetIds: string[]) =>
  db.run(sql`delete from subnet_pool_ranges where subnet_id in ${among(subnetIds)}`)

/** Statements: ranges that no pool had come into this one, where they are free. */
export const addSpace = (db: Database, poolId: string, ranges: string[]) => [
  db.run(sql`insert into subnet_pool_ranges (pool_id, bits, subnet_id, project_id, units)
    select ${poolId}, value, '', '', 0 from json_each(${JSON.stringify(ranges)})`),
  db.run(sql`delete from subnet_pool_ranges where subnet_id = '' and pool_id = ${poolId}`),
]

/** Statements: free ranges go out of the pool. Undone by the guard `pool-space` where one is not free. */
export const removeSpace = (db: Database, poolId: string, ranges: string[]) => [
  db.run(sql`insert into subnet_pool_ranges (pool_id, bits, subnet_id, project_id, units)
    select ${poolId}, value, '-', '', 0 from json_each(${JSON.stringify(ranges)})`),
  db.run(sql`delete from subnet_pool_ranges where subnet_id = '-' and pool_id = ${poolId}`),
]

/** Whether a subnet has an address of one of these ranges of a pool. */
export const rangesTaken = async (db: Database, poolId: string, ranges: string[]): Promise<boolean> => {
  const taken = sql`subnet_pool_ranges r where r.pool_id = ${poolId}`
  const [row] = await db.all<{ taken: number }>(sql`select exists (
    select 1 from json_each(${JSON.stringify(ranges)}) n where
      exists (select 1 from ${taken} and r.bits in ${holdersOf(sql`n.value`)})
      or exists (select 1 from ${taken} and r.bits >= n.value and r.bits < n.value || '2')) as taken`)
  return row?.taken === 1
}

/** Condition of a guard: with so many units more a project has more of the pool than the pool's quota lets it. */
export const overPoolQuota = (poolId: string, projectId: string, units: number) =>
  sql`exists (select 1 from subnet_pools p where p.id = ${poolId} and p.default_quota > 0 and p.default_quota < ${units} + ifnull(
    (select s.units from subnet_pool_shares s where s.pool_id = p.id and s.project_id = ${projectId}), 0))`
