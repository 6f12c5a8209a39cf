import type { ImageSeen, ImageSpec } from '../../../adapters/contract.ts'
import { type ImageRow, imageById, imageKept, updateImage } from '../../../db/queries/image/images.ts'
import { endImageCopy } from '../image/image.ts'
import { formatOf, leastDiskGib } from '../image/image-takers.ts'
import { type Need, steps } from '../line/steps.ts'

/** The server or volume that it is a copy of. */
const copied = ({ serverId, volumeId, projectId }: ImageRow): Need => ({
  kind: volumeId ? 'volume' : 'server',
  resourceId: volumeId ?? serverId ?? '',
  projectId: projectId ?? '',
})

const archOf = ({ arch }: ImageRow) => (arch === 'aarch64' ? 'aarch64' : 'x86_64')

/** What was uploaded, for a cloud to make its image of. */
const uploaded = (row: ImageRow, blob: string): ImageSpec['source'] => ({
  kind: 'data',
  blob,
  format: formatOf(row),
  sizeBytes: row.sizeBytes ?? 0,
  arch: archOf(row),
  os: row.properties.os_type === 'windows' ? 'windows' : 'linux',
  minDiskGiB: Math.max(1, leastDiskGib(row)),
})

/**
 * An image made of a server, or one of several that clouds make of the same data: then the row speaks of the data, and
 * nothing that happens on one cloud changes it. Those of a catalogue are bound by the inventory and never come here.
 */
export const imageSteps = steps<ImageRow, ImageSpec, ImageSeen>({
  kind: 'image',
  realm: (cloud) => cloud.image,
  load: async ({ db }, { resourceId }) => (await imageById(db, resourceId)) ?? (await imageKept(db, resourceId)),
  kept: ({ deletedAt }) => deletedAt !== null,
  needs: (_, row, __, stage) => (stage === 'create' && !row.blob ? [copied(row)] : []),
  spec: (_, row, binding, native, stage) => ({
    name: row.name ?? row.id,
    source:
      stage === 'create'
        ? row.blob
          ? uploaded(row, row.blob)
          : row.volumeId
            ? { kind: 'volume', id: native(copied(row)), arch: archOf(row) }
            : { kind: 'server', id: native(copied(row)) }
        : ((binding.frozen as ImageSpec | null)?.source ?? null),
  }),

  observe(context, row, _, seen) {
    if (row.blob || row.deletedAt !== null) return []
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
