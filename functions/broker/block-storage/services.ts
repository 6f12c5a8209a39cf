import { sayVolumeService } from '../../../db/queries/block-storage/volume-services.ts'
import type { VolumeZone } from '../../../db/queries/block-storage/volume-zones.ts'
import { dueBindings } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { commit, driveSoon } from '../line/commit.ts'

/** What Cinder's operators do with a `cinder-volume`; here that is a zone of a cloud. */
export type ServiceChange = 'enable' | 'disable' | 'freeze' | 'thaw'

/** What freezing gives as the reason, and thawing takes away with it (cinder/volume/manager.py, `freeze_host`). */
const FROZEN = 'frozen'

/** Says that volumes are made in a zone from now on, or that none are; that what is there is left as it is, or may change again. */
export const sayOfVolumes = async (
  context: Context,
  { cloudId, cloud: name, zone, ...was }: VolumeZone,
  change: ServiceChange,
  reason: string | null = null,
): Promise<void> => {
  const disabled = change === 'disable' || change === 'freeze'
  const frozen = change === 'freeze' || (change !== 'thaw' && was.frozen)
  const disabledReason = change === 'freeze' ? FROZEN : disabled ? reason : null
  const detail = { name, zone, of: 'volumes', reason: disabledReason }
  await commit(context, { action: change, kind: 'cloud', resourceId: cloudId, detail }, [
    sayVolumeService(context.db, { cloudId, zone, disabled, disabledReason, frozen, changedAt: context.now() }),
  ])
}

/** So much of what is due is driven for one request; the rest is the cron's. */
const MOST_DRIVEN = 100

/** Drives what is due of volumes and snapshots of some clouds now, after the answer. `id`: of one alone. */
export const driveVolumes = async (
  context: Context,
  cloudIds: string[],
  { id, kinds = ['volume', 'snapshot'] }: { id?: string | undefined; kinds?: string[] },
): Promise<void> => {
  const due = await dueBindings(context.db, context.now(), MOST_DRIVEN)
  driveSoon(
    context,
    due.filter(
      (each) =>
        kinds.includes(each.kind) && cloudIds.includes(each.cloudId) && (id === undefined || each.resourceId === id),
    ),
  )
}
