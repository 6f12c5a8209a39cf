import type { Log } from '../context.ts'

/** Pieces of work that run at a time; the others wait for their turn. */
const AT_ONCE = 32

/** Work that outlives the answer it was deferred by, on a runtime whose process stays. */
export class Background {
  readonly #log: Log
  readonly #running = new Set<Promise<void>>()
  readonly #waiting: (() => Promise<unknown>)[] = []
  #closed = false

  constructor(log: Log) {
    this.#log = log
  }

  /** After `drain` nothing new is begun: whatever matters is in a row, and due at the next start. */
  readonly defer = (work: () => Promise<unknown>): void => {
    if (this.#closed) return
    this.#waiting.push(work)
    setImmediate(() => this.#begin())
  }

  /** How many pieces are under way, and wait. */
  get size(): { running: number; waiting: number } {
    return { running: this.#running.size, waiting: this.#waiting.length }
  }

  #begin(): void {
    if (this.#closed || this.#running.size >= AT_ONCE) return
    const work = this.#waiting.shift()
    if (!work) return
    const run = Promise.resolve()
      .then(work)
      .then(
        () => {},
        (error) =>
          this.#log('error', 'deferred work failed', { error: error instanceof Error ? error.stack : String(error) }),
      )
      .finally(() => {
        this.#running.delete(run)
        this.#begin()
      })
    this.#running.add(run)
  }

  /** Waits for what has begun, `ms` at most. Gives the number of pieces that had to be left. */
  async drain(ms: number): Promise<number> {
    this.#closed = true
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms)
    })
    await Promise.race([Promise.all(this.#running), late])
    clearTimeout(timer)
    return this.#running.size
  }
}
