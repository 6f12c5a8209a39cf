import { DayBars } from '../../parts/chart.tsx'

export interface Group {
  name: string
  /** What it cost in all, as it was told. */
  words: string
  unpriced: boolean
  days: { day: string; value: number }[]
}

/** So many are drawn apart; their colours are those of `--series-0` and on. */
const MOST = 6

/** Days as stacks of groups, and what each group cost beside them; the same as a table for who does not see them. */
export const Stacks = ({
  groups,
  from,
  to,
  currency,
}: {
  groups: Group[]
  from: string
  to: string
  currency: string | null
}) => {
  const drawn = groups.slice(0, MOST)
  const days = [...new Set(groups.flatMap((group) => group.days.map(({ day }) => day)))].sort()
  const byDay = drawn.map((group) => new Map(group.days.map(({ day, value }) => [day, value])))
  return (
    <figure class="chart stack">
      <DayBars
        days={days}
        parts={byDay.map((values) => days.map((day) => values.get(day) ?? 0))}
        colours={drawn.map((_, i) => `--series-${i}`)}
        from={from}
        to={to}
        height={240}
        words={(value) => `${Number(value.toPrecision(3))} ${currency ?? ''}`}
      />
      <table class="unseen">
        <caption>Day by day</caption>
        <tbody>
          {days.flatMap((day) =>
            drawn.map(({ name }, i) => (
              <tr key={`${day} ${name}`}>
                <th scope="row">
                  {day}, {name}
                </th>
                <td>
                  {byDay[i]?.get(day) ?? 0} {currency}
                </td>
              </tr>
            )),
          )}
        </tbody>
      </table>
      <ul class="plain-list">
        {groups.map(({ name, words, unpriced }, i) => (
          <li key={name} class="row">
            {i < MOST && <span class={`swatch series-${i}`} />}
            <span>{name}</span>
            {unpriced && <span class="quiet small">in part without a price</span>}
            <span class="spring" />
            <span class="number">{words}</span>
          </li>
        ))}
      </ul>
      {groups.length > MOST && <figcaption class="quiet small">The first {MOST} are drawn.</figcaption>}
    </figure>
  )
}
