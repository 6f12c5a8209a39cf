import type { Trips } from '../counting.ts'
import { printColumns, type Target } from '../table.ts'
import type { World } from '../world.ts'
import type { Estate } from './estate.ts'
import { pageTimeOf } from './pages.ts'
import { ratesOf } from './rates.ts'
import { type Class, type Read, readsOf } from './routes.ts'

/** What each class has to reach. A read that does not come to half of it is a regression, and fails the bench. */
const CLASSES: Record<Class, { least?: number; most?: number; statements: number }> = {
  /** Share of the bare Hono route's requests per second, with as large an answer. */
  one: { least: 0.35, statements: 1 },
  constant: { least: 0.35, statements: 0 },
  /** Times the bare SQLite read of the same rows, with `JSON.stringify`. */
  page: { most: 2, statements: 1 },
  sum: { most: 2, statements: 1 },
}

interface Measured extends Read {
  value: string
  ratio: number
  cpuRatio: number
  trips: Trips
}

/**
 * Every GET of the route table by itself; with `filter`, those that have it in method and path. Prints the table, and gives
 * what each has to reach.
 */
export const benchReads = async (world: World, folder: string, estate: Estate, filter = ''): Promise<Target[]> => {
  const { reads, leftOut } = await readsOf(world, estate, filter)
  if (!reads.length && !leftOut.length) throw new Error(`no GET has ${filter} in its path`)
  const bodies = new Map<Read, unknown>()
  const trips = new Map<Read, Trips>()
  for (const read of reads) {
    bodies.set(read, json(await answerOf(world, read)))
    // The look at the token, once in five seconds, was the first one's.
    trips.set(read, await world.counter.of(() => answerOf(world, read)))
    world.deferred.length = 0
  }
  const isPage = (read: Read) => CLASSES[read.class].most !== undefined && trips.get(read)!.statements > 0
  const rates = await ratesOf(
    folder,
    reads.filter((read) => !isPage(read)),
    bodies,
    CLASSES.one.least!,
  )
  const measured: Measured[] = []
  for (const read of reads) {
    const rate = rates.get(read)
    const page = rate ? null : await pageTimeOf(folder, trips.get(read)!, () => answerOf(world, read))
    const value = rate ? `${Math.round(rate.perSecond)}/s` : `${page!.ms.toFixed(1)} ms`
    const { ratio, cpuRatio } = rate ?? page!
    measured.push({ ...read, value, ratio, cpuRatio, trips: trips.get(read)! })
  }
  print(measured, leftOut)
  return measured.flatMap(targetsOf)
}

const answerOf = async (world: World, { url, headers }: Read): Promise<string> =>
  (await world.app.fetch(new Request(`http://127.0.0.1${url}`, { headers }))).text()

const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return { text }
  }
}

const targetsOf = ({ title, ratio, trips, ...read }: Measured): Target[] => {
  const { least, most, statements } = CLASSES[read.class]
  return [
    least !== undefined
      ? {
          what: `${title} ≥ ${least} of a bare route`,
          met: ratio >= least,
          half: ratio >= least / 2,
          value: ratio.toFixed(2),
        }
      : {
          what: `${title} ≤ ${most} bare reads`,
          met: ratio <= most!,
          half: ratio <= most! * 2,
          value: ratio.toFixed(2),
        },
    {
      what: `${title}: ${statements} statement${statements === 1 ? '' : 's'}`,
      met: trips.statements <= statements,
      half: trips.statements <= statements * 2,
      value: `${trips.statements}`,
    },
    { what: `${title}: 0 cloud calls`, met: trips.cloud === 0, value: `${trips.cloud}` },
  ]
}

const print = (measured: Measured[], leftOut: [title: string, reason: string][]): void => {
  printColumns([
    ['read', 'class', 'items', 'bytes', 'median', 'ratio', 'CPU ratio', 'statements', 'cloud calls'],
    ...measured.map(({ title, rows, bytes, value, ratio, cpuRatio, trips, ...read }) => [
      ...[title.replace('{[0-9a-f-]+}', ''), read.class, String(rows), String(bytes), value, ratio.toFixed(2)],
      ...[cpuRatio.toFixed(2), String(trips.statements), String(trips.cloud)],
    ]),
    ...leftOut.map(([title, reason]) => [title, `not measured: ${reason}`, '', '', '', '', '', '', '']),
  ])
  console.log()
}
