import { rulesOf } from '../../db/queries/identity/application-credentials.ts'
import { rolesLeft } from '../../db/queries/identity/tokens.ts'
import type { Host } from '../context.ts'
import type { Key } from '../crypto/keys.ts'
import { Look } from './look.ts'
import { openToken, type Token, withRoles } from './token.ts'

/** How long a read may trust an earlier look at the revocations, in milliseconds. Writes look at once, and again in their batch. */
const TRUST = 5_000
const REMEMBERED = 1_000

interface Known {
  /** As it was sealed: what was taken from its user may be given back. */
  sealed: Token
  /** With the roles that were left at the last look. */
  token: Token
  checkedAt: number
  /** How often looks had been distrusted when that one began. */
  era: number
}

/** Verifies tokens without asking anybody, but for one query every five seconds a token, and one for access rules. */
export class Verifier {
  readonly #keys: Key[]
  readonly #known = new Map<string, Known>()
  #era = 0

  constructor(keys: Key[]) {
    this.#keys = keys
  }

  /**
   * From here on no look counts that began before: what this process itself took from anybody is gone for its next request,
   * also where a look was under way meanwhile. Other processes trust theirs for `TRUST`.
   */
  distrust(): void {
    this.#era++
  }

  /** The token's claims, as far as they still hold; null if it is not ours, expired or revoked. `fresh` looks at the revocations now. */
  async verify(host: Pick<Host, 'db' | 'now'>, text: string, fresh = false): Promise<Token | null> {
    const now = host.now()
    let known = this.#known.get(text)
    if (!known) {
      const token = openToken(text, this.#keys)
      if (!token) return null
      known = { sealed: token, token, checkedAt: Number.NEGATIVE_INFINITY, era: this.#era }
    }
    if (known.token.expiresAt <= now) return null
    const era = this.#era
    if (fresh || known.era !== era || now - known.checkedAt > TRUST || known.checkedAt > now) {
      const left = await rolesLeft(host.db, known.sealed)
      if (!left) {
        this.#known.delete(text)
        return null
      }
      const { accessRules = await rulesOfToken(host, known.sealed) } = known.token
      known.token = { ...withRoles(known.sealed, left), ...(accessRules ? { accessRules } : {}) }
      known.checkedAt = now
      known.era = era
      this.#remember(text, known)
    }
    return known.token
  }

  /**
   * The token as it was when it was last looked at, with the look that is due. Null: it has to be verified first, because
   * it is not ours, has run out, or has rules that nobody has read yet.
   */
  begin(host: Pick<Host, 'now'>, text: string): { token: Token; look: Look } | null {
    const known = this.#known.get(text)
    const sealed = known?.sealed ?? openToken(text, this.#keys)
    const now = host.now()
    if (!sealed || sealed.expiresAt <= now || (!known && sealed.credential?.ruled)) return null
    const { token } = known ?? { token: sealed }
    const era = this.#era
    const look = new Look(sealed, token.roles, (left) => {
      const { accessRules } = token
      if (!left) this.#known.delete(text)
      else
        this.#remember(text, {
          sealed,
          token: { ...withRoles(sealed, left), ...(accessRules ? { accessRules } : {}) },
          checkedAt: now,
          era,
        })
    })
    return { token, look }
  }

  #remember(text: string, known: Known): void {
    this.#known.delete(text)
    this.#known.set(text, known)
    const oldest = this.#known.keys().next().value
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest)
  }
}

/** The rules of a token's application credential, which stay what they are; undefined: it has none. */
export const rulesOfToken = async ({ db }: Pick<Host, 'db'>, { credential }: Token): Promise<Token['accessRules']> =>
  credential?.ruled ? rulesOf(db, credential.id) : undefined
