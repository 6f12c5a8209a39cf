import type { Life } from '../scheduler.ts'

/** An offer that a cloud refused, as the books of the broker have it. */
export interface Refused {
  offer: string
  until: number
}

export const offerOf = (cloud: string, zone: string, size: string, option: string): string =>
  `${cloud}/${zone}/${size}/${option}`

/**
 * What every process must know of refused offers: what was in the books when the oldest of its pieces of work began, and still is.
 * Whatever was looked up in between was looked up while it was there.
 */
export class Memory {
  /** Commits so far. */
  #commits = 0
  #kept = new Map<string, { since: number; until: number }>()
  readonly #begun = new Map<Life, number[]>()

  /** A process begins a piece of work; what is answered ends it. */
  begin(life: Life): () => void {
    const all = this.#begun.get(life) ?? []
    this.#begun.set(life, all)
    const since = this.#commits
    all.push(since)
    return () => {
      all.splice(all.indexOf(since), 1)
    }
  }

  /** What the books say after a commit. */
  learn(refused: Refused[], now: number): void {
    this.#commits++
    const before = this.#kept
    this.#kept = new Map(
      refused.map(({ offer, until }) => {
        const known = before.get(offer)
        return [offer, { since: known && known.until > now ? known.since : this.#commits, until }]
      }),
    )
  }

  /** Whether a process must know that an offer is not to be asked for. */
  forbids(life: Life, offer: string, now: number): boolean {
    const kept = this.#kept.get(offer)
    const begun = this.#begun.get(life)
    return kept !== undefined && kept.until > now && !!begun?.length && begun.every((since) => kept.since <= since)
  }
}
