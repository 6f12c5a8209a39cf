import * as z from 'zod'
import {
  listSecurityGroups,
  type SecurityGroupView,
  securityGroupAttributes,
} from '../../../db/queries/network/security/security-groups.ts'
import { conflicting } from '../../broker/network/network-refusal.ts'
import {
  changeSecurityGroup,
  createSecurityGroup,
  ensureDefaultGroup,
  removeSecurityGroup,
  seenSecurityGroup,
} from '../../broker/network/security/security-group.ts'
import type { Context } from '../../context.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { flag, ownership, text, textOrNone } from '../attributes.ts'
import { changeOf, given, oneOrMany, ownerOf } from '../body.ts'
import { isLent, reading, standardView } from '../listing.ts'
import { ruleView, settleDefaultGroup } from './security-group-rules.ts'

/* Security groups: https://docs.openstack.org/api-ref/network/v2/#security-groups-security-groups */

const changeable = {
  name: text().optional(),
  description: textOrNone().optional(),
  stateful: flag().optional(),
}
const create = z.strictObject({ ...changeable, ...ownership })
const update = z.strictObject(changeable)
const fixed = [
  'id',
  'shared',
  'security_group_rules',
  'project_id',
  'tenant_id',
  'created_at',
  'updated_at',
  'revision_number',
]

const view = (group: SecurityGroupView, context: Context) => ({
  ...standardView(group),
  name: group.name,
  stateful: group.stateful,
  shared: isLent(group, context),
  security_group_rules: group.rules.map(ruleView),
})

const notDefault = (name: string | undefined): void => {
  if (name === 'default')
    throw conflicting('SecurityGroupDefaultAlreadyExists', 'Default security group already exists.')
}

export const securityGroupOperations: Operation[] = [
  ...reading({
    resource: 'security_group',
    collection: 'security_groups',
    path: 'security-groups',
    attributes: securityGroupAttributes,
    settle: settleDefaultGroup,
    list: listSecurityGroups,
    find: seenSecurityGroup,
    view,
  }),
  operation({
    name: 'security_group.create',
    method: 'POST',
    path: '/v2.0/security-groups',
    who: 'member',
    summary: 'Creates a security group that lets everything out and nothing in.',
    status: 201,
    body: oneOrMany('security_group', 'security_groups', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      for (const { name } of wishes) notDefault(name)
      const made: SecurityGroupView[] = []
      for (const wish of wishes) {
        const projectId = ownerOf(context, wish)
        await ensureDefaultGroup(context, projectId)
        const { name = '', description = '', stateful } = wish
        made.push(await createSecurityGroup(context, { projectId, name, description, stateful }))
      }
      return {
        body: bulk
          ? { security_groups: made.map((each) => view(each, context)) }
          : { security_group: view(made[0]!, context) },
      }
    },
  }),
  operation({
    name: 'security_group.update',
    method: 'PUT',
    path: '/v2.0/security-groups/:id',
    who: 'member',
    summary: 'Changes name and description of a security group, and whether it is stateful while no port is in it.',
    status: 200,
    body: changeOf('security_group', update, fixed),
    handle: async ({ context, params, body: { name, description, stateful } }) => {
      const group = await seenSecurityGroup(context, params.id!)
      if (name !== group.name) notDefault(name)
      return {
        body: {
          security_group: view(
            await changeSecurityGroup(context, params.id!, given({ name, description, stateful })),
            context,
          ),
        },
      }
    },
  }),
  operation({
    name: 'security_group.delete',
    method: 'DELETE',
    path: '/v2.0/security-groups/:id',
    who: 'member',
    summary: 'Deletes a security group, its rules, and the rules of others that name it.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeSecurityGroup(context, params.id!)
      return {}
    },
  }),
]
