import { table } from '../../adapters/table.ts'
import { type ImageLimit, unitOf } from '../../db/queries/image/image-usage.ts'
import { MOST_TASKS } from '../../db/queries/image/tasks.ts'
import { unauthorized } from '../auth/policy.ts'
import { type ImageRefusal, ImageRefused } from '../broker/image/image.ts'
import { imageLimits } from '../broker/image/image-quota.ts'
import { type Refusal, Refused } from '../broker/line/refused.ts'
import type { Context } from '../context.ts'
import { badRequest, conflict, Fault, forbidden, notImplemented } from '../http/fault.ts'
import type { Service } from '../http/service.ts'

/** The policies of Glance that its sentences name; `modify_image` is all the others'. */
const ACTIONS: Record<string, string> = table({
  'image.create': 'add_image',
  'image.upload': 'upload_image',
  'image.import': 'import_image',
  'image.deactivate': 'deactivate',
  'image.reactivate': 'reactivate',
  'image.delete': 'delete_image',
})

/** What the broker will not do, as Glance says it. */
export const refuse: Service['refuse'] = (error, { context, params, body }, { name }) => {
  const id = params.id ?? (body as { id?: string } | undefined)?.id ?? ''
  if (error instanceof ImageRefused) return worded(error.refusal, ACTIONS[name] ?? 'modify_image', id)
  if (!(error instanceof Refused)) return undefined
  const { refusal } = error
  if (refusal.kind === 'token') return unauthorized()
  if (refusal.kind === 'quota') return limitExceeded(context, refusal)
  if (refusal.kind === 'guard' && refusal.what === 'image-needed') return conflict(inUse(id))
  // glance/api/v2/images.py, _enforce_import_lock
  if (refusal.kind === 'guard' && refusal.what === 'task-open') return conflict('Image has active task')
  if (refusal.kind === 'guard' && refusal.what === 'tasks-full')
    return conflict(`The project has ${MOST_TASKS} imports under way, which is as many as there may be.`)
  if (refusal.kind === 'guard') return conflict(`Image ${id} was changed by somebody else meanwhile.`)
  return refusal.kind === 'taken' ? conflict(`Image ID ${id} already exists!`) : undefined
}

/** glance/api/v2/images.py, delete, where a store still uses the image */
const inUse = (id: string): string =>
  `Image ${id} could not be deleted because it is in use: A volume is to be made of it where it is first used.`

const NO_STORE =
  'There is no place for image data here: a Worker needs an R2 bucket bound as IMAGES. Use an image of a cloud, or make one of a server (openstack server image create).'
const OTHER_WAYS =
  "Larger bodies do not pass a Worker. Plimsoll on Node streams images of any size; or bring the image to its cloud by the cloud's own means, where the catalogue or an adoption finds it."

/** glance/common/exception.py, LimitExceeded, about oslo.limit's ProjectOverLimit. */
const limitExceeded = async (context: Context, refusal: Extract<Refusal, { kind: 'quota' }>): Promise<Fault> => {
  const { projectId, asked } = refusal
  const resource = refusal.resource as ImageLimit
  const { limit, used } = (await imageLimits(context, projectId)).limits[resource]
  const delta = Math.ceil(asked / unitOf(resource))
  return new Fault(
    413,
    `The request returned a 413 Request Entity Too Large. This generally means that rate limiting or a quota threshold was breached.\n\nThe response body:\nProject ${projectId} is over a limit for [Resource ${resource} is over limit of ${limit} due to current usage ${used} and delta ${delta}]`,
  )
}

/** Glance's own sentences (glance/api/v2/image_data.py, glance/domain, glance/location.py). */
const worded = (refusal: ImageRefusal, action: string, id: string): Fault => {
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
    case 'nothing-to-copy':
      return conflict(
        `The data of image ${id} is inside its cloud, which does not hand it out: there is nothing to copy.`,
      )
    case 'unplaced':
      return forbidden(`You are not authorized to complete ${action} action.`)
    case 'foreign':
      return forbidden(
        refusal.projectId === null
          ? `You are not authorized to complete ${action} action. Image ${id} belongs to the catalogue of its cloud.`
          : `You are not authorized to complete ${action} action.`,
      )
  }
}
