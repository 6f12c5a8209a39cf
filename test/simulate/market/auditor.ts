import type { D1Database } from '@cloudflare/workers-types'
import type { Mark, ServerSpec } from '../../../adapters/contract.ts'
import type { CloudError } from '../../../adapters/errors.ts'
import type { Life, Listener, Scheduler } from '../scheduler.ts'
import type { World } from '../world.ts'
import { type Books, beyond, readBooks } from './books.ts'
import { Memory, offerOf } from './memory.ts'
import { type Interval, unpaid } from './meters.ts'
import type { Wire } from './wire.ts'

/** A machine that its cloud took back while it was the current one of its server. */
interface Taken {
  server: string
  at: number
  movable: boolean
}

/** So often a server is taken back before it is bought for good. */
const MOST_RECLAIMS = 3

/** Compares, after each commit, what the books say with what they said before and with the machines that there are. */
export class Auditor implements Listener {
  readonly memory = new Memory()
  readonly wire: Wire
  /** Something was refused, or taken back. */
  scarce = false
  readonly #world: World
  readonly #d1: D1Database
  readonly #scheduler: Scheduler
  readonly #fault: (what: string) => void
  readonly #asked = new Set<string>()
  readonly #taken: Taken[] = []
  readonly #reclaims = new Map<string, number>()
  #books: Books | null = null
  /** The most that ever was allowed: no machine was admitted beyond that. */
  #limit = 0
  #most = 0
  /** The least that an offer ever cost. */
  readonly #least = new Map<string, number>()

  constructor(world: World, scheduler: Scheduler, wire: Wire, fault: (what: string) => void) {
    this.#world = world
    this.#scheduler = scheduler
    this.#d1 = world.d1
    this.wire = wire
    this.#fault = fault
  }

  /** After a commit of a process. */
  async look(life: Life | null): Promise<void> {
    const { now } = this.#scheduler
    const books = await readBooks(this.#d1, this.#world.projectId, this.#world.cloudId)
    const before = this.#books
    this.#books = books
    if (before) {
      for (const what of beyond(before, books)) this.#fault(what)
      if (life) this.#placed(life, before, books, now)
    }
    this.memory.learn(books.refused, now)
    this.#limit = Math.max(this.#limit, books.limit)
    this.#most = Math.max(this.#most, books.most ?? Number.POSITIVE_INFINITY)
    for (const { cloud, size, option, hourly } of books.held) {
      const what = `${cloud}/${size}/${option}`
      if (hourly !== null) this.#least.set(what, Math.min(hourly, this.#least.get(what) ?? hourly))
    }
    // A call that outlives every lease may make what nobody waits for any more.
    if (this.#scheduler.longestFlight !== Number.POSITIVE_INFINITY) this.#machines(now)
  }

  /** Nothing is placed where a cloud would not have it a moment ago. */
  #placed(life: Life, before: Books, books: Books, now: number): void {
    const placeOf = ({ cloud, zone, size, option }: Books['held'][number]) => offerOf(cloud, zone, size, option)
    const had = new Set(before.held.map((each) => `${each.server} ${placeOf(each)}`))
    for (const each of books.held)
      if (
        !each.launched &&
        !had.has(`${each.server} ${placeOf(each)}`) &&
        this.memory.forbids(life, placeOf(each), now)
      )
        this.#fault(`placed where it was refused a moment ago: ${placeOf(each)}`)
  }

  /** What there is, by the clouds alone: never more than ever was allowed, and of a server one machine, or two while it moves. */
  #machines(now: number): void {
    const { cloudId } = this.#world
    const running = this.wire.running(now)
    const size = ({ spec }: (typeof running)[number]) => spec.size.vcpus
    const home = running.filter(({ cloud }) => cloud === cloudId).reduce((sum, each) => sum + size(each), 0)
    if (home > this.#limit + 1e-6) this.#fault(`home has ${home} vCPUs of ${this.#limit}`)
    const least = ({ cloud, size, spec }: (typeof running)[number]) =>
      this.#least.get(`${cloud}/${size}/${spec.option ?? 'on-demand'}`) ?? 0
    const hourly = running.reduce((sum, each) => sum + least(each), 0)
    if (hourly > this.#most)
      this.#fault(`machines cost ${hourly} an hour, and never more than ${this.#most} was allowed`)
    for (const [server, machines] of Map.groupBy(running, ({ mark }) => mark!.resource)) {
      const clouds = new Set(machines.map(({ cloud }) => cloud))
      if (clouds.size < machines.length)
        this.#fault(`a server has ${machines.length} machines on ${clouds.size} clouds`)
      if (clouds.size < 2) continue
      const counted = this.#books!.held.filter((each) => each.server === server).map(({ cloud }) => cloud)
      if ([...clouds].some((cloud) => !counted.includes(cloud)))
        this.#fault('a server has a machine that nobody counts')
    }
  }

  /** A process asks a cloud for a server. What was asked for before is asked for again, to learn what became of it. */
  asks(life: Life, cloudId: string, { zone, size, option }: ServerSpec, { token }: Mark, now: number): void {
    const offer = offerOf(cloudId, zone, size.native, option ?? 'on-demand')
    if (!this.#asked.has(token) && this.memory.forbids(life, offer, now))
      this.#fault(`asked for what was refused a moment ago: ${offer}`)
    this.#asked.add(token)
  }

  /** A cloud said that there is too little of something. */
  refused(error: CloudError): void {
    if (error.detail.shortage) this.scarce = true
  }

  /** A cloud took a machine back. */
  took({ mark, cloud }: { mark: Mark | null; cloud: string }, at: number): void {
    const server = mark!.resource
    this.#reclaims.set(server, (this.#reclaims.get(server) ?? 0) + 1)
    this.scarce = true
    const held = this.#books?.held.find((each) => each.server === server && !each.beside)
    if (held?.cloud === cloud) this.#taken.push({ server, at, movable: held.movable })
  }

  /** What is wrong when everything is at rest. */
  async faults(): Promise<string[]> {
    const { results } = await this.#d1
      .prepare(
        "select id, status, cloud_id as cloud, metadata ->> 'plimsoll:movable' = 'true' as movable from servers where deleted_at is null",
      )
      .all<{ id: string; status: string; cloud: string | null; movable: number | null }>()
    const rows = new Map(results.map((row) => [row.id, row]))
    const ends = this.#taken.flatMap(({ server, at, movable }) => {
      const row = rows.get(server)
      if (!row || movable) return []
      const anew = this.wire.machines.some(({ mark, createdAt }) => mark!.resource === server && createdAt > at)
      return [
        ...(anew ? ['a server was made anew, and nobody agreed to that'] : []),
        ...(row.status === 'ERROR' && row.cloud === null ? [] : [`a server that was taken back is ${row.status}`]),
      ]
    })
    const often = [...this.#reclaims.values()].filter((times) => times > MOST_RECLAIMS)
    return [
      ...ends,
      ...often.map((times) => `a server was taken back ${times} times`),
      ...(await unpaid(this.#d1, (interval) => this.#whyNot(interval))),
    ]
  }

  /** Why nothing is to be paid for a while, by the clouds; null: a machine was there when it began. */
  #whyNot({ server, cloud, from, until }: Interval): string | null {
    const there = this.wire.machines.some(
      (each) => each.mark!.resource === server && each.cloud === cloud && each.createdAt <= from,
    )
    return there ? null : `paid for from ${from} to ${until}, and no machine was there`
  }
}
