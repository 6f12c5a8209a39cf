import * as z from 'zod'
import { listRbacPolicies, type RbacPolicyRow, rbacAttributes } from '../../db/queries/network/rbac.ts'
import { changeRbacPolicy, createRbacPolicy, ownRbacPolicy, removeRbacPolicy } from '../broker/network/sharing/rbac.ts'
import { badRequest, Fault } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { filledText, oneOf, ownership, text, uuid } from './attributes.ts'
import { changeOf, oneOrMany, ownerOf } from './body.ts'
import { reading } from './listing.ts'

/* RBAC policies: https://docs.openstack.org/api-ref/network/v2/#rbac-policies */

const TYPES = ['network', 'security_group', 'subnetpool', 'address_scope', 'address_group', 'qos_policy'] as const

const target = { target_tenant: filledText().optional(), target_project: filledText().optional() }
const create = z.strictObject({
  ...ownership,
  ...target,
  object_type: oneOf(...TYPES),
  object_id: uuid(),
  action: text(),
})
const update = z.strictObject(target)
const fixed = ['id', 'object_type', 'object_id', 'action', 'project_id', 'tenant_id']

const view = (policy: RbacPolicyRow) => ({
  id: policy.id,
  project_id: policy.projectId,
  tenant_id: policy.projectId,
  object_type: policy.objectType,
  object_id: policy.objectId,
  action: policy.action,
  target_tenant: policy.target,
})

/** Both names of one thing. */
const targetOf = ({ target_tenant, target_project }: z.infer<typeof update>): string => {
  const named = target_tenant ?? target_project
  if (named === undefined) throw badRequest("Failed to parse request. Required attribute 'target_tenant' not specified")
  if (target_tenant !== undefined && target_project !== undefined && target_tenant !== target_project)
    throw badRequest("'target_project' and 'target_tenant' do not match")
  return named
}

const checkAction = ({ action, object_type: type }: Pick<z.infer<typeof create>, 'action' | 'object_type'>): void => {
  if (action === 'access_as_external' && type === 'network')
    throw new Fault(
      501,
      'External networks are for all projects that are mapped to their cloud: access_as_external is not said of single ones.',
      { type: 'NotImplemented' },
    )
  if (action !== 'access_as_shared')
    throw badRequest(
      `Invalid input for operation: Invalid action '${action}' for object type '${type}'. Valid actions: access_as_shared.`,
      'InvalidInput',
    )
}

export const rbacOperations: Operation[] = [
  ...reading({
    resource: 'rbac_policy',
    collection: 'rbac_policies',
    path: 'rbac-policies',
    attributes: rbacAttributes,
    tagged: false,
    list: listRbacPolicies,
    find: ownRbacPolicy,
    view,
  }),
  operation({
    name: 'rbac_policy.create',
    method: 'POST',
    path: '/v2.0/rbac-policies',
    who: 'member',
    summary:
      'Shares a network, a security group, an address group, a subnet pool, an address scope or a QoS policy with a project; with all (`*`) admins do.',
    status: 201,
    body: oneOrMany('rbac_policy', 'rbac_policies', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      if (bulk && wishes.length > 1) throw badRequest('RBAC policies are created one at a time')
      const wish = wishes[0]!
      checkAction(wish)
      const made = await createRbacPolicy(context, {
        projectId: ownerOf(context, wish),
        objectType: wish.object_type,
        objectId: wish.object_id,
        target: targetOf(wish),
      })
      return { body: bulk ? { rbac_policies: [view(made)] } : { rbac_policy: view(made) } }
    },
  }),
  operation({
    name: 'rbac_policy.update',
    method: 'PUT',
    path: '/v2.0/rbac-policies/:id',
    who: 'member',
    summary: 'Shares with another project instead.',
    status: 200,
    body: changeOf('rbac_policy', update, fixed),
    handle: async ({ context, params, body }) => ({
      body: { rbac_policy: view(await changeRbacPolicy(context, params.id!, targetOf(body))) },
    }),
  }),
  operation({
    name: 'rbac_policy.delete',
    method: 'DELETE',
    path: '/v2.0/rbac-policies/:id',
    who: 'member',
    summary: 'Shares no more; refused while somebody uses what was shared.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeRbacPolicy(context, params.id!)
      return {}
    },
  }),
]
