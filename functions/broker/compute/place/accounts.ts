import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Context } from '../../../context.ts'
import { whyOfOtherAccount } from '../../clouds/image-account.ts'

/** What a new server refers to, without clouds where its image is of an account that is not the project's. */
export const withinAccount = async (context: Context, projectId: string, found: Found): Promise<Found> => {
  const { image } = found
  if (!image) return found
  const untaken = { ...found.untaken }
  for (const cloudId of found.imageNative.filter((id) => found.clouds.some((cloud) => cloud.id === id))) {
    const why = await whyOfOtherAccount(context, image, projectId, cloudId)
    if (why) untaken[cloudId] = why
  }
  const there = (cloudId: string) => untaken[cloudId] === undefined
  return {
    ...found,
    untaken,
    imageClouds: found.imageClouds.filter(there),
    imageNative: found.imageNative.filter(there),
  }
}
