import { cloudById, mappingOf } from '../../../../db/queries/clouds/clouds.ts'
import type { Found } from '../../../../db/queries/compute/places.ts'
import type { ImageRow } from '../../../../db/queries/image/images.ts'
import type { Context } from '../../../context.ts'
import { accountOf } from '../../clouds/mappings.ts'

type Made = Pick<ImageRow, 'id' | 'projectId' | 'blob'>

/**
 * What a cloud made of another project's server is an object of that project's account: why it is not there for a project
 * that uses the cloud as another account, in sentences; null: it is.
 */
export const whyOfOtherAccount = async (
  context: Context,
  image: Made,
  projectId: string,
  cloudId: string,
): Promise<string | null> => {
  if (image.projectId === null || image.blob || image.projectId === projectId) return null
  const [cloud, theirs, own] = await Promise.all([
    cloudById(context.db, cloudId),
    mappingOf(context.db, image.projectId, cloudId),
    mappingOf(context.db, projectId, cloudId),
  ])
  if (!cloud || !theirs || !own) return null
  const accounts = [theirs, own].map(({ mapping }) => accountOf(context, cloud, mapping))
  const [one, other] = await Promise.all(accounts)
  return one === other
    ? null
    : `Image ${image.id} is of an account of ${cloud.name} that this project does not use. It can be downloaded and uploaded, or an administrator names a copy that all may use.`
}

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
