import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { GrowthLine, secondsOf } from '../../parts/chart.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { type Money, moneyWords } from '../../parts/words.ts'
import { door, has } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { ALL, type Costs, LIMIT } from './shapes.ts'
import { useWhole } from './use-whole.ts'

/** What is there of a project by each day, summed up: at the end of the day, in seconds since 1970. */
const grown = ({ from, costs }: Costs, projectId: string) => {
  let sum = 0
  const days = costs.filter(({ project }) => project === projectId)
  const points = [...new Set(days.map(({ day = '' }) => day))].sort().map((day) => {
    for (const each of days) if (each.day === day) sum += Number(each.cost.amount)
    return { time: Math.min(secondsOf(day) + 86_400, Date.now() / 1000), sum }
  })
  return [{ time: secondsOf(from), sum: 0 }, ...points]
}

/**
 * What a project spent in a month, as it grew, under its budget. Budgets stand in policies, which are told to administrators; what
 * is to be expected is told of all that somebody sees, which is one project for everybody else.
 */
export const Month = ({ projectId, from, to }: { projectId: string; from: string; to: string }) => {
  const isAdmin = has(useStore(door).session, 'admin')
  const costs = useWhole<Costs>('broker', `/costs?group_by=day,project&from=${from}&to=${to}&limit=${LIMIT}`, ALL)
  const policy = useAnswer<{ policy: { budget: Money | null } }>(
    'broker',
    isAdmin ? `/projects/${encodeURIComponent(projectId)}/policy` : null,
  )
  const budget = policy.value?.policy.budget ?? null
  return (
    <Card title={budget ? 'What this project spent, and its budget' : 'What this project spent'}>
      <Waiting answer={costs}>
        {(said) => {
          const points = grown(said, projectId)
          const sum = points.at(-1)?.sum ?? 0
          const { currency } = said.total.cost
          const words = (amount: number) => moneyWords({ amount: String(amount), currency })
          const isNow = secondsOf(to) > Date.now() / 1000
          return (
            <figure class="chart stack">
              {sum > 0 && (
                <GrowthLine
                  times={points.map(({ time }) => time)}
                  sums={points.map((each) => each.sum)}
                  expected={isAdmin || !isNow ? null : [secondsOf(to), Number(said.projected.amount)]}
                  most={budget && budget.currency === currency ? Number(budget.amount) : null}
                  height={180}
                  words={words}
                />
              )}
              <figcaption>
                {words(sum)} so far
                {budget ? `, of a budget of ${moneyWords(budget)} a month` : isAdmin ? ', without a budget' : ''}
                {!isAdmin &&
                  isNow &&
                  `, ${moneyWords(said.projected)} until the end of the month if all stays as it is`}
                .
              </figcaption>
            </figure>
          )
        }}
      </Waiting>
    </Card>
  )
}
