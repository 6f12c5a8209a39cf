import * as z from 'zod'
import { limitsOfKnown, setLimits } from '../../broker/line/quotas.ts'
import type { Context } from '../../context.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { noProject } from '../lookup.ts'

const change = z.strictObject({ quota: z.strictObject({ webhooks: z.int().min(-1).max(0x7fffffff) }) })

const show = async (context: Context, project: string) => {
  const limits = await limitsOfKnown(context, project)
  if (!limits) throw noProject(project)
  return { body: { quota: { project_id: project, webhooks: limits('webhooks') } } }
}

const PATH = '/v1/projects/:project/quotas/webhooks'

/** How many webhooks a project may have. */
export const webhookQuotaOperations: Operation[] = [
  operation({
    name: 'webhook_quota.get',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary: 'How many webhooks a project may have, and has; -1 is unlimited.',
    status: 200,
    handle: ({ context, params }) => show(context, params.project!),
  }),
  operation<z.infer<typeof change>>({
    name: 'webhook_quota.put',
    method: 'PUT',
    path: PATH,
    who: 'admin',
    summary: 'Says how many webhooks a project may have.',
    status: 200,
    body: change,
    handle: async ({ context, params, body }) => {
      const project = params.project!
      await show(context, project)
      await setLimits(context, project, body.quota)
      return show(context, project)
    },
  }),
]
