import { useEffect, useRef, useState } from 'preact/hooks'
import type { Point } from './plot.ts'

const DARK = '(prefers-color-scheme: dark)'

const secondsOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1000

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
}) => {
  const box = useRef<HTMLDivElement>(null)
  const [dark, setDark] = useState(matchMedia(DARK).matches)
  useEffect(() => {
    const colours = matchMedia(DARK)
    const changed = () => setDark(colours.matches)
    colours.addEventListener('change', changed)
    return () => colours.removeEventListener('change', changed)
  }, [])
  const text = JSON.stringify(days.map(({ day, value }): Point => [secondsOf(day), value]))
  useEffect(() => {
    let [left, end] = [false, () => {}]
    void import('./plot.ts').then(({ plotDays }) => {
      if (!left && box.current) end = plotDays(box.current, JSON.parse(text), [secondsOf(from), secondsOf(to)], words)
    })
    return () => {
      left = true
      end()
    }
  }, [text, dark, from, to])
  return (
    <figure class="chart">
      <figcaption class="small quiet">{caption}</figcaption>
      <div ref={box} aria-hidden="true" />
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
}
