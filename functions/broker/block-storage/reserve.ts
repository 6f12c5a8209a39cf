import { attachmentMoved } from '../../../db/queries/block-storage/attachments.ts'
import { moveVolumes, type VolumeRead, volumeHeld } from '../../../db/queries/block-storage/volumes.ts'
import type { Context } from '../../context.ts'
import { commit, guard } from '../line/commit.ts'
import { commitOn } from './volume.ts'
import { VolumeRefused } from './volume-refusal.ts'

/* What who attaches volumes says beforehand, that nobody else does meanwhile (cinder/volume/api.py): a word above the line. */

/** Keeps a volume that is free for who attaches it next. */
export const reserveVolume = (context: Context, volume: VolumeRead): Promise<void> =>
  commitOn(
    context,
    'reserve',
    volume,
    ['available'],
    [
      guard(context, 'volume-attached', volumeHeld(volume.id)),
      moveVolumes(context.db, [volume.id], ['available'], 'attaching', context.now()),
    ],
  )

/** Gives back what was only kept; one that goes into a server stays on its way there. */
export const unreserveVolume = async (context: Context, volume: VolumeRead): Promise<void> => {
  if (volume.status !== 'attaching' || volume.attachment) return
  await commit(context, { action: 'unreserve', kind: 'volume', resourceId: volume.id }, [
    moveVolumes(context.db, [volume.id], ['attaching'], 'available', context.now(), volumeHeld(volume.id)),
  ])
}

/** Says that a volume is going to be taken out of its server. */
export const beginDetaching = (context: Context, volume: VolumeRead): Promise<void> => {
  const { attachment, status, id } = volume
  if (attachment?.status !== 'attached') throw new VolumeRefused({ kind: 'status', status, allowed: ['in-use'] })
  return commitOn(
    context,
    'begin_detaching',
    volume,
    ['in-use'],
    [
      guard(context, 'volume-status', attachmentMoved(attachment.id, 'attached')),
      moveVolumes(context.db, [id], ['in-use'], 'detaching', context.now()),
    ],
  )
}

/** Takes that back, where nobody has asked the cloud for it yet. */
export const rollDetaching = async (context: Context, { id, status, attachment }: VolumeRead): Promise<void> => {
  if (status !== 'detaching' || attachment?.status !== 'attached') return
  await commit(context, { action: 'roll_detaching', kind: 'volume', resourceId: id }, [
    guard(context, 'volume-status', attachmentMoved(attachment.id, 'attached')),
    moveVolumes(context.db, [id], ['detaching'], 'in-use', context.now()),
  ])
}
