import {
  frozenNotAsSeen,
  type ServiceSaid,
  sayVolumeService,
  zonesClosed,
} from '../../../db/queries/block-storage/volume-services.ts'
import type { VolumeZone } from '../../../db/queries/block-storage/volume-zones.ts'
import { dueBindings } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { commit, driveSoon, guard } from '../line/commit.ts'
import { zonesWithVolumes } from './volume-place.ts'

/** What Cinder's operators do with a `cinder-volume`; here that is a zone of a cloud. */
export type ServiceChange = 'enable' | 'disable' | 'freeze' | 'thaw'

/** What freezing gives as the reason, and thawing takes away with it (cinder/volume/manager.py, `freeze_host`). */
const FROZEN = 'frozen'

/** Zones with volumes, and those of which something is said though their cloud is off, or has them no more: it has to be taken back. */
export const volumePlaces = async (context: Context): Promise<VolumeZone[]> => {
  const [zones, said] = await Promise.all([zonesWithVolumes(context), zonesClosed(context.db, context.scope)])
  const listed = new Set(zones.map(({ cloudId, zone }) => `${cloudId}/${zone}`))
  return [...zones, ...said.filter(({ cloudId, zone }) => !listed.has(`${cloudId}/${zone}`))]
}

/** A word changes what it is about alone: another one may be said at the same time. No `reason`: that which there was stays. */
const saidBy = (change: ServiceChange, reason: string | undefined): ServiceSaid => {
  const frozen = change === 'freeze' || change === 'thaw' ? { frozen: change === 'freeze' } : {}
  if (change === 'enable' || change === 'thaw') return { disabled: false, disabledReason: null, ...frozen }
  const disabledReason = change === 'freeze' ? FROZEN : reason
  return { disabled: true, ...(disabledReason === undefined ? {} : { disabledReason }), ...frozen }
}

/** Guard of who freezes or thaws: somebody else did meanwhile. */
export const FROZEN_MOVED = 'frozen-moved'

/**
 * Says that volumes are made in a zone from now on, or that none are; that what is there is left as it is, or may change again.
 * Guard of the latter: `FROZEN_MOVED`.
 */
export const sayOfVolumes = async (
  context: Context,
  place: VolumeZone,
  change: ServiceChange,
  reason?: string,
): Promise<void> => {
  const { cloudId, cloud: name, zone } = place
  const said = saidBy(change, reason)
  const detail = { name, zone, of: 'volumes', reason: said.disabledReason ?? null }
  await commit(context, { action: change, kind: 'cloud', resourceId: cloudId, detail }, [
    ...('frozen' in said ? [guard(context, FROZEN_MOVED, frozenNotAsSeen(place))] : []),
    sayVolumeService(context.db, { cloudId, zone, changedAt: context.now() }, said),
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
