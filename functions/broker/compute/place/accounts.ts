import { cloudById, mappingOf } from '../../../../db/queries/clouds/clouds.ts'
import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Context } from '../../../context.ts'
import { accountOf } from '../../clouds/mappings.ts'

/**
 * What a cloud made of another project's server is an object of that project's account: where this project uses the cloud
 * as another account it is not there, and why is said.
 */
export const withinAccount = async (context: Context, projectId: string, found: Found): Promise<Found> => {
  const { image } = found
  if (!image?.projectId || image.blob || image.projectId === projectId) return found
  const untaken = { ...found.untaken }
  for (const { id, name } of found.clouds.filter((each) => found.imageNative.includes(each.id))) {
    const [cloud, theirs, own] = await Promise.all([
      cloudById(context.db, id),
      mappingOf(context.db, image.projectId, id),
      mappingOf(context.db, projectId, id),
    ])
    if (!cloud || !theirs || !own) continue
    const accounts = [theirs, own].map(({ mapping }) => accountOf(context, cloud, mapping))
    const [one, other] = await Promise.all(accounts)
    if (one === other) continue
    untaken[id] =
      `Image ${image.id} is of an account of ${name} that this project does not use. It can be downloaded and uploaded, or an administrator names a copy that all may use.`
  }
  const there = (cloudId: string) => untaken[cloudId] === undefined
  return {
    ...found,
    untaken,
    imageClouds: found.imageClouds.filter(there),
    imageNative: found.imageNative.filter(there),
  }
}
