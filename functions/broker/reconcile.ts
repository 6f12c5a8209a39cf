import { type Json, KINDS, type Realm } from '../../adapters/contract.ts'
import { asCloudError } from '../../adapters/errors.ts'
import { kindsWithOrphans } from '../../db/queries/orphans.ts'
import { mappedClouds } from '../../db/queries/reconcile.ts'
import {
  claimUnits,
  cloudOfAccount,
  dueAccounts,
  type Finished,
  finishUnits,
  keepUnits,
  type Unit,
} from '../../db/queries/sweeps.ts'
import type { Context } from '../context.ts'
import { connectCloud } from './clouds.ts'
import { beat } from './epoch.ts'
import { keepable, type Listing } from './listing.ts'
import { finishReleases } from './release.ts'
import { type Account, type SweepOptions, type SweepReport, sweep } from './sweep.ts'
import { uuid5 } from './uuid.ts'

export type { SweepReport } from './sweep.ts'

/** How often a unit is swept, and how long one process may hold it, in milliseconds. */
const EVERY = 60_000
const LEASE = 120_000
/** Accounts swept at once by one process. */
const AT_ONCE = 4

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
  const { known, units: everything } = await enrol(context, options.dryRun)
  const chosen = options.all || options.dryRun ? [...known.keys()] : await dueAccounts(db, context.now())
  const waiting = chosen.filter((account) => known.has(account))
  const worker = async () => {
    for (let account = waiting.shift(); account && context.now() < until; account = waiting.shift()) {
      const units =
        options.all || options.dryRun
          ? everything.filter((unit) => unit.account === account)
          : await claimUnits(db, account, context.now(), context.now() + LEASE)
      reports.push(...(await sweepUnits(context, known.get(account)!, units, until, options)))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return reports
}

/** The cron's turn: hands the accounts that are due to a queue where there is one, and sweeps them itself where not. */
export const sweepDue = async (context: Context, budgetMs: number): Promise<void> => {
  if (!context.spread) {
    await reconcile(context, budgetMs)
    return
  }
  await enrol(context)
  const due = await dueAccounts(context.db, context.now())
  if (due.length) await context.spread(due)
}

/** One account, for whoever got its name from the queue. Names may come twice: the claim decides. */
export const reconcileAccount = async (context: Context, account: string, budgetMs: number): Promise<SweepReport[]> => {
  const until = context.now() + budgetMs
  const cloudId = await cloudOfAccount(context.db, account)
  const known = cloudId ? (await accounts(context, cloudId)).get(account) : undefined
  const units = known ? await claimUnits(context.db, account, context.now(), context.now() + LEASE) : []
  return known ? sweepUnits(context, known, units, until, {}) : []
}

/** Notes that the database is alive, and which units there are. */
const enrol = async (context: Context, dryRun = false) => {
  const known = await accounts(context)
  const units = [...known].flatMap(([account, { cloudId, cloud }]) =>
    KINDS.filter((kind) => cloud[kind]).map((kind) => ({ cloudId, account, kind, listing: null })),
  )
  if (!dryRun) {
    await beat(context)
    await finishReleases(context)
    await context.db.batch([...keepUnits(context.db, units, context.now())])
  }
  return { known, units }
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
  const finished: Finished[] = []
  const withOrphans = new Set(await kindsWithOrphans(db, account.cloudId))
  for (const unit of units) {
    const startedAt = context.now()
    if (startedAt >= until) {
      finished.push({ ...unit, done: null })
      continue
    }
    const realm = account.cloud[unit.kind] as Realm<unknown>
    const { report, unfinished } = await sweep(
      context,
      account,
      unit.kind,
      realm,
      withOrphans.has(unit.kind),
      until,
      unit.listing as Listing | null,
      options,
    )
    reports.push(report)
    if (unfinished) {
      finished.push({ ...unit, done: null, listing: keepable(unfinished) as Json })
      continue
    }
    const durationMs = context.now() - startedAt
    finished.push({
      ...unit,
      listing: null,
      done: { dueAt: startedAt + EVERY, durationMs, report: report as unknown as Json },
    })
  }
  if (finished.length && !options.dryRun) await finishUnits(db, finished)
  return reports
}

/** Projects that see the same objects of a cloud share one listing. */
const accounts = async (context: Context, only?: string): Promise<Map<string, Account>> => {
  const found = new Map<string, Account>()
  for (const { cloudId, projectIds } of await mappedClouds(context.db, context.now())) {
    if (only && cloudId !== only) continue
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
