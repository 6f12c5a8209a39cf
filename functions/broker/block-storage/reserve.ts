import {
  type AttachmentRead,
  type AttachmentRow,
  attachmentMoved,
  dropReserved,
  insertAttachment,
} from '../../../db/queries/block-storage/attachments.ts'
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

/** The same with an attachment that stands for it, of no server yet: it is given back as that goes (`giveBack`). */
export const keepForAttachment = async (context: Context, volume: VolumeRead): Promise<AttachmentRow> => {
  const { db } = context
  const row: AttachmentRow = {
    id: context.newId(),
    projectId: volume.projectId,
    serverId: '',
    volumeId: volume.id,
    ...{ device: null, tag: null, deleteOnTermination: false, bootIndex: null },
    status: 'reserved',
    createdAt: context.now(),
    attachedAt: null,
  }
  await commitOn(
    context,
    'reserve',
    volume,
    ['available'],
    [
      guard(context, 'volume-attached', volumeHeld(volume.id)),
      insertAttachment(db, row),
      moveVolumes(db, [volume.id], ['available'], 'reserved', row.createdAt),
    ],
  )
  return row
}

/** An attachment of no server goes, and its volume is free again. */
export const giveBack = (context: Context, { id, volumeId }: AttachmentRead): Promise<void> =>
  commit(context, { action: 'unreserve', kind: 'volume', resourceId: volumeId }, [
    guard(context, 'volume-status', attachmentMoved(id, 'reserved')),
    dropReserved(context.db, volumeId),
    moveVolumes(context.db, [volumeId], ['reserved'], 'available', context.now()),
  ])

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
