import * as z from 'zod'
import { projectById } from '../../db/queries/identity/identity.ts'
import { type NetworkPlanView, networkPlanShown } from '../../db/queries/network/network-plans.ts'
import { reachAmong } from '../broker/clouds/links.ts'
import { type NetworkPlan, planNetworks } from '../broker/network/pools/network-plan.ts'
import { waysOutOn } from '../broker/network/pools/ways-out-on.ts'
import type { Context } from '../context.ts'
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

/** A project's plan is for its own people, and for administrators. */
const mayKnow = ({ scope }: Context, id: string): boolean => 'every' in scope || scope.projectId === id

/** A plan as it is shown, and may be put again (but for the id of its pool, which shows what that became). */
export const planView = (plan: NetworkPlanView) => ({
  routed: plan.routed,
  pool: plan.pool,
  prefix_length: plan.prefixLength,
  egress: plan.egress,
  subnetpool_id: plan.poolId,
})

const show = async (context: Context, projectId: string) => {
  const shown = mayKnow(context, projectId) ? await networkPlanShown(context.db, projectId) : null
  if (!shown) throw noProject(projectId)
  const { plan, clouds } = shown
  return {
    body: {
      project_id: projectId,
      plan: plan && planView(plan),
      reach: reachAmong(clouds),
      ways_out: await waysOutOn(clouds),
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
    handle: async ({ context, params }) => show(context, params.project!),
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
      const { project = '' } = params
      if (!mayKnow(context, project) || !(await projectById(context.db, project))) throw noProject(project)
      const next: NetworkPlan | null = plan && {
        routed: plan.routed,
        pool: plan.pool ?? null,
        prefixLength: plan.prefix_length ?? null,
        egress: plan.egress ?? false,
      }
      await planNetworks(context, project, next)
      return show(context, project)
    },
  }),
]
