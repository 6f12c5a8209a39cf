import { MINUTES_A_DAY } from './arrivals.ts'
import { LOOK, type Month } from './play.ts'

/* The picture of the page: a week of what the broker has where, and what each way costs and lets wait. */

const WIDTH = 900
const PLOT = { left: 60, right: 880, top: 40, bottom: 260 }
const BARS = { left: 190, top: 330, row: 44, bar: 15, most: 480 }
const COLOURS: Record<string, string> = { home: '#3d7a5a', near: '#d8913a', far: '#b0413e' }
const INK = '#333'

const round = (value: number): number => Math.round(value * 10) / 10

const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${round(x)}" y="${round(y)}" ${more}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`

const plot = ({ clouds, outcomes }: Month): string[] => {
  const { used } = outcomes[0]!
  const looks = (7 * MINUTES_A_DAY) / LOOK
  const most = 20 * Math.ceil(Math.max(...Array.from({ length: looks }, (_, n) => sumAt(used, n))) / 20)
  const x = (n: number) => PLOT.left + (n / looks) * (PLOT.right - PLOT.left)
  const y = (vcpus: number) => PLOT.bottom - (vcpus / most) * (PLOT.bottom - PLOT.top)
  const under = Array<number>(looks).fill(0)
  const areas = clouds.map(({ name }) => {
    const below = under.map((vcpus, n) => `${round(x(n))},${round(y(vcpus))}`).reverse()
    const above = under.map((_, n) => {
      under[n]! += used[name]![n]!
      return `${round(x(n))},${round(y(under[n]!))}`
    })
    return `<polygon fill="${COLOURS[name]}" points="${[...above, ...below].join(' ')}"/>`
  })
  const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map((day, n) =>
    text(x(((n + 0.5) * MINUTES_A_DAY) / LOOK), PLOT.bottom + 18, day, 'text-anchor="middle"'),
  )
  const ticks = [0, most / 2, most].map(
    (vcpus) =>
      `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(vcpus)}" y2="${y(vcpus)}" stroke="#ddd"/>` +
      text(PLOT.left - 8, y(vcpus) + 4, String(vcpus), 'text-anchor="end"'),
  )
  const keys = clouds.map(
    ({ name }, n) =>
      `<rect x="${PLOT.left + 420 + n * 90}" y="12" width="12" height="12" fill="${COLOURS[name]}"/>` +
      text(PLOT.left + 438 + n * 90, 23, name),
  )
  return [text(PLOT.left, 23, 'vCPUs in use with the broker, in the first week'), ...ticks, ...areas, ...days, ...keys]
}

const sumAt = (used: Record<string, number[]>, n: number): number =>
  Object.values(used).reduce((sum, each) => sum + each[n]!, 0)

const bars = ({ outcomes }: Month): string[] => {
  const dearest = Math.max(...outcomes.map(({ rented, owned }) => rented + owned))
  const wide = (amount: number) => round((amount / dearest) * BARS.most)
  return [
    text(PLOT.left, BARS.top - 16, 'What the month costs (owned, rented), and how long 95 % wait at most'),
    ...outcomes.flatMap(({ name, rented, owned, late }, n) => {
      const y = BARS.top + n * BARS.row
      return [
        text(BARS.left - 10, y + 13, name, 'text-anchor="end"'),
        `<rect x="${BARS.left}" y="${y}" width="${wide(owned)}" height="${BARS.bar}" fill="${COLOURS.home}"/>`,
        `<rect x="${BARS.left + wide(owned)}" y="${y}" width="${wide(rented)}" height="${BARS.bar}" fill="${COLOURS.near}"/>`,
        text(
          BARS.left + wide(owned + rented) + 8,
          y + 13,
          `${(rented + owned).toFixed(0)} USD, ${late.toFixed(1)} min`,
        ),
      ]
    }),
  ]
}

/** A month as an SVG image. Pure. */
export const drawingOf = (month: Month): string => {
  const height = BARS.top + month.outcomes.length * BARS.row
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13" fill="${INK}">`,
    '<title>A month over three clouds: vCPUs by cloud, and what each way to choose them costs</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...plot(month),
    ...bars(month),
    '</svg>',
    '',
  ].join('\n')
}
