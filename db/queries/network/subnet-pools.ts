import { and, eq, sql } from 'drizzle-orm'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { anyOf, either } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { subnetPools, subnets } from '../../schema/index.ts'
import { type Scope, withinOrShared } from '../../scope.ts'
import { type Attributes, pagesOf } from './network-listing.ts'
import { releaseRows } from './network-quotas.ts'
import { lentTo } from './rbac.ts'

export type SubnetPoolRow = typeof subnetPools.$inferSelect

/** A subnet pool is seen by its project, and by those that it is shared with. */
export const visible = withinOrShared(subnetPools.projectId, (scope) =>
  either(sql`${subnetPools.shared} = 1`, lentTo('subnetpool', subnetPools.id, scope)),
)

export const subnetPoolAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${subnetPools.id}`, seeks: true },
  name: { is: 'text', sql: sql`${subnetPools.name}` },
  description: { is: 'text', sql: sql`${subnetPools.description}` },
  project_id: { is: 'text', sql: sql`${subnetPools.projectId}` },
  tenant_id: { is: 'text', sql: sql`${subnetPools.projectId}` },
  ip_version: { is: 'number', sql: sql`${subnetPools.ipVersion}` },
  default_quota: { is: 'number', sql: sql`${subnetPools.defaultQuota}` },
  default_prefixlen: { is: 'number', sql: sql`${subnetPools.defaultPrefixlen}` },
  min_prefixlen: { is: 'number', sql: sql`${subnetPools.minPrefixlen}` },
  max_prefixlen: { is: 'number', sql: sql`${subnetPools.maxPrefixlen}` },
  is_default: { is: 'flag', sql: sql`${subnetPools.isDefault}` },
  shared: { is: 'flag', sql: sql`${subnetPools.shared}` },
  address_scope_id: { is: 'text', sql: sql`${subnetPools.addressScopeId}`, seeks: true },
  revision_number: { is: 'number', sql: sql`${subnetPools.revision}` },
  created_at: { is: 'time', sql: sql`${subnetPools.createdAt}` },
  updated_at: { is: 'time', sql: sql`${subnetPools.updatedAt}` },
})

/** One page of the subnet pools that a scope sees: its own, and shared ones. */
export const listSubnetPools = pagesOf(subnetPools, subnetPoolAttributes, visible, (db, page) =>
  db
    .select()
    .from(subnetPools)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit),
)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(subnetPools)
    .where(and(eq(subnetPools.id, id), visible(scope))),
)

/** A subnet pool that the scope sees; null: there is none, or it is another project's and not shared. */
export const subnetPoolById = async (db: Database, scope: Scope, id: string): Promise<SubnetPoolRow | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Several subnet pools, whoever's they are, in no order. */
export const subnetPoolsById = (db: Database, ids: string[]): Promise<SubnetPoolRow[]> =>
  db.select().from(subnetPools).where(anyOf(subnetPools.id, ids))

const ofFamily = prepared((db, { scope, ipVersion }: Slots<{ scope: Scope; ipVersion: number }>) =>
  db
    .select({ id: subnetPools.id })
    .from(subnetPools)
    .where(and(sql`${subnetPools.isDefault} = 1`, eq(subnetPools.ipVersion, ipVersion), visible(scope))),
)

/** The pool that subnets of a family are taken from when none is named, if there is one and the scope sees it. */
export const defaultSubnetPool = async (db: Database, scope: Scope, ipVersion: 4 | 6): Promise<string | null> =>
  (await ofFamily.run(db, { scope, ipVersion }))[0]?.id ?? null

/** Statement: a new subnet pool, without anything in it. */
export const insertSubnetPool = (db: Database, row: SubnetPoolRow) => db.insert(subnetPools).values(row)

/** Statement: changes a subnet pool, and counts it as a revision that users see. */
export const updateSubnetPool = (db: Database, id: string, set: Partial<SubnetPoolRow>) =>
  db
    .update(subnetPools)
    .set({ ...set, revision: sql`${subnetPools.revision} + 1` })
    .where(eq(subnetPools.id, id))

/** The row, its space and its quota, for one batch. */
export const deleteSubnetPool = (db: Database, id: string) =>
  [
    releaseRows(db, 'subnetpool', subnetPools, sql`id = ${id}`),
    db.delete(subnetPools).where(eq(subnetPools.id, id)),
    db.run(sql`delete from subnet_pool_space where pool_id = ${id}`),
    db.run(sql`delete from subnet_pool_shares where pool_id = ${id}`),
  ] as const

/** Statement: subnets that were made without a pool, or of another one, are this one's. */
export const poolSubnets = (db: Database, ids: string[], poolId: string, now: number) =>
  db
    .update(subnets)
    .set({ subnetpoolId: poolId, updatedAt: now, revision: sql`${subnets.revision} + 1` })
    .where(anyOf(subnets.id, ids))

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: the pool is not any more at the revision at which it was read. */
export const subnetPoolMoved = (scope: Scope, id: string, revision: number) =>
  sql`not exists (select 1 from ${subnetPools} where ${subnetPools.id} = ${id} and ${subnetPools.revision} = ${revision}
    and ${visible(scope)})`

/** Condition of a guard: subnets are of this pool. */
export const subnetPoolInUse = (id: string) => sql`exists (select 1 from subnet_pool_ranges where pool_id = ${id})`

/** Condition of a guard: on a network that has a subnet of the pool there are others of its family that are not of it. */
export const networksMixed = (id: string, ipVersion: number) =>
  sql`exists (select 1 from subnets s cross join subnets o on o.network_id = s.network_id
    where s.subnetpool_id = ${id} and o.ip_version = ${ipVersion} and o.subnetpool_id is not ${id})`
