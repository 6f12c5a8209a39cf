import * as z from 'zod'
import { projectById } from '../../db/queries/identity/identity.ts'
import { IMAGE_LIMITS } from '../../db/queries/image/image-usage.ts'
import { imageLimits } from '../broker/image/image-quota.ts'
import { resetLimits, setLimits } from '../broker/line/quotas.ts'
import type { Context } from '../context.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { noProject } from './lookup.ts'

type Change = { quota: Record<string, number> }
const limit = z.int().min(-1).max(0x7fffffff)
const change = z.strictObject({
  quota: z
    .strictObject(Object.fromEntries(IMAGE_LIMITS.map((name) => [name, limit.optional()])))
    .refine((quota) => Object.keys(quota).length > 0, { error: 'names no limit' }),
}) as unknown as z.ZodType<Change>

const projectIn = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<string> => {
  const id = params.project!
  if (!(await projectById(context.db, id))) throw noProject(id)
  return id
}

const show = async (context: Context, project: string) => {
  const { limits, known } = await imageLimits(context, project)
  if (!known) throw noProject(project)
  return { body: { quota: { project_id: project, ...limits } } }
}

const PATH = '/v1/projects/:project/quotas/image'

/** Limits on images, which no route of Glance sets: there they are Keystone's unified limits. */
export const imageQuotaOperations: Operation[] = [
  operation({
    name: 'image_quota.get',
    method: 'GET',
    path: PATH,
    who: 'admin',
    summary: 'What a project may have of images, and has; sizes in MiB, -1 is unlimited.',
    status: 200,
    handle: ({ context, params }) => show(context, params.project!),
  }),
  operation<Change>({
    name: 'image_quota.put',
    method: 'PUT',
    path: PATH,
    who: 'admin',
    summary: 'Sets limits on images of a project; those that are not named stay as they are.',
    status: 200,
    body: change,
    handle: async (input) => {
      const project = await projectIn(input)
      await setLimits(input.context, project, input.body.quota)
      return show(input.context, project)
    },
  }),
  operation({
    name: 'image_quota.delete',
    method: 'DELETE',
    path: PATH,
    who: 'admin',
    summary: 'Sets the limits on images of a project back to the defaults.',
    status: 204,
    handle: async (input) => {
      await resetLimits(input.context, await projectIn(input), [...IMAGE_LIMITS])
      return {}
    },
  }),
]
