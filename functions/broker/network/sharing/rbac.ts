import { addressScopeById } from '../../../../db/queries/network/address-scopes.ts'
import { networkById, touchNetwork } from '../../../../db/queries/network/network.ts'
import { qosPolicyById } from '../../../../db/queries/network/qos-policies.ts'
import {
  deleteRbacPolicy,
  insertRbacPolicy,
  type RbacPolicyRow,
  rbacPolicyById,
  retargetRbacPolicy,
  type SharedType,
  scopeUnshared,
  sharedGone,
  usedBy,
} from '../../../../db/queries/network/rbac.ts'
import { addressGroupById } from '../../../../db/queries/network/security/address-groups.ts'
import { securityGroupById } from '../../../../db/queries/network/security/security-groups.ts'
import { subnetPoolById } from '../../../../db/queries/network/subnet-pools.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { charge, guard, type Write } from '../../line/commit.ts'
import { Refused } from '../../line/refused.ts'
import { commitOr, conflicting, invalid, invalidInput, missing, NetworkRefused } from '../network-refusal.ts'

/* Who sees and uses what is another project's (neutron/db/rbac_db_mixin.py). */

export interface RbacWish {
  projectId: string
  objectType: SharedType
  objectId: string
  target: string
}

const owners: Record<SharedType, (context: Context, id: string) => Promise<{ projectId: string }>> = {
  network: async ({ db, scope }, id) => (await networkById(db, scope, id)) ?? refuseMissing('Network', id),
  security_group: async ({ db, scope }, id) =>
    (await securityGroupById(db, scope, id)) ?? refuseMissing('SecurityGroup', id),
  subnetpool: async ({ db, scope }, id) => (await subnetPoolById(db, scope, id)) ?? refuseMissing('SubnetPool', id),
  address_group: async ({ db, scope }, id) =>
    (await addressGroupById(db, scope, id)) ?? refuseMissing('AddressGroup', id),
  address_scope: async ({ db, scope }, id) =>
    (await addressScopeById(db, scope, id)) ?? refuseMissing('AddressScope', id),
  qos_policy: async ({ db, scope }, id) => (await qosPolicyById(db, scope, id)) ?? refuseMissing('QosPolicy', id),
}
const refuseMissing = (...what: Parameters<typeof missing>): never => {
  throw missing(...what)
}

/** With all share administrators only (neutron/conf/policies/rbac.py, `restrict_wildcard`). */
const refuseAll = ({ caller }: Context, verb: 'create' | 'update', target: string): void => {
  if (target !== '*' || caller?.isAdmin) return
  const reason = `rule:${verb}_rbac_policy is disallowed by policy`
  throw new NetworkRefused({ kind: 'forbidden', type: 'PolicyNotAuthorized', reason })
}

const twice = (error: unknown): unknown =>
  error instanceof Refused && error.refusal.kind === 'taken'
    ? conflicting('DuplicateRbacPolicy', 'An RBAC policy already exists with those values.')
    : error

/** Who uses a network is a change of it (neutron/db/rbac_db_models.py, `NetworkRBAC.revises_on_change`); of others it is none. */
const revised = (
  context: Context,
  { objectType, objectId }: Pick<RbacPolicyRow, 'objectType' | 'objectId'>,
): Write[] => (objectType === 'network' ? [touchNetwork(context.db, objectId, context.now())] : [])

/** Who has a policy owns the object, or is an administrator, at each change too (neutron/db/rbac_db_mixin.py). */
const assertOwner = async (
  context: Context,
  { objectType, objectId, projectId }: Pick<RbacPolicyRow, 'objectType' | 'objectId' | 'projectId'>,
): Promise<void> => {
  const object = await owners[objectType](context, objectId)
  if (!context.caller?.isAdmin && object.projectId !== projectId)
    throw invalidInput('Only admins can manipulate policies on objects they do not own')
}

/** Shares what the caller owns, or an administrator says, with a project or with all. Throws `NetworkRefused`. */
export const createRbacPolicy = async (context: Context, wish: RbacWish): Promise<RbacPolicyRow> => {
  refuseAll(context, 'create', wish.target)
  await assertOwner(context, wish)
  const row = {
    ...wish,
    ...{ id: context.newId(), action: 'access_as_shared' as const, byFlag: false, createdAt: context.now() },
  }
  const writes = [
    charge(row.projectId, 'rbac_policy', 1),
    guard(context, 'object-gone', sharedGone(row)),
    ...(row.objectType === 'subnetpool' ? [guard(context, 'scope-unshared', scopeUnshared(row))] : []),
    insertRbacPolicy(context.db, row),
    ...revised(context, row),
  ]
  try {
    await commitOr(context, { action: 'create', kind: 'rbac_policy', resourceId: row.id }, writes, {
      'scope-unshared': () =>
        invalid(
          'RbacPolicyInitError',
          `Failed to create RBAC policy on object ${row.objectId} because target project doesn't have access to associated address scope.`,
        ),
    })
  } catch (error) {
    if (error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'object-gone')
      await owners[wish.objectType](context, wish.objectId)
    throw twice(error)
  }
  return row
}

/** The policy, if the caller may see it. Throws `NetworkRefused`. */
export const ownRbacPolicy = async (context: Context, id: string): Promise<RbacPolicyRow> => {
  const policy = await rbacPolicyById(context.db, context.scope, id)
  if (!policy)
    throw new NetworkRefused({
      kind: 'missing',
      type: 'RbacPolicyNotFound',
      reason: `RBAC policy of type None with ID ${id} not found`,
    })
  return policy
}

const inUse = ({ objectId, objectType }: RbacPolicyRow) => ({
  'rbac-in-use': () =>
    conflicting(
      'RbacPolicyInUse',
      `RBAC policy on object ${objectId} cannot be removed because other objects depend on it.\nDetails: Callback failed: the ${objectType.replace('_', ' ')} is used by another project`,
    ),
})

/** Shares it with another project in place of the one that it was for; refused while that uses it. */
export const changeRbacPolicy = async (context: Context, id: string, target: string): Promise<RbacPolicyRow> => {
  const policy = await ownRbacPolicy(context, id)
  refuseAll(context, 'update', target)
  if (policy.byFlag) throw invalid('InvalidInput', 'It stands for the attribute shared, and is changed by that.')
  if (target === policy.target) return policy
  // The object may be one that he does not see.
  await assertOwner({ ...context, scope: everyProject }, policy)
  const writes = [
    // Whom it is for is among all: nobody is left out.
    ...(target === '*' ? [] : [guard(context, 'rbac-in-use', usedBy(policy))]),
    retargetRbacPolicy(context.db, id, target),
    ...revised(context, policy),
  ]
  try {
    await commitOr(context, { action: 'update', kind: 'rbac_policy', resourceId: id }, writes, inUse(policy))
  } catch (error) {
    throw twice(error)
  }
  return { ...policy, target }
}

/** Refused while somebody uses what it shares, by it alone. */
export const removeRbacPolicy = async (context: Context, id: string): Promise<void> => {
  const policy = await ownRbacPolicy(context, id)
  const writes = [
    guard(context, 'rbac-in-use', usedBy(policy)),
    deleteRbacPolicy(context.db, id),
    ...revised(context, policy),
  ]
  await commitOr(context, { action: 'delete', kind: 'rbac_policy', resourceId: id }, writes, inUse(policy))
}
