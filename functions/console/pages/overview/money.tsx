import { type Answer, useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { DayChart } from '../../parts/chart.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { type Money, moneyWords } from '../../parts/words.ts'

/** What `GET /broker/v1/costs` says. */
export interface Costs {
  from: string
  to: string
  costs: { cloud: string | null; cost: Money; seconds: number; unpriced_seconds: number }[]
  total: { cost: Money; seconds: number }
  now: Money
  projected: Money
  not_counted: { what: string; now?: number; seconds?: number }[]
}

/** What `GET /broker/v1/costs?group_by=day` says. */
interface Days {
  from: string
  to: string
  costs: { day: string; cost: Money }[]
}

const ByDay = () => {
  const { value, fault, again } = useAnswer<Days>('broker', '/costs?group_by=day', 60_000)
  const [first] = value?.costs ?? []
  if (fault && !value) return <FaultNote fault={fault} again={again} />
  if (!value || !first) return null
  const { currency } = first.cost
  return (
    <DayChart
      caption="By day of this month, UTC"
      from={value.from}
      to={value.to}
      days={value.costs.map(({ day, cost }) => ({ day, value: Number(cost.amount) }))}
      words={(amount) => moneyWords({ amount: String(amount), currency })}
    />
  )
}

/** What is paid now, was this month, and will have been at its end. */
export const MoneyCard = ({ answer, every }: { answer: Answer<Costs>; every: boolean }) => (
  <Card title={every ? 'Cost of all projects' : 'Cost'}>
    <Waiting answer={answer}>
      {({ now, total, projected, costs, not_counted: rest }) => (
        <div class="stack">
          <dl class="money">
            <div>
              <dt>Now, per hour</dt>
              <dd>{moneyWords(now)}</dd>
            </div>
            <div>
              <dt>This month</dt>
              <dd>{moneyWords(total.cost)}</dd>
            </div>
            <div>
              <dt>Until its end, as it is</dt>
              <dd>{moneyWords(projected)}</dd>
            </div>
          </dl>
          <ByDay />
          {costs.length > 0 && (
            <ul class="plain-list small">
              {costs.map(({ cloud, cost }) => (
                <li key={cloud} class="row">
                  <span>{cloud ?? 'no cloud'}</span>
                  <span class="spring" />
                  <span class="number">{moneyWords(cost)}</span>
                </li>
              ))}
            </ul>
          )}
          {rest.length > 0 && <p class="small quiet">Not counted: {rest.map(({ what }) => what).join(', ')}.</p>}
        </div>
      )}
    </Waiting>
  </Card>
)
