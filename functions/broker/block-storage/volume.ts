import type { Capability } from '../../../adapters/contract.ts'
import { dropReserved } from '../../../db/queries/block-storage/attachments.ts'
import { endRestore } from '../../../db/queries/block-storage/backups.ts'
import {
  beingBackedUp,
  deleteSnapshots,
  hasSnapshots,
  type SnapshotRow,
  snapshotsOf,
} from '../../../db/queries/block-storage/snapshots.ts'
import { endTransfersOf } from '../../../db/queries/block-storage/transfers.ts'
import { volumeFrozen } from '../../../db/queries/block-storage/volume-services.ts'
import {
  beingRewritten,
  nowhereNoMore,
  readVolume,
  tooLargeFor,
  updateVolume,
  type VolumeRead,
  type VolumeRow,
  volumeChanged,
  volumeHeld,
  volumeLost,
  volumeNot,
} from '../../../db/queries/block-storage/volumes.ts'
import type { Ref } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { stillSaid } from '../clouds/policy.ts'
import { charge, commit, driveSoon, guard, type Write } from '../line/commit.ts'
import { changed, unwanted } from '../line/resources.ts'
import { projectMeans } from '../money/parts.ts'
import { endExtension, noteExtension } from './server-history.ts'
import { isPlaced } from './unplaced.ts'
import { payVolume, untilPaid } from './volume-money.ts'
import { VolumeRefused } from './volume-refusal.ts'

/** The volume with its attachment; null: none that the caller may see. */
export const volumeFor = (context: Context, id: string): Promise<VolumeRead | null> =>
  readVolume(context.db, context.scope, id)

/** What it is when nothing is under way; one that is made with a server is kept for that, and one may be kept for none yet. */
export const restingStatus = (attachment: { status: string; serverId: string } | null): string => {
  if (!attachment || attachment.status === 'attaching') return 'available'
  return attachment.serverId === '' ? 'reserved' : 'in-use'
}

/** Project for which the caller acts. */
export const projectOf = ({ scope, caller }: Context): string =>
  'projectId' in scope ? scope.projectId : (caller?.projectId ?? '')

/** Throws `incapable` with the reason that the adapter gives. */
export const refuseIncapable = async (
  context: Context,
  cloudId: string,
  projectId: string,
  capability: string,
): Promise<void> => {
  const { adapter } = await connectCloud(context, cloudId, projectId, { throughBreaker: true })
  const reason = adapter.lacks[capability as Capability]
  if (reason !== undefined) throw new VolumeRefused({ kind: 'incapable', reason })
}

/** Wants a larger volume; the cloud grows it in place. */
export const extendVolume = async (
  context: Context,
  volume: VolumeRead,
  size: number,
  allowed: string[],
): Promise<void> => untilPaid(() => extend(context, volume, size, allowed))

const extend = async (context: Context, volume: VolumeRead, size: number, allowed: string[]): Promise<void> => {
  const { id, projectId, cloudId, sizeGib } = volume
  const counts = [
    guard(context, 'volume-size', tooLargeFor(projectId, size)),
    charge(projectId, 'gigabytes', size - sizeGib),
  ]
  if (cloudId === null) {
    const larger = updateVolume(context.db, id, { sizeGib: size, updatedAt: context.now() })
    return commitOn(context, 'extend', volume, allowed, [stillNowhere(context, volume), ...counts, larger])
  }
  const { cloud } = await connectCloud(context, cloudId, projectId, { throughBreaker: true })
  if (!cloud.volume?.update)
    throw new VolumeRefused({ kind: 'incapable', reason: `Cloud ${volume.cloud} cannot extend volumes.` })
  const means = await projectMeans(context, projectId)
  const paid = await payVolume(context, { ...volume, cloudId, sizeGib: size }, { means, before: sizeGib })
  await commitOn(context, 'extend', volume, allowed, [
    stillAsRead(context, volume),
    ...counts,
    stillSaid(context, projectId, means.said),
    updateVolume(context.db, id, { sizeGib: size, status: 'extending', fault: null, updatedAt: context.now() }),
    changed(context, 'volume', id),
    ...noteExtension(context, volume.attachment),
    ...paid,
  ])
}

/** What counts of it is changed once: by who read it as it is. */
export const stillNowhere = (context: Context, volume: VolumeRow): Write =>
  guard(context, 'volume-status', nowhereNoMore(volume))

/** What is paid, and charged, for a change of its size or type was reckoned by these. Guard: `volume-changed`. */
export const stillAsRead = (context: Context, volume: VolumeRow): Write =>
  guard(context, 'volume-changed', volumeChanged(volume))

/** A change of the row under the guard that the volume still is in one of `allowed`. */
export const commitOn = async (
  context: Context,
  action: string,
  volume: VolumeRead,
  allowed: string[],
  writes: Parameters<typeof commit>[2],
): Promise<void> => {
  if (!allowed.includes(volume.status)) throw new VolumeRefused({ kind: 'status', status: volume.status, allowed })
  await commit(context, { action, kind: 'volume', resourceId: volume.id }, [
    guard(context, 'volume-status', volumeNot(volume, allowed)),
    ...writes,
  ])
}

const snapshotRef = ({ id, cloudId }: SnapshotRow): Ref => ({ kind: 'snapshot', resourceId: id, cloudId, scope: '' })

/** Deletes a volume; `cascade` its snapshots too, `force` whatever its status is. It is gone when the cloud has let go. */
export const deleteVolume = async (
  context: Context,
  volume: VolumeRead,
  how: { cascade?: boolean; force?: boolean },
): Promise<void> => {
  const writes = await planDeletion(context, volume, how)
  if (volume.groupId !== null && !how.force) throw new VolumeRefused({ kind: 'attached' })
  await commit(context, { action: 'delete', kind: 'volume', resourceId: volume.id }, writes)
}

/** Writes by which a volume goes, whichever group it is in. Throws as `deleteVolume`. */
export const planDeletion = async (
  context: Context,
  volume: VolumeRead,
  { cascade = false, force = false }: { cascade?: boolean; force?: boolean } = {},
): Promise<Write[]> => {
  const { db } = context
  const { id } = volume
  const allowed = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing']
  if (!force && !allowed.includes(volume.status))
    throw new VolumeRefused({ kind: 'status', status: volume.status, allowed })
  if (volume.attachment) throw new VolumeRefused({ kind: 'attached' })
  const children = await snapshotsOf(db, id)
  if (children.length && !cascade) {
    // Those that are on their way may be all that stands in the way, and nobody else looks after them.
    driveSoon(context, children.filter(({ status }) => status === 'deleting').map(snapshotRef))
    throw new VolumeRefused({ kind: 'has-snapshots' })
  }
  const childIds = children.map((child) => child.id)
  const now = context.now()
  return [
    force
      ? guard(context, 'volume-gone', volumeLost(volume))
      : guard(context, 'volume-status', volumeNot(volume, allowed)),
    guard(context, 'volume-attached', volumeHeld(id)),
    guard(context, 'volume-copying', beingBackedUp(id)),
    guard(context, 'volume-frozen', volumeFrozen(id)),
    endTransfersOf(db, id, now),
    ...(cascade ? [] : [guard(context, 'volume-snapshots', hasSnapshots(id))]),
    ...(childIds.length ? [deleteSnapshots(db, childIds, now), unwanted(context, 'snapshot', childIds)] : []),
    ...(isPlaced(volume)
      ? [
          updateVolume(db, id, { status: 'deleting', updatedAt: now }),
          unwanted(context, 'volume', id),
          ...restoreOver(context, volume),
        ]
      : [
          stillNowhere(context, volume),
          updateVolume(db, id, { status: 'deleted', deletedAt: now, updatedAt: now }),
          charge(volume.projectId, 'volumes', -1),
          charge(volume.projectId, 'gigabytes', -volume.sizeGib),
        ]),
  ]
}

/** Name and description stand above the line; the cloud shows the name where it can. */
export const changeVolume = async (
  context: Context,
  volume: VolumeRead,
  set: Partial<Pick<VolumeRow, 'name' | 'description' | 'metadata' | 'imageMetadata' | 'bootable' | 'readonly'>>,
  action = 'update',
): Promise<VolumeRead> => {
  const updatedAt = context.now()
  const renamed = set.name !== undefined && set.name !== volume.name
  await commit(context, { action, kind: 'volume', resourceId: volume.id }, [
    guard(context, 'volume-gone', volumeLost(volume)),
    updateVolume(context.db, volume.id, { ...set, updatedAt }),
    ...(renamed ? [changed(context, 'volume', volume.id)] : []),
  ])
  return { ...volume, ...set, updatedAt }
}

/** What an admin says the status is, whatever the cloud thinks. Guard: `volume-rewritten`, as its status tells how far that is. */
export const resetVolume = (context: Context, volume: VolumeRead, status: string): Promise<void> =>
  commit(context, { action: 'reset_status', kind: 'volume', resourceId: volume.id, detail: { status } }, [
    guard(context, 'volume-rewritten', beingRewritten(volume.id)),
    updateVolume(context.db, volume.id, { status, fault: null, updatedAt: context.now() }),
    ...(status === 'available' ? [dropReserved(context.db, volume.id)] : []),
    ...restoreOver(context, volume),
    ...endExtension(context, volume.attachment, 'The state was reset.'),
  ])

/** Statements: nobody waits any more for a volume to be made of its backup. */
const restoreOver = (context: Context, { backupId }: VolumeRow): Write[] =>
  backupId === null ? [] : [endRestore(context.db, backupId, context.now())]
