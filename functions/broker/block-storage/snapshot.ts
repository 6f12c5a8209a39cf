import {
  deleteSnapshots,
  insertSnapshot,
  readSnapshot,
  type SnapshotRead,
  type SnapshotRow,
  snapshotInUse,
  snapshotNot,
  updateSnapshot,
} from '../../../db/queries/block-storage/snapshots.ts'
import { snapshotFrozen, volumeFrozen } from '../../../db/queries/block-storage/volume-services.ts'
import { type VolumeRead, type VolumeRow, volumeNot } from '../../../db/queries/block-storage/volumes.ts'
import type { Context } from '../../context.ts'
import { charge, commit, guard, type Write } from '../line/commit.ts'
import { bindTo, changed, unwanted } from '../line/resources.ts'
import { type Placed, placeVolume } from './unplaced.ts'
import { refuseIncapable } from './volume.ts'
import { untilPaid } from './volume-money.ts'
import { VolumeRefused } from './volume-refusal.ts'

/** The snapshot; null: none that the caller may see. */
export const snapshotFor = (context: Context, id: string): Promise<SnapshotRead | null> =>
  readSnapshot(context.db, context.scope, id)

export interface NewSnapshot {
  name: string | null
  description: string | null
  metadata: Record<string, string>
  /** A volume that a server uses may be copied too. */
  force: boolean
}

/** Admits a snapshot of a volume: one batch, then the cloud. Throws `VolumeRefused`, or `Refused` for quota. */
export const createSnapshot = (context: Context, given: VolumeRead, wish: NewSnapshot): Promise<SnapshotRow> =>
  untilPaid(() => create(context, given, wish))

const create = async (context: Context, given: VolumeRead, wish: NewSnapshot): Promise<SnapshotRow> => {
  const allowed = wish.force ? ['available', 'in-use'] : ['available']
  if (!allowed.includes(given.status)) throw new VolumeRefused({ kind: 'status', status: given.status, allowed })
  const { volume, writes: placing } = await placeVolume(context, given, null)
  await refuseIncapable(context, volume.cloudId, volume.projectId, 'snapshot')
  const { row, writes } = planSnapshot(context, volume, wish)
  await commit(context, { action: 'create', kind: 'snapshot', resourceId: row.id, detail: { volume_id: volume.id } }, [
    guard(context, 'volume-status', volumeNot(volume, allowed)),
    ...placing,
    ...writes,
  ])
  return row
}

/** A snapshot, and the writes that admit it; charges `snapshots` and `gigabytes`. Guard: `volume-frozen`. */
export const planSnapshot = (
  context: Context,
  volume: Placed<VolumeRow>,
  wish: Omit<NewSnapshot, 'force'>,
  groupSnapshotId: string | null = null,
): { row: SnapshotRow; writes: Write[] } => {
  const now = context.now()
  const row: SnapshotRow = {
    id: context.newId(),
    projectId: volume.projectId,
    userId: context.caller?.userId ?? '',
    name: wish.name,
    description: wish.description,
    volumeId: volume.id,
    groupSnapshotId,
    backup: null,
    parentId: null,
    sizeGib: volume.sizeGib,
    cloudId: volume.cloudId,
    metadata: wish.metadata,
    status: 'creating',
    progress: null,
    fault: null,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  }
  const writes = [
    guard(context, 'volume-frozen', volumeFrozen(volume.id)),
    charge(row.projectId, 'snapshots', 1),
    charge(row.projectId, 'gigabytes', row.sizeGib),
    insertSnapshot(context.db, row),
    bindTo(context, 'snapshot', row, { cloudId: row.cloudId }),
  ]
  return { row, writes }
}

/** Deletes a snapshot; `force` whatever its status is. It is gone when the cloud has let go. */
export const deleteSnapshot = async (context: Context, snapshot: SnapshotRead, force = false): Promise<void> => {
  const allowed = ['available', 'error']
  if (!force && !allowed.includes(snapshot.status))
    throw new VolumeRefused({ kind: 'status', status: snapshot.status, allowed })
  if (!force && snapshot.groupSnapshotId !== null)
    throw new VolumeRefused({ kind: 'status', status: 'part of a group', allowed })
  await commit(context, { action: 'delete', kind: 'snapshot', resourceId: snapshot.id }, [
    ...(force ? [] : [guard(context, 'snapshot-status', snapshotNot(snapshot.id, allowed))]),
    guard(context, 'snapshot-used', snapshotInUse(snapshot.id)),
    guard(context, 'volume-frozen', snapshotFrozen(snapshot.id)),
    deleteSnapshots(context.db, [snapshot.id], context.now()),
    unwanted(context, 'snapshot', snapshot.id),
  ])
}

/** Name, description and metadata stand above the line; the cloud shows the name where it can. */
export const changeSnapshot = async (
  context: Context,
  snapshot: SnapshotRead,
  set: Partial<Pick<SnapshotRow, 'name' | 'description' | 'metadata'>>,
): Promise<SnapshotRead> => {
  const updatedAt = context.now()
  const shown = set.name !== undefined || set.description !== undefined
  await commit(context, { action: 'update', kind: 'snapshot', resourceId: snapshot.id }, [
    updateSnapshot(context.db, snapshot.id, { ...set, updatedAt }),
    ...(shown ? [changed(context, 'snapshot', snapshot.id)] : []),
  ])
  return { ...snapshot, ...set, updatedAt }
}

/** What somebody says the status is, whatever the cloud thinks, and whatever it was. */
export const resetSnapshot = (context: Context, snapshot: SnapshotRead, status: string): Promise<void> =>
  tellStatus(context, snapshot, { status, progress: null })

/** How far somebody says that one is, whose status still is as it was read. Guard: `snapshot-moved`. */
export const tellSnapshot = (
  context: Context,
  snapshot: SnapshotRead,
  told: Pick<SnapshotRow, 'status' | 'progress'>,
): Promise<void> =>
  tellStatus(context, snapshot, told, [guard(context, 'snapshot-moved', snapshotNot(snapshot.id, [snapshot.status]))])

const tellStatus = (
  context: Context,
  snapshot: SnapshotRead,
  { status, progress }: Pick<SnapshotRow, 'status' | 'progress'>,
  guards: Write[] = [],
): Promise<void> =>
  commit(context, { action: 'reset_status', kind: 'snapshot', resourceId: snapshot.id, detail: { status } }, [
    ...guards,
    updateSnapshot(context.db, snapshot.id, { status, progress, fault: null, updatedAt: context.now() }),
  ])
