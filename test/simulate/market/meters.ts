import type { D1Database } from '@cloudflare/workers-types'

/** A time that was paid for, in milliseconds since 1970. */
export interface Interval {
  server: string
  cloud: string
  beside: number
  from: number
  until: number
}

/** What the database itself writes down of meters that are settled and gone (`snapshot.ts`), and those that run. */
const INTERVALS = `select server, cloud, beside, started as 'from', ended as until from sim_meters where ended > started
  union all select server_id, cloud_id, beside, started_at, settled_at from meters where kind = 'server' and settled_at > started_at
  order by 3, 4`
const COSTS = `select server_id as server, cloud_id as cloud, sum(ms) as ms from costs where kind = 'server' group by 1, 2`

/** What is paid for twice, or for what was not there, and what is in no book. `whyNot`: why one interval is not to be paid for. */
export const unpaid = async (d1: D1Database, whyNot: (interval: Interval) => string | null): Promise<string[]> => {
  const { results: intervals } = await d1.prepare(INTERVALS).all<Interval>()
  const { results: costs } = await d1.prepare(COSTS).all<{ server: string; cloud: string; ms: number }>()
  const ofMachine = ({ server, cloud }: Pick<Interval, 'server' | 'cloud'>) => `${server} ${cloud}`
  const current = intervals.filter(({ beside }) => !beside)
  const twice = [
    ...overlaps(intervals, ofMachine).map(() => 'a machine is paid for twice'),
    ...overlaps(current, ({ server }) => server).map(() => 'two machines of a server are paid for as current ones'),
  ]
  const ran = Map.groupBy(intervals, ofMachine)
  const books = new Map(costs.map((each) => [ofMachine(each), each.ms]))
  const apart = [...new Set([...ran.keys(), ...books.keys()])].flatMap((of) => {
    const sum = (ran.get(of) ?? []).reduce((all, { from, until }) => all + until - from, 0)
    return sum === (books.get(of) ?? 0)
      ? []
      : [`a machine ran for ${sum} ms, and ${books.get(of) ?? 0} ms are in the books`]
  })
  return [...twice, ...apart, ...intervals.flatMap((each) => whyNot(each) ?? [])]
}

/** Those that begin before the one before them is over, of each group. */
const overlaps = (intervals: Interval[], of: (interval: Interval) => string): Interval[] =>
  [...Map.groupBy(intervals, of).values()].flatMap((each) => {
    const inOrder = each.toSorted((a, b) => a.from - b.from)
    return inOrder.filter(({ from }, i) => i > 0 && from < inOrder[i - 1]!.until)
  })
