import { and, eq, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { rbacPolicies } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { type Attributes, pagesOf } from './network-listing.ts'

export type RbacPolicyRow = typeof rbacPolicies.$inferSelect
export type SharedType = RbacPolicyRow['objectType']

export const rbacAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${rbacPolicies.id}`, seeks: true },
  project_id: { is: 'text', sql: sql`${rbacPolicies.projectId}` },
  tenant_id: { is: 'text', sql: sql`${rbacPolicies.projectId}` },
  object_type: { is: 'text', sql: sql`${rbacPolicies.objectType}` },
  object_id: { is: 'text', sql: sql`${rbacPolicies.objectId}`, seeks: true },
  action: { is: 'text', sql: sql`${rbacPolicies.action}` },
  target_tenant: { is: 'text', sql: sql`${rbacPolicies.target}` },
  target_project: { is: 'text', sql: sql`${rbacPolicies.target}` },
})

/** One page of the policies that a scope has made. */
export const listRbacPolicies = pagesOf(
  rbacPolicies,
  rbacAttributes,
  (scope) => within(rbacPolicies.projectId, scope),
  (db, page) =>
    db
      .select()
      .from(rbacPolicies)
      .where(page.where)
      .orderBy(...page.orderBy)
      .limit(page.limit),
)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(rbacPolicies)
    .where(and(eq(rbacPolicies.id, id), within(rbacPolicies.projectId, scope))),
)

/** A policy of the scope; null: there is none, or it is another project's. */
export const rbacPolicyById = async (db: Database, scope: Scope, id: string): Promise<RbacPolicyRow | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Statement: a new policy. What it shares with all is `shared` from then on. */
export const insertRbacPolicy = (db: Database, row: RbacPolicyRow) => db.insert(rbacPolicies).values(row)

/** Statement: what is shared with all by its attribute has the policy of that, and else none. `id`: of a new policy. */
export const shareWithAll = (
  db: Database,
  { projectId, objectType, objectId }: Pick<RbacPolicyRow, 'projectId' | 'objectType' | 'objectId'>,
  shared: boolean,
  { id, createdAt }: Pick<RbacPolicyRow, 'id' | 'createdAt'>,
) =>
  shared
    ? db
        .insert(rbacPolicies)
        .values({
          ...{ id, projectId, objectType, objectId, createdAt },
          ...{ action: 'access_as_shared', target: '*', byFlag: true },
        })
        .onConflictDoNothing()
    : db.delete(rbacPolicies).where(and(eq(rbacPolicies.objectId, objectId), sql`${rbacPolicies.target} = '*'`))

/** Statement: a policy is for another project. */
export const retargetRbacPolicy = (db: Database, id: string, target: string) =>
  db.update(rbacPolicies).set({ target }).where(eq(rbacPolicies.id, id))

/** Statement: takes a policy away; its quota goes with the row. */
export const deleteRbacPolicy = (db: Database, id: string) => db.delete(rbacPolicies).where(eq(rbacPolicies.id, id))

/** Of a column of ids, that what it names is shared with the project of a scope alone. */
export const lentTo = (
  type: SharedType,
  id: SQLiteColumn | SQL,
  { projectId }: { projectId: string | Placeholder },
): SQL =>
  sql`${id} in (select a.object_id from rbac_policies a where a.target = ${projectId} and a.object_type = ${sql.raw(`'${type}'`)})`

/* ---------------------------------------------------------------- conditions of guards */

const TABLES: Record<SharedType, string> = {
  network: 'networks',
  security_group: 'security_groups',
  subnetpool: 'subnet_pools',
  address_group: 'address_groups',
  address_scope: 'address_scopes',
  qos_policy: 'qos_policies',
}

const ownerOf = ({ objectType, objectId }: Pick<RbacPolicyRow, 'objectType' | 'objectId'>): SQL =>
  sql`(select o.project_id from ${sql.raw(TABLES[objectType])} o where o.id = ${objectId})`

/** A project for which nothing else is said of the object, and which is not left out. */
const others = (column: SQL, objectId: string, leftOut: SQL): SQL =>
  sql`${column} <> ${leftOut} and ${column} <> '' and not exists (select 1 from rbac_policies r
    where r.object_id = ${objectId} and r.target = ${column})`

/**
 * Whom a policy lets in: one project that is not let in by another policy, or all that are not. Where that is all, Neutron
 * counts the owner of a network not among them, and the owner of anything else (neutron/objects/rbac_db.py,
 * `_validate_rbac_policy_delete`). Whose the policy is does not matter: administrators have some of what is another's.
 */
const letIn = (column: SQL, policy: Pick<RbacPolicyRow, 'objectId' | 'target' | 'objectType'>) => {
  const { objectId, target, objectType } = policy
  return target === '*'
    ? others(column, objectId, objectType === 'network' ? ownerOf(policy) : sql`''`)
    : sql`${column} = ${target} and ${column} <> ${ownerOf(policy)} and not exists (select 1 from rbac_policies r
        where r.object_id = ${objectId} and r.target = '*')`
}

/** Condition of a guard: what is to be shared was deleted meanwhile. */
export const sharedGone = ({ objectType, objectId }: Pick<RbacPolicyRow, 'objectType' | 'objectId'>): SQL =>
  sql`not exists (select 1 from ${sql.raw(TABLES[objectType])} where id = ${objectId})`

/** Condition of a guard: the address scope of a subnet pool is not shared with whom the pool is to be. */
export const scopeUnshared = ({ objectId, target }: Pick<RbacPolicyRow, 'objectId' | 'target'>): SQL =>
  sql`exists (select 1 from subnet_pools p where p.id = ${objectId} and p.address_scope_id is not null
    and not exists (select 1 from rbac_policies r where r.object_id = p.address_scope_id and r.target in ('*', ${target})))`

/** Condition of a guard: somebody uses what a policy shares, and by that policy alone. */
export const usedBy = (policy: Pick<RbacPolicyRow, 'objectId' | 'target' | 'objectType'>): SQL => {
  const id = policy.objectId
  switch (policy.objectType) {
    case 'network':
      return sql`exists (select 1 from ports u where u.network_id = ${id} and ${letIn(sql`u.project_id`, policy)})`
    case 'security_group':
      return sql`exists (select 1 from port_security_groups g join ports u on u.id = g.port_id
        where g.security_group_id = ${id} and ${letIn(sql`u.project_id`, policy)})`
    case 'subnetpool':
      return sql`exists (select 1 from subnets u where u.subnetpool_id = ${id} and ${letIn(sql`u.project_id`, policy)})`
    case 'address_group':
      return sql`exists (select 1 from security_group_rules u where u.remote_address_group_id = ${id}
        and ${letIn(sql`u.project_id`, policy)})`
    case 'qos_policy':
      return sql`(exists (select 1 from ports u where u.qos_policy_id = ${id} and ${letIn(sql`u.project_id`, policy)})
        or exists (select 1 from networks u where u.qos_policy_id = ${id} and ${letIn(sql`u.project_id`, policy)}))`
    case 'address_scope':
      return sql`exists (select 1 from subnet_pools u where u.address_scope_id = ${id} and ${letIn(sql`u.project_id`, policy)})`
  }
}
