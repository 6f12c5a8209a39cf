/** For whom a piece of work is done: where it was asked from, and which user it is about. */
export interface Lane {
  source: string
  user: string
}

/** More work waits than can be done in good time. `seconds`: when it is worth to ask again. */
export class Crowded extends Error {
  readonly seconds: number
  constructor(seconds: number) {
    super('too much work waits for its turn')
    this.name = 'Crowded'
    this.seconds = seconds
  }
}

export interface TurnsOptions {
  /** Pieces that are worked on at a time. */
  atOnce: number
  /** Pieces that wait. One more makes the least deserving of them go. */
  waiting: number
  /** A piece that has not ended by then has lost its turn: on Workers a request may vanish with what it holds. Milliseconds. */
  longestMs: number
}

interface Turn {
  /** Milliseconds of a clock that nobody sets. */
  since: number
}

interface Ticket extends Lane {
  called(turn: Turn): void
  refused(error: Crowded): void
}

/** How much of a turn is still held against its lane one turn later, and how many lanes are remembered. */
const FADING = 0.9
const REMEMBERED = 1_000

/**
 * Turns for work that is costly: few at a time, a bounded number waits. Next is whose source and user have had the least
 * of late, so that neither one source with many names nor many sources with one name keep others waiting.
 */
export class Turns {
  readonly #options: TurnsOptions
  readonly #waiting: Ticket[] = []
  readonly #working = new Set<Turn>()
  readonly #had = new Map<string, { much: number; turn: number }>()
  #turn = 0
  #lastedMs = 250

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** Does the work when it is its turn. Throws `Crowded`. */
  async take<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    const turn = await this.#called(lane)
    this.#note(lane)
    try {
      // What else is to be done comes in between, where the work itself holds the only thread.
      await new Promise((resolve) => setTimeout(resolve, 0))
      return await work()
    } finally {
      this.#lastedMs = (this.#lastedMs * 3 + performance.now() - turn.since) / 4
      this.#working.delete(turn)
      this.#next()
    }
  }

  async #called(lane: Lane): Promise<Turn> {
    this.#forgetVanished()
    if (this.#working.size < this.#options.atOnce) return this.#begin()
    let looking: ReturnType<typeof setInterval> | undefined
    try {
      return await new Promise<Turn>((called, refused) => {
        looking = setInterval(() => this.#forgetVanished(), 1_000)
        this.#waiting.push({ ...lane, called, refused })
        if (this.#waiting.length > this.#options.waiting) this.#refuseOne()
      })
    } finally {
      clearInterval(looking)
    }
  }

  #begin(): Turn {
    const turn = { since: performance.now() }
    this.#working.add(turn)
    return turn
  }

  #forgetVanished(): void {
    for (const turn of this.#working)
      if (performance.now() - turn.since > this.#options.longestMs) this.#working.delete(turn)
    this.#next()
  }

  #next(): void {
    if (this.#waiting.length === 0 || this.#working.size >= this.#options.atOnce) return
    const { index } = this.#waiting.reduce(
      (best, ticket, index) => {
        const weight = this.#weight(ticket)
        return weight < best.weight ? { index, weight } : best
      },
      { index: 0, weight: Number.POSITIVE_INFINITY },
    )
    const [ticket] = this.#waiting.splice(index, 1)
    ticket!.called(this.#begin())
  }

  /** The newest of the lane that has, and waits for, the most. */
  #refuseOne(): void {
    const alike = Map.groupBy(this.#waiting, ({ source }) => source)
    const same = Map.groupBy(this.#waiting, ({ user }) => user)
    const { index } = this.#waiting.reduce(
      (worst, ticket, index) => {
        const weight = this.#weight(ticket) + alike.get(ticket.source)!.length + same.get(ticket.user)!.length
        return weight >= worst.weight ? { index, weight } : worst
      },
      { index: 0, weight: Number.NEGATIVE_INFINITY },
    )
    const [ticket] = this.#waiting.splice(index, 1)
    const ms = (this.#waiting.length * this.#lastedMs) / this.#options.atOnce
    ticket!.refused(new Crowded(Math.max(1, Math.ceil(ms / 1000))))
  }

  #weight({ source, user }: Lane): number {
    return this.#much(`source ${source}`) + this.#much(`user ${user}`)
  }

  #much(key: string): number {
    const had = this.#had.get(key)
    return had ? had.much * FADING ** (this.#turn - had.turn) : 0
  }

  #note({ source, user }: Lane): void {
    this.#turn++
    for (const key of [`source ${source}`, `user ${user}`]) {
      const much = this.#much(key) + 1
      this.#had.delete(key)
      this.#had.set(key, { much, turn: this.#turn })
    }
    for (const key of this.#had.keys()) {
      if (this.#had.size <= REMEMBERED) break
      this.#had.delete(key)
    }
  }
}
