import { and, eq, type SQL, sql } from 'drizzle-orm'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { either } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { addressScopePrefixes, addressScopes } from '../../schema/index.ts'
import { type Scope, withinOrShared } from '../../scope.ts'
import { type Attributes, pagesOf } from './network-listing.ts'
import { releaseRows } from './network-quotas.ts'
import { lentTo } from './rbac.ts'

export type AddressScopeRow = typeof addressScopes.$inferSelect

/** An address scope is seen by its project, and by those that it is shared with. */
const visible = withinOrShared(addressScopes.projectId, (scope) =>
  either(sql`${addressScopes.shared} = 1`, lentTo('address_scope', addressScopes.id, scope)),
)

export const addressScopeAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${addressScopes.id}`, seeks: true },
  name: { is: 'text', sql: sql`${addressScopes.name}` },
  project_id: { is: 'text', sql: sql`${addressScopes.projectId}` },
  tenant_id: { is: 'text', sql: sql`${addressScopes.projectId}` },
  ip_version: { is: 'number', sql: sql`${addressScopes.ipVersion}` },
  shared: { is: 'flag', sql: sql`${addressScopes.shared}` },
})

/** One page of the address scopes that a scope sees: its own, and shared ones. */
export const listAddressScopes = pagesOf(addressScopes, addressScopeAttributes, visible, (db, page) =>
  db
    .select()
    .from(addressScopes)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit),
)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(addressScopes)
    .where(and(eq(addressScopes.id, id), visible(scope))),
)

/** An address scope that the scope sees; null: there is none, or it is another project's and not shared. */
export const addressScopeById = async (db: Database, scope: Scope, id: string): Promise<AddressScopeRow | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Statement: a new address scope. */
export const insertAddressScope = (db: Database, row: AddressScopeRow) => db.insert(addressScopes).values(row)

/** Statement: changes an address scope. */
export const updateAddressScope = (db: Database, id: string, set: Partial<Pick<AddressScopeRow, 'name' | 'shared'>>) =>
  db.update(addressScopes).set(set).where(eq(addressScopes.id, id))

/** The row and its quota, for one batch. */
export const deleteAddressScope = (db: Database, id: string) =>
  [
    releaseRows(db, 'address_scope', addressScopes, sql`id = ${id}`),
    db.delete(addressScopes).where(eq(addressScopes.id, id)),
  ] as const

/* ---------------------------------------------------------------- prefixes of the pools in a scope */

/** Statement: a pool has no prefixes in any scope any more. */
export const leaveAddressScope = (db: Database, poolId: string) =>
  db.delete(addressScopePrefixes).where(eq(addressScopePrefixes.poolId, poolId))

/** Statement: a pool has these prefixes in a scope, as their bits. */
export const enterAddressScope = (db: Database, scopeId: string, poolId: string, bits: string[]) =>
  db.run(sql`insert into ${addressScopePrefixes} (scope_id, bits, pool_id)
    select ${scopeId}, value, ${poolId} from json_each(${JSON.stringify(bits)})`)

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: the address scope was deleted meanwhile. */
export const addressScopeGone = (scope: Scope, id: string) =>
  sql`not exists (select 1 from ${addressScopes} where ${addressScopes.id} = ${id} and ${visible(scope)})`

/** Condition of a guard: subnet pools are in the scope. */
export const addressScopeInUse = (id: string) => sql`exists (select 1 from subnet_pools where address_scope_id = ${id})`

/** The range of a column of bits, and all that it is in: as a list for an `in`. */
export const holdersOf = (bits: SQL): SQL =>
  sql`(select substr(${bits}, 1, key) from json_each('[0' || replace(replace(${bits}, '0', ',0'), '1', ',1') || ']'))`

/** Condition of a guard: another pool of the scope has an address of one of these ranges. */
export const prefixesMeet = (scopeId: string, poolId: string, bits: string[]) => {
  const asked = sql`json_each(${JSON.stringify(bits)}) n`
  const others = sql`address_scope_prefixes p where p.scope_id = ${scopeId} and p.pool_id <> ${poolId}`
  return sql`exists (select 1 from ${asked} where
    exists (select 1 from ${others} and p.bits in ${holdersOf(sql`n.value`)})
    or exists (select 1 from ${others} and p.bits >= n.value and p.bits < n.value || '2'))`
}
