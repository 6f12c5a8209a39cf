import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { table } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { either } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { networks, ports, qosPolicies, qosRules } from '../../schema/index.ts'
import { type Scope, withinOrShared } from '../../scope.ts'
import { type Attributes, pagesOf } from './network-listing.ts'
import { lentTo } from './rbac.ts'

export type QosPolicyRow = typeof qosPolicies.$inferSelect
export type QosRule = typeof qosRules.$inferSelect
export type QosRuleType = QosRule['type']
export type QosPolicyView = QosPolicyRow & { rules: QosRule[] }

/** A policy is seen by its project, and by those that it is shared with. */
const visible = withinOrShared(qosPolicies.projectId, (scope) =>
  either(sql`${qosPolicies.shared} = 1`, lentTo('qos_policy', qosPolicies.id, scope)),
)

const view = {
  ...getTableColumns(qosPolicies),
  rules: sql<QosRule[]>`(select json_group_array(json_object('id', r.id, 'policyId', r.policy_id, 'type', r.type,
      'direction', r.direction, 'value', r.value, 'burst', r.burst) order by r.type, r.direction)
    from qos_rules r where r.policy_id = qos_policies.id)`.mapWith((text: string): QosRule[] => JSON.parse(text)),
}

export const qosPolicyAttributes: Attributes = table({
  id: { is: 'text', sql: sql`${qosPolicies.id}`, seeks: true },
  name: { is: 'text', sql: sql`${qosPolicies.name}` },
  description: { is: 'text', sql: sql`${qosPolicies.description}` },
  project_id: { is: 'text', sql: sql`${qosPolicies.projectId}` },
  tenant_id: { is: 'text', sql: sql`${qosPolicies.projectId}` },
  shared: { is: 'flag', sql: sql`${qosPolicies.shared}` },
  is_default: { is: 'flag', sql: sql`${qosPolicies.isDefault}` },
  revision_number: { is: 'number', sql: sql`${qosPolicies.revision}` },
  created_at: { is: 'time', sql: sql`${qosPolicies.createdAt}` },
  updated_at: { is: 'time', sql: sql`${qosPolicies.updatedAt}` },
})

/** One page of the policies that a scope sees, with their rules: its own, and shared ones. */
export const listQosPolicies = pagesOf(qosPolicies, qosPolicyAttributes, visible, (db, page) =>
  db
    .select(view)
    .from(qosPolicies)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit),
)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(view)
    .from(qosPolicies)
    .where(and(eq(qosPolicies.id, id), visible(scope))),
)

/** A policy that the scope sees; null: there is none, or it is another project's and not shared. */
export const qosPolicyById = async (db: Database, scope: Scope, id: string): Promise<QosPolicyView | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** The policy that new networks of a project have; null: none. */
export const defaultQosPolicy = async (db: Database, projectId: string): Promise<string | null> =>
  (
    await db
      .select({ id: qosPolicies.id })
      .from(qosPolicies)
      .where(and(eq(qosPolicies.projectId, projectId), sql`${qosPolicies.isDefault} = 1`))
  )[0]?.id ?? null

/** Statement: a new policy. A second default of a project is a `taken` of the batch. */
export const insertQosPolicy = (db: Database, row: QosPolicyRow) => db.insert(qosPolicies).values(row)

/** Statement: changes a policy, or counts that its rules changed, as a revision that users see. */
export const updateQosPolicy = (db: Database, id: string, set: Partial<QosPolicyRow>) =>
  db
    .update(qosPolicies)
    .set({ ...set, revision: sql`${qosPolicies.revision} + 1` })
    .where(eq(qosPolicies.id, id))

/** Statements: a policy goes, with its rules. */
export const deleteQosPolicy = (db: Database, id: string) =>
  [db.delete(qosRules).where(eq(qosRules.policyId, id)), db.delete(qosPolicies).where(eq(qosPolicies.id, id))] as const

/* ---------------------------------------------------------------- rules */

const ruleById = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select(getTableColumns(qosRules))
    .from(qosRules)
    .innerJoin(qosPolicies, eq(qosPolicies.id, qosRules.policyId))
    .where(and(eq(qosRules.id, id), visible(scope))),
)

/** A rule, as far as a scope sees its policy; null: it sees no such rule. */
export const qosRuleById = async (db: Database, scope: Scope, id: string): Promise<QosRule | null> =>
  (await ruleById.run(db, { scope, id }))[0] ?? null

/** Rules of a policy, whoever's it is. */
export const rulesOfQosPolicy = (db: Database, policyId: string): Promise<QosRule[]> =>
  db.select().from(qosRules).where(eq(qosRules.policyId, policyId))

/** Statement: a new rule. A second of its type and direction is a `taken` of the batch. */
export const insertQosRule = (db: Database, row: QosRule) => db.insert(qosRules).values(row)

/** Statement: changes a rule. */
export const updateQosRule = (db: Database, id: string, set: Partial<QosRule>) =>
  db.update(qosRules).set(set).where(eq(qosRules.id, id))

/** Statement: a rule goes. */
export const deleteQosRule = (db: Database, id: string) => db.delete(qosRules).where(eq(qosRules.id, id))

/* ---------------------------------------------------------------- who has a policy */

const NETWORK_OWNED = sql`p.device_owner like 'network:%'`

/** Ids of ports that go by a policy: by their own, or by that of their network. */
const portsBy = (id: string) =>
  sql`select id from ports where qos_policy_id = ${id} union all select p.id from networks n
    cross join ports p on p.network_id = n.id and p.qos_policy_id is null and not ${NETWORK_OWNED}
    where n.qos_policy_id = ${id}`

/** Ids of some of the ports that go by a policy, of the network of one alone if that is given. */
export const somePortsByQos = async (db: Database, id: string, most: number): Promise<string[]> =>
  (await db.all<{ id: string }>(sql`select id from (${portsBy(id)}) limit ${most}`)).map((row) => row.id)

/** Statement: ports that go by a policy have to be changed on their clouds. */
export const touchPortsByQos = (db: Database, id: string, now: number) =>
  db.run(sql`update bindings set revision = revision + 1, due_at = ${now}, updated_at = ${now}
    where kind = 'port' and want = 'present' and resource_id in (${portsBy(id)})`)

/** Ids of ports that go by what their network says. */
const portsWithout = (networkId: string) =>
  sql`select p.id from ports p where p.network_id = ${networkId} and p.qos_policy_id is null and not ${NETWORK_OWNED}`

/** Ids of some of the ports of a network that have no policy of their own. */
export const somePortsOfNetwork = async (db: Database, networkId: string, most: number): Promise<string[]> =>
  (await db.all<{ id: string }>(sql`select id from (${portsWithout(networkId)}) limit ${most}`)).map((row) => row.id)

/** Statement: ports that go by what their network says have to be changed on their clouds. */
export const touchPortsOfNetwork = (db: Database, networkId: string, now: number) =>
  db.run(sql`update bindings set revision = revision + 1, due_at = ${now}, updated_at = ${now}
    where kind = 'port' and want = 'present' and resource_id in (${portsWithout(networkId)})`)

/** Something that has a policy; null: nothing has. */
export const userOfQos = async (
  db: Database,
  policyId: string,
): Promise<{ kind: 'port' | 'network'; id: string } | null> => {
  const [port] = await db.select({ id: ports.id }).from(ports).where(eq(ports.qosPolicyId, policyId)).limit(1)
  if (port) return { kind: 'port', id: port.id }
  const [network] = await db
    .select({ id: networks.id })
    .from(networks)
    .where(eq(networks.qosPolicyId, policyId))
    .limit(1)
  return network ? { kind: 'network', id: network.id } : null
}

/* ---------------------------------------------------------------- conditions of guards */

/** Condition of a guard: a port or a network has the policy. */
export const qosInUse = (id: string) =>
  sql`(exists (select 1 from ports where qos_policy_id = ${id}) or exists (select 1 from networks where qos_policy_id = ${id}))`

/** Condition of a guard: the policy is not at the revision any more at which it was read. */
export const qosMoved = (id: string, revision: number) =>
  sql`not exists (select 1 from qos_policies where id = ${id} and revision = ${revision})`

/** Condition of a guard: the scope does not see the policy any more, or it has rules that no cloud keeps. */
export const qosUnkept = (scope: Scope, id: string) =>
  sql`(not exists (select 1 from ${qosPolicies} where ${qosPolicies.id} = ${id} and ${visible(scope)})
    or exists (select 1 from qos_rules where policy_id = ${id} and type <> 'bandwidth_limit'))`
