import { and, eq, getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm'
import { table } from '../../../../adapters/table.ts'
import type { Database } from '../../../client.ts'
import { always, anyOf, either } from '../../../conditions.ts'
import { nested } from '../../../nested.ts'
import { prepared, type Slots } from '../../../prepared.ts'
import { securityGroupRules, securityGroups } from '../../../schema/index.ts'
import { foundWithin, type Scope, within, withinOrShared } from '../../../scope.ts'
import { type Attributes, type Page, pagesOf } from '../network-listing.ts'
import { releaseRows } from '../network-quotas.ts'
import { lentTo } from '../rbac.ts'

export type SecurityGroupRow = typeof securityGroups.$inferSelect
export type RuleRow = typeof securityGroupRules.$inferSelect
export type SecurityGroupView = SecurityGroupRow & { rules: RuleRow[] }

export const securityGroupAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${securityGroups.id}`, seeks: true },
  name: { is: 'text', sql: sql`${securityGroups.name}` },
  description: { is: 'text', sql: sql`${securityGroups.description}` },
  stateful: { is: 'flag', sql: sql`${securityGroups.stateful}` },
  project_id: { is: 'text', sql: sql`${securityGroups.projectId}` },
  tenant_id: { is: 'text', sql: sql`${securityGroups.projectId}` },
  revision_number: { is: 'number', sql: sql`${securityGroups.revision}` },
  created_at: { is: 'time', sql: sql`${securityGroups.createdAt}` },
  updated_at: { is: 'time', sql: sql`${securityGroups.updatedAt}` },
})

export const ruleAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${securityGroupRules.id}`, seeks: true },
  project_id: { is: 'text', sql: sql`${securityGroupRules.projectId}` },
  tenant_id: { is: 'text', sql: sql`${securityGroupRules.projectId}` },
  security_group_id: { is: 'text', sql: sql`${securityGroupRules.securityGroupId}`, seeks: true },
  direction: { is: 'text', sql: sql`${securityGroupRules.direction}` },
  ethertype: { is: 'text', sql: sql`${securityGroupRules.ethertype}` },
  protocol: { is: 'text', sql: sql`${securityGroupRules.protocol}` },
  port_range_min: { is: 'number', sql: sql`${securityGroupRules.portRangeMin}` },
  port_range_max: { is: 'number', sql: sql`${securityGroupRules.portRangeMax}` },
  remote_ip_prefix: { is: 'text', sql: sql`${securityGroupRules.remoteIpPrefix}` },
  remote_group_id: { is: 'text', sql: sql`${securityGroupRules.remoteGroupId}`, seeks: true },
  remote_address_group_id: { is: 'text', sql: sql`${securityGroupRules.remoteAddressGroupId}`, seeks: true },
  description: { is: 'text', sql: sql`${securityGroupRules.description}` },
  revision_number: { is: 'number', sql: sql`${securityGroupRules.revision}` },
  created_at: { is: 'time', sql: sql`${securityGroupRules.createdAt}` },
  updated_at: { is: 'time', sql: sql`${securityGroupRules.updatedAt}` },
})

/** Whether the project that reads has its default group: it has one as soon as it looks. */
const settled = (reader: Placeholder | undefined) =>
  sql<boolean>`exists (select 1 from security_groups d where d.project_id = ${reader ?? null} and d.is_default = 'default')`.mapWith(
    Boolean,
  )

/** Each group with all its rules, in the order in which they were made. */
const view = {
  ...getTableColumns(securityGroups),
  rules: nested(
    getTableColumns(securityGroupRules),
    sql`security_group_rules r where r.security_group_id = security_groups.id`,
    sql`r.created_at, r.id`,
  ),
}

/** A security group is seen by its project, and by those that it is shared with. */
const visible = withinOrShared(securityGroups.projectId, (scope) => lentTo('security_group', securityGroups.id, scope))

/** The same of groups that are found by their ids. */
const seen = (scope: Scope): SQL =>
  'every' in scope
    ? always
    : either(foundWithin(securityGroups.projectId, scope), lentTo('security_group', securityGroups.id, scope))

/** Whether something is shared with the project that reads. */
const lends = (reader: Placeholder | undefined) =>
  sql<boolean>`exists (select 1 from rbac_policies l where l.target = ${reader ?? null} and l.object_type = 'security_group')`.mapWith(
    Boolean,
  )

const page = (db: Database, { where, orderBy, limit, reader }: Page) =>
  db
    .select({ ...view, settled: settled(reader), lends: lends(reader) })
    .from(securityGroups)
    .where(where)
    .orderBy(...orderBy)
    .limit(limit)

const own = pagesOf(securityGroups, securityGroupAttributes, (scope) => within(securityGroups.projectId, scope), page)
// By name there is a default group of every project: what the project sees is less.
const lent = pagesOf(
  securityGroups,
  table({ ...securityGroupAttributes, name: { is: 'text', sql: sql`+${securityGroups.name}` } }),
  visible,
  page,
)

/**
 * One page of the security groups that a scope sees, each with all its rules. Nearly nobody is lent any: those are looked for where
 * there are some, or nothing else was found.
 */
export const listSecurityGroups: typeof own = async (db, scope, listing, reader) => {
  const found = await own(db, scope, listing, reader)
  const all = 'every' in scope || (found[0] && !found[0].lends)
  return all ? found : lent(db, scope, listing, reader)
}

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(view)
    .from(securityGroups)
    .where(and(eq(securityGroups.id, id), visible(scope))),
)

/** A security group of the scope with its rules; null: there is none, or it is another project's. */
export const securityGroupById = async (db: Database, scope: Scope, id: string): Promise<SecurityGroupView | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

const inServer = prepared((db, { scope, serverId }: Slots<{ scope: Scope; serverId: string }>) =>
  db
    .select(view)
    .from(securityGroups)
    .where(
      and(
        foundWithin(securityGroups.projectId, scope),
        sql`${securityGroups.id} in (select x.security_group_id from servers s
          join ports p on p.device_id = s.id and +p.project_id = s.project_id and p.filters is not 'none'
          join port_security_groups x on x.port_id = p.id
          where s.id = ${serverId} and s.deleted_at is null and ${scopedTo(scope)})`,
      ),
    ),
)
const scopedTo = (scope: Scope<string | Placeholder>) =>
  'every' in scope ? always : sql`s.project_id = ${scope.projectId}`

/** Security groups of the ports of a server of the scope, with their rules. One query. */
export const groupsOfServer = (db: Database, scope: Scope, serverId: string): Promise<SecurityGroupView[]> =>
  inServer.run(db, { scope, serverId })

/** Which of the ids are groups of a project. */
export const groupsIn = (db: Database, scope: Scope, ids: string[]): Promise<{ id: string; projectId: string }[]> =>
  db
    .select({ id: securityGroups.id, projectId: securityGroups.projectId })
    .from(securityGroups)
    .where(and(anyOf(securityGroups.id, ids), foundWithin(securityGroups.projectId, scope)))

/** Security groups of a project that bear a name; names may be given twice. */
export const groupsNamed = (db: Database, projectId: string, name: string): Promise<SecurityGroupRow[]> =>
  db
    .select()
    .from(securityGroups)
    .where(and(eq(securityGroups.projectId, projectId), eq(securityGroups.name, name)))

const ofProject = prepared((db, { projectId }: Slots<{ projectId: string }>) =>
  db
    .select({ id: securityGroups.id })
    .from(securityGroups)
    .where(and(eq(securityGroups.projectId, projectId), eq(securityGroups.isDefault, sql`'default'`))),
)

/** The group that ports of a project are in when nobody names one; null: the project has had no need of it yet. */
export const defaultGroupOf = async (db: Database, projectId: string): Promise<{ id: string } | null> =>
  (await ofProject.run(db, { projectId }))[0] ?? null

/** Statement: a new security group, without rules. */
export const insertSecurityGroup = (db: Database, row: SecurityGroupRow) => db.insert(securityGroups).values(row)

/** Statement: changes a security group, and counts it as a revision that users see. */
export const updateSecurityGroup = (db: Database, id: string, set: Partial<SecurityGroupRow>) =>
  db
    .update(securityGroups)
    .set({ ...set, revision: sql`${securityGroups.revision} + 1` })
    .where(eq(securityGroups.id, id))

/** The group, its rules, and the rules of others that name it, with their quota. For one batch. */
export const deleteSecurityGroup = (db: Database, id: string) => {
  const rules = sql`(security_group_id = ${id} or remote_group_id = ${id})`
  return [
    releaseRows(db, 'security_group_rule', securityGroupRules, rules),
    db.delete(securityGroupRules).where(rules),
    releaseRows(db, 'security_group', securityGroups, sql`id = ${id}`),
    db.delete(securityGroups).where(eq(securityGroups.id, id)),
  ] as const
}

/** Groups with a rule that names this one have to be changed on their clouds before it can go. */
export const touchGroupsNaming = (db: Database, id: string, now: number) =>
  db.run(sql`update bindings set revision = revision + 1, due_at = ${now}, updated_at = ${now}
    where kind = 'security_group' and want = 'present'
    and resource_id in (select security_group_id from ${securityGroupRules} where remote_group_id = ${id})`)

/** Other groups with a rule that names this one. */
export const groupsNaming = async (db: Database, id: string): Promise<string[]> =>
  (
    await db
      .selectDistinct({ id: securityGroupRules.securityGroupId })
      .from(securityGroupRules)
      .where(and(eq(securityGroupRules.remoteGroupId, id), sql`${securityGroupRules.securityGroupId} <> ${id}`))
  ).map((row) => row.id)

/** Condition of a guard: a port is in the group. */
export const groupInUse = (id: string) =>
  sql`exists (select 1 from port_security_groups where security_group_id = ${id})`

/** Condition of a guard: one of the groups was deleted meanwhile, or a scope does not see it any more. */
export const groupsGone = (scope: Scope, ids: string[]) =>
  sql`(select count(*) from ${securityGroups} where ${anyOf(securityGroups.id, ids)} and ${seen(scope)}) <> ${new Set(ids).size}`

/** Condition of a guard for a port of a project: the same, or some of them are stateful now and some are not. */
export const groupsLost = (scope: Scope, projectId: string, ids: string[]) =>
  sql`(select count(*) <> ${new Set(ids).size} or count(distinct ${securityGroups.stateful}) > 1 from ${securityGroups}
    where ${anyOf(securityGroups.id, ids)} and (${seen(scope)} or +${securityGroups.projectId} = ${projectId}))`

/* ---------------------------------------------------------------- rules */

/** One page of the rules of a scope. */
export const listRules = pagesOf(
  securityGroupRules,
  ruleAttributes,
  (scope) => within(securityGroupRules.projectId, scope),
  (db, page) =>
    db
      .select({ ...getTableColumns(securityGroupRules), settled: settled(page.reader) })
      .from(securityGroupRules)
      .where(page.where)
      .orderBy(...page.orderBy)
      .limit(page.limit),
)

const oneRule = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(securityGroupRules)
    .where(and(eq(securityGroupRules.id, id), within(securityGroupRules.projectId, scope))),
)

/** A rule of the scope; null: there is none, or it is another project's. */
export const ruleById = async (db: Database, scope: Scope, id: string): Promise<RuleRow | null> =>
  (await oneRule.run(db, { scope, id }))[0] ?? null

/** The rule of a group that means the same, by its signature; null: there is none. */
export const ruleLike = async (db: Database, groupId: string, signature: string): Promise<RuleRow | null> =>
  (
    await db
      .select()
      .from(securityGroupRules)
      .where(and(eq(securityGroupRules.securityGroupId, groupId), eq(securityGroupRules.signature, signature)))
  )[0] ?? null

/** Statement: a new rule. One that means the same as another of its group breaks the unique signature. */
export const insertRule = (db: Database, row: RuleRow) => db.insert(securityGroupRules).values(row)

/** Statements: takes a rule away, and its quota with it. */
export const deleteRule = (db: Database, id: string) =>
  [
    releaseRows(db, 'security_group_rule', securityGroupRules, sql`id = ${id}`),
    db.delete(securityGroupRules).where(eq(securityGroupRules.id, id)),
  ] as const
