import { useState } from 'preact/hooks'
import { Card } from '../../parts/card.tsx'
import { GrowthLine } from '../../parts/chart.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { moneyWords } from '../../parts/words.ts'
import { ALL, type Costs, LIMIT } from '../costs/shapes.ts'
import { type Paged, useWhole } from '../costs/use-whole.ts'
import type { Burst, Member } from './shapes.ts'

interface Members {
  members: Member[]
  next: string | null
}
const MEMBERS: Paged<Members> = {
  nextOf: ({ next }) => next && `marker=${encodeURIComponent(next)}`,
  join: (all, { members }) => ({ ...all, members: [...all.members, ...members] }),
}

/** So many points a line has. */
const POINTS = 120
const DAY = 86_400_000
/** So many days costs are told of at once. */
const MOST_DAYS = 399

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** What members came to by each of so many times: each of them cost, while it was there, as much one hour as another. */
const grown = (members: Member[], costs: Map<string, number>, from: number, to: number) => {
  const lives = members.flatMap((member) => {
    const cost = costs.get(member.server_id)
    const begin = Math.max(from, Date.parse(member.created_at))
    const end = member.ended_at ? Date.parse(member.ended_at) : to
    return cost ? [{ begin, end, cost }] : []
  })
  return Array.from({ length: POINTS + 1 }, (_, i) => {
    const at = from + ((to - from) * i) / POINTS
    const sum = lives.reduce(
      (all, { begin, end, cost }) =>
        all + cost * Math.min(1, Math.max(0, (at - begin) / Math.max(1, Math.min(end, to) - begin))),
      0,
    )
    return { time: at / 1000, sum }
  })
}

/** What a burst cost as it went: what each member was told to cost, spread over its life, under the budget. */
export const Growth = ({ burst }: { burst: Burst }) => {
  // Asked for once, and drawn as of then: the page goes on.
  const [now] = useState(() => Date.now())
  const over = burst.ended_at ?? burst.finished_at
  const end = over ? Date.parse(over) : now
  const earliest = end - MOST_DAYS * DAY
  const created = Date.parse(burst.created_at)
  const from = dayOf(Math.max(created, earliest))
  // What it cost before its first day that is told is not in it.
  const begin = Math.max(created, Date.parse(from))
  const members = useWhole<Members>('broker', `/bursts/${encodeURIComponent(burst.id)}/members?limit=200`, MEMBERS)
  const costs = useWhole<Costs>(
    'broker',
    `/costs?group_by=burst,server&from=${from}&to=${dayOf(end + DAY)}&limit=${LIMIT}`,
    ALL,
  )
  return (
    <Card title="What it cost as it went">
      <Waiting answer={members}>
        {({ members: all }) => (
          <Waiting answer={costs}>
            {({ costs: rows, total }) => {
              const own = rows.filter(({ burst: of }) => of === burst.id)
              const byServer = new Map(own.map((row) => [row.server ?? '', Number(row.cost.amount)]))
              const points = grown(all, byServer, begin, Math.max(end, begin + 1_000))
              const sum = points.at(-1)?.sum ?? 0
              const { currency } = total.cost
              const words = (amount: number) => moneyWords({ amount: String(amount), currency })
              if (!(sum > 0)) return <p class="quiet">It cost nothing yet, or nobody says what its members cost.</p>
              return (
                <figure class="chart stack">
                  <GrowthLine
                    times={points.map(({ time }) => time)}
                    sums={points.map((each) => each.sum)}
                    expected={null}
                    most={burst.budget && burst.budget.currency === currency ? Number(burst.budget.amount) : null}
                    height={180}
                    words={words}
                  />
                  <figcaption class="small quiet">
                    {words(sum)} in all
                    {burst.budget && `, of ${moneyWords(burst.budget)}`}: what each member cost, spread over the time
                    that it was there.
                    {(members.cut || costs.cut) && ' Not all members are in it: there are too many.'}
                  </figcaption>
                  <table class="unseen">
                    <caption>What it came to, over time</caption>
                    <tbody>
                      {points
                        .filter((_, i) => i % 20 === 0)
                        .map(({ time, sum: by }) => (
                          <tr key={time}>
                            <th scope="row">{new Date(time * 1000).toISOString()}</th>
                            <td>{words(by)}</td>
                          </tr>
                        ))}
                    </tbody>
                  </table>
                </figure>
              )
            }}
          </Waiting>
        )}
      </Waiting>
    </Card>
  )
}
