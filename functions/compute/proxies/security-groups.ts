import * as z from 'zod'
import { everything, whereIn } from '../../../db/queries/network/network-listing.ts'
import {
  listSecurityGroups,
  type SecurityGroupView,
  securityGroupById,
} from '../../../db/queries/network/security/security-groups.ts'
import { everyProject } from '../../../db/scope.ts'
import { NetworkRefused } from '../../broker/network/network-refusal.ts'
import {
  changeSecurityGroup,
  createSecurityGroup,
  ensureDefaultGroup,
  removeSecurityGroup,
} from '../../broker/network/security/security-group.ts'
import type { Context } from '../../context.ts'
import { isTrue } from '../../http/boolean.ts'
import { badRequest, forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { isUuid } from '../servers/fields.ts'
import { groupView, type Names, namedBeside } from './group-view.ts'
import { LAST, limited } from './listing.ts'

/** nova/api/openstack/compute/schemas/security_groups.py: what a name and a description have to be is for Neutron to say. */
const property = z.string().max(255)

const wish = z.strictObject({
  security_group: z.looseObject({ name: property, description: property }),
})
type Wish = z.infer<typeof wish>

/** A group by its id, or 404; 400 for what cannot be an id. */
export const groupOf = async (context: Context, id: unknown): Promise<SecurityGroupView> => {
  if (typeof id !== 'string' || !isUuid(id)) throw badRequest('Security group id should be uuid')
  const group = await securityGroupById(context.db, context.scope, id)
  if (!group) throw notFound(`Security group ${id} not found.`)
  return group
}

/** What the groups are called that the rules of some name, their own names among them. */
export const namesFor = async (context: Context, groups: SecurityGroupView[]): Promise<Names> => {
  const beside = namedBeside(groups)
  const others = beside.length ? await listSecurityGroups(context.db, everyProject, whereIn('id', beside)) : []
  return new Map([...groups, ...others].map(({ id, name }) => [id, name]))
}

const shown = async (context: Context, group: SecurityGroupView) => ({
  body: { security_group: groupView(group, await namesFor(context, [group])) },
})

const projectOf = (context: Context): string => {
  const projectId = context.caller?.projectId
  if (!projectId) throw forbidden('The token is for no project.')
  return projectId
}

const seenGroups = async ({ context, query }: Input): Promise<SecurityGroupView[]> => {
  const { isAdmin } = context.caller!
  const projectId = projectOf(context)
  if (isAdmin && isTrue(query.all_tenants)) return listSecurityGroups(context.db, everyProject, everything)
  const groups = await listSecurityGroups(context.db, { projectId }, everything)
  if (groups.some(({ isDefault }) => isDefault)) return groups
  await ensureDefaultGroup(context, projectId)
  return listSecurityGroups(context.db, { projectId }, everything)
}

/** https://docs.openstack.org/api-ref/compute/#security-groups-os-security-groups-deprecated */
export const securityGroupOperations: Operation[] = [
  operation({
    name: 'security_group.list',
    method: 'GET',
    path: '/os-security-groups',
    who: 'reader',
    summary:
      'Security groups of the project with their rules for what comes in; administrators ask for all with `all_tenants`.',
    status: 200,
    until: LAST,
    handle: async (input) => {
      const groups = await seenGroups(input)
      const names = await namesFor(input.context, groups)
      const sorted = groups.toSorted((a, b) => a.projectId.localeCompare(b.projectId) || a.name.localeCompare(b.name))
      return { body: { security_groups: limited(sorted, input.query).map((group) => groupView(group, names)) } }
    },
  }),
  operation<Wish>({
    name: 'security_group.create',
    method: 'POST',
    path: '/os-security-groups',
    who: 'member',
    summary: 'Makes a security group that lets everything out and nothing in.',
    status: 200,
    until: LAST,
    body: wish,
    handle: async ({ context, body: { security_group: asked } }) => {
      const projectId = projectOf(context)
      await ensureDefaultGroup(context, projectId)
      const { name, description } = asked
      return shown(context, await createSecurityGroup(context, { projectId, name, description }))
    },
  }),
  operation({
    name: 'security_group.show',
    method: 'GET',
    path: '/os-security-groups/:id',
    who: 'reader',
    summary: 'One security group.',
    status: 200,
    until: LAST,
    handle: async ({ context, params }) => shown(context, await groupOf(context, params.id)),
  }),
  operation<Wish>({
    name: 'security_group.update',
    method: 'PUT',
    path: '/os-security-groups/:id',
    who: 'member',
    summary: 'Changes name and description of a security group.',
    status: 200,
    until: LAST,
    body: wish,
    handle: async ({ context, params, body: { security_group: asked } }) => {
      const { id } = await groupOf(context, params.id)
      const { name, description } = asked
      return shown(context, await changeSecurityGroup(context, id, { name, description }))
    },
  }),
  operation({
    name: 'security_group.delete',
    method: 'DELETE',
    path: '/os-security-groups/:id',
    who: 'member',
    summary: 'Deletes a security group; refused while a server is in it.',
    status: 202,
    until: LAST,
    handle: async ({ context, params }) => {
      const { id } = await groupOf(context, params.id)
      await removeSecurityGroup(context, id)
      return {}
    },
    // What is in the way is a bad request to Nova (nova/network/security_group_api.py, `destroy`).
    refuse: (error) =>
      error instanceof NetworkRefused && error.refusal.kind === 'conflict'
        ? badRequest(error.refusal.reason)
        : undefined,
  }),
]
