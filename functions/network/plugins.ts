import { allocatableFrom } from '../../db/queries/network/allocatable.ts'
import { conflicting, NetworkRefused } from '../broker/network/network-refusal.ts'
import type { Context } from '../context.ts'
import { badRequest, Fault } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'

/*
 * What every installation answers, plugins or none: clients ask for it without looking whether it is there.
 * https://docs.openstack.org/api-ref/network/v2/#service-providers, #agents, #auto-allocated-topology-auto-allocated-topologies
 */

/** Whose topology is meant: an admin may look at any project's, everybody else at the own. `None` is the own. */
const projectOf = ({ caller }: Context, asked: string): string => {
  const id = asked === 'None' ? (caller?.projectId ?? '') : asked
  if (!caller?.isAdmin && id !== caller?.projectId) throw new Fault(403, 'Not authorized.', { type: 'NotAuthorized' })
  return id
}

const failure = (reason: string) => conflicting('AutoAllocationFailure', `Deployment error: ${reason}.`)

/** Nothing can be allocated without a pool to take it from; what is missing first is told first. */
const unallocatable = async (context: Context, projectId: string) => {
  const { way, pool } = await allocatableFrom(context.db, projectId)
  if (!way) return failure('No default router:external network')
  if (!pool) return failure('No default subnetpools defined')
  return new Fault(501, 'Networks are not allocated by themselves here: make one with use_default_subnetpool.', {
    type: 'NotImplemented',
  })
}

export const pluginOperations: Operation[] = [
  operation({
    name: 'service_provider.list',
    method: 'GET',
    path: '/v2.0/service-providers',
    who: 'reader',
    summary: 'Lists providers of services that plugins bring: there are none.',
    status: 200,
    handle: () => ({ body: { service_providers: [] } }),
  }),
  operation({
    name: 'agent.list',
    method: 'GET',
    path: '/v2.0/agents',
    who: 'reader',
    summary: 'Lists agents: there are none.',
    status: 200,
    handle: () => ({ body: { agents: [] } }),
  }),
  operation({
    name: 'agent.get',
    method: 'GET',
    path: '/v2.0/agents/:id',
    who: 'admin',
    summary: 'Not found: there are no agents.',
    status: 404,
    handle: ({ params }) => {
      throw new NetworkRefused({
        kind: 'missing',
        type: 'AgentNotFound',
        reason: `Agent ${params.id} could not be found.`,
      })
    },
  }),
  operation({
    name: 'auto_allocated_topology.get',
    method: 'GET',
    path: '/v2.0/auto-allocated-topology/:project_id',
    who: 'reader',
    summary: 'Refused: tells what is missing for a network to be made by itself.',
    status: 409,
    handle: async ({ context, params, queries }) => {
      const projectId = projectOf(context, params.project_id!)
      if (queries.getAll('fields').some((field) => field !== 'dry-run'))
        throw badRequest('Bad auto_allocate request: Unrecognized field.', 'BadRequest')
      throw await unallocatable(context, projectId)
    },
  }),
  operation({
    name: 'auto_allocated_topology.delete',
    method: 'DELETE',
    path: '/v2.0/auto-allocated-topology/:project_id',
    who: 'member',
    summary: 'Takes away what was made by itself: nothing ever was.',
    status: 204,
    handle: ({ context, params }) => {
      projectOf(context, params.project_id!)
      return {}
    },
  }),
]
