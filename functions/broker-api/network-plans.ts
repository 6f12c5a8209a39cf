import * as z from 'zod'
import { cloudsFor } from '../../db/queries/clouds/clouds.ts'
import { allLinks } from '../../db/queries/clouds/links.ts'
import { projectById } from '../../db/queries/identity/identity.ts'
import { networkPlanOf } from '../../db/queries/network/network-plans.ts'
import { reachAmong } from '../broker/clouds/links.ts'
import { type NetworkPlan, planNetworks } from '../broker/network/pools/network-plan.ts'
import type { Context } from '../context.ts'
import { notImplemented } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { noProject } from './lookup.ts'

const planned = z.strictObject({
  plan: z
    .strictObject({
      routed: z.boolean(),
      pool: z.string().max(64).nullish(),
      prefix_length: z.int().min(0).max(128).nullish(),
      egress: z.boolean().optional(),
    })
    .nullable(),
})

const NO_EGRESS =
  'Ways out are not made by themselves: create a router with a gateway on the cloud of a segment, and add the subnet to it.'

/** A project's plan is for its own people, and for administrators. */
const projectIn = async ({ db, scope }: Context, id: string): Promise<string> => {
  const own = 'every' in scope || scope.projectId === id
  if (!own || !(await projectById(db, id))) throw noProject(id)
  return id
}

const show = async ({ db }: Context, projectId: string) => {
  const plan = await networkPlanOf(db, projectId)
  const clouds = (await cloudsFor(db, { projectId })).map(({ cloud }) => cloud)
  return {
    body: {
      project_id: projectId,
      plan: plan && {
        routed: plan.routed,
        pool: plan.pool,
        prefix_length: plan.prefixLength,
        egress: false,
        subnetpool_id: plan.poolId,
      },
      reach: reachAmong(await allLinks(db), clouds),
    },
  }
}

const PATH = '/v1/projects/:project/network-plan'

export const networkPlanOperations: Operation[] = [
  operation({
    name: 'network_plan.get',
    method: 'GET',
    path: PATH,
    who: 'reader',
    summary: "How a project's networks become routed by themselves, and which of its clouds reach each other.",
    status: 200,
    handle: async ({ context, params }) => show(context, await projectIn(context, params.project!)),
  }),
  operation({
    name: 'network_plan.put',
    method: 'PUT',
    path: PATH,
    who: 'member',
    summary: 'Sets the network plan of a project, or takes it away with null. What was made by an earlier one stays.',
    status: 200,
    body: planned,
    handle: async ({ context, params, body: { plan } }) => {
      const project = await projectIn(context, params.project!)
      if (plan?.egress) throw notImplemented(NO_EGRESS)
      const next: NetworkPlan | null = plan && {
        routed: plan.routed,
        pool: plan.pool ?? null,
        prefixLength: plan.prefix_length ?? null,
      }
      await planNetworks(context, project, next)
      return show(context, project)
    },
  }),
]
