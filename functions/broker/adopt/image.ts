import type { ImageSeen, ImageSpec } from '../../../adapters/contract.ts'
import { imageById, insertImage } from '../../../db/queries/image/images.ts'
import { clearTombstone } from '../../../db/queries/line/adopt.ts'
import { withinImageLimits } from '../image/image-quota.ts'
import { imageNeed } from '../image/image-takers.ts'
import { type Adopter, NotAdoptable, type Plan } from './plan.ts'

/** An image that the catalogue does not show: the project's own, and hidden unless it was asked for by itself. */
export const takeImage: Adopter = async (plan, item, sighting, read) => {
  const seen = sighting as ImageSeen
  const { context } = plan
  const now = context.now()
  const row = await imageById(context.db, item.resourceId)
  if (row) item.scope = imageNeed(row, item.projectId).scope
  const made = Date.parse(seen.createdAt)
  await plan.admit(item, {}, () => [
    ...withinImageLimits(context, item.projectId, { image_count_total: 1 }),
    clearTombstone(context.db, 'image', item.resourceId),
    insertImage(context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      name: (read.spec as ImageSpec).name,
      visibility: 'private',
      status: 'active',
      hidden: plan.hidesImages,
      containerFormat: 'bare',
      diskFormat: 'raw',
      arch: seen.arch,
      minDiskGib: seen.minDiskGiB,
      sizeBytes: seen.sizeBytes,
      properties: { architecture: seen.arch, ...(seen.os ? { os_type: seen.os } : {}) },
      createdAt: Number.isNaN(made) ? now : made,
      updatedAt: now,
    }),
  ])
}

/** What a server was made of; null: the cloud does not have it any more. It may be anybody's, so it gets no mark. */
export const imageFor = async (plan: Plan, nativeId: string): Promise<string | null> => {
  if (!nativeId) return null
  try {
    return (await plan.takeUnmarked('image', nativeId)).resourceId
  } catch (error) {
    if (error instanceof NotAdoptable) return null
    throw error
  }
}
