import { autoAllocatable, autoTopology, removeAutoTopology } from '../broker/network/auto-topology.ts'
import { NetworkRefused } from '../broker/network/network-refusal.ts'
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
    summary:
      'Shows the network that a project was given by itself, with a router to the default way out; makes it when it is first asked for. `fields=dry-run` tells whether it can.',
    status: 200,
    handle: async ({ context, params, queries }) => {
      const projectId = projectOf(context, params.project_id!)
      const fields = queries.getAll('fields')
      const dry = fields.includes('dry-run')
      if (!dry && fields.length) throw badRequest('Bad auto_allocate request: Unrecognized field.', 'BadRequest')
      if (dry) await autoAllocatable(context, projectId)
      const id = dry ? 'dry-run=pass' : (await autoTopology(context, projectId)).networkId
      return { body: { auto_allocated_topology: { id, tenant_id: projectId, project_id: projectId } } }
    },
  }),
  operation({
    name: 'auto_allocated_topology.delete',
    method: 'DELETE',
    path: '/v2.0/auto-allocated-topology/:project_id',
    who: 'member',
    summary:
      'Takes away the network and the router that a project was given; refused while something is on the network.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeAutoTopology(context, projectOf(context, params.project_id!))
      return {}
    },
  }),
]
