import { adapterFor } from '../../../adapters/registry.ts'
import type { Found } from '../../../db/queries/compute/places.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import { reviveBinding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'

/** Where an image can be used: what a cloud made or shows is there alone, uploaded data wherever its format is taken. */

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

/** As adapters name it: `<disk format>/<container format>`. */
export const formatOf = ({ diskFormat, containerFormat }: Image): string => `${diskFormat}/${containerFormat}`

const formatsTaken = async ({ type }: CloudRef): Promise<string[]> => (await adapterFor(type))?.imageFormats ?? []

/** Ids of those clouds that take the data of an image; none, if it has no data with us. */
export const takersOf = async (image: Image, clouds: CloudRef[]): Promise<string[]> => {
  const taken: string[] = []
  if (image.blob)
    for (const cloud of clouds) if ((await formatsTaken(cloud)).includes(formatOf(image))) taken.push(cloud.id)
  return taken
}

/** What a new server refers to, with every cloud that could have its image. */
export const withTakers = async (found: Found): Promise<Found> =>
  found.image?.blob ? { ...found, imageClouds: await takersOf(found.image, found.clouds) } : found

/** Why an uploaded image boots on none of some clouds; null: it does, or its data is not the reason. */
export const whyNobodyTakes = async (image: Image, clouds: (CloudRef & { name: string })[]): Promise<string | null> => {
  if (!image.blob || !clouds.length || (await takersOf(image, clouds)).length) return null
  const named = [...clouds].sort((one, other) => one.name.localeCompare(other.name))
  const formats = named.map(async (cloud) => `${cloud.name} takes ${(await formatsTaken(cloud)).join(', ') || 'none'}`)
  return `Image ${image.id} is ${formatOf(image)}, and ${(await Promise.all(formats)).join('; ')}.`
}

/**
 * Once per project, because projects may be different accounts on the same cloud: that is the scope of the binding. What
 * a cloud made of a server belongs to the image's own project.
 */
export const imageNeed = (image: Pick<ImageRow, 'id' | 'blob' | 'projectId'>, projectId: string) =>
  image.blob
    ? ({ kind: 'image', resourceId: image.id, scope: projectId, projectId } as const)
    : ({ kind: 'image', resourceId: image.id, scope: '', projectId: image.projectId ?? '' } as const)

/** Writes that bring uploaded data to a cloud where something will need it; one that failed there, or is not there any more, is made anew. */
export const realiseImage = (context: Context, image: Image, projectId: string, cloudId: string): Write[] =>
  image.blob
    ? [
        bindTo(context, 'image', { id: image.id, projectId }, { cloudId, scope: projectId }),
        reviveBinding(
          context.db,
          { kind: 'image', resourceId: image.id, cloudId, scope: projectId },
          {
            token: context.newId(),
            now: context.now(),
          },
        ),
      ]
    : []
