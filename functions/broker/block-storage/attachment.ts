import {
  type AttachmentRead,
  type AttachmentRow,
  attachmentMoved,
  attachmentsOf,
  deleteAttachments,
  insertAttachment,
  type ServerRow,
  serverGone,
  updateAttachment,
} from '../../../db/queries/block-storage/attachments.ts'
import { heldByCopies } from '../../../db/queries/block-storage/snapshots.ts'
import { moveVolumes, type VolumeRead, volumeNot } from '../../../db/queries/block-storage/volumes.ts'
import { movingParts } from '../../../db/queries/compute/moving.ts'
import { goneAlong, notOurs } from '../../../db/queries/line/bindings.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { adapterOf } from '../clouds/adapter.ts'
import { commit, guard, type Write } from '../line/commit.ts'
import { bindTo, unwanted } from '../line/resources.ts'
import { noteAction } from './server-history.ts'
import { type Placed, placeVolume, type Unplaced } from './unplaced.ts'
import { untilPaid } from './volume-money.ts'
import { VolumeRefused } from './volume-refusal.ts'

export interface AttachOptions {
  /** The user's wish; the cloud may choose another name. */
  device: string | null
  tag: string | null
  deleteOnTermination: boolean
  /** Its turn among the disks that the server may boot from; 0: it does. Null: it is none of them. */
  bootIndex?: number | null
}

/** What has to be known of a volume that is to be attached; `attachment`: null, if it has none. */
export type Attachable = Pick<VolumeRead, 'id' | 'projectId' | 'status' | 'cloudId' | 'cloud' | 'zone' | 'readonly'> &
  Unplaced & {
    attachment: unknown
  }

/**
 * Puts a volume (`volumeFor`) into a server: one batch with Nova's action `attach_volume`, then the cloud. Throws as
 * `planAttachment` does before any cloud is asked; `Refused` for its guards, or `taken`, when another request was faster.
 */
export const attachVolume = (
  context: Context,
  server: ServerRow,
  volume: Attachable,
  options: AttachOptions,
  allowed?: string[],
): Promise<AttachmentRow> => untilPaid(() => attach(context, server, volume, options, allowed))

const attach = async (
  context: Context,
  server: ServerRow,
  volume: Attachable,
  options: AttachOptions,
  allowed: string[] | undefined,
): Promise<AttachmentRow> => {
  const { row, writes } = await planAttachment(context, server, volume, options, allowed)
  const detail = { volume_id: volume.id }
  await commit(context, { action: 'attach_volume', kind: 'server', resourceId: server.id, detail }, [
    ...writes,
    noteAction(context, server, 'attach_volume', volume.id),
  ])
  return row
}

/**
 * An attachment, and the writes that admit it, for a batch that the server may be made in; a volume that is nowhere yet is made where
 * the server is. `allowed`: statuses of a volume that is free. Throws `VolumeRefused` (`status`, `elsewhere`, `readonly`, `incapable`). Guards: `volume-status`, `server-gone`.
 */
export const planAttachment = async (
  context: Context,
  server: ServerRow,
  given: Attachable,
  options: AttachOptions,
  allowed = ['available'],
): Promise<{ row: AttachmentRow; writes: Write[] }> => {
  const { db } = context
  // A repetition finds it as the request that it repeats left it.
  if (!context.once?.replay && (!allowed.includes(given.status) || given.attachment))
    throw new VolumeRefused({ kind: 'status', status: given.status, allowed })
  const { cloudId, zone } = server
  const at = cloudId !== null && zone !== null ? { cloudId, zone } : null
  const { volume, writes: placing } = await placeVolume(context, given, at)
  if (server.cloudId !== volume.cloudId || server.zone !== volume.zone)
    throw new VolumeRefused({
      kind: 'elsewhere',
      what: 'server',
      here: volume.cloudId === server.cloudId ? volume.zone : `${volume.cloud}.${volume.zone}`,
      there: volume.cloudId === server.cloudId ? (server.zone ?? 'no zone yet') : 'another cloud',
    })
  if (volume.readonly) throw new VolumeRefused({ kind: 'readonly' })
  const row = newAttachment(context, server, volume, options)
  const writes = [
    guard(context, 'server-gone', serverGone(server.id)),
    guard(context, 'volume-status', volumeNot(volume, allowed)),
    ...placing,
    insertAttachment(db, row),
    moveVolumes(db, [volume.id], allowed, 'reserved', row.createdAt),
    bindTo(context, 'attachment', row, volume),
  ]
  return { row, writes }
}

/** The same for a volume that is made in the same batch, and for this server. */
export const planMadeAttachment = (
  context: Context,
  server: ServerRow,
  volume: Placed<Pick<VolumeRead, 'id' | 'projectId'>>,
  options: AttachOptions,
): Write[] => {
  const row = newAttachment(context, server, volume, options)
  return [insertAttachment(context.db, row), bindTo(context, 'attachment', row, volume)]
}

const newAttachment = (
  context: Context,
  server: ServerRow,
  volume: Pick<VolumeRead, 'id' | 'projectId'>,
  options: AttachOptions,
): AttachmentRow => ({
  id: context.newId(),
  projectId: volume.projectId,
  serverId: server.id,
  volumeId: volume.id,
  bootIndex: null,
  ...options,
  status: 'attaching',
  createdAt: context.now(),
  attachedAt: null,
})

/**
 * The device that a cloud is going to name for one more volume. Null: it never says, or what else is in the server nobody
 * knows, as it was adopted.
 */
export const nextDevice = async (
  context: Context,
  server: Pick<ServerRow, 'id' | 'cloudId'>,
  others: Pick<AttachmentRow, 'device' | 'status'>[],
  wish: string | null,
): Promise<string | null> => {
  const adapter = server.cloudId === null ? null : (await adapterOf(context, server.cloudId))?.adapter
  if (!adapter?.deviceFor || !(await movingParts(context.db, server.id)).placed) return null
  const taken = others.flatMap(({ device, status }) => (status === 'attaching' ? [] : (device ?? [])))
  // Who is on the way has said what it would have.
  for (const { device, status } of others)
    if (status === 'attaching') taken.push(adapter.deviceFor(device, taken) ?? '')
  return adapter.deviceFor(wish, taken)
}

/**
 * Takes a volume out of its server, with Nova's action `detach_volume`. The row stays until the cloud has let go.
 * Throws `VolumeRefused` (`status`) unless it is attached.
 */
export const detachVolume = async (
  context: Context,
  server: Pick<ServerRow, 'id' | 'projectId'>,
  attachment: AttachmentRead,
): Promise<void> => {
  const { db } = context
  if (attachment.status !== 'attached' && attachment.status !== 'error')
    throw new VolumeRefused({ kind: 'status', status: attachment.status, allowed: ['attached'] })
  await commit(
    context,
    { action: 'detach_volume', kind: 'server', resourceId: server.id, detail: { volume_id: attachment.volumeId } },
    [
      guard(context, 'attachment-status', attachmentMoved(attachment.id, attachment.status)),
      updateAttachment(db, attachment.id, { status: 'detaching' }),
      moveVolumes(db, [attachment.volumeId], ['in-use', 'error'], 'detaching', context.now()),
      unwanted(context, 'attachment', attachment.id),
      noteAction(context, server, 'detach_volume', attachment.volumeId),
    ],
  )
}

/** Changes what Nova lets users change of an attachment that exists. */
export const keepVolume = (context: Context, attachment: AttachmentRead, deleteOnTermination: boolean): Promise<void> =>
  commit(context, { action: 'update_attachment', kind: 'server', resourceId: attachment.serverId }, [
    updateAttachment(context.db, attachment.id, { deleteOnTermination }),
  ])

/**
 * For the batch in which a server is gone: its volumes are free again, those that were to go with it go. Their bindings
 * have work left, which the cron finds.
 */
export const endAttachments = async (context: Context, serverId: string): Promise<Write[]> => {
  const { db } = context
  const held = await attachmentsOf(db, everyProject, serverId)
  if (!held.length) return []
  const now = context.now()
  const all = held.map(({ volumeId }) => volumeId)
  // As with Cinder, one with snapshots stays; and so does one that is somebody else's.
  const theirs = await notOurs(db, all)
  const doomed: string[] = []
  for (const { deleteOnTermination, volumeId } of held)
    if (deleteOnTermination && !theirs.has(volumeId)) doomed.push(volumeId)
  const ids = held.map(({ id }) => id)
  return [
    goneAlong(db, 'attachment', ids, now),
    unwanted(context, 'attachment', ids),
    deleteAttachments(db, ids),
    moveVolumes(db, all, ['reserved', 'attaching', 'in-use', 'detaching'], 'available', now),
    ...doomed.flatMap((id) => [
      moveVolumes(db, [id], ['creating', 'available', 'error'], 'deleting', now, heldByCopies(id)),
      unwanted(context, 'volume', id, heldByCopies(id)),
    ]),
  ]
}
