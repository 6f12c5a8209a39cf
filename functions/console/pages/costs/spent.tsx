import { useAnswer } from '../../api/use-answer.ts'
import type { PageProps } from '../../page.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { countWords, moneyWords } from '../../parts/words.ts'
import { goTo, linkTo } from '../../router.ts'
import { door } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { Month } from './month.tsx'
import { ALL, type Costs, daysOf, LIMIT, type Row } from './shapes.ts'
import { type Group, Stacks } from './stacks.tsx'
import { useWhole } from './use-whole.ts'

const BY = ['cloud', 'project', 'tag', 'burst', 'server'] as const

/** Where browsers have no box for months, it is a text. */
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/

/** The sum of each group, and what it was each day: as they were told, the largest first. */
const groupsOf = (totals: Row[], daily: Row[], by: (typeof BY)[number]): Group[] => {
  const days = Map.groupBy(daily, (each) => each[by] ?? 'none')
  return totals
    .map((row) => ({
      name: row[by] ?? 'none',
      words: moneyWords(row.cost),
      total: Number(row.cost.amount),
      unpriced: row.unpriced_seconds > 0,
      days: (days.get(row[by] ?? 'none') ?? []).map((each) => ({
        day: each.day ?? '',
        value: Number(each.cost.amount),
      })),
    }))
    .sort((one, other) => other.total - one.total)
}

/** What servers, volumes and addresses cost in a month, told apart. */
export const Spent = ({ query }: PageProps) => {
  const named = query.get('month') ?? ''
  const month = MONTH.test(named) ? named : new Date().toISOString().slice(0, 7)
  const by = BY.find((each) => each === query.get('by')) ?? 'cloud'
  const [from, to] = daysOf(month)
  const period = `from=${from}&to=${to}`
  const totals = useWhole<Costs>('broker', `/costs?group_by=${by}&${period}&limit=${LIMIT}`, ALL)
  const daily = useWhole<Costs>('broker', `/costs?group_by=day,${by}&${period}&limit=${LIMIT}`, ALL)
  const names = useAnswer<{ projects: { id: string; name: string }[] }>(
    'identity',
    by === 'project' ? '/auth/projects' : null,
  )
  const { session } = useStore(door)
  const set = (change: Record<string, string>) => goTo(linkTo('/costs', {}, { month, by, ...change }), true)
  const nameOf = (name: string) => names.value?.projects.find(({ id }) => id === name)?.name ?? name
  return (
    <div class="stack">
      <search class="filter">
        <input
          type="month"
          aria-label="Month"
          value={month}
          pattern="\d{4}-(0[1-9]|1[0-2])"
          placeholder="2026-12"
          onChange={(event) => MONTH.test(event.currentTarget.value) && set({ month: event.currentTarget.value })}
        />
        <select aria-label="Told apart by" value={by} onChange={(event) => set({ by: event.currentTarget.value })}>
          {BY.map((each) => (
            <option key={each} value={each}>
              by {each}
            </option>
          ))}
        </select>
      </search>
      <Waiting answer={totals}>
        {(said) => (
          <>
            <Card title="In short">
              <dl class="money">
                {(
                  [
                    ['Now, per hour', said.now],
                    ['In this month', said.total.cost],
                    ['Until its end, as it is', said.projected],
                  ] as const
                ).map(([label, money]) => (
                  <div key={label}>
                    <dt>{label}</dt>
                    <dd>{moneyWords(money)}</dd>
                  </div>
                ))}
              </dl>
            </Card>
            {session?.project && <Month projectId={session.project.id} from={from} to={to} />}
            <Waiting answer={daily}>
              {(days) =>
                said.costs.length ? (
                  <Card title={`Day by day, by ${by}`}>
                    <Stacks
                      groups={groupsOf(said.costs, days.costs, by).map((each) => ({
                        ...each,
                        name: nameOf(each.name),
                      }))}
                      from={from}
                      to={to}
                      currency={said.total.cost.currency}
                    />
                  </Card>
                ) : (
                  <Empty title="Nothing cost anything">
                    <p>
                      What runs costs what its cloud or its price book says, to the second. Of {month} nothing is known.
                    </p>
                  </Empty>
                )
              }
            </Waiting>
            {(totals.cut || daily.cut) && (
              <p class="small quiet">
                There is more than is drawn: the first {countWords(daily.value?.costs.length ?? 0)} sums are.
              </p>
            )}
            {said.not_counted.length > 0 && (
              <p class="small quiet">Not counted: {said.not_counted.map(({ what }) => what).join(', ')}.</p>
            )}
          </>
        )}
      </Waiting>
      <Command
        lines={[
          `GET /broker/v1/costs?group_by=${by}&${period}`,
          `GET /broker/v1/costs?group_by=day,${by}&${period}&format=csv`,
        ]}
      />
    </div>
  )
}
