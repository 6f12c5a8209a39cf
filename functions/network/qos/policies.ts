import * as z from 'zod'
import { listQosPolicies, type QosPolicyView, qosPolicyAttributes } from '../../../db/queries/network/qos-policies.ts'
import { changeQosPolicy, createQosPolicy, removeQosPolicy, seenQosPolicy } from '../../broker/network/qos/policy.ts'
import type { Context } from '../../context.ts'
import { badRequest } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { flag, ownership, text, textOrNone } from '../attributes.ts'
import { changeOf, given, oneOrMany, ownerOf } from '../body.ts'
import { isLent, reading, standardView } from '../listing.ts'
import { byAdministrators } from './administrators.ts'
import { ruleInPolicy } from './rules.ts'

/* Policies of quality of service: https://docs.openstack.org/api-ref/network/v2/#quality-of-service */

const changeable = {
  name: text().optional(),
  description: textOrNone().optional(),
  shared: flag().optional(),
  is_default: flag().optional(),
}
const create = z.strictObject({ ...changeable, ...ownership })
const update = z.strictObject(changeable)
const fixed = ['id', 'rules', 'project_id', 'tenant_id', 'created_at', 'updated_at', 'revision_number']

const view = (policy: QosPolicyView, context: Context) => ({
  ...standardView(policy),
  name: policy.name,
  shared: policy.shared || isLent(policy, context),
  is_default: policy.isDefault,
  rules: policy.rules.map(ruleInPolicy),
})

export const qosPolicyOperations: Operation[] = [
  ...reading({
    resource: 'policy',
    collection: 'policies',
    path: 'qos/policies',
    attributes: qosPolicyAttributes,
    list: listQosPolicies,
    find: seenQosPolicy,
    view,
  }),
  byAdministrators(
    operation({
      name: 'policy.create',
      method: 'POST',
      path: '/v2.0/qos/policies',
      who: 'admin',
      summary: 'Creates a QoS policy, of a project or shared with all; its rules come after it.',
      status: 201,
      body: oneOrMany('policy', 'policies', create),
      handle: async ({ context, body: { wishes, bulk } }) => {
        if (bulk && wishes.length > 1) throw badRequest('QoS policies are created one at a time')
        const wish = wishes[0]!
        const made = await createQosPolicy(context, {
          projectId: ownerOf(context, wish),
          name: wish.name ?? '',
          description: wish.description ?? '',
          shared: wish.shared ?? false,
          isDefault: wish.is_default ?? false,
        })
        return { body: bulk ? { policies: [view(made, context)] } : { policy: view(made, context) } }
      },
    }),
  ),
  byAdministrators(
    operation({
      name: 'policy.update',
      method: 'PUT',
      path: '/v2.0/qos/policies/:id',
      who: 'admin',
      summary:
        'Changes name, description and sharing of a QoS policy, and whether new networks of its project have it.',
      status: 200,
      body: changeOf('policy', update, fixed),
      handle: async ({ context, params, body }) => {
        const { name, description, shared, is_default: isDefault } = body
        const changed = await changeQosPolicy(context, params.id!, given({ name, description, shared, isDefault }))
        return { body: { policy: view(changed, context) } }
      },
    }),
    ({ context, params }) => seenQosPolicy(context, params.id!),
  ),
  byAdministrators(
    operation({
      name: 'policy.delete',
      method: 'DELETE',
      path: '/v2.0/qos/policies/:id',
      who: 'admin',
      summary: 'Deletes a QoS policy with its rules; refused while a port or a network has it.',
      status: 204,
      handle: async ({ context, params }) => {
        await removeQosPolicy(context, params.id!)
        return {}
      },
    }),
    ({ context, params }) => seenQosPolicy(context, params.id!),
  ),
]
