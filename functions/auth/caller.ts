import { tokenStands } from '../../db/queries/identity/tokens.ts'
import type { Host } from '../context.ts'
import type { Key } from '../crypto/keys.ts'
import { openToken, type Token } from './token.ts'

/** How long a read may trust an earlier look at the revocations, in milliseconds. Writes look again in their own batch. */
const TRUST = 5_000
const REMEMBERED = 1_000

/** Verifies tokens without asking anybody, but for one query every five seconds a token. */
export class Verifier {
  readonly #keys: Key[]
  readonly #known = new Map<string, { token: Token; checkedAt: number }>()

  constructor(keys: Key[]) {
    this.#keys = keys
  }

  /** The token's claims; null if it is not ours, expired or revoked. `fresh` looks at the revocations now. */
  async verify(host: Pick<Host, 'db' | 'now'>, text: string, fresh = false): Promise<Token | null> {
    const now = host.now()
    let known = this.#known.get(text)
    if (!known) {
      const token = openToken(text, this.#keys)
      if (!token) return null
      known = { token, checkedAt: Number.NEGATIVE_INFINITY }
    }
    if (known.token.expiresAt <= now) return null
    if (fresh || now - known.checkedAt > TRUST || known.checkedAt > now) {
      if (!(await tokenStands(host.db, known.token))) {
        this.#known.delete(text)
        return null
      }
      known.checkedAt = now
      this.#remember(text, known)
    }
    return known.token
  }

  #remember(text: string, known: { token: Token; checkedAt: number }): void {
    this.#known.delete(text)
    this.#known.set(text, known)
    const oldest = this.#known.keys().next().value
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest)
  }
}
