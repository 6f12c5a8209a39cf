import type { CloudError } from '../../errors.ts'
import { exists } from './entities.ts'
import type { State } from './state.ts'

/** How long a claim outlives a holder that never came to be: longer than any call takes. */
export const GRACE_MS = 60_000

/** A share of something finite. `holder` is the full key of the object that it is for. */
export interface Claim {
  holder: string
  at: number
  /** When it lapses; null: as long as its holder exists. */
  until: number | null
  amount: number[]
}
export type Ledger = Record<string, Claim>

/**
 * Finite things that must not be given twice: room in a zone, addresses of a subnet or of the external pool. A claim is
 * written before its object, so a call that dies between the two leaves a claim without holder; those are dropped
 * when somebody would otherwise be refused, so nothing leaks and no sweeper is needed.
 */
export class Claims {
  readonly #state: State
  readonly #now: () => number

  constructor(state: State, now: () => number) {
    this.#state = state
    this.#now = now
  }

  /** Lets `take` write into the ledger; if it answers null even without the dead claims, throws what `refused` makes. */
  async claim<R>(ledger: string, take: (claims: Ledger) => R | null, refused: () => CloudError): Promise<R> {
    return this.#state.amend(`claims/${ledger}`, {} as Ledger, async (claims) => {
      this.#lapse(claims)
      const result = take(claims) ?? ((await this.#bury(claims)) ? take(claims) : null)
      if (result === null) throw refused()
      return result
    })
  }

  /** What the holder claimed lapses at `until`. Safe to repeat. */
  async release(ledger: string, holder: string, until: number): Promise<void> {
    const found = await this.#state.store.get(`${this.#state.cloud}/claims/${ledger}`)
    const claims = (found?.value ?? {}) as unknown as Ledger
    // A later claim of the same holder is another one's: names can be used again once they are free.
    const meant = (claim: Claim) => claim.holder === holder && claim.until !== until && claim.at <= until
    if (!Object.values(claims).some(meant)) return
    await this.#state.amend(`claims/${ledger}`, {} as Ledger, (current) => {
      for (const claim of Object.values(current)) if (meant(claim)) claim.until = until
      this.#lapse(current)
    })
  }

  /** The claims that count as of now. */
  async read(ledger: string): Promise<Claim[]> {
    const found = await this.#state.store.get(`${this.#state.cloud}/claims/${ledger}`)
    const claims = (found?.value ?? {}) as unknown as Ledger
    this.#lapse(claims)
    await this.#bury(claims)
    return Object.values(claims)
  }

  /** Forgets a ledger whose subject is gone. */
  async drop(ledger: string): Promise<void> {
    await this.#state.store.delete(`${this.#state.cloud}/claims/${ledger}`)
  }

  #lapse(claims: Ledger): void {
    const now = this.#now()
    for (const [name, { until }] of Object.entries(claims)) if (until !== null && until <= now) delete claims[name]
  }

  async #bury(claims: Ledger): Promise<boolean> {
    const now = this.#now()
    const old = Object.entries(claims).filter(([, { at, until }]) => until === null && now - at >= GRACE_MS)
    let buried = false
    for (const [name, { holder }] of old) {
      const found = await this.#state.at(holder)
      if (exists(found?.value ?? null, now)) continue
      delete claims[name]
      buried = true
    }
    return buried
  }
}
