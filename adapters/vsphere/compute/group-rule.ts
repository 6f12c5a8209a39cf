import { CloudError } from '../../errors.ts'
import { childrenOf, type Element, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { inventoryOf } from '../inventory.ts'
import { type GroupRecord, groupOf } from '../records/group-record.ts'
import { look } from '../wire/properties.ts'
import { type Ref, ref, type Value } from '../wire/soap.ts'
import { settled, taskIn } from '../wire/tasks.ts'

/** A rule of a cluster as it is now. */
interface Rule {
  key: string
  machines: string[]
}

const nameOf = ({ id }: Pick<GroupRecord, 'id'>): string => `plimsoll ${id}`

const ruleIn = (configuration: Element | undefined, name: string): Rule | null => {
  const found = childrenOf(configuration, 'rule').find((each) => textOf(each, 'name') === name)
  return found ? { key: textOf(found, 'key') ?? '', machines: childrenOf(found, 'vm').map((each) => each.text) } : null
}

/** Of several servers on one host no rule can be told: each of them was given its host, and vCenter is left to it. */
const isRule = ({ policy, mostPerHost }: GroupRecord): boolean => policy === 'affinity' || (mostPerHost ?? 1) === 1

/** The machines of a group in one zone that a rule has to name; a rule of fewer than two is none. */
const namedIn = (record: GroupRecord | null, zone: string): string[] => {
  if (!record || !isRule(record)) return []
  const machines = Object.values(record.seats).flatMap((seat) => (seat.zone === zone ? (seat.machine ?? []) : []))
  return machines.length < 2 ? [] : machines.toSorted()
}

const operation = (record: Pick<GroupRecord, 'id' | 'policy'>, rule: Rule | null, machines: string[]): Value => {
  if (!machines.length) return { operation: 'remove', removeKey: { _type: 'xsd:int', _text: rule?.key ?? '' } }
  return {
    operation: rule ? 'edit' : 'add',
    info: {
      _type: record.policy === 'affinity' ? 'ClusterAffinityRuleSpec' : 'ClusterAntiAffinityRuleSpec',
      ...(rule ? { key: rule.key } : {}),
      enabled: true,
      name: nameOf(record),
      vm: machines.map((id) => ref('VirtualMachine', id)),
    },
  }
}

const ROUNDS = 8

/**
 * Makes the rule of a cluster name the machines that the group has there, as it is by then: who writes an older list sees it
 * when looking again, and who is refused because another was faster does too. Clusters alone have rules; a host that stands
 * alone has none to choose between.
 * https://developer.broadcom.com/xapis/vsphere-web-services-api/latest/ (ClusterConfigSpecEx, ClusterAntiAffinityRuleSpec)
 */
const syncIn = async (
  context: Context,
  group: Pick<GroupRecord, 'id' | 'policy'>,
  cluster: { ref: Ref; name: string },
) => {
  if (cluster.ref.type !== 'ClusterComputeResource') return
  let refused = { before: '', error: undefined as unknown }
  for (let round = 0; round < ROUNDS; round++) {
    const [found] = await look(context.vim, [cluster.ref], ['configurationEx'])
    const rule = ruleIn(found?.props.get('configurationEx'), nameOf(group))
    const machines = namedIn((await groupOf(context, group.id))?.record ?? null, cluster.name)
    if (String(rule?.machines.toSorted() ?? []) === String(machines)) return
    const before = JSON.stringify(rule)
    if (refused.before === before) throw refused.error
    const spec = { _type: 'ClusterConfigSpecEx', rulesSpec: [operation(group, rule, machines)] }
    try {
      const answer = await context.vim.call(cluster.ref, 'ReconfigureComputeResource_Task', { spec, modify: true })
      await settled(context, taskIn(answer))
    } catch (error) {
      refused = { before, error }
    }
  }
  throw new CloudError('conflict', 'Others change the rules of the zone all the time.')
}

/** Makes the rules of these zones, or of all, say what the record of the group says. Safe to repeat. */
export const syncRules = async (
  context: Context,
  group: Pick<GroupRecord, 'id' | 'policy'>,
  zones?: string[],
): Promise<void> => {
  const { clusters } = await inventoryOf(context)
  for (const cluster of clusters) if (!zones || zones.includes(cluster.name)) await syncIn(context, group, cluster)
}
