import { useEffect, useRef, useState } from 'preact/hooks'
import type { Bars, Growth } from './plot.ts'

const DARK = '(prefers-color-scheme: dark)'

/** A day as `2026-11-29`, in seconds since 1970. */
export const secondsOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1000

type Plots = Pick<typeof import('./plot.ts'), 'plotDays' | 'plotGrowth'>

/**
 * Draws a picture into a box, and anew where what it says, or the colours of the page, are others. What draws it is fetched when it
 * is wanted; where that is not to be had, after an update of the broker, there is a word in its place.
 * @param text what the picture says: it is drawn anew when that is another
 */
const Picture = ({ text, draw }: { text: string; draw: (plots: Plots, box: HTMLElement) => () => void }) => {
  const box = useRef<HTMLDivElement>(null)
  const [dark, setDark] = useState(matchMedia(DARK).matches)
  const [isLost, setLost] = useState(false)
  useEffect(() => {
    const colours = matchMedia(DARK)
    const changed = () => setDark(colours.matches)
    colours.addEventListener('change', changed)
    return () => colours.removeEventListener('change', changed)
  }, [])
  const latest = useRef(draw)
  latest.current = draw
  useEffect(() => {
    let [left, end] = [false, () => {}]
    import('./plot.ts').then(
      ({ plotDays, plotGrowth }) => {
        if (!left && box.current) end = latest.current({ plotDays, plotGrowth }, box.current)
      },
      () => left || setLost(true),
    )
    return () => {
      left = true
      end()
    }
  }, [text, dark])
  return isLost ? (
    <p class="quiet">The picture cannot be drawn: load the page again.</p>
  ) : (
    <div ref={box} aria-hidden="true" />
  )
}

/**
 * A picture of days, for eyes alone: what it says stands beside it.
 * @param days as `2026-11-29`, in order
 * @param to the first day that is not drawn
 */
export const DayBars = ({
  days,
  from,
  to,
  words,
  ...rest
}: Pick<Bars, 'parts' | 'colours' | 'height' | 'words'> & { days: string[]; from: string; to: string }) => {
  const bars = { ...rest, days: days.map(secondsOf), first: secondsOf(from), last: secondsOf(to) }
  return <Picture text={JSON.stringify(bars)} draw={({ plotDays }, box) => plotDays(box, { ...bars, words })} />
}

/** How an amount grew, what is expected of it, and what it is not to pass: for eyes alone. Times are seconds since 1970. */
export const GrowthLine = ({ words, ...growth }: Growth) => (
  <Picture text={JSON.stringify(growth)} draw={({ plotGrowth }, box) => plotGrowth(box, { ...growth, words })} />
)

const ACCENT = ['--accent']

/**
 * What a day each was, as bars; the same as a table for who does not see them. What draws it is fetched when it is wanted.
 * @param days days as `2026-11-29`, in order, with their values
 */
export const DayChart = ({
  caption,
  days,
  from,
  to,
  words,
}: {
  caption: string
  days: { day: string; value: number }[]
  /** Which days are drawn; `to` is not among them. */
  from: string
  to: string
  words: (value: number) => string
}) => (
  <figure class="chart">
    <figcaption class="small quiet">{caption}</figcaption>
    <DayBars
      days={days.map(({ day }) => day)}
      parts={[days.map(({ value }) => value)]}
      colours={ACCENT}
      from={from}
      to={to}
      height={150}
      words={words}
    />
    <table class="unseen">
      <caption>{caption}</caption>
      <tbody>
        {days.map(({ day, value }) => (
          <tr key={day}>
            <th scope="row">{day}</th>
            <td>{words(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </figure>
)
