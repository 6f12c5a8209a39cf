import type { Money } from '../../parts/words.ts'
import type { Paged } from './use-whole.ts'

/** A sum of `GET /broker/v1/costs`, with that by which it is told apart. */
export interface Row {
  day?: string
  project?: string
  cloud?: string | null
  server?: string | null
  burst?: string | null
  tag?: string | null
  seconds: number
  cost: Money
  unpriced_seconds: number
}

/** What `GET /broker/v1/costs` says. */
export interface Costs {
  from: string
  to: string
  kept_from: string
  costs: Row[]
  total: { cost: Money }
  now: Money
  projected: Money
  not_counted: { what: string }[]
}

/** So many sums are a page. */
export const LIMIT = 1_000

/** How pages of them become one. */
export const ALL: Paged<Costs> = {
  nextOf: (last, all) => (last.costs.length < LIMIT ? null : `offset=${all.costs.length}`),
  join: (all, page) => ({ ...all, costs: [...all.costs, ...page.costs] }),
}

/** The month as `2026-12`, and its first day with that of the next. */
export const daysOf = (month: string): [from: string, to: string] => {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return [`${month}-01`, new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 10)]
}
