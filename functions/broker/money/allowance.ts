import {
  type BurstSpending,
  burstMoneyMoved,
  overBurst,
  overBurstHourly,
} from '../../../db/queries/money/burst-spending.ts'
import { overBudget, overHourly, type Spending } from '../../../db/queries/money/spending.ts'
import type { Money, Policy } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { amountOf } from '../line/amounts.ts'
import { guard, type Write } from '../line/commit.ts'
import { Refused } from '../line/refused.ts'

/* What a project may spend. Amounts are micros of the deployment's currency. */

/** So long is paid for in advance, at most: the reservation of a server is renewed when it is settled. */
export const HOUR = 3_600_000

/** So long is kept ahead for what may run so long; null: nobody says when it ends. In milliseconds. */
export const holdOf = (leftMs: number | null): number => Math.min(HOUR, Math.max(60_000, leftMs ?? HOUR))

/** Names of the guards of `moneyGuards`. */
export const MONEY_GUARDS = ['rate-cap', 'budget', 'burst-rate-cap', 'burst-budget']

interface Limit {
  most: number
  used: number
}

/** Limits of a project, of a burst, and of one server; null: there is no such limit. */
export interface Allowance {
  /** What an hour of all that it has may cost. */
  hourly: Limit | null
  /** What may be spent this month. */
  month: Limit | null
  /** What an hour of the server may cost. */
  each: number | null
  /** Of the burst that it is a member of: what an hour of its members may cost, and all of it. */
  burst: { id: string; hourly: Limit | null; all: Limit | null } | null
  /** So long is paid for in advance, in milliseconds. */
  holdMs: number
}

/** An amount; `currency` null: the deployment's. */
export type Price = Omit<Money, 'currency'> & { currency: string | null }

/** Whatever cannot be compared is no limit that anything fits into. */
const inBase = ({ micros, currency }: Price, rates: Spending['rates']): number =>
  Math.floor(micros * (currency === null ? 1 : (rates[currency] ?? 0)))

/** What is left to a project for a server that may run so long; null: its money has no limit. */
export const allowanceOf = (
  policy: Pick<Policy, 'max_hourly_cost' | 'budget'> | null,
  spending: Spending,
  {
    each = [],
    leaseMs = null,
    burst = null,
  }: { each?: Price[]; leaseMs?: number | null; burst?: BurstSpending | null } = {},
): Allowance | null => {
  const { max_hourly_cost: cap, budget } = policy ?? { max_hourly_cost: null, budget: null }
  const limited = burst?.maxHourlyCost || burst?.budget ? burst : null
  if (!cap && !budget && !each.length && !limited) return null
  return {
    burst: limited && burstLimits(limited, spending.rates),
    hourly: cap && { most: inBase(cap, spending.rates), used: spending.hourly },
    month: budget && { most: inBase(budget, spending.rates), used: spending.month },
    each: each.length ? Math.min(...each.map((price) => inBase(price, spending.rates))) : null,
    holdMs: holdOf(leaseMs),
  }
}

const burstLimits = (
  { id, maxHourlyCost: cap, budget, hourly, spent }: BurstSpending,
  rates: Spending['rates'],
): Allowance['burst'] => ({
  id,
  hourly: cap && { most: inBase(cap, rates), used: hourly },
  all: budget && { most: inBase(budget, rates), used: spent },
})

/** What of a budget is kept for something at that price. */
export const held = ({ holdMs }: Allowance, hourly: number): number => Math.ceil((hourly * holdMs) / HOUR)

/** How many at that price are within the limits; 0 for what is unpriced, which is not free. */
export const affordable = (allowance: Allowance | null, hourly: number | null): number => {
  if (!allowance) return Number.POSITIVE_INFINITY
  if (hourly === null || hourly > (allowance.each ?? Number.POSITIVE_INFINITY)) return 0
  const left = (limit: Limit | null | undefined, price: number) =>
    limit ? (limit.used > limit.most ? 0 : Math.floor((limit.most - limit.used) / Math.max(price, 1e-9))) : Infinity
  const { burst } = allowance
  const kept = held(allowance, hourly)
  return Math.min(
    left(allowance.hourly, hourly),
    left(allowance.month, kept),
    left(burst?.hourly, hourly),
    left(burst?.all, kept),
  )
}

/** Why so many at that price are too dear, and the rule that says so; null: they are not. `words`: what it is that costs, where that is no size. */
export const whyTooDear = (
  allowance: Allowance | null,
  { native, hourly, words }: { native: string; hourly: number | null; words?: string },
  count: number,
): { rule: string; reason: string } | null => {
  if (!allowance || affordable(allowance, hourly) >= count) return null
  const { hourly: cap, month, each, burst } = allowance
  if (hourly === null)
    return {
      rule: 'unpriced',
      reason: `Nobody knows what size ${native} costs, and there is a limit of what may be spent.`,
    }
  const what = words ?? `${count > 1 ? `${count} of size` : 'Size'} ${native} ${count > 1 ? 'cost' : 'costs'}`
  const price = `${what} ${amountOf(hourly * count)} an hour`
  if (each !== null && hourly > each)
    return { rule: 'max-hourly-cost', reason: `${price}, and one server may cost ${amountOf(each)}.` }
  if (cap && cap.used + hourly * count > cap.most)
    return { rule: 'max-hourly-cost', reason: `${price}: of ${amountOf(cap.most)} an hour ${leftOf(cap)} are left.` }
  if (month && month.used + held(allowance, hourly) * count > month.most)
    return { rule: 'budget', reason: `${price}: of ${amountOf(month.most)} this month ${leftOf(month)} are left.` }
  if (burst?.hourly && burst.hourly.used + hourly * count > burst.hourly.most)
    return {
      rule: 'max-hourly-cost',
      reason: `${price}: of ${amountOf(burst.hourly.most)} an hour ${leftOf(burst.hourly)} are left to the burst.`,
    }
  const all = burst!.all!
  return { rule: 'budget', reason: `${price}: of ${amountOf(all.most)} ${leftOf(all)} are left to the burst.` }
}

const leftOf = ({ most, used }: Limit): string => amountOf(Math.max(0, most - used))

/** For the end of a batch that buys something: it is undone if the project, or the burst, then spends more than it may. */
export const moneyGuards = (
  context: Pick<Context, 'db' | 'now'>,
  projectId: string,
  allowance: Allowance | null,
): Write[] => [
  ...(allowance?.hourly ? [guard(context, 'rate-cap', overHourly(projectId, allowance.hourly.most))] : []),
  ...(allowance?.month ? [guard(context, 'budget', overBudget(projectId, allowance.month.most, context.now()))] : []),
  ...burstGuards(context, allowance?.burst ?? null),
]

const LIMITS: ReadonlyMap<string, string> = new Map([
  ['rate-cap', 'what the project may spend an hour'],
  ['budget', 'what the project may spend this month'],
  ['burst-rate-cap', 'what the burst may spend an hour'],
  ['burst-budget', 'what the burst may spend'],
])

/** Why something is too dear of which a guard of `moneyGuards` said so, so often that nobody looks again; null: it was none of these. */
export const whyOverspent = (error: unknown): string | null => {
  const what = error instanceof Refused && error.refusal.kind === 'guard' ? error.refusal.what : ''
  const limit = LIMITS.get(what)
  return limit === undefined ? null : `Together with what was begun meanwhile it costs more than ${limit}.`
}

/** The guard of `stillFunded`: the burst may spend something else by now, and another look says what. */
export const BURST_MOVED = 'burst-moved'

/** For a batch that was decided by what a burst may spend: it holds as long as that is so. Null: it is of none. */
export const stillFunded = (context: Pick<Context, 'db'>, burst: BurstSpending | null): Write[] =>
  burst ? [guard(context, BURST_MOVED, burstMoneyMoved(burst))] : []

const burstGuards = (context: Pick<Context, 'db'>, burst: Allowance['burst']): Write[] => [
  ...(burst?.hourly ? [guard(context, 'burst-rate-cap', overBurstHourly(burst.id, burst.hourly.most))] : []),
  ...(burst?.all ? [guard(context, 'burst-budget', overBurst(burst.id, burst.all.most))] : []),
]
