import { unauthorized } from '../auth/policy.ts'
import { type ImageOnClouds, ImageRefused, imageFor } from '../broker/image/image.ts'
import { Refused } from '../broker/line/commit.ts'
import { badRequest, conflict, Fault, forbidden, notFound, notImplemented } from '../http/fault.ts'
import type { Input } from '../http/operation.ts'

/** The image of the path; 404 in Glance's words. */
export const imageOf = async (
  { context, params }: Pick<Input, 'context' | 'params'>,
  absent = `No image found with ID ${params.id}`,
): Promise<ImageOnClouds> => {
  const found = await imageFor(context, params.id!)
  if (!found) throw notFound(absent)
  return found
}

/** Runs a change; what it was refused for becomes a fault in Glance's words. `action`: the name of its policy. */
export const orFault = async <T>(
  work: Promise<T>,
  action: string,
  image: { id: string; projectId: string | null },
): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof ImageRefused) throw worded(error, action, image)
    if (!(error instanceof Refused)) throw error
    const { refusal } = error
    if (refusal.kind === 'token') throw unauthorized()
    if (refusal.kind === 'guard') throw conflict(`Image ${image.id} was changed by somebody else meanwhile.`)
    if (refusal.kind === 'taken') throw conflict(`Image ID ${image.id} already exists!`)
    throw error
  }
}

const NO_STORE =
  'There is no place for image data here: a Worker needs an R2 bucket bound as IMAGES. Use an image of a cloud, or make one of a server (openstack server image create).'
const OTHER_WAYS =
  "Larger bodies do not pass a Worker. Plimsoll on Node streams images of any size; or bring the image to its cloud by the cloud's own means, where the catalogue or an adoption finds it."

/** Glance's own sentences (glance/api/v2/image_data.py, glance/domain, glance/location.py). */
const worded = (
  { refusal }: ImageRefused,
  action: string,
  { id, projectId }: { id: string; projectId: string | null },
): Fault => {
  switch (refusal.kind) {
    case 'protected':
      return forbidden(`Image ${id} is protected and cannot be deleted.`)
    case 'status':
      return conflict(`Image status must be ${refusal.allowed.join(' or ')}, but it is ${refusal.status}.`)
    case 'transition':
      return conflict(`Image status transition from ${refusal.from} to ${refusal.to} is not allowed`)
    case 'formats': {
      const properties = refusal.missing.length > 1 ? 'Properties' : 'Property'
      if (action === 'import_image') return conflict(`'${refusal.missing.at(-1)}' needs to be set before import`)
      return badRequest(`${properties} ${refusal.missing.join(', ')} must be set prior to saving data.`)
    }
    case 'no-store':
      return notImplemented(NO_STORE)
    case 'full':
      return new Fault(413, 'Image storage media is full: there is no space left.')
    case 'too-large':
      return new Fault(
        413,
        `The incoming image is too large: it is larger than ${refusal.limit} bytes.${refusal.worker ? ` ${OTHER_WAYS}` : ''}`,
      )
    case 'mismatch':
      return new Fault(415, refusal.reason)
    case 'incomplete':
      return badRequest('The image data ended before all of it was there.')
    case 'vanished':
      return new Fault(
        410,
        `Image ${id} could not be found after upload. The image may have been deleted during the upload, cleaning up the chunks uploaded.`,
      )
    case 'unstaged':
      return conflict("Image needs to be staged before 'glance-direct' method can be used")
    case 'foreign':
    case 'unplaced':
      return forbidden(
        projectId === null
          ? `You are not authorized to complete ${action} action. Image ${id} belongs to the catalogue of its cloud.`
          : `You are not authorized to complete ${action} action.`,
      )
  }
}
