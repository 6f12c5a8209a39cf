import {
  deleteQosPolicy,
  insertQosPolicy,
  type QosPolicyRow,
  type QosPolicyView,
  qosInUse,
  qosPolicyById,
  updateQosPolicy,
  userOfQos,
} from '../../../../db/queries/network/qos-policies.ts'
import { usedBy } from '../../../../db/queries/network/rbac.ts'
import type { Context } from '../../../context.ts'
import { commit, guard } from '../../line/commit.ts'
import { Refused } from '../../line/refused.ts'
import { commitOr, conflicting, missing, owned } from '../network-refusal.ts'
import { sharing } from '../sharing/sharing.ts'

/* Quality of service: policies, by Neutron's rules (neutron/services/qos/qos_plugin.py, neutron/objects/qos/policy.py). */

export interface QosPolicyWish {
  projectId: string
  name: string
  description: string
  shared: boolean
  isDefault: boolean
}

const secondDefault = (error: unknown, projectId: string): unknown =>
  error instanceof Refused &&
  error.refusal.kind === 'taken' &&
  error.refusal.columns.some((column) => column.startsWith('qos_policies.'))
    ? conflicting('QoSPolicyDefaultAlreadyExists', `A default QoS policy exists for project ${projectId}.`)
    : error

/** A new policy, without rules. Throws `NetworkRefused`: a project has one default at most. */
export const createQosPolicy = async (context: Context, wish: QosPolicyWish): Promise<QosPolicyView> => {
  const now = context.now()
  const row: QosPolicyRow = { ...wish, id: context.newId(), tags: [], revision: 0, createdAt: now, updatedAt: now }
  try {
    await commit(context, { action: 'create', kind: 'qos_policy', resourceId: row.id }, [
      insertQosPolicy(context.db, row),
      ...(row.shared ? [sharing(context, 'qos_policy', row, true)] : []),
    ])
  } catch (error) {
    throw secondDefault(error, row.projectId)
  }
  return { ...row, rules: [] }
}

/** The policy with its rules, if the caller may see it. Throws `NetworkRefused`. */
export const seenQosPolicy = async (context: Context, id: string): Promise<QosPolicyView> => {
  const policy = await qosPolicyById(context.db, context.scope, id)
  if (!policy) throw missing('QosPolicy', id)
  return policy
}

/** The policy with its rules, if the caller may change it. Throws `NetworkRefused`. */
export const ownQosPolicy = async (context: Context, id: string): Promise<QosPolicyView> =>
  owned(context, 'QosPolicy', id, await qosPolicyById(context.db, context.scope, id))

/** Changes name, description, sharing, and whether it is the default; refused where others use what would be shared no more. */
export const changeQosPolicy = async (
  context: Context,
  id: string,
  set: Partial<Pick<QosPolicyRow, 'name' | 'description' | 'shared' | 'isDefault'>>,
): Promise<QosPolicyView> => {
  const policy = await ownQosPolicy(context, id)
  const { projectId } = policy
  const withdrawn = policy.shared && set.shared === false
  const writes = [
    ...(withdrawn
      ? [guard(context, 'shared-in-use', usedBy({ objectId: id, objectType: 'qos_policy', target: '*' }))]
      : []),
    updateQosPolicy(context.db, id, { ...set, updatedAt: context.now() }),
    ...(set.shared === undefined ? [] : [sharing(context, 'qos_policy', policy, set.shared)]),
  ]
  try {
    await commitOr(context, { action: 'update', kind: 'qos_policy', resourceId: id }, writes, {
      'shared-in-use': () =>
        conflicting(
          'RbacPolicyInUse',
          `RBAC policy on object ${id} cannot be removed because other objects depend on it.\nDetails: the QoS policy is used by another project`,
        ),
    })
  } catch (error) {
    throw secondDefault(error, projectId)
  }
  return ownQosPolicy(context, id)
}

/** Takes its rules along. Refused while a port or a network has it. */
export const removeQosPolicy = async (context: Context, id: string): Promise<void> => {
  await ownQosPolicy(context, id)
  const user = await userOfQos(context.db, id)
  const inUse = (what: string) => conflicting('QosPolicyInUse', `QoS Policy ${id} is used by ${what}.`)
  if (user) throw inUse(`${user.kind} ${user.id}`)
  const writes = [guard(context, 'qos-in-use', qosInUse(id)), ...deleteQosPolicy(context.db, id)]
  await commitOr(context, { action: 'delete', kind: 'qos_policy', resourceId: id }, writes, {
    'qos-in-use': () => inUse('something that was made at the same time'),
  })
}
