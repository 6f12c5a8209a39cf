/** So many callers are remembered; of one that is forgotten the allowance is whole again. */
const REMEMBERED = 10_000
const MINUTE = 60_000

/** So many requests a minute for each caller, which may also come all at once. A process counts for itself. */
export class Rate {
  readonly #perMinute: number
  readonly #left = new Map<string, { requests: number; at: number }>()

  /** @param perMinute 0: no limit. */
  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  /** Counts a request. @returns after how many seconds it may be made; 0: now */
  wait(caller: string, now: number): number {
    if (this.#perMinute === 0) return 0
    const known = this.#left.get(caller) ?? { requests: this.#perMinute, at: now }
    const since = Math.max(0, now - known.at)
    const requests = Math.min(this.#perMinute, known.requests + (since / MINUTE) * this.#perMinute)
    this.#left.delete(caller)
    this.#left.set(caller, { requests: requests < 1 ? requests : requests - 1, at: now })
    if (this.#left.size > REMEMBERED) this.#left.delete(this.#left.keys().next().value!)
    return requests < 1 ? Math.max(1, Math.ceil(((1 - requests) * MINUTE) / this.#perMinute / 1000)) : 0
  }
}
