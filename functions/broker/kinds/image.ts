import type { ImageData, ImageSeen, ImageSpec } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import { type CloudRow, cloudById } from '../../../db/queries/clouds/clouds.ts'
import { type ImageRow, imageById, imageKept, updateImage } from '../../../db/queries/image/images.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { rotatedOut, rotateOut } from '../image/backup.ts'
import { jobOf } from '../image/conversion.ts'
import { endImageCopy } from '../image/image.ts'
import { HEAD, inspectImage } from '../image/image-format.ts'
import { formatOf, leastDiskGib, wayTo, whyUnconverted } from '../image/image-takers.ts'
import type { Write } from '../line/commit.ts'
import { type Need, steps } from '../line/steps.ts'

/** The server or volume that it is a copy of. */
const copied = ({ serverId, volumeId, projectId }: ImageRow): Need => ({
  kind: volumeId ? 'volume' : 'server',
  resourceId: volumeId ?? serverId ?? '',
  projectId: projectId ?? '',
})

const archOf = ({ arch }: ImageRow) => (arch === 'aarch64' ? 'aarch64' : 'x86_64')

/** How soon to look again whether data was converted, in milliseconds. */
const PAUSE = 1_000

/** The data in a format that the cloud takes; null: it is being made. @throws `definitive` where there is none */
const dataFor = async (
  context: Context,
  row: ImageRow,
  { cloudId }: Binding,
): Promise<Pick<ImageData, 'blob' | 'format' | 'sizeBytes'> | null> => {
  const cloud = await cloudById(context.db, cloudId)
  const way = cloud && (await wayTo(context, row, cloud))
  if (!way)
    throw new CloudError(
      'definitive',
      `The cloud does not take the image, which is ${formatOf(row)}. ${whyUnconverted(context, row)}`,
    )
  const { format } = way
  if (!way.converted && (await isOfKind(context, row, cloud)))
    return { blob: row.blob!, format, sizeBytes: row.sizeBytes ?? 0 }
  const made = 'lacking' in context.conversion ? null : await context.conversion.make(jobOf(row, format))
  return made && { blob: made.key, format, sizeBytes: made.sizeBytes }
}

/** A format may have kinds of which a cloud takes one alone; where nothing makes it that, the cloud says what it wants. */
const isOfKind = async ({ blobs, conversion }: Context, row: ImageRow, { type }: CloudRow): Promise<boolean> => {
  const wanted = (await adapterFor(type))?.vmdkType
  if (!wanted || formatOf(row) !== 'vmdk/bare' || !blobs || 'lacking' in conversion) return true
  const length = Math.min(HEAD, row.sizeBytes ?? 0)
  const read = await blobs.read(row.blob!, { offset: 0, length })
  const head = new Uint8Array(await new Response(read).arrayBuffer())
  return inspectImage(head, new Uint8Array(), row.sizeBytes ?? 0).kind === wanted
}

/** What was uploaded, for a cloud to make its image of. */
const uploaded = async (context: Context, row: ImageRow, binding: Binding): Promise<ImageSpec['source']> => ({
  kind: 'data',
  ...((await dataFor(context, row, binding)) ?? gone()),
  arch: archOf(row),
  os: row.properties.os_type === 'windows' ? 'windows' : 'linux',
  minDiskGiB: Math.max(1, leastDiskGib(row)),
})

const gone = (): never => {
  throw new CloudError('throttled', 'The converted data made room for other data.', { retryAfterMs: PAUSE })
}

/** A header may say less of the disk inside than there is, or nothing: once it is made plain, or is on a cloud, what it takes is known. */
const grown = ({ db }: Context, { id, virtualSizeBytes }: ImageRow, { frozen }: Binding, seen: ImageSeen): Write[] => {
  const source = (frozen as ImageSpec | null)?.source
  if (source?.kind !== 'data') return []
  // More than it was said to take, so that the cloud has looked inside.
  const there = virtualSizeBytes === null && seen.minDiskGiB > source.minDiskGiB ? seen.minDiskGiB * 2 ** 30 : 0
  const plain = source.format === 'raw/bare' ? source.sizeBytes : there
  return plain > (virtualSizeBytes ?? 0) ? [updateImage(db, id, { virtualSizeBytes: plain })] : []
}

/** With the images that go when it is there. */
type Made = ImageRow & { surplus: ImageRow[] }

/**
 * An image made of a server, or one of several that clouds make of the same data: then the row speaks of the data, and
 * nothing that happens on one cloud changes it. Those of a catalogue are bound by the inventory and never come here.
 */
export const imageSteps = steps<Made, ImageSpec, ImageSeen>({
  kind: 'image',
  realm: (cloud) => cloud.image,
  load: async ({ db }, { resourceId }) => {
    const row = (await imageById(db, resourceId)) ?? (await imageKept(db, resourceId))
    return row && { ...row, surplus: await rotatedOut({ db }, row) }
  },
  kept: ({ deletedAt }) => deletedAt !== null,
  awaits: async (context, row, binding) =>
    row.blob && !(await dataFor(context, row, binding)) ? context.now() + PAUSE : null,
  needs: (_, row, __, stage) => (stage === 'create' && !row.blob ? [copied(row)] : []),
  spec: async (context, row, binding, native, stage) => ({
    name: row.name ?? row.id,
    source:
      stage === 'create'
        ? row.blob
          ? await uploaded(context, row, binding)
          : row.volumeId
            ? { kind: 'volume', id: native(copied(row)), arch: archOf(row) }
            : { kind: 'server', id: native(copied(row)) }
        : ((binding.frozen as ImageSpec | null)?.source ?? null),
  }),

  observe(context, row, binding, seen) {
    if (row.deletedAt !== null) return []
    if (row.blob) return grown(context, row, binding, seen)
    const { db } = context
    if (seen.health === 'pending' && row.status === 'queued')
      return [updateImage(db, row.id, { status: 'saving', updatedAt: context.now() })]
    const making = row.status === 'queued' || row.status === 'saving'
    if (seen.health === 'failed' && making) {
      const fault = seen.fault ?? 'The cloud could not make it.'
      return [
        updateImage(db, row.id, { status: 'killed', fault, updatedAt: context.now() }),
        ...endImageCopy(context, row, fault),
      ]
    }
    const lost = row.status === 'killed' && row.fault !== null
    if (seen.health !== 'ready' || !(making || lost)) return []
    return [
      updateImage(db, row.id, {
        status: 'active',
        fault: null,
        arch: seen.arch,
        sizeBytes: seen.sizeBytes ?? row.sizeBytes,
        minDiskGib: Math.max(row.minDiskGib, seen.minDiskGiB),
        updatedAt: context.now(),
      }),
      ...endImageCopy(context, row),
      ...rotateOut(context, row.surplus),
    ]
  },

  failed(context, row, _, error) {
    if (row.blob || row.deletedAt !== null) return []
    const making = row.status === 'queued' || row.status === 'saving'
    // A change that the cloud refused leaves the image as it was.
    if (!making && error.code !== 'not_found') return []
    return [
      updateImage(context.db, row.id, { status: 'killed', fault: error.message, updatedAt: context.now() }),
      ...(making ? endImageCopy(context, row, error.message) : []),
    ]
  },
})
