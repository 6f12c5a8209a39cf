import type { Mark, ServerSpec } from '../../adapters/contract.ts'
import type { CloudError } from '../../adapters/errors.ts'
import type { Dice } from './dice.ts'

/** One process, from its start until it is killed. What it waited for then never comes. */
export class Life {
  readonly ended: Promise<'dead'>
  alive = true
  #end!: (word: 'dead') => void

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  die(): void {
    this.alive = false
    this.#end('dead')
  }
}

/** Something that somebody waits for: an effect that has not happened, an answer on its way, or only time. */
interface Step {
  life: Life | null
  /** Part of a call that is under way at the cloud, which does not know whether its caller still lives. */
  wire: boolean
  /** Not before this time. */
  at: number
  /** What happens; null once it did, or if it is time alone that is waited for. */
  effect: (() => Promise<unknown>) | null
  /** Looks at what the effect left behind, before anybody else moves. */
  after: (() => Promise<void>) | null
  deliver(): void
  answer: (value: unknown) => void
  refuse: (error: unknown) => void
}

/** Resolves when nothing runs any more that does not wait for a step; `long` if nobody waits for one at all. */
export type Rest = (long: boolean) => Promise<void>

/** Who hears what clouds are asked for, and what they have too little of. */
export interface Listener {
  asks(life: Life, cloudId: string, spec: ServerSpec, mark: Mark, now: number): void
  refused(error: CloudError): void
}

/** A call to the cloud that has begun and not ended. */
export interface Flight {
  life: Life
  since: number
  /** The native id that it is about, if it is about one. */
  object: string
}

/** A call that takes longer, in milliseconds, is one that the broker does not reckon with. */
const LONGEST = 30_000
/** Share of the killed whose calls the cloud has heard and goes on with. */
const HEARD = 0.5
/** Of each effect: the share whose answer is held back, so that others move and clocks run in between. */
const HELD_BACK = 0.2

/**
 * Decides who moves next. Everything that a process does outside its own memory is a step that waits here until the
 * dice choose it, so a run is the seed and nothing else.
 */
export class Scheduler {
  readonly dice: Dice
  now: number
  /** No interleaving any more: every step happens at once, and sleeping moves the clock. */
  direct = false
  taken = 0
  /** A digest of every choice: two runs of one seed have the same. */
  trace = 0
  readonly flights = new Set<Flight>()
  /** Longest that a call to the cloud may be under way, in milliseconds; no clock runs past that. */
  longestFlight = Number.POSITIVE_INFINITY
  /** Share of the calls that their callers give up while they are under way. */
  givenUp = 0
  /** Who listens at the wire; null: nobody does. */
  listener: Listener | null = null
  /** Objects that a call changed after any lease of its caller was over. */
  readonly overdue = new Set<string>()
  #waiting: Step[] = []
  readonly #rest: Rest

  constructor(dice: Dice, now: number, rest: Rest) {
    this.dice = dice
    this.now = now
    this.#rest = rest
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** `label` is its SQL, or what it does with which key of the store. */
  step<T>(
    life: Life | null,
    effect: () => Promise<T>,
    after: (() => Promise<void>) | null,
    _label: string,
    wire = false,
  ): Promise<T> {
    if (this.direct) return after ? this.#atOnce(effect, after) : effect()
    return this.#wait(life, wire, 0, effect, after) as Promise<T>
  }

  async #atOnce<T>(effect: () => Promise<T>, after: () => Promise<void>): Promise<T> {
    try {
      return await effect()
    } finally {
      await after()
    }
  }

  /** Lets time pass for one of them; a process asleep can be killed like any other. */
  async sleep(life: Life | null, ms: number, wire = false): Promise<void> {
    if (this.direct) this.now += ms
    else await this.#wait(life, wire, this.now + ms, null, null)
  }

  #wait(life: Life | null, wire: boolean, at: number, effect: Step['effect'], after: Step['after']): Promise<unknown> {
    return new Promise((answer, refuse) => {
      this.#waiting.push({ life, wire, at, effect, after, answer, refuse, deliver: () => answer(undefined) })
    })
  }

  /**
   * What it waited for never comes; what it has asked of a cloud may happen all the same. Whoever waited for the process
   * itself hears of it before anybody else moves.
   */
  async kill(life: Life): Promise<void> {
    life.die()
    const heard = this.dice.chance(HEARD)
    this.#waiting = this.#waiting.filter((step) => step.life !== life || (step.wire && heard))
    for (const flight of this.flights) if (flight.life === life && !heard) this.flights.delete(flight)
    await this.quiet()
  }

  /** A call has come to its end. */
  land(flight: Flight): void {
    this.flights.delete(flight)
    if (this.now - flight.since > LONGEST) this.overdue.add(flight.object)
  }

  /** Until everybody waits for a step. */
  quiet(): Promise<void> {
    return this.#rest(false)
  }

  /** Moves the clock, but not past the end of a call that is under way. */
  pass(ms: number): void {
    this.reach(this.now + ms)
  }

  reach(time: number): void {
    let until = time
    for (const { since } of this.flights) until = Math.min(until, since + this.longestFlight)
    this.now = Math.max(this.now, until)
  }

  /** Lets one of them move. False: nobody waits for anything. */
  async turn(): Promise<boolean> {
    if (!this.#waiting.length) await this.#rest(true)
    if (!this.#waiting.length) return false
    let ready = this.#ready()
    if (!ready.length) {
      this.reach(Math.min(...this.#waiting.map(({ at }) => at)))
      ready = this.#ready()
      // Nobody may move and no clock: whoever sleeps in the call that is in the way has slept enough.
      const lives = new Set([...this.flights].map(({ life }) => life))
      if (!ready.length) ready = this.#waiting.filter(({ life }) => life && lives.has(life))
    }
    const step = this.dice.pick(ready)
    this.taken++
    this.trace =
      (Math.imul(this.trace, 31) + this.#waiting.indexOf(step) * 7 + this.#waiting.length + (this.now % 65_521)) | 0
    if (step.effect) await this.#happen(step)
    else this.#deliver(step)
    await this.#rest(false)
    return true
  }

  #ready(): Step[] {
    return this.#waiting.filter(({ at }) => at <= this.now)
  }

  async #happen(step: Step): Promise<void> {
    const { effect, answer, refuse } = step
    step.effect = null
    try {
      const value = await effect!()
      step.deliver = () => answer(value)
    } catch (error) {
      step.deliver = () => refuse(error)
    }
    await step.after?.()
    if (!this.dice.chance(HELD_BACK)) this.#deliver(step)
  }

  #deliver(step: Step): void {
    this.#waiting.splice(this.#waiting.indexOf(step), 1)
    step.deliver()
  }
}
