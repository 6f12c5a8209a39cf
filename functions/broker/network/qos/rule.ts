import {
  deleteQosRule,
  insertQosRule,
  type QosPolicyView,
  type QosRule,
  type QosRuleType,
  qosInUse,
  qosMoved,
  qosRuleById,
  somePortsByQos,
  touchPortsByQos,
  updateQosPolicy,
  updateQosRule,
  userOfQos,
} from '../../../../db/queries/network/qos-policies.ts'
import type { Context } from '../../../context.ts'
import { commit, guard, makesDue, type Write } from '../../line/commit.ts'
import { untilStill } from '../../line/until-still.ts'
import { conflicting, NetworkRefused } from '../network-refusal.ts'
import { ownQosPolicy, seenQosPolicy } from './policy.ts'

/* Rules of a policy (neutron/objects/qos/rule.py, qos_policy_validator.py). Clouds are told, and again when they change. */

export type QosRuleWish = Pick<QosRule, 'direction' | 'value' | 'burst'>

/** How many ports the engine is told of at once; the others are due, and looked after in their turn. */
const TOLD = 100

const unknown = (policyId: string, id: string): NetworkRefused =>
  new NetworkRefused({
    kind: 'missing',
    type: 'QosRuleNotFound',
    reason: `QoS rule ${id} for policy ${policyId} could not be found.`,
  })

/** A rule of a type in a policy that the caller sees. Throws `NetworkRefused`. */
export const seenQosRule = async (context: Context, policyId: string, type: QosRuleType, id: string) =>
  ruleIn(await seenQosPolicy(context, policyId), type, id)

const ruleIn = (policy: QosPolicyView, type: QosRuleType, id: string): QosRule => {
  const rule = policy.rules.find((each) => each.id === id && each.type === type)
  if (!rule) throw unknown(policy.id, id)
  return rule
}

/** A rule of a type that is named alone. Throws `NetworkRefused`. */
export const qosRuleAlone = async ({ db, scope }: Context, type: QosRuleType, id: string): Promise<QosRule> => {
  const found = await qosRuleById(db, scope, id)
  if (found?.type !== type) throw unknown(found?.policyId ?? 'None', id)
  return found
}

/** None of a policy's rules says the same as another of it, or the contrary. */
const refuseConflicts = (policy: QosPolicyView, rule: QosRule): void => {
  for (const other of policy.rules) {
    if (other.id === rule.id) continue
    if (other.type === rule.type && other.direction === rule.direction)
      throw conflicting(
        'QoSRulesConflict',
        `Rule ${rule.type} conflicts with rule ${other.id} which already exists in QoS Policy ${policy.id}.`,
      )
    const contrary =
      (rule.type === 'bandwidth_limit' && other.type === 'minimum_bandwidth' && other.value > rule.value) ||
      (rule.type === 'minimum_bandwidth' && other.type === 'bandwidth_limit' && other.value < rule.value)
    if (contrary)
      throw conflicting(
        'QoSRuleParameterConflict',
        `Unable to add the rule with value ${rule.value} to the policy ${policy.id} as the existing rule of type ${other.type} restricts the bandwidth to ${other.value}.`,
      )
  }
}

/** Whether clouds are told what a rule says. */
export const isKept = ({ type }: Pick<QosRule, 'type'>): boolean => type === 'bandwidth_limit'

/** What no cloud keeps comes into no policy that a port or a network has. */
const refuseUnkept = async ({ db }: Context, policyId: string, rule: Pick<QosRule, 'type'>): Promise<void> => {
  const user = isKept(rule) ? null : await userOfQos(db, policyId)
  if (user) throw unsupported(rule.type, user)
}

/** `QosRuleNotSupported` and its sister for networks (neutron_lib/exceptions/qos.py). */
export const unsupported = (
  type: QosRuleType,
  { kind, id }: { kind: 'port' | 'network'; id: string },
): NetworkRefused =>
  conflicting(
    kind === 'port' ? 'QosRuleNotSupported' : 'QosRuleNotSupportedByNetwork',
    `Rule ${type} is not supported by ${kind} ${id}`,
  )

/** Writes rules of a policy as it was read; ports that go by it are changed wherever they are. */
const write = async (context: Context, { id, revision }: QosPolicyView, writes: Write[]): Promise<void> => {
  const { db } = context
  const now = context.now()
  const ids = await somePortsByQos(db, id, TOLD)
  await commit(context, { action: 'update', kind: 'qos_policy', resourceId: id }, [
    guard(context, 'qos-moved', qosMoved(id, revision)),
    ...writes,
    updateQosPolicy(db, id, { updatedAt: now }),
    // Whoever goes by it by then; who is read here is only whom the engine is told of.
    makesDue(touchPortsByQos(db, id, now), { kind: 'port', ids, want: 'present' }),
  ])
}

/** A new rule of a policy. Throws `NetworkRefused`. */
export const createQosRule = (
  context: Context,
  policyId: string,
  type: QosRuleType,
  wish: QosRuleWish,
): Promise<QosRule> =>
  untilStill('qos-moved', async () => {
    const policy = await ownQosPolicy(context, policyId)
    const rule = { ...wish, id: context.newId(), policyId, type }
    refuseConflicts(policy, rule)
    await refuseUnkept(context, policyId, rule)
    await write(context, policy, [
      // Somebody may give it to a port since.
      ...(isKept(rule) ? [] : [guard(context, 'qos-moved', qosInUse(policyId))]),
      insertQosRule(context.db, rule),
    ])
    return rule
  })

/** Changes a rule. Throws `NetworkRefused`. */
export const changeQosRule = (
  context: Context,
  policyId: string,
  type: QosRuleType,
  id: string,
  set: Partial<QosRuleWish>,
): Promise<QosRule> =>
  untilStill('qos-moved', async () => {
    const policy = await ownQosPolicy(context, policyId)
    const rule = { ...ruleIn(policy, type, id), ...set }
    refuseConflicts(policy, rule)
    if (Object.keys(set).length) await write(context, policy, [updateQosRule(context.db, id, set)])
    return rule
  })

/** Takes a rule out of its policy. Throws `NetworkRefused`. */
export const removeQosRule = (context: Context, policyId: string, type: QosRuleType, id: string): Promise<void> =>
  untilStill('qos-moved', async () => {
    const policy = await ownQosPolicy(context, policyId)
    ruleIn(policy, type, id)
    await write(context, policy, [deleteQosRule(context.db, id)])
  })
