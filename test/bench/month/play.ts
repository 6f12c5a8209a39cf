import { type Arrival, DAYS, drawMonth, MINUTES_A_DAY } from './arrivals.ts'
import { drawClouds, type PlayedCloud } from './clouds.ts'
import { type Standing, WAYS, type Way } from './ways.ts'

/** How one way got through the month. Money in dollars, waiting in minutes from when a server was asked for until it ran. */
export interface Outcome {
  name: string
  words: string
  rented: number
  /** What is owned costs whether it is used or not; what is never used is not owned. */
  owned: number
  typical: number
  late: number
  longest: number
  atHome: number
  /** vCPUs in use at each quarter of an hour, by cloud. */
  used: Record<string, number[]>
}

/** So often one is asked for again that no cloud had to sell, in minutes; and so often the clouds are looked at. */
const RETRY = 3
export const LOOK = 15

interface Event {
  at: number
  order: number
  happens: () => void
}

/** What is due, the earliest first: a heap. */
class Agenda {
  readonly #events: Event[] = []
  #order = 0

  add(at: number, happens: () => void): void {
    const events = this.#events
    events.push({ at, order: this.#order++, happens })
    for (let n = events.length - 1; n > 0; ) {
      const above = (n - 1) >> 1
      if (!earlier(events[n]!, events[above]!)) break
      swap(events, n, above)
      n = above
    }
  }

  next(): Event | undefined {
    const events = this.#events
    const [first] = events
    const last = events.pop()
    if (!first || !last || !events.length) return first
    events[0] = last
    for (let n = 0; ; ) {
      const below = [2 * n + 1, 2 * n + 2].filter((each) => each < events.length)
      const least = below.reduce((a, b) => (earlier(events[b]!, events[a]!) ? b : a), n)
      if (least === n) return first
      swap(events, n, least)
      n = least
    }
  }
}

const earlier = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
const swap = (events: Event[], a: number, b: number): void => {
  const kept = events[a]!
  events[a] = events[b]!
  events[b] = kept
}

const isShort = ({ shortages }: PlayedCloud, { vcpus }: Arrival, now: number): boolean =>
  shortages.some((each) => each.vcpus === vcpus && each.from <= now && now < each.until)

const playOne = (way: Way, arrivals: Arrival[], clouds: PlayedCloud[]): Outcome => {
  const agenda = new Agenda()
  const standings: Standing[] = clouds.map((cloud) => ({ cloud, used: 0 }))
  const named = (name: string) => standings.find(({ cloud }) => cloud.name === name)!
  const used: Outcome['used'] = Object.fromEntries(clouds.map(({ name }) => [name, []]))
  const waits: number[] = []
  const servers: Record<string, number> = {}
  let rented = 0
  const start = (arrival: Arrival, standing: Standing, now: number) => {
    const { cloud } = standing
    standing.used += arrival.vcpus
    const runs = cloud.boot + arrival.minutes
    if (!cloud.owned) rented += (arrival.vcpus * cloud.hourly * runs) / 60 / 1e6
    waits.push(now + cloud.boot - arrival.at)
    servers[cloud.name] = (servers[cloud.name] ?? 0) + 1
    agenda.add(now + runs, () => {
      standing.used -= arrival.vcpus
    })
  }
  const ask = (arrival: Arrival, now: number, kept?: string[]) => {
    const chosen = kept ?? way.choose(arrival, standings, now)
    for (const name of chosen) {
      const standing = named(name)
      const fits = standing.used + arrival.vcpus <= standing.cloud.room
      if (fits && !isShort(standing.cloud, arrival, now)) return start(arrival, standing, now)
      way.refused?.(name, arrival, now)
    }
    // Who waits at one cloud does not choose again.
    agenda.add(now + RETRY, () => ask(arrival, now + RETRY, way.refused ? undefined : chosen))
  }
  for (const arrival of arrivals) agenda.add(arrival.at, () => ask(arrival, arrival.at))
  for (let at = 0; at < DAYS * MINUTES_A_DAY; at += LOOK)
    agenda.add(at, () => {
      for (const standing of standings) used[standing.cloud.name]!.push(standing.used)
    })
  for (let event = agenda.next(); event; event = agenda.next()) event.happens()
  waits.sort((a, b) => a - b)
  const share = (of: number) => waits[Math.min(waits.length - 1, Math.floor(of * waits.length))]!
  const home = clouds.find(({ owned }) => owned)!
  const uses = (servers[home.name] ?? 0) > 0
  return {
    name: way.name,
    words: way.words,
    rented,
    owned: uses ? (home.room * home.hourly * DAYS * 24) / 1e6 : 0,
    typical: share(0.5),
    late: share(0.95),
    longest: waits.at(-1)!,
    atHome: (servers[home.name] ?? 0) / waits.length,
    used,
  }
}

export interface Month {
  arrivals: Arrival[]
  clouds: PlayedCloud[]
  outcomes: Outcome[]
}

/** The same drawn month, once for each way. Pure. */
export const playMonth = (seed: number): Month => {
  const [arrivals, clouds] = [drawMonth(seed), drawClouds(seed)]
  return { arrivals, clouds, outcomes: WAYS.map((make) => playOne(make(), arrivals, clouds)) }
}
