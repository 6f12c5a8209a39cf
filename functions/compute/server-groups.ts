import * as z from 'zod'
import type { GroupPolicy } from '../../adapters/contract.ts'
import { type ShownGroup, serverGroupById, serverGroupsOf } from '../../db/queries/compute/server-groups.ts'
import { everyProject } from '../../db/scope.ts'
import { GROUP_POLICIES } from '../broker/compute/place/group.ts'
import { createServerGroup, removeServerGroup } from '../broker/compute/server-group.ts'
import { Refused } from '../broker/line/refused.ts'
import { badRequest, conflict, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { pageRequest } from '../http/pagination.ts'
import { integer, name, oneOf, query } from './parameters.ts'

interface Creation {
  server_group: {
    name: string
    policy?: GroupPolicy
    policies?: GroupPolicy[]
    rules?: { max_server_per_host?: number }
  }
}

const creation = (version: number) => {
  const policy = version >= 15 ? oneOf([...GROUP_POLICIES]) : oneOf(['affinity', 'anti-affinity'])
  const rules = z.strictObject({ max_server_per_host: integer(1).optional() })
  return z.strictObject({
    server_group: z.strictObject({
      name: name(),
      ...(version >= 64 ? { policy, rules: rules.optional() } : { policies: z.array(policy).length(1) }),
    }),
  }) as unknown as z.ZodType<Creation>
}

/** Zero means as many as there may be, as in Nova (nova/api/openstack/common.py, `limited`). */
const pageOf = (asked: Record<string, string | undefined>): { limit: number; offset: number } => {
  const { offset = '0' } = asked
  if (!/^\d{0,9}$/.test(offset))
    throw badRequest(
      `Invalid input for query parameters offset. Value: ${offset}. '${offset}' does not match '^[0-9]*$'`,
    )
  return { limit: pageRequest(asked).limit || MOST, offset: Number(offset) }
}
const MOST = 1000

const noSuch = ({ params }: Pick<Input, 'params'>) => notFound(`Instance group ${params.id} could not be found.`)

const groupOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<ShownGroup> => {
  const group = await serverGroupById(context.db, context.scope, params.id!)
  if (!group) throw noSuch({ params })
  return group
}

/** As Nova renames things: the owner from 2.13, one policy with its rules from 2.64 (nova/api/openstack/compute/server_groups.py). */
const view = (group: Omit<ShownGroup, 'createdAt'>, version: number) => {
  const { id, policy, maxServerPerHost, members, projectId, userId } = group
  const rules = maxServerPerHost === null ? {} : { max_server_per_host: maxServerPerHost }
  return {
    id,
    name: group.name,
    ...(version >= 64 ? { policy, rules } : { policies: [policy], metadata: {} }),
    members: JSON.parse(members) as string[],
    ...(version >= 13 ? { project_id: projectId, user_id: userId } : {}),
  }
}

const create = async ({ context, body, version }: Input<Creation>) => {
  const projectId = context.caller?.projectId ?? ''
  if (!projectId) throw conflict('The token is for no project.')
  const { name: called, policy: one, policies = [], rules = {} } = body.server_group
  const policy = one ?? policies[0]!
  if (policy !== 'anti-affinity' && Object.keys(rules).length)
    throw badRequest('Only anti-affinity policy supports rules.')
  const maxServerPerHost = rules.max_server_per_host ?? null
  const group = await createServerGroup(context, projectId, { name: called, policy, maxServerPerHost })
  return { body: { server_group: view({ ...group, members: '[]' }, version) } }
}

/** Servers that are kept together or apart. https://docs.openstack.org/api-ref/compute/#server-groups-os-server-groups */
export const serverGroupOperations: Operation[] = [
  operation({
    name: 'server_group.list',
    method: 'GET',
    path: '/os-server-groups',
    who: 'reader',
    summary: 'Server groups of the project, oldest first; administrators ask for all with `all_projects`.',
    status: 200,
    query: query(['all_projects', 'limit', 'offset']),
    handle: async ({ context, query: asked, version }) => {
      const { isAdmin, projectId } = context.caller!
      const all = asked.all_projects !== undefined && isAdmin
      const scope = all ? everyProject : { projectId: projectId ?? '' }
      const groups = await serverGroupsOf(context.db, scope, pageOf(asked))
      return { body: { server_groups: groups.map((group) => view(group, version)) } }
    },
  }),
  operation<Creation>({
    name: 'server_group.create',
    method: 'POST',
    path: '/os-server-groups',
    who: 'member',
    summary: 'Makes a server group with a policy: servers join it by the scheduler hint `group` when they are created.',
    status: 200,
    body: creation,
    handle: create,
  }),
  operation({
    name: 'server_group.show',
    method: 'GET',
    path: '/os-server-groups/:id',
    who: 'reader',
    summary: 'One server group with its servers.',
    status: 200,
    handle: async (input) => ({ body: { server_group: view(await groupOf(input), input.version) } }),
  }),
  operation({
    name: 'server_group.delete',
    method: 'DELETE',
    path: '/os-server-groups/:id',
    who: 'member',
    summary: 'Removes a server group. Its servers stay, and stay as they were placed.',
    status: 204,
    handle: async (input) => {
      await removeServerGroup(input.context, await groupOf(input))
      return {}
    },
    refuse: (error, input) =>
      error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'server-group-gone'
        ? noSuch(input)
        : undefined,
  }),
]
