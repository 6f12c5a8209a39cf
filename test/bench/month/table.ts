import { DAYS } from './arrivals.ts'
import type { Month, Outcome } from './play.ts'

const dollars = (amount: number): string => amount.toFixed(0)
const minutes = (amount: number): string => amount.toFixed(1)

const HEADS = ['way', 'rented', 'owned', 'together', 'wait: half', '95 %', 'longest', 'at home']

const cells = ({ name, rented, owned, typical, late, longest, atHome }: Outcome): string[] => [
  name,
  dollars(rented),
  dollars(owned),
  dollars(rented + owned),
  minutes(typical),
  minutes(late),
  minutes(longest),
  `${Math.round(atHome * 100)} %`,
]

/** What came of a month, as the page has it. */
export const tableOf = ({ arrivals, outcomes }: Month): string => {
  const line = (row: string[]) => `| ${row.join(' | ')} |`
  return [
    `${arrivals.length} servers in ${DAYS} days; money in USD, waiting in minutes from when a server was asked for until it ran.`,
    '',
    line(HEADS),
    line(HEADS.map((_, n) => (n ? '---:' : '---'))),
    ...outcomes.map((outcome) => line(cells(outcome))),
  ].join('\n')
}
