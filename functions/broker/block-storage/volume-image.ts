import { updateVolume, type VolumeRead, volumeNot } from '../../../db/queries/block-storage/volumes.ts'
import { type ImageRow, insertImage } from '../../../db/queries/image/images.ts'
import type { Context } from '../../context.ts'
import { FORK_OF, newImageRow } from '../image/image.ts'
import { withinImageLimits } from '../image/image-quota.ts'
import { commit, guard } from '../line/commit.ts'
import { bindTo } from '../line/resources.ts'
import { placeVolume } from './unplaced.ts'
import { refuseIncapable } from './volume.ts'
import { untilPaid } from './volume-money.ts'
import { VolumeRefused } from './volume-refusal.ts'

/** An image that somebody wants of a volume. */
export interface VolumeImageWish extends Pick<ImageRow, 'diskFormat' | 'containerFormat' | 'visibility' | 'protected'> {
  name: string
  /** A volume that a server uses may be copied too. */
  force: boolean
}

/** What a volume remembers of its image that is no property of it: a disk alone is no server that goes on from another. */
const FACTS = [
  ...['image_id', 'image_name', 'container_format', 'disk_format', 'min_disk', 'min_ram', 'size', 'checksum'],
  FORK_OF,
]

/**
 * Makes an image of a volume as it is now: one batch, then the cloud, which has the image alone. Throws `VolumeRefused`
 * (`status`, `incapable`), `Refused` with quota `image_count_total`.
 */
export const imageOfVolume = (context: Context, given: VolumeRead, wish: VolumeImageWish): Promise<ImageRow> =>
  untilPaid(() => make(context, given, wish))

const make = async (context: Context, given: VolumeRead, wish: VolumeImageWish): Promise<ImageRow> => {
  const allowed = wish.force ? ['available', 'in-use'] : ['available']
  if (!allowed.includes(given.status)) throw new VolumeRefused({ kind: 'status', status: given.status, allowed })
  const { volume, writes: placing } = await placeVolume(context, given, null)
  await refuseIncapable(context, volume.cloudId, volume.projectId, 'image.volume')
  const { force: _, ...said } = wish
  const facts = volume.imageMetadata
  const row = newImageRow(context, {
    ...said,
    projectId: volume.projectId,
    arch: facts.architecture === 'aarch64' ? 'aarch64' : 'x86_64',
    minRamMib: Number(facts.min_ram ?? 0),
    properties: Object.fromEntries(Object.entries(facts).filter(([key]) => !FACTS.includes(key))),
    volumeId: volume.id,
  })
  await commit(
    context,
    { action: 'upload_image', kind: 'volume', resourceId: volume.id, detail: { image_id: row.id } },
    [
      guard(context, 'volume-status', volumeNot(volume, allowed)),
      ...placing,
      ...withinImageLimits(context, volume.projectId, { image_count_total: 1 }),
      updateVolume(context.db, volume.id, { status: 'uploading', updatedAt: context.now() }),
      insertImage(context.db, row),
      bindTo(context, 'image', { id: row.id, projectId: volume.projectId }, { cloudId: volume.cloudId }),
    ],
  )
  return row
}
