import type { Json, Kind, Realm } from '../../../adapters/contract.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import { kindsWithOrphans } from '../../../db/queries/line/orphans.ts'
import { type Finished, finishUnits, type Unit, type UnitRef } from '../../../db/queries/line/sweeps.ts'
import type { Context } from '../../context.ts'
import { type Place, putAway } from '../clouds/listing.ts'
import type { Write } from '../line/commit.ts'
import { type Account, type SweepOptions, type SweepReport, sweep } from './sweep.ts'

/** How often a unit is swept, in milliseconds. */
const EVERY = 60_000

/** A unit that was not swept to its end, and why. Account and kind are null where a cloud has no units yet. */
export interface Skipped {
  cloudId: string
  account: string | null
  kind: Kind | null
  why: 'out_of_time' | 'held' | 'breaker_open' | 'not_connected'
}
/** What became of some units. */
export interface Swept {
  reports: (SweepReport & { account: string })[]
  skipped: Skipped[]
}

/** Units for who only reports: nobody else is kept from them. */
export const unclaimed = (units: UnitRef[]): Unit[] => units.map((unit) => ({ ...unit, listing: null, leaseUntil: 0 }))

/** One after the other. What there is no time for keeps its place in the order; an open breaker ends the turn. */
export const sweepUnits = async (
  context: Context,
  account: Account,
  units: Unit[],
  until: number,
  options: SweepOptions,
): Promise<Swept> => {
  const { db } = context
  const swept: Swept = { reports: [], skipped: [] }
  const finished: Finished[] = []
  const withOrphans = new Set(await kindsWithOrphans(db, account.cloudId))
  const since = context.now()
  let open = false
  for (const unit of units) {
    const { cloudId, kind } = unit
    const startedAt = context.now()
    const skip = (why: Skipped['why'], more: Partial<Finished> = {}) => {
      finished.push({ ...unit, done: null, ...more })
      swept.skipped.push({ cloudId, account: unit.account, kind, why })
    }
    if (open || startedAt >= until) {
      skip(open ? 'breaker_open' : 'out_of_time')
      continue
    }
    const { report, unfinished, keeps } = await sweep(context, account, {
      kind,
      realm: account.cloud[kind] as Realm<unknown>,
      hasOrphans: withOrphans.has(kind),
      until,
      earlier: unit.listing as Place | null,
      ...options,
      since,
    })
    if (unfinished) {
      const { place, parts } = await putAway(context, unit, unfinished)
      skip('out_of_time', { listing: place as unknown as Json, parts })
      continue
    }
    swept.reports.push({ ...report, account: unit.account })
    const durationMs = context.now() - startedAt
    const done = { dueAt: startedAt + EVERY, durationMs, report: report as unknown as Json }
    finished.push({ ...unit, listing: keeps ? unit.listing : null, done })
    open = report.error !== null && ((await cloudById(db, cloudId))?.breakerOpenUntil ?? 0) > context.now()
  }
  if (finished.length && !options.dryRun) await db.batch(finishUnits(db, finished) as unknown as [Write, ...Write[]])
  return swept
}
