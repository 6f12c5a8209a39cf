import uPlot from 'uplot'

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** So many colours there are: `--series-0` and on. */
const COLOURS = 6

/**
 * Draws days as stacks, each of as many parts as there are series, in the colours of the page; the first stands lowest.
 * @param days seconds since 1970, in order
 * @param series a value each day
 * @returns what takes the picture away
 */
export const plotStacks = (
  box: HTMLElement,
  days: number[],
  series: number[][],
  [first, last]: [first: number, last: number],
  words: (value: number) => string,
): (() => void) => {
  const { bars } = uPlot.paths
  const sums = days.map(() => 0)
  // The highest sum is drawn first, so that each covers what is not its own.
  const heights = series.map((values) =>
    values.map((value, i) => {
      sums[i] = (sums[i] ?? 0) + value
      return sums[i]
    }),
  )
  const [ink, rule] = [colour('--quiet'), colour('--rule')]
  const axis = {
    stroke: ink,
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    ticks: { show: false },
    gap: 4,
  }
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height: 240,
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
        { ...axis, grid: { stroke: rule, width: 1 }, values: (_, values) => values.map(words), size: 72 },
      ],
      series: [
        {},
        ...heights
          .map((_, i) => ({
            fill: colour(`--series-${i % COLOURS}`),
            stroke: colour(`--series-${i % COLOURS}`),
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
  const sized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 240 }))
  sized.observe(box)
  return () => {
    sized.disconnect()
    plot.destroy()
  }
}
