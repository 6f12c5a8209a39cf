import type { SnapshotSeen, SnapshotSpec } from '../../../adapters/contract.ts'
import { insertSnapshot } from '../../../db/queries/block-storage/snapshots.ts'
import { clearTombstone } from '../../../db/queries/line/adopt.ts'
import { type Adopter, NotAdoptable } from './plan.ts'

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
