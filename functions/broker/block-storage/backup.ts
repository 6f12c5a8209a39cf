import {
  type BackupRead,
  beginRestore,
  hasDependents,
  latestBackup,
} from '../../../db/queries/block-storage/backups.ts'
import {
  deleteSnapshots,
  insertSnapshot,
  snapshotInUse,
  snapshotNot,
  updateSnapshot,
} from '../../../db/queries/block-storage/snapshots.ts'
import { snapshotFrozen, volumeFrozen } from '../../../db/queries/block-storage/volume-services.ts'
import { type VolumeRead, volumeNot } from '../../../db/queries/block-storage/volumes.ts'
import type { Context } from '../../context.ts'
import { charge, commit, guard } from '../line/commit.ts'
import { bindTo, changed, unwanted } from '../line/resources.ts'
import { rewriteVolume } from './rewrite.ts'
import { placeVolume } from './unplaced.ts'
import { refuseIncapable } from './volume.ts'
import { createVolume } from './volume-create.ts'
import { untilPaid } from './volume-money.ts'
import { VolumeRefused } from './volume-refusal.ts'

export interface NewBackup {
  name: string | null
  description: string | null
  container: string | null
  metadata: Record<string, string>
  /** It builds on the latest one of its volume. */
  incremental: boolean
  /** A volume that a server uses may be copied too. */
  force: boolean
}

/**
 * Admits a backup: a snapshot that its cloud keeps when the volume is gone. Throws `VolumeRefused` (`status`, `no-parent`;
 * `incapable` where snapshots of the cloud go with their volume), or `Refused` for quota and `volume-frozen`.
 */
export const createBackup = (context: Context, given: VolumeRead, wish: NewBackup): Promise<BackupRead> =>
  untilPaid(() => create(context, given, wish))

const create = async (context: Context, given: VolumeRead, wish: NewBackup): Promise<BackupRead> => {
  const allowed = wish.force ? ['available', 'in-use'] : ['available']
  if (!allowed.includes(given.status)) throw new VolumeRefused({ kind: 'status', status: given.status, allowed })
  const parentId = wish.incremental ? await latestBackup(context.db, given) : null
  if (wish.incremental && parentId === null) throw new VolumeRefused({ kind: 'no-parent' })
  const { volume, writes: placing } = await placeVolume(context, given, null)
  await refuseIncapable(context, volume.cloudId, volume.projectId, 'snapshot')
  await refuseIncapable(context, volume.cloudId, volume.projectId, 'volume.backup')
  const { volumeType, typeId, bootable, imageMetadata, zone } = volume
  const now = context.now()
  const { name, description, metadata, container } = wish
  const row = {
    ...{ id: context.newId(), projectId: volume.projectId, userId: context.caller?.userId ?? '', name, description },
    ...{
      volumeId: volume.id,
      sizeGib: volume.sizeGib,
      cloudId: volume.cloudId,
      metadata,
      status: 'creating',
      progress: null,
    },
    ...{ fault: null, createdAt: now, updatedAt: now, deletedAt: null },
    parentId,
    groupSnapshotId: null,
    backup: { container, zone, volumeType, typeId, bootable, metadata: volume.metadata, imageMetadata },
  }
  await commit(context, { action: 'create', kind: 'backup', resourceId: row.id, detail: { volume_id: volume.id } }, [
    guard(context, 'volume-status', volumeNot(volume, allowed)),
    ...placing,
    guard(context, 'volume-frozen', volumeFrozen(volume.id)),
    charge(row.projectId, 'backups', 1),
    charge(row.projectId, 'backup_gigabytes', row.sizeGib),
    insertSnapshot(context.db, row),
    bindTo(context, 'snapshot', row, { cloudId: row.cloudId }),
  ])
  return { ...row, hasDependents: false, dueAt: null }
}

/** Deletes a backup; `force` whatever its status is. Guards: `backup-status`, `backup-dependents`, `snapshot-used`, `volume-frozen`. */
export const deleteBackup = async (context: Context, backup: BackupRead, force = false): Promise<void> => {
  const { id, status } = backup
  const allowed = ['available', 'error']
  if (!force && !allowed.includes(status)) throw new VolumeRefused({ kind: 'status', status, allowed })
  await commit(context, { action: 'delete', kind: 'backup', resourceId: id }, [
    ...(force ? [] : [guard(context, 'backup-status', snapshotNot(id, allowed))]),
    guard(context, 'backup-dependents', hasDependents(backup)),
    guard(context, 'snapshot-used', snapshotInUse(id)),
    guard(context, 'volume-frozen', snapshotFrozen(id)),
    deleteSnapshots(context.db, [id], context.now()),
    unwanted(context, 'snapshot', id),
  ])
}

/** Name, description and metadata; the cloud shows the name where it can. */
export const changeBackup = async (
  context: Context,
  backup: BackupRead,
  set: Partial<Pick<BackupRead, 'name' | 'description' | 'metadata'>>,
): Promise<BackupRead> => {
  const updatedAt = context.now()
  await commit(context, { action: 'update', kind: 'backup', resourceId: backup.id }, [
    updateSnapshot(context.db, backup.id, { ...set, updatedAt }),
    changed(context, 'snapshot', backup.id),
  ])
  return { ...backup, ...set, updatedAt }
}

/** What an admin says the status is. */
export const resetBackup = (context: Context, { id }: BackupRead, status: string): Promise<void> =>
  commit(context, { action: 'reset_status', kind: 'backup', resourceId: id, detail: { status } }, [
    updateSnapshot(context.db, id, { status, fault: null, updatedAt: context.now() }),
  ])

/** A new volume of a backup. Throws as `createVolume`, and `VolumeRefused` (`status`) of the backup. */
export const restoreAsNew = async (
  context: Context,
  { id, status, backup }: BackupRead,
  name: string,
): Promise<VolumeRead> => {
  if (status !== 'available') throw new VolumeRefused({ kind: 'status', status, allowed: ['available'] })
  return createVolume(context, {
    ...{ name, description: null, size: null, zone: null, metadata: backup.metadata, type: null },
    ...{ snapshotId: null, sourceVolumeId: null, imageId: null, backupId: id },
  })
}

/** What is in the backup is in the volume from then on. Throws `VolumeRefused` (`status`, `too-small`, `elsewhere`). */
export const restoreInto = async (context: Context, backup: BackupRead, volume: VolumeRead): Promise<void> => {
  if (backup.status !== 'available')
    throw new VolumeRefused({ kind: 'status', status: backup.status, allowed: ['available'] })
  if (volume.sizeGib < backup.sizeGib)
    throw new VolumeRefused({ kind: 'too-small', what: 'backup', size: volume.sizeGib, least: backup.sizeGib })
  await rewriteVolume(context, volume, {
    action: 'restore',
    source: { kind: 'snapshot', id: backup.id },
    sourceCloudId: backup.cloudId,
    status: 'restoring-backup',
    allowed: ['available'],
    also: [
      guard(context, 'backup-busy', snapshotNot(backup.id, ['available'])),
      beginRestore(context.db, backup.id, context.now()),
    ],
    after: { bootable: backup.backup.bootable, imageMetadata: backup.backup.imageMetadata },
  })
}
