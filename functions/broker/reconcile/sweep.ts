import type { Cloud, Kind, Realm } from '../../../adapters/contract.ts'
import { asCloudError } from '../../../adapters/errors.ts'
import { askHostsSoon } from '../../../db/queries/clouds/hosts.ts'
import { type Known, knownObjects, markDue, markFound, markMissing } from '../../../db/queries/line/reconcile.ts'
import type { Context } from '../../context.ts'
import { recordFailure, recordSuccess } from '../clouds/clouds.ts'
import { allShown, type Listing, listOn, type Place, type Sighting } from '../clouds/listing.ts'
import type { Write } from '../line/commit.ts'
import { noteListed } from '../money/restored.ts'
import { noteTaken } from '../network/foreign-addresses.ts'
import { sweepOrphans } from './orphans.ts'

/** So many listings without an object, and then a direct look, before it counts as missing. */
const LISTINGS = 3
/** If more than this share of an account vanishes at once, it is the listing that is wrong. */
const BRAKE = 0.2
/** Below this number the share says nothing. */
const BRAKE_FROM = 5

export interface SweepReport {
  cloudId: string
  kind: Kind
  /** Calls to the cloud that the listing took. */
  calls: number
  listed: number
  known: number
  changed: number
  missing: number
  complete: boolean
  /** The listing was not believed. */
  braked: boolean
  orphans: number
  removed: number
  error: string | null
}

export interface SweepOptions {
  /** Only reports: nothing is written and nothing is removed. */
  dryRun?: boolean
  /** Units that are not due yet, or that another worker holds, too. */
  all?: boolean
  /** When the turn began: its listings may share what the cloud was seen to have since. */
  since?: number
}

/** Projects that see the same objects of a cloud. */
export interface Account {
  cloudId: string
  cloud: Cloud
  projectIds: string[]
}

/** One kind on one account, and how it is listed. */
export interface Look extends SweepOptions {
  kind: Kind
  realm: Realm<unknown>
  /** Earlier listings showed orphans of this kind. */
  hasOrphans: boolean
  /** When the listing is put away unfinished, in milliseconds since 1970. */
  until: number
  /** Where an earlier turn put it away. */
  earlier: Place | null
}

/** One listing, compared with what is bound. A dead cloud changes no row but its own date. */
export const sweep = async (
  context: Context,
  { cloudId, projectIds }: Account,
  { kind, realm, hasOrphans, until, earlier, dryRun = false, since }: Look,
): Promise<{ report: SweepReport; unfinished?: Listing; keeps?: true }> => {
  const report = {
    cloudId,
    kind,
    calls: 0,
    listed: 0,
    known: 0,
    changed: 0,
    missing: 0,
    complete: false,
    braked: false,
    orphans: 0,
    removed: 0,
    error: null,
  }
  try {
    // The cloud first, the rows second: what is made in between is in the rows and not judged by an older listing.
    const listing = await listOn(realm, context, dryRun ? Number.POSITIVE_INFINITY : until, earlier, since)
    if (!realm.recorded) await recordSuccess(context, cloudId)
    const { calls, complete, startedAt } = listing
    const listed = listing.kept + listing.sightings.length
    if (kind === 'server' && !complete && !listing.cursor && !dryRun)
      await askHostsSoon(context.db, cloudId, context.now())
    if (listing.cursor) return { report: { ...report, calls, listed }, unfinished: listing }
    const seen = new Map((await allShown(context, listing)).map((sighting) => [sighting.id, sighting]))
    const bound = await knownObjects(context.db, cloudId, kind, projectIds)
    const known = bound.filter((k) => (k.boundAt ?? 0) < startedAt)
    const compared = await compare(context, { cloudId, kind, known, seen, complete, dryRun })
    const ours = new Set(bound.map((k) => k.nativeId))
    const strays =
      complete && !compared.braked
        ? await sweepOrphans(context, { cloudId, kind, realm, seen: seen.values(), known: ours, hasOrphans, dryRun })
        : { orphans: 0, removed: 0 }
    if (kind === 'server' && complete && !compared.braked && !dryRun)
      await noteListed(context, { cloudId, projectIds, startedAt })
    if (kind === 'port' && complete && !compared.braked && !dryRun)
      await noteTaken(context, { cloudId, projectIds, shown: seen.values(), ours })
    return { report: { ...report, calls, listed: seen.size, known: known.length, complete, ...compared, ...strays } }
  } catch (thrown) {
    const error = asCloudError(thrown)
    if (error.code === 'ambiguous') await recordFailure(context, cloudId, error)
    context.log('warn', 'sweep failed', {
      cloudId,
      kind,
      code: error.code,
      message: error.detail.operatorMessage ?? error.message,
    })
    // What passes by itself does not cost the pages of earlier turns.
    const passing = error.code === 'ambiguous' || error.code === 'throttled'
    return { report: { ...report, error: error.message }, ...(passing && earlier ? { keeps: true } : {}) }
  }
}

interface Comparison {
  cloudId: string
  kind: Kind
  known: Known[]
  seen: Map<string, Sighting>
  complete: boolean
  dryRun: boolean
}

const compare = async (
  context: Context,
  { cloudId, kind, known, seen, complete, dryRun }: Comparison,
): Promise<Pick<SweepReport, 'changed' | 'missing' | 'braked'>> => {
  const present = known.filter((k) => seen.has(k.nativeId))
  const absent = known.filter((k) => !seen.has(k.nativeId) && k.phase === 'bound')
  const braked = absent.length >= BRAKE_FROM && absent.length > known.length * BRAKE
  if (braked)
    context.log('error', 'too much vanished at once: the listing is not believed', {
      cloudId,
      kind,
      missing: absent.length,
      known: known.length,
    })
  const vanished = complete && !braked ? absent : []
  const changed = present.filter((k) => !k.hot && k.phase === 'bound' && seen.get(k.nativeId)!.digest !== k.observed)
  const found = present.filter((k) => k.missing > 0 && k.phase === 'bound')
  const due = [...changed, ...vanished.filter((k) => !k.hot && k.missing + 1 >= LISTINGS)]
  const { db } = context
  const now = context.now()
  const writes: Write[] = [
    ...(found.length ? [markFound(db, cloudId, kind, found)] : []),
    ...(vanished.length ? [markMissing(db, cloudId, kind, vanished, now)] : []),
    ...(due.length ? [markDue(db, cloudId, kind, due, now)] : []),
  ]
  if (writes.length && !dryRun) await db.batch(writes as [Write, ...Write[]])
  return { changed: changed.length, missing: vanished.length, braked }
}
