import * as z from 'zod'
import { type CostSum, costsOf, GROUPINGS, type Grouping } from '../../../db/queries/money/costs.ts'
import { amountOf } from '../../broker/line/amounts.ts'
import { badRequest } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'

const DAY = 86_400_000
/** So many days can be asked for at once. */
const MOST_DAYS = 400
const MOST_ROWS = 1000

const asked = z.strictObject({
  group_by: z.string().max(64).optional(),
  from: z.string().max(32).optional(),
  to: z.string().max(32).optional(),
  format: z.enum(['json', 'csv']).optional(),
  limit: z.coerce.number().int().min(1).max(MOST_ROWS).optional(),
  offset: z.coerce.number().int().min(0).max(1_000_000).optional(),
})
type Asked = z.infer<typeof asked>

const groupingOf = (words: string): Grouping[] =>
  words.split(',').map((word) => {
    const known = GROUPINGS.find((name) => name === word.trim())
    if (!known) throw badRequest(`group_by: costs are told apart by ${GROUPINGS.join(', ')}, not by ${word.trim()}.`)
    return known
  })

/** A day in UTC, as milliseconds since 1970. */
const dayOf = (name: string, words: string | undefined, otherwise: number): number => {
  if (words === undefined) return otherwise
  const at = /^\d{4}-\d\d-\d\d$/.test(words) ? Date.parse(`${words}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== words)
    throw badRequest(`${name}: ${words} is no day as 2026-11-29.`)
  return at
}

const periodOf = ({ from, to }: Asked, now: number) => {
  const month = new Date(now)
  const first = Date.UTC(month.getUTCFullYear(), month.getUTCMonth(), 1)
  const period = {
    from: dayOf('from', from, first),
    to: dayOf('to', to, Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1)),
    now,
  }
  if (period.from >= period.to) throw badRequest('from: it has to be before to.')
  if (period.to - period.from > MOST_DAYS * DAY) throw badRequest(`from: a period has at most ${MOST_DAYS} days.`)
  return period
}

const shown = (at: number): string => new Date(at).toISOString().slice(0, 10)
const seconds = (ms: number): number => ms / 1000

const rowView = (row: CostSum, by: Grouping[], currency: string | null) => ({
  ...Object.fromEntries(by.map((name) => [name, row[name]])),
  seconds: seconds(row.ms),
  cost: { amount: amountOf(row.micros), currency },
  unpriced_seconds: seconds(row.unpricedMs),
})

const cell = (value: string): string => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
/** What a program for tables would take for a formula is text. */
const text = (value: string): string => cell(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value)

const csvOf = (rows: CostSum[], by: Grouping[], currency: string | null): string =>
  [
    [...by, 'seconds', 'amount', 'currency', 'unpriced_seconds'].join(','),
    ...rows.map((row) =>
      [
        ...by.map((name) => text(row[name] ?? '')),
        seconds(row.ms),
        amountOf(row.micros),
        currency ?? '',
        seconds(row.unpricedMs),
      ].join(','),
    ),
    '',
  ].join('\r\n')

/** What servers, volumes and public addresses cost. */
export const costOperations: Operation[] = [
  operation<unknown, Asked>({
    name: 'cost.list',
    method: 'GET',
    path: '/v1/costs',
    who: 'reader',
    summary:
      'What servers, volumes and public addresses cost in a period of days (UTC; `from`, and `to` which is not part of it: this month), exact to the second of their lives, told apart by `group_by` (`project`, `cloud`, `server`, `burst`, `tag`, `day`; by commas), as JSON or `format=csv`; what is to be expected of the rest of the period; and what has no price. Administrators see all projects. Volumes and public addresses cost where their cloud or its price book has a price for them; they have no seconds, and no `server`. Of days before `kept_from` nothing is known any more.',
    status: 200,
    query: asked,
    handle: async ({ context, query }) => {
      const by = groupingOf(query.group_by ?? 'project')
      const period = periodOf(query, context.now())
      const { db, scope } = context
      const { limit = MOST_ROWS, offset = 0 } = query
      const { sums, currency, ...total } = await costsOf(db, scope, period, { by, limit, offset })
      if (query.format === 'csv')
        return new Response(csvOf(sums, by, currency), { headers: { 'Content-Type': 'text/csv; charset=utf-8' } })
      return {
        body: {
          from: shown(period.from),
          to: shown(period.to),
          // Of days before it nothing is known any more.
          kept_from: shown(context.now() - context.settings.costsKeptMs),
          costs: sums.map((row) => rowView(row, by, currency)),
          total: { seconds: seconds(total.ms), cost: { amount: amountOf(total.micros), currency } },
          now: { amount: amountOf(total.hourly), currency, per: 'hour' },
          projected: { amount: amountOf(total.micros + total.ahead), currency },
          not_counted: [
            ...(total.unpricedMs > 0 ? [{ what: 'servers', seconds: seconds(total.unpricedMs) }] : []),
            ...total.uncounted,
            { what: 'traffic' },
          ],
        },
      }
    },
  }),
]
