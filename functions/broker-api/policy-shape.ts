import * as z from 'zod'
import type { Money, Policy } from '../../db/schema/index.ts'
import { FILTERS } from '../broker/clouds/filters.ts'
import { amountOf, durationOf, microsOf, secondsOf } from '../broker/line/amounts.ts'
import { dictionary } from '../http/dictionary.ts'

/** Zones of clouds have a dot in their names, so that this one is never taken for one of theirs. */
const zoneName = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/, 'must be letters, digits, inner dashes and underscores')
const cloudName = z.string().min(1).max(64)
const share = z.number().min(0).max(1)
const count = z.int().min(0).max(1_000_000)
const short = z.string().min(1).max(255)

/** Many of one thing: more than anybody reads is a mistake. */
const MOST = 64
const few = <V>(value: z.ZodType<V>) =>
  dictionary(short, value).refine((all) => Object.keys(all).length <= MOST, `has more than ${MOST} keys`)

export const amount = z
  .union([z.number(), z.string().max(20)])
  .refine(
    (value) => microsOf(value) !== null,
    'must be an amount of money below a thousand million, with at most six decimals',
  )
/** What an hour of something costs: what is dearer is a mistake, and sums of it no number can hold. */
const MOST_HOURLY = 1_000_000
export const price = amount.refine(
  (value) => (microsOf(value) ?? 0) <= MOST_HOURLY * 1_000_000,
  `must be at most ${MOST_HOURLY} an hour`,
)
export const currency = z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters (ISO 4217)')
const money = { amount, currency }
const lease = z
  .string()
  .max(32)
  .refine((value) => secondsOf(value) !== null, 'must be a duration like 2h, 90m or 1d12h, of at most ten years')

/** A policy as administrators write it. */
export const policyGiven = z.strictObject({
  policy: z.strictObject({
    chain: z.array(cloudName).min(1).max(MOST).nullable().optional(),
    zones: z.enum(['all', 'policy']).optional(),
    zone_name: zoneName.optional(),
    min_filters: z.enum(FILTERS).optional(),
    marks: few(share).optional(),
    hysteresis: share.optional(),
    spill: z.enum(['allowed', 'never']).optional(),
    spill_cap: z.strictObject({ instances: count.optional(), cores: count.optional() }).nullable().optional(),
    never_spill: z
      .strictObject({
        tags: z.array(z.string().min(1).max(60)).max(MOST).optional(),
        metadata: few(z.string().max(255)).optional(),
      })
      .optional(),
    regions: z.array(short).max(MOST).optional(),
    spot: z.enum(['never', 'allowed', 'preferred']).optional(),
    max_hourly_cost: z.strictObject(money).nullable().optional(),
    budget: z
      .strictObject({
        ...money,
        period: z.literal('month').optional(),
        at_100: z.enum(['refuse', 'stop-marked']).optional(),
      })
      .nullable()
      .optional(),
    lease: lease.nullable().optional(),
    hints: z.boolean().optional(),
  }),
})
export type PolicyGiven = z.infer<typeof policyGiven>

const moneyIn = ({ amount, currency }: { amount: string | number; currency: string }): Money => ({
  micros: microsOf(amount)!,
  currency,
})

/** What was written, as it is kept: what it does not speak of is absent. */
export const policyIn = ({ policy }: PolicyGiven): Partial<Policy> => {
  const { never_spill, max_hourly_cost, budget, lease, ...same } = policy
  const said = {
    ...same,
    ...(never_spill && { never_spill: { tags: [], metadata: {}, ...never_spill } }),
    ...(max_hourly_cost !== undefined && { max_hourly_cost: max_hourly_cost && moneyIn(max_hourly_cost) }),
    ...(budget !== undefined && {
      budget: budget && {
        ...moneyIn(budget),
        period: budget.period ?? ('month' as const),
        at_100: budget.at_100 ?? ('refuse' as const),
      },
    }),
    ...(lease !== undefined && { lease: lease === null ? null : secondsOf(lease) }),
  }
  return said as Partial<Policy>
}

const moneyView = ({ micros, currency }: Money) => ({ amount: amountOf(micros), currency })

/** A policy, or what was said of one, as administrators read it and may write it again. */
export const policyView = ({ max_hourly_cost, budget, lease, ...same }: Partial<Policy>) => ({
  ...same,
  max_hourly_cost: max_hourly_cost && moneyView(max_hourly_cost),
  budget: budget && { ...moneyView(budget), period: budget.period, at_100: budget.at_100 },
  lease: lease == null ? lease : durationOf(lease),
})
