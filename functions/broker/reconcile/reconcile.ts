import { KINDS } from '../../../adapters/contract.ts'
import { asCloudError } from '../../../adapters/errors.ts'
import { mappedClouds } from '../../../db/queries/line/reconcile.ts'
import { claimUnits, cloudOfAccount, dueAccounts, keepUnits, type UnitRef } from '../../../db/queries/line/sweeps.ts'
import type { Context } from '../../context.ts'
import { finishReleases } from '../adopt/release.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { beat } from '../line/epoch.ts'
import { uuid5 } from '../line/uuid.ts'
import type { Account, SweepOptions, SweepReport } from './sweep.ts'
import { type Swept, sweepUnits, unclaimed } from './sweep-units.ts'

export type { SweepReport } from './sweep.ts'

/** How long one process may hold a unit, in milliseconds. */
export const LEASE = 120_000
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
  const { known, units } = await enrol(context, options.dryRun)
  const everything = options.all || options.dryRun
  const chosen = everything ? [...known.keys()] : await dueAccounts(db, context.now())
  const { reports } = await sweepAccounts(
    chosen.filter((account) => known.has(account)),
    until,
    context,
    async (account) => {
      const claimed = options.dryRun
        ? unclaimed(units.filter((unit) => unit.account === account))
        : await claimUnits(db, account, { which: options.all ? 'all' : 'due', now: context.now(), leaseMs: LEASE })
      return sweepUnits(context, known.get(account)!, claimed, until, options)
    },
  )
  return reports
}

/** Some accounts at once, each by `work`, as long as there is time. Gives what became of them, and the rest. */
export const sweepAccounts = async (
  accounts: string[],
  until: number,
  { now }: Pick<Context, 'now'>,
  work: (account: string) => Promise<Swept>,
): Promise<Swept & { rest: string[] }> => {
  const rest = [...accounts]
  const swept: Swept = { reports: [], skipped: [] }
  const worker = async () => {
    for (let account = rest[0]; account !== undefined && now() < until; account = rest[0]) {
      rest.shift()
      const { reports, skipped } = await work(account)
      swept.reports.push(...reports)
      swept.skipped.push(...skipped)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { ...swept, rest }
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

/** One account, for the queue that gave its name. Names may come twice: the claim decides. */
export const reconcileAccount = async (context: Context, account: string, budgetMs: number): Promise<SweepReport[]> => {
  const until = context.now() + budgetMs
  const cloudId = await cloudOfAccount(context.db, account)
  const known = cloudId ? (await accounts(context, cloudId)).get(account) : undefined
  const units = known ? await claimUnits(context.db, account, { which: 'due', now: context.now(), leaseMs: LEASE }) : []
  return known ? (await sweepUnits(context, known, units, until, {})).reports : []
}

/** Notes that the database is alive, and which units there are. Clouds that cannot be reached are named apart. */
export const enrol = async (context: Context, dryRun = false) => {
  const unreached: string[] = []
  const known = await accounts(context, undefined, (cloudId) => unreached.push(cloudId))
  const units = [...known].flatMap(([account, { cloudId, cloud }]): UnitRef[] =>
    KINDS.filter((kind) => cloud[kind]).map((kind) => ({ cloudId, account, kind })),
  )
  if (!dryRun) {
    await beat(context)
    await finishReleases(context)
    await context.db.batch([...keepUnits(context.db, units, context.now())])
  }
  return { known, units, unreached }
}

/** Accounts that are heard: also of clouds that are left alone for a while, as what they tell nobody has to ask for. */
export const heardAccounts = (context: Context): Promise<Map<string, Account>> =>
  accounts(context, undefined, () => {}, { throughBreaker: true })

/** Projects that see the same objects of a cloud share one listing. */
export const accounts = async (
  context: Context,
  only?: string,
  unreached: (cloudId: string) => void = () => {},
  options: { throughBreaker?: boolean } = {},
): Promise<Map<string, Account>> => {
  const found = new Map<string, Account>()
  const openUntil = options.throughBreaker ? Number.MAX_SAFE_INTEGER : context.now()
  for (const { cloudId, projectIds } of await mappedClouds(context.db, openUntil)) {
    if (only && cloudId !== only) continue
    try {
      const { cloud, adapter, connection } = await connectCloud(context, cloudId, projectIds[0]!, options)
      const key = uuid5(`${cloudId}/${adapter.account(connection)}`)
      const account = found.get(key) ?? { cloudId, cloud, projectIds: [] }
      account.projectIds.push(...projectIds)
      found.set(key, account)
    } catch (error) {
      unreached(cloudId)
      context.log('warn', 'cloud not reconciled', { cloudId, error: asCloudError(error).message })
    }
  }
  return found
}
