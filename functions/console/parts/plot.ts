import uPlot from 'uplot'

/** A point in time, in seconds since 1970, and what was then. */
export type Point = [at: number, value: number]

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Draws bars into a box, a day each, from the first to before the last, in seconds since 1970, in the colours of the page. @returns what takes them away */
export const plotDays = (
  box: HTMLElement,
  points: Point[],
  [first, last]: [first: number, last: number],
  words: (value: number) => string,
): (() => void) => {
  const { bars } = uPlot.paths
  const [ink, rule, accent] = [colour('--quiet'), colour('--rule'), colour('--accent')]
  const font = `12px ${getComputedStyle(document.body).fontFamily}`
  const axis = { stroke: ink, font, ticks: { show: false }, gap: 4 }
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height: 150,
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
          values: (_, days) => days.map((at) => String(new Date(at * 1000).getUTCDate())),
          incrs: [86_400, 172_800, 432_000, 864_000],
          space: 28,
          size: 26,
        },
        { ...axis, grid: { stroke: rule, width: 1 }, values: (_, values) => values.map(words), size: 64 },
      ],
      series: [
        {},
        {
          fill: accent,
          stroke: accent,
          width: 0,
          points: { show: false },
          ...(bars ? { paths: bars({ size: [0.7, 28] }) } : {}),
        },
      ],
    },
    [points.map(([at]) => at), points.map(([, value]) => value)],
    box,
  )
  const sized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 150 }))
  sized.observe(box)
  return () => {
    sized.disconnect()
    plot.destroy()
  }
}
