import type { SnapshotSeen, SnapshotSpec } from '../../../adapters/contract.ts'
import { insertSnapshot, type SnapshotRead } from '../../../db/queries/block-storage/snapshots.ts'
import { clearTombstone } from '../../../db/queries/line/adopt.ts'
import type { Context } from '../../context.ts'
import { VolumeRefused } from '../block-storage/volume-refusal.ts'
import { withoutKey } from '../line/commit.ts'
import { type Adopter, NotAdoptable } from './plan.ts'
import { release } from './release.ts'

/** A snapshot of a volume that is ours. */
export const takeSnapshot: Adopter = async (plan, item, sighting, read) => {
  const seen = sighting as SnapshotSeen
  const { name, description, volume } = read.spec as SnapshotSpec
  const { context, row } = plan
  const { bound, resourceId } = await plan.identify('volume', volume)
  if (!bound && !plan.takes('volume', volume)) throw new NotAdoptable(`Its volume ${volume} is not managed here.`)
  const now = context.now()
  await plan.admit(item, { snapshots: 1, gigabytes: seen.sizeGiB }, () => [
    clearTombstone(context.db, 'snapshot', item.resourceId),
    insertSnapshot(context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      userId: context.caller?.userId ?? '',
      name,
      description: description || null,
      volumeId: resourceId,
      sizeGib: seen.sizeGiB,
      cloudId: row.id,
      status: 'available',
      createdAt: now,
      updatedAt: now,
    }),
  ])
}

/**
 * Hands a snapshot back to its cloud, which keeps it, without our mark. Throws `VolumeRefused` (`status`), or gives the reason
 * for which it stays.
 */
export const unmanageSnapshot = async (context: Context, snapshot: SnapshotRead): Promise<string | null> => {
  const allowed = ['available', 'error']
  if (!allowed.includes(snapshot.status)) throw new VolumeRefused({ kind: 'status', status: snapshot.status, allowed })
  if (snapshot.groupSnapshotId !== null) throw new VolumeRefused({ kind: 'status', status: 'part of a group', allowed })
  const { refused: reasons, waiting } = await release(withoutKey(context), { resourceIds: [snapshot.id] })
  if (waiting[0]) context.log('warn', 'not handed back yet', { resourceId: snapshot.id, reason: waiting[0].reason })
  return reasons[0]?.reason ?? null
}
