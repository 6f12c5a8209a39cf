import {
  claimUnits,
  noteLeftOut,
  type UnitRef,
  unitsInTurn,
  unitsLeftAlone,
  unitsLeftOut,
  unitsOf,
} from '../../../db/queries/line/sweeps.ts'
import type { Context } from '../../context.ts'
import { enrol, LEASE, sweepAccounts } from './reconcile.ts'
import { type Skipped, type Swept, sweepUnits, unclaimed } from './sweep-units.ts'

/** How long the next call goes on where this one stopped, in milliseconds. */
const REMEMBERED = 10 * 60_000

/**
 * Sweeps every unit that nobody holds, due or not, as long as there is time, and names those that it did not get to, with
 * the reason. Calling it again begins with them, so that no unit has its second turn before all had their first. A dry run
 * writes nothing but its own place in that line; what it begins it lists to the end, because nothing of it is kept.
 */
export const reconcileNow = async (
  context: Context,
  budgetMs: number,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<Swept> => {
  const { db } = context
  const until = context.now() + budgetMs
  const { known, units, unreached } = await enrol(context, dryRun)
  const swept: Swept = { reports: [], skipped: [] }
  let next: Skipped[] = []
  const behind = among(units, await unitsLeftOut(db, dryRun, context.now()))
  const others = among(without(units, behind), await unitsInTurn(db))
  // Those that have no row yet come last: a dry run makes none.
  for (const turn of [behind, others, without(units, [...behind, ...others])]) {
    const inTurn = [...new Set(turn.map(({ account }) => account))]
    const { reports, skipped, rest } = await sweepAccounts(inTurn, until, context, async (account) => {
      const asked = turn.filter((unit) => unit.account === account)
      const kinds = asked.map(({ kind }) => kind)
      const claimed = dryRun
        ? unclaimed(asked)
        : among(await claimUnits(db, account, { which: 'free', kinds, now: context.now(), leaseMs: LEASE }), asked)
      const { reports, skipped } = await sweepUnits(context, known.get(account)!, claimed, until, { dryRun })
      return { reports, skipped: [...skipped, ...without(asked, claimed).map(because('held'))] }
    })
    const late = turn.filter(({ account }) => rest.includes(account)).map(because('out_of_time'))
    swept.reports.push(...reports)
    swept.skipped.push(...skipped, ...late)
    // Units after those that are late had a turn before them.
    if (!next.some(({ why }) => why === 'out_of_time')) next = [...next, ...skipped, ...late]
  }
  await noteLeftOut(db, dryRun, next.filter(isUnit), context.now() + REMEMBERED)
  const alone = (await unitsLeftAlone(db, context.now())).filter(({ account }) => !known.has(account ?? ''))
  swept.skipped.push(...alone.map(because('breaker_open')), ...(await notConnected(context, unreached)))
  return swept
}

const nameOf = ({ account, kind }: Pick<UnitRef, 'account' | 'kind'>): string => `${account}/${kind}`

/** Those of some units that a list names, in the order of that list. */
const among = <T extends UnitRef>(units: T[], list: UnitRef[]): T[] => {
  const byName = new Map(units.map((unit) => [nameOf(unit), unit]))
  return list.flatMap((unit) => byName.get(nameOf(unit)) ?? [])
}

const without = (units: UnitRef[], those: UnitRef[]): UnitRef[] => {
  const names = new Set(those.map(nameOf))
  return units.filter((unit) => !names.has(nameOf(unit)))
}

const because =
  (why: Skipped['why']) =>
  ({ cloudId, account, kind }: Omit<Skipped, 'why'>): Skipped => ({ cloudId, account, kind, why })

const isUnit = (unit: Skipped): unit is Skipped & UnitRef => unit.kind !== null

/** Units of clouds whose connection cannot be made; of one that never could there are none yet. */
const notConnected = async ({ db }: Context, cloudIds: string[]): Promise<Skipped[]> => {
  const units = cloudIds.length ? await unitsOf(db, cloudIds) : []
  const unheard = cloudIds.filter((id) => !units.some(({ cloudId }) => cloudId === id))
  return [
    ...units.map(because('not_connected')),
    ...unheard.map((cloudId): Skipped => ({ cloudId, account: null, kind: null, why: 'not_connected' })),
  ]
}
