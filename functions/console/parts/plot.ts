import uPlot from 'uplot'

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Days as bars: what is drawn, where, and how. */
export interface Bars {
  /** Seconds since 1970, in order. */
  days: number[]
  /** A value each day of each part; the first stands lowest. */
  parts: number[][]
  /** Names of the colours of the page, one a part. */
  colours: string[]
  first: number
  /** No day of the picture. */
  last: number
  height: number
  words: (value: number) => string
}

/** Draws a bar each day into a box, each of its parts upon the one before, in the colours of the page. @returns what takes them away */
export const plotDays = (
  box: HTMLElement,
  { days, parts, colours, first, last, height, words }: Bars,
): (() => void) => {
  const { bars } = uPlot.paths
  const sums = days.map(() => 0)
  // The highest sum is drawn first, so that each covers what is not its own.
  const heights = parts.map((values) =>
    values.map((value, i) => {
      sums[i] = (sums[i] ?? 0) + value
      return sums[i]
    }),
  )
  const axis = axisOf()
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height,
      // Days are those of UTC, as they are counted.
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), 'Etc/UTC'),
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: true, range: () => [first - 43_200, last - 43_200] },
        y: { range: (_, _from, to) => [0, to || 1] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          values: (_, at) => at.map((each) => String(new Date(each * 1000).getUTCDate())),
          incrs: [86_400, 172_800, 432_000, 864_000],
          space: 28,
          size: 26,
        },
        {
          ...axis,
          grid: { stroke: colour('--rule'), width: 1 },
          values: (_, values) => values.map(words),
          size: 72,
        },
      ],
      series: [
        {},
        ...heights
          .map((_, i) => ({
            fill: colour(colours[i] ?? '--accent'),
            stroke: colour(colours[i] ?? '--accent'),
            width: 0,
            points: { show: false },
            ...(bars ? { paths: bars({ size: [0.7, 28] }) } : {}),
          }))
          .reverse(),
      ],
    },
    [days, ...[...heights].reverse()],
    box,
  )
  return sizedIn(box, plot, height)
}

const axisOf = () => ({
  stroke: colour('--quiet'),
  font: `12px ${getComputedStyle(document.body).fontFamily}`,
  ticks: { show: false },
  gap: 4,
})

/** As wide as its box, whatever that becomes. @returns what takes it away */
const sizedIn = (box: HTMLElement, plot: uPlot, height: number): (() => void) => {
  const sized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height }))
  sized.observe(box)
  return () => {
    sized.disconnect()
    plot.destroy()
  }
}

/** An amount that grows, as a line, and what it is not to pass. */
export interface Growth {
  /** Seconds since 1970, in order. */
  times: number[]
  sums: number[]
  /** What is expected at a later time; null: nothing. */
  expected: [time: number, sum: number] | null
  /** Drawn as a level line; null: there is none. */
  most: number | null
  height: number
  words: (value: number) => string
}

/** Draws an amount that grows into a box, in the colours of the page. @returns what takes it away */
export const plotGrowth = (box: HTMLElement, { times, sums, expected, most, height, words }: Growth): (() => void) => {
  const axis = axisOf()
  const all = expected ? [...times, expected[0]] : times
  const last = sums.at(-1) ?? 0
  const dashed = { width: 2, dash: [6, 5], points: { show: false } }
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_, _from, to) => [0, Math.max(to, most ?? 0) * 1.05 || 1] } },
      axes: [
        { ...axis, grid: { show: false }, size: 44 },
        { ...axis, grid: { stroke: colour('--rule'), width: 1 }, values: (_, values) => values.map(words), size: 72 },
      ],
      series: [
        {},
        { stroke: colour('--accent'), width: 2, points: { show: false } },
        { ...dashed, stroke: colour('--accent') },
        { ...dashed, stroke: colour('--red') },
      ],
    },
    [
      all,
      all.map((_, i) => sums[i] ?? null),
      all.map((_, i) => (expected && i >= times.length - 1 ? (i < times.length ? last : expected[1]) : null)),
      all.map(() => most),
    ],
    box,
  )
  return sizedIn(box, plot, height)
}
