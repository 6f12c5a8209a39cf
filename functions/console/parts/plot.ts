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
  const axis = {
    stroke: colour('--quiet'),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    ticks: { show: false },
    gap: 4,
  }
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
  const sized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height }))
  sized.observe(box)
  return () => {
    sized.disconnect()
    plot.destroy()
  }
}
