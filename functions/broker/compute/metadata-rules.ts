import { table } from '../../../adapters/table.ts'
import { microsOf, secondsOf } from '../line/amounts.ts'
import { isOurs } from './place/hints.ts'

/** How long a server may run, from its creation on. */
export const LEASE = 'plimsoll:lease'
/** What becomes of it then. */
export const LEASE_END = 'plimsoll:lease_end'
/** When that is: the broker says so, and nobody else. */
export const LEASE_ENDS_AT = 'plimsoll:lease_ends_at'

/** The burst that it is a member of: the broker says so, and nobody else. */
export const BURST = 'plimsoll:burst'

/** What an hour of it may cost. */
export const MAX_HOURLY_COST = 'plimsoll:max_hourly_cost'
/** It stays at home, which is the first of the chain of its project. */
export const NEVER_SPILL = 'plimsoll:never_spill'
/** Whether its cloud may take it back. */
export const SPOT = 'plimsoll:spot'

/** It may begin again from its image, on another machine (`moving/movable`). */
export const MOVABLE = 'plimsoll:movable'
/** It is at work, and is not to be moved for the sake of order. */
export const BUSY = 'plimsoll:busy'

/** It stops when the budget of its project is spent. */
export const STOP_AT_BUDGET = 'plimsoll:stop_at_budget'

/** Milliseconds that `90s`, `30m`, `2h` or `1d12h` say; null for other words, no time at all, and more than ten years. */
export const lengthOf = (words: string): number | null => {
  const seconds = secondsOf(words)
  return seconds === null ? null : seconds * 1000
}

/** An amount of money as `0.10` (of the deployment's currency) or `0.10 EUR`; null for other words. */
export const priceOf = (words: string): { micros: number; currency: string | null } | null => {
  const [, amount, currency] = /^(\S{1,20})(?: ([A-Z]{3}))?$/.exec(words) ?? []
  const micros = amount === undefined ? null : microsOf(amount)
  return micros === null ? null : { micros, currency: currency ?? null }
}

const ends = ['stop', 'delete'] as const
const flags = ['true', 'false']
const oneOf = (words: readonly string[]) => (value: string) =>
  words.includes(value) ? null : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

/**
 * Items of a server's metadata that mean something here, because most clients can send metadata and nothing else: what each
 * has to be, where a value is not that; null: it is.
 */
const RULES: Record<string, (value: string) => string | null> = table({
  [STOP_AT_BUDGET]: oneOf(flags),
  [MOVABLE]: oneOf(flags),
  [BUSY]: oneOf(flags),
  [LEASE]: (value: string) =>
    lengthOf(value) === null ? 'a duration like 2h, 90m or 1d12h, of at most ten years' : null,
  [MAX_HOURLY_COST]: (value: string) =>
    priceOf(value) === null ? 'an amount of money like 0.10 or 0.10 EUR, with at most six decimals' : null,
  [LEASE_END]: oneOf(ends),
  [NEVER_SPILL]: oneOf(flags),
  [SPOT]: oneOf(['never', 'allowed', 'preferred']),
})

/** Why an extra spec of a flavor cannot be set to that, in a sentence: what means something of a server does of its flavor. */
export const specFault = (key: string, value: string): string | null => {
  const must = OF_FLAVORS.has(key) ? (RULES[key]?.(value) ?? null) : null
  return must === null ? null : `Extra spec ${key} must be ${must}.`
}
const OF_FLAVORS = new Set([MAX_HOURLY_COST, NEVER_SPILL, SPOT])

/** Why an item with our prefix cannot be set to that, in a sentence; null: it can, or has no such prefix. */
export const ruleFault = (key: string, value: string): string | null => {
  if (!isOurs(key)) return null
  const wanted = RULES[key]
  if (!wanted) return `There is no metadata key ${key}: those that begin with plimsoll: are the broker's own.`
  const must = wanted(value)
  return must === null ? null : `Metadata item ${key} must be ${must}.`
}
