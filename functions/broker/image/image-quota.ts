import {
  IMAGE_LIMITS,
  type ImageAmounts,
  type ImageLimit,
  type ImageStanding,
  imageStanding,
  passesLimit,
  unitOf,
} from '../../../db/queries/image/image-usage.ts'
import type { Context } from '../../context.ts'
import { limited, type Write } from '../line/commit.ts'
import { defaultMaximum } from '../line/quota.ts'
import type { Limit } from '../line/quotas.ts'

/** Limits on images, in Glance's words (https://docs.openstack.org/glance/latest/admin/quotas.html). */

/** Undoes its batch where so much more passes a limit of the project; `Refused` then says which quota. `but`: an image that `amounts` counts anew. */
export const withinImageLimits = (
  context: Pick<Context, 'db'>,
  projectId: string,
  amounts: ImageAmounts,
  but: string | null = null,
): Write[] =>
  IMAGE_LIMITS.flatMap((limit) => {
    const more = amounts[limit]
    if (more === undefined) return []
    const violated = passesLimit(projectId, limit, { more, standard: defaultMaximum[limit]!, but })
    return limited(context, { projectId, resource: limit, amount: more }, violated)
  })

const maximumOf = ({ maxima }: ImageStanding, limit: ImageLimit): number => maxima[limit] ?? defaultMaximum[limit] ?? -1

/** What a project may have of images and has, both in the unit of the limit; `known`: there is such a project. */
export const imageLimits = async (
  context: Pick<Context, 'db' | 'scope'>,
  projectId: string,
): Promise<{ limits: Record<ImageLimit, Limit>; known: boolean }> => {
  const standing = await imageStanding(context.db, context.scope, projectId)
  const shown = IMAGE_LIMITS.map((limit) => {
    const used = Math.floor(standing.used[limit] / unitOf(limit))
    return [limit, { limit: maximumOf(standing, limit), used }] as const
  })
  return { limits: Object.fromEntries(shown) as Record<ImageLimit, Limit>, known: standing.known }
}

/** Bytes that a project may still add before the limit is reached; Infinity: there is none. `but`: an image that is not counted. */
export const roomFor = async (
  context: Pick<Context, 'db' | 'scope'>,
  projectId: string,
  limit: ImageLimit,
  but: string | null = null,
): Promise<number> => {
  const standing = await imageStanding(context.db, context.scope, projectId, but)
  const maximum = maximumOf(standing, limit)
  return maximum < 0 ? Number.POSITIVE_INFINITY : Math.max(0, maximum * unitOf(limit) - standing.used[limit])
}
