import { type Glance, type Glimpse, glanceAt } from '../../db/queries/line/glance.ts'
import { loadOf, markOf } from '../broker/compute/place/marks.ts'
import type { Host } from '../context.ts'

/** How often it is looked, in milliseconds. */
const EVERY = 1_000
/** So wide is a terminal that does not say. */
const COLUMNS = 80

/** A terminal, as far as lines on it are written anew. */
export interface Screen {
  columns?: number
  write(text: string): unknown
  on?(event: 'error', listener: () => void): unknown
}

const percent = (share: number): string => `${Math.round(share * 100)} %`

const cloudWords = (cloud: Glimpse, mark: number | null, now: number): string => {
  const { name, enabled, closedUntil, takenVcpus } = cloud
  if (!enabled) return `${name} off`
  if (closedUntil > now) return `${name} does not answer`
  const load = loadOf(cloud)
  if (load === null) return `${name} ${takenVcpus} vCPUs`
  return `${name} ${percent(load)}${mark === null ? '' : ` ${load > mark ? 'past its mark of' : 'of'} ${percent(mark)}`}`
}

/** The lines that tell how everything stands: what is asked and under way; and each cloud, with the mark up to which it is filled. */
const linesOf = ({ clouds, policy, underWay, due }: Glance, now: number, requests: number): string[] => [
  [
    `${requests} request${requests === 1 ? '' : 's'}/s`,
    `${underWay} under way`,
    ...(due ? [`${due} due`] : []),
    ...(clouds.length ? [] : ['no cloud']),
  ].join(' · '),
  ...(clouds.length ? [clouds.map((each) => cloudWords(each, markOf(policy, each), now)).join(' · ')] : []),
]

/** As much of a line as stands in one row: none is broken, as then it could not be written anew. */
const fitted = (line: string, columns: number): string => {
  const letters = [...line.replace(/\p{C}/gu, '')]
  return letters.length < columns ? letters.join('') : `${letters.slice(0, Math.max(0, columns - 2)).join('')}…`
}

/**
 * Lines at the end of a terminal that are written anew in place, at most once a second and only when they say something else. A
 * terminal that takes nothing is gone, as one that was closed: they end, and nothing else does.
 * @param look the lines as they are now
 */
export const openLiveLines = (screen: Screen, look: () => Promise<string[]>) => {
  let shown: string[] = []
  let over = false
  let timer: NodeJS.Timeout
  const leave = () => {
    over = true
    clearTimeout(timer)
    shown = []
  }
  const draw = (lines: string[]) => {
    const away = shown.length ? `\r\x1b[2K${'\x1b[1A\x1b[2K'.repeat(shown.length - 1)}` : ''
    shown = lines
    if (!away && !lines.length) return
    try {
      screen.write(away + lines.join('\n'))
    } catch {
      leave()
    }
  }
  const round = async () => {
    // A look that fails is told of where it failed; here is nothing to say then.
    const lines = await look().catch(() => [])
    if (over) return
    const next = lines.map((line) => fitted(line, screen.columns || COLUMNS))
    if (next.join('\n') !== shown.join('\n')) draw(next)
    if (over) return
    timer = setTimeout(round, EVERY).unref()
  }
  timer = setTimeout(round, 0).unref()
  screen.on?.('error', leave)
  return {
    /** Writes something else, above them. */
    above(write: () => void): void {
      const lines = shown
      draw([])
      write()
      if (!over) draw(lines)
    },
    /** They go, and do not come again. */
    end(): void {
      if (!over) draw([])
      leave()
    },
  }
}

/** The same of a broker. @param requests how many it has answered so far */
export const tellLive = (screen: Screen, host: Pick<Host, 'db' | 'now'>, requests: () => number) => {
  let [before, at] = [requests(), performance.now()]
  return openLiveLines(screen, async () => {
    const [count, then] = [requests(), performance.now()]
    const rate = Math.round(((count - before) * 1000) / Math.max(then - at, EVERY))
    ;[before, at] = [count, then]
    const now = host.now()
    return linesOf(await glanceAt(host.db, now), now, rate)
  })
}
