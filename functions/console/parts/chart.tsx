import { useEffect, useRef, useState } from 'preact/hooks'
import type { Bars } from './plot.ts'

const DARK = '(prefers-color-scheme: dark)'

/** A day as `2026-11-29`, in seconds since 1970. */
const secondsOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1000

/**
 * A picture of days, for eyes alone: what it says stands beside it. What draws it is fetched when it is wanted; where that is not
 * to be had, after an update of the broker, there is a word in its place.
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
  const box = useRef<HTMLDivElement>(null)
  const [dark, setDark] = useState(matchMedia(DARK).matches)
  const [isLost, setLost] = useState(false)
  useEffect(() => {
    const colours = matchMedia(DARK)
    const changed = () => setDark(colours.matches)
    colours.addEventListener('change', changed)
    return () => colours.removeEventListener('change', changed)
  }, [])
  const latest = useRef(words)
  latest.current = words
  const text = JSON.stringify({ ...rest, days: days.map(secondsOf), first: secondsOf(from), last: secondsOf(to) })
  useEffect(() => {
    let [left, end] = [false, () => {}]
    import('./plot.ts').then(
      ({ plotDays }) => {
        if (left || !box.current) return
        end = plotDays(box.current, { ...JSON.parse(text), words: (value: number) => latest.current(value) })
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
