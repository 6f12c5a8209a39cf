import { type Cloud, type Json, KINDS, type Kind, type Realm, type Seen } from '../../adapters/contract.ts'
import { asCloudError } from '../../adapters/errors.ts'
import { kindsWithOrphans } from '../../db/queries/orphans.ts'
import { type Known, knownObjects, mappedClouds, markDue, markFound, markMissing } from '../../db/queries/reconcile.ts'
import { claimUnits, dueAccounts, finishUnit, keepUnits, type Unit } from '../../db/queries/sweeps.ts'
import type { Context } from '../context.ts'
import { connectCloud, recordFailure, recordSuccess } from './clouds.ts'
import type { Write } from './commit.ts'
import { digest } from './digest.ts'
import { beat } from './epoch.ts'
import { sweepOrphans } from './orphans.ts'
import { uuid5 } from './uuid.ts'

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

/** How often a unit is swept, and how long one process may hold it, in milliseconds. */
const EVERY = 60_000
const LEASE = 120_000

export interface SweepOptions {
  /** Only reports: nothing is written and nothing is removed. */
  dryRun?: boolean
  /** Units that are not due yet, too. */
  all?: boolean
}

/**
 * Keeps rows and clouds in step: one listing per cloud account and kind, compared with the bindings by digest. What
 * differs is handed to converge, which looks again before it writes. A dead cloud changes no row but its own date.
 */
export const reconcile = async (
  context: Context,
  budgetMs: number,
  options: SweepOptions = {},
): Promise<SweepReport[]> => {
  const { db } = context
  const until = context.now() + budgetMs
  const reports: SweepReport[] = []
  const known = await accounts(context)
  const everything = [...known].flatMap(([account, { cloudId, cloud }]) =>
    KINDS.filter((kind) => cloud[kind]).map((kind) => ({ cloudId, account, kind })),
  )
  if (!options.dryRun) {
    await beat(context)
    await db.batch([...keepUnits(db, everything, context.now())])
  }
  const chosen = options.all || options.dryRun ? [...known.keys()] : await dueAccounts(db, context.now())
  for (const account of chosen) {
    if (context.now() >= until) break
    if (!known.has(account)) continue
    const units =
      options.all || options.dryRun
        ? everything.filter((unit) => unit.account === account)
        : await claimUnits(db, account, context.now(), context.now() + LEASE)
    reports.push(...(await sweepUnits(context, known.get(account)!, units, until, options)))
  }
  return reports
}

const sweepUnits = async (
  context: Context,
  account: Account,
  units: Unit[],
  until: number,
  options: SweepOptions,
): Promise<SweepReport[]> => {
  const { db } = context
  const reports: SweepReport[] = []
  const finished: Write[] = []
  const withOrphans = new Set(await kindsWithOrphans(db, account.cloudId))
  for (const unit of units) {
    const startedAt = context.now()
    if (startedAt >= until) {
      finished.push(finishUnit(db, unit, null))
      continue
    }
    const realm = account.cloud[unit.kind] as Realm<unknown>
    const report = await sweep(context, account, unit.kind, realm, withOrphans.has(unit.kind), options)
    reports.push(report)
    const durationMs = context.now() - startedAt
    finished.push(finishUnit(db, unit, { dueAt: startedAt + EVERY, durationMs, report: report as unknown as Json }))
  }
  if (finished.length && !options.dryRun) await db.batch(finished as [Write, ...Write[]])
  return reports
}

interface Account {
  cloudId: string
  cloud: Cloud
  projectIds: string[]
}

/** Projects that see the same objects of a cloud share one listing. */
const accounts = async (context: Context): Promise<Map<string, Account>> => {
  const found = new Map<string, Account>()
  for (const { cloudId, projectIds } of await mappedClouds(context.db, context.now())) {
    try {
      const { cloud, adapter, connection } = await connectCloud(context, cloudId, projectIds[0]!)
      const key = uuid5(`${cloudId}/${adapter.account(connection)}`)
      const account = found.get(key) ?? { cloudId, cloud, projectIds: [] }
      account.projectIds.push(...projectIds)
      found.set(key, account)
    } catch (error) {
      context.log('warn', 'cloud not reconciled', { cloudId, error: asCloudError(error).message })
    }
  }
  return found
}

const sweep = async (
  context: Context,
  account: Account,
  kind: Kind,
  realm: Realm<unknown>,
  hasOrphans: boolean,
  { dryRun = false }: SweepOptions,
): Promise<SweepReport> => {
  const { cloudId, projectIds } = account
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
    const listedAt = context.now()
    const { seen, complete, calls } = await listAll(realm)
    await recordSuccess(context, cloudId)
    const bound = await knownObjects(context.db, cloudId, kind, projectIds)
    const known = bound.filter((k) => (k.boundAt ?? 0) < listedAt)
    const compared = await compare(context, cloudId, kind, known, seen, complete, dryRun)
    const ours = new Set(bound.map((k) => k.nativeId))
    const strays =
      complete && !compared.braked
        ? await sweepOrphans(context, { cloudId, kind, realm, seen: seen.values(), known: ours, hasOrphans, dryRun })
        : { orphans: 0, removed: 0 }
    return {
      ...report,
      calls,
      listed: seen.size,
      known: known.length,
      complete,
      ...compared,
      ...strays,
    }
  } catch (thrown) {
    const error = asCloudError(thrown)
    if (error.code === 'ambiguous') await recordFailure(context, cloudId, error)
    context.log('warn', 'sweep failed', {
      cloudId,
      kind,
      code: error.code,
      message: error.detail.operatorMessage ?? error.message,
    })
    return { ...report, error: error.message }
  }
}

const listAll = async (
  realm: Realm<unknown>,
): Promise<{ seen: Map<string, Seen>; complete: boolean; calls: number }> => {
  const seen = new Map<string, Seen>()
  let complete = true
  let cursor: string | undefined
  let calls = 0
  do {
    calls++
    const page = await realm.list(cursor)
    for (const item of page.items) seen.set(item.id, item)
    complete &&= page.complete
    cursor = page.next
  } while (cursor)
  return { seen, complete, calls }
}

const compare = async (
  context: Context,
  cloudId: string,
  kind: Kind,
  known: Known[],
  seen: Map<string, Seen>,
  complete: boolean,
  dryRun: boolean,
): Promise<Pick<SweepReport, 'changed' | 'missing' | 'braked'>> => {
  const present = known.filter((k) => isThere(seen.get(k.nativeId)))
  const absent = known.filter((k) => !isThere(seen.get(k.nativeId)) && k.phase === 'bound')
  const braked = absent.length >= BRAKE_FROM && absent.length > known.length * BRAKE
  if (braked)
    context.log('error', 'too much vanished at once: the listing is not believed', {
      cloudId,
      kind,
      missing: absent.length,
      known: known.length,
    })
  const vanished = complete && !braked ? absent : []
  const changed = present.filter((k) => !k.hot && k.phase === 'bound' && digest(seen.get(k.nativeId)!) !== k.observed)
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

const isThere = (seen: Seen | undefined): boolean => seen !== undefined && seen.health !== 'gone'
