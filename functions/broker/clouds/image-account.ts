import { cloudById, mappingOf } from '../../../db/queries/clouds/clouds.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import type { Context } from '../../context.ts'
import { accountOf } from './mappings.ts'

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

/** Those of some clouds that have an image for a project, and why (in sentences) the others have it for another account. */
export const withinAccounts = async (
  context: Context,
  image: Made,
  projectId: string,
  clouds: string[],
): Promise<{ here: string[]; apart: string[] }> => {
  const here: string[] = []
  const apart: string[] = []
  for (const cloudId of clouds) {
    const why = await whyOfOtherAccount(context, image, projectId, cloudId)
    if (why) apart.push(why)
    else here.push(cloudId)
  }
  return { here, apart }
}
