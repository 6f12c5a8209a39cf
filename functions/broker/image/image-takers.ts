import { adapterFor } from '../../../adapters/registry.ts'
import type { Found } from '../../../db/queries/compute/places.ts'
import { cloudsForAll, dropUnneeded } from '../../../db/queries/image/copies.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import { forgetGone, reviveBinding } from '../../../db/queries/line/bindings.ts'
import type { Context, Host } from '../../context.ts'
import type { Write } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'

/**
 * Where an image can be used: what a cloud made, shows or is said to have is there alone, uploaded data wherever its format
 * is taken, or can be made one that is.
 */

const GIB = 2 ** 30

/** The disk that an image needs, in GiB: what its owner demands, and what the disk in it says of itself. */
export const leastDiskGib = ({
  minDiskGib,
  virtualSizeBytes,
}: Pick<ImageRow, 'minDiskGib' | 'virtualSizeBytes'>): number =>
  Math.max(minDiskGib, Math.ceil((virtualSizeBytes ?? 0) / GIB))

type Image = Pick<ImageRow, 'id' | 'blob' | 'diskFormat' | 'containerFormat'>
interface CloudRef {
  id: string
  type: string
}
type Converting = Pick<Host, 'conversion'>

/** As adapters name it: `<disk format>/<container format>`. */
export const formatOf = ({ diskFormat, containerFormat }: Pick<Image, 'diskFormat' | 'containerFormat'>): string =>
  `${diskFormat}/${containerFormat}`

/** Formats that a kind of cloud takes, the first choice first. */
export const formatsTaken = async ({ type }: Pick<CloudRef, 'type'>): Promise<string[]> =>
  (await adapterFor(type))?.imageFormats ?? []

/** How a cloud gets the data of an image: in this format, which is its own unless it is `converted`. */
export interface Way {
  format: string
  converted: boolean
}

/** The way to a cloud; null: it takes the data in no format that it is in, or can be made. */
export const wayTo = async (
  { conversion }: Converting,
  image: Pick<Image, 'diskFormat' | 'containerFormat'>,
  cloud: Pick<CloudRef, 'type'>,
): Promise<Way | null> => {
  const taken = await formatsTaken(cloud)
  const own = formatOf(image)
  if (taken.includes(own)) return { format: own, converted: false }
  if ('lacking' in conversion || !conversion.reads.includes(own)) return null
  const format = taken.find((each) => conversion.writes.includes(each))
  return format === undefined ? null : { format, converted: true }
}

/** Ids of those clouds that take the data of an image; none, if it has no data with us. */
export const takersOf = async (context: Converting, image: Image, clouds: CloudRef[]): Promise<string[]> => {
  const taken: string[] = []
  if (image.blob) for (const cloud of clouds) if (await wayTo(context, image, cloud)) taken.push(cloud.id)
  return taken
}

/** What a new server refers to, with every cloud that could have its image, and at which cost or why not. */
export const withTakers = async (context: Converting, found: Found): Promise<Found> => {
  const { image, clouds, imageNative } = found
  if (!image?.blob) return found
  const imageClouds = [...imageNative]
  const conversions: Found['conversions'] = {}
  const untaken: Found['untaken'] = {}
  for (const cloud of clouds.filter(({ id }) => !imageNative.includes(id))) {
    const way = await wayTo(context, image, cloud)
    if (way) imageClouds.push(cloud.id)
    if (way?.converted) conversions[cloud.id] = costOf(image, way)
    if (!way)
      untaken[cloud.id] =
        `Image ${image.id} is ${formatOf(image)}, and ${cloud.name} takes ${(await formatsTaken(cloud)).join(', ') || 'none'}.`
  }
  return { ...found, imageClouds, conversions, untaken }
}

const MIB = 2 ** 20
const costOf = (image: Pick<ImageRow, 'diskFormat' | 'containerFormat' | 'sizeBytes'>, { format }: Way): string =>
  `converted from ${formatOf(image)} to ${format}: ${Math.ceil((image.sizeBytes ?? 0) / MIB)} MiB are read, and what the disk holds is written`

/** Why an uploaded image boots on none of some clouds, and what would help; null: it does, or its data is not the reason. */
export const whyNobodyTakes = async (
  context: Converting,
  image: Image,
  clouds: (CloudRef & { name: string })[],
  native: string[] = [],
): Promise<string | null> => {
  if (!image.blob || !clouds.length || clouds.some(({ id }) => native.includes(id))) return null
  if ((await takersOf(context, image, clouds)).length) return null
  const named = [...clouds].sort((one, other) => one.name.localeCompare(other.name))
  const formats = named.map(async (cloud) => `${cloud.name} takes ${(await formatsTaken(cloud)).join(', ') || 'none'}`)
  return `Image ${image.id} is ${formatOf(image)}, and ${(await Promise.all(formats)).join('; ')}. ${whyUnconverted(context, image)}`
}

/** Why data of a format stays what it is, and the other ways there are. */
export const whyUnconverted = (
  { conversion }: Converting,
  image: Pick<Image, 'id' | 'diskFormat' | 'containerFormat'>,
): string => {
  const why =
    'lacking' in conversion
      ? conversion.lacking
      : `${conversion.tool} makes nothing of ${formatOf(image)} that they take.`
  return `${why} It can be uploaded in a format that is taken, or an administrator names the copy that a cloud has of it: PUT /broker/v1/images/${image.id}/copies/CLOUD.`
}

/**
 * Once per project, because projects may be different accounts on the same cloud: that is the scope of the binding. What
 * a cloud made of a server belongs to the image's own project.
 */
export const imageNeed = (image: Pick<ImageRow, 'id' | 'blob' | 'projectId'>, projectId: string) =>
  image.blob
    ? ({ kind: 'image', resourceId: image.id, scope: projectId, projectId } as const)
    : ({ kind: 'image', resourceId: image.id, scope: '', projectId: image.projectId ?? '' } as const)

/** The same on a cloud: what that has for all comes before what would be made of the data for one project. */
export const imageNeedOn = async (
  { db }: Pick<Context, 'db'>,
  image: Pick<ImageRow, 'id' | 'blob' | 'projectId'>,
  projectId: string,
  cloudId: string,
) =>
  image.blob && (await cloudsForAll(db, image.id)).includes(cloudId)
    ? ({ kind: 'image', resourceId: image.id, scope: '', projectId: '' } as const)
    : imageNeed(image, projectId)

/**
 * Writes that bring uploaded data to a cloud where something will need it; one that failed there, or is not there any more,
 * is made anew. Where the cloud has the image for all, nothing is made.
 */
export const realiseImage = (context: Context, image: Image, projectId: string, cloudId: string): Write[] =>
  image.blob
    ? [
        forgetGone(context.db, { kind: 'image', resourceId: image.id, cloudId, scope: projectId }),
        bindTo(context, 'image', { id: image.id, projectId }, { cloudId, scope: projectId }),
        reviveBinding(
          context.db,
          { kind: 'image', resourceId: image.id, cloudId, scope: projectId },
          {
            token: context.newId(),
            now: context.now(),
          },
        ),
        dropUnneeded(context.db, { imageId: image.id, cloudId, projectId }),
      ]
    : []

/** Clouds that have an image for all, among what is known of where it is. */
export const nativeOf = (bindings: { cloudId: string; scope: string; phase: string }[]): string[] =>
  bindings.filter(({ scope, phase }) => scope === '' && phase === 'bound').map(({ cloudId }) => cloudId)
