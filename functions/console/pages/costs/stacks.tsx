import { useEffect, useRef, useState } from 'preact/hooks'

export interface Group {
  name: string
  /** What it cost in all, as it was told. */
  words: string
  unpriced: boolean
  days: { day: string; value: number }[]
}

const DARK = '(prefers-color-scheme: dark)'
/** So many are drawn apart; their colours are those of `--series-0` and on. */
const MOST = 6
const secondsOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1000

/** Days as stacks of groups, and what each group cost beside them: the table says all that the picture does. */
export const Stacks = ({
  groups,
  from,
  to,
  currency,
}: {
  groups: Group[]
  from: string
  to: string
  currency: string
}) => {
  const box = useRef<HTMLDivElement>(null)
  const [dark, setDark] = useState(matchMedia(DARK).matches)
  useEffect(() => {
    const colours = matchMedia(DARK)
    const changed = () => setDark(colours.matches)
    colours.addEventListener('change', changed)
    return () => colours.removeEventListener('change', changed)
  }, [])
  const drawn = groups.slice(0, MOST)
  const days = [...new Set(groups.flatMap((group) => group.days.map(({ day }) => day)))].sort()
  const text = JSON.stringify([
    days.map(secondsOf),
    drawn.map((group) => days.map((day) => group.days.find((each) => each.day === day)?.value ?? 0)),
  ])
  useEffect(() => {
    let [left, end] = [false, () => {}]
    void import('./plot-stacks.ts').then(({ plotStacks }) => {
      if (left || !box.current) return
      const [at, series] = JSON.parse(text) as [number[], number[][]]
      const words = (value: number) => `${Number(value.toPrecision(3))} ${currency}`
      end = plotStacks(box.current, at, series, [secondsOf(from), secondsOf(to)], words)
    })
    return () => {
      left = true
      end()
    }
  }, [text, dark, from, to, currency])
  return (
    <figure class="chart stack">
      <div ref={box} aria-hidden="true" />
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
