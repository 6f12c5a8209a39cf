import { and, eq, type SQL, sql } from 'drizzle-orm'
import { table } from '../../../../adapters/table.ts'
import type { Database } from '../../../client.ts'
import { always, anyOf, either } from '../../../conditions.ts'
import { prepared, type Slots } from '../../../prepared.ts'
import { addressGroups, securityGroupRules } from '../../../schema/index.ts'
import { foundWithin, type Scope, withinOrShared } from '../../../scope.ts'
import { type Attributes, pagesOf } from '../network-listing.ts'
import { releaseRows } from '../network-quotas.ts'
import { lentTo } from '../rbac.ts'

export type AddressGroupRow = typeof addressGroups.$inferSelect

/** An address group is seen by its project, and by those that it is shared with. */
const visible = withinOrShared(addressGroups.projectId, (scope) => lentTo('address_group', addressGroups.id, scope))

/** The same of groups that are found by their ids. */
const seen = (scope: Scope): SQL =>
  'every' in scope
    ? always
    : either(foundWithin(addressGroups.projectId, scope), lentTo('address_group', addressGroups.id, scope))

export const addressGroupAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${addressGroups.id}`, seeks: true },
  name: { is: 'text', sql: sql`${addressGroups.name}` },
  description: { is: 'text', sql: sql`${addressGroups.description}` },
  project_id: { is: 'text', sql: sql`${addressGroups.projectId}` },
  tenant_id: { is: 'text', sql: sql`${addressGroups.projectId}` },
  revision_number: { is: 'number', sql: sql`${addressGroups.revision}` },
  created_at: { is: 'time', sql: sql`${addressGroups.createdAt}` },
  updated_at: { is: 'time', sql: sql`${addressGroups.updatedAt}` },
})

/** One page of the address groups that a scope sees. */
export const listAddressGroups = pagesOf(addressGroups, addressGroupAttributes, visible, (db, page) =>
  db
    .select()
    .from(addressGroups)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit),
)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(addressGroups)
    .where(and(eq(addressGroups.id, id), visible(scope))),
)

/** An address group that the scope sees; null: there is none, or it is another project's and not shared. */
export const addressGroupById = async (db: Database, scope: Scope, id: string): Promise<AddressGroupRow | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Several address groups, whoever's they are, in no order. */
export const addressGroupsById = (db: Database, ids: string[]): Promise<AddressGroupRow[]> =>
  db.select().from(addressGroups).where(anyOf(addressGroups.id, ids))

/** Which of some ids are address groups that a scope sees. */
export const addressGroupsSeen = async (db: Database, scope: Scope, ids: string[]): Promise<string[]> =>
  (
    await db
      .select({ id: addressGroups.id })
      .from(addressGroups)
      .where(and(anyOf(addressGroups.id, ids), seen(scope)))
  ).map(({ id }) => id)

/** Statement: a new address group. */
export const insertAddressGroup = (db: Database, row: AddressGroupRow) => db.insert(addressGroups).values(row)

/** Statement: changes an address group, and counts it as a revision that users see. */
export const updateAddressGroup = (db: Database, id: string, set: Partial<AddressGroupRow>) =>
  db
    .update(addressGroups)
    .set({ ...set, revision: sql`${addressGroups.revision} + 1` })
    .where(eq(addressGroups.id, id))

/** The row and its quota, for one batch. */
export const deleteAddressGroup = (db: Database, id: string) =>
  [
    releaseRows(db, 'address_group', addressGroups, sql`id = ${id}`),
    db.delete(addressGroups).where(eq(addressGroups.id, id)),
  ] as const

/** Statement: groups with a rule that names it have to be changed on their clouds. */
export const touchGroupsNamingAddresses = (db: Database, id: string, now: number) =>
  db.run(sql`update bindings set revision = revision + 1, due_at = ${now}, updated_at = ${now}
    where kind = 'security_group' and want = 'present'
    and resource_id in (select security_group_id from ${securityGroupRules} where remote_address_group_id = ${id})`)

/** Ids of security groups with a rule that names it. */
export const groupsNamingAddresses = async (db: Database, id: string): Promise<string[]> =>
  (
    await db
      .selectDistinct({ id: securityGroupRules.securityGroupId })
      .from(securityGroupRules)
      .where(eq(securityGroupRules.remoteAddressGroupId, id))
  ).map((row) => row.id)

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: one of these was deleted meanwhile, or a scope does not see it any more. */
export const addressGroupsGone = (scope: Scope, ids: string[]) =>
  sql`(select count(*) from ${addressGroups} where ${anyOf(addressGroups.id, ids)} and ${seen(scope)}) <> ${new Set(ids).size}`

/** Condition of a guard: it is not at the revision any more at which it was read. */
export const addressGroupMoved = (id: string, revision: number) =>
  sql`not exists (select 1 from address_groups where id = ${id} and revision = ${revision})`

/** Condition of a guard: a rule names it, or one that new groups begin with. */
export const addressGroupInUse = (id: string) =>
  sql`(exists (select 1 from security_group_rules where remote_address_group_id = ${id})
    or exists (select 1 from default_security_group_rules where remote_address_group_id = ${id}))`
