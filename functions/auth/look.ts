import { leftOf, standingOf } from '../../db/queries/identity/tokens.ts'
import type { Database, Look as Pending } from '../context.ts'
import { RolesChanged } from '../http/roles-changed.ts'
import { unauthorized } from './policy.ts'
import type { Token } from './token.ts'

/**
 * The look at a token with which a change begins, taken along by its first reads: one round trip for both. Nothing of these
 * reads counts before `settle` has been given the look's rows. Who is not answered by reads looks alone.
 */
export class Look implements Pending {
  readonly #sealed: Token
  readonly #roles: string[]
  readonly #told: (left: string[] | null) => void
  pending = true

  /**
   * @param sealed the token as it was issued
   * @param roles those that the request was let in with
   * @param told hears what is left of the roles; null: the token is revoked
   */
  constructor(sealed: Token, roles: string[], told: (left: string[] | null) => void) {
    this.#sealed = sealed
    this.#roles = roles
    this.#told = told
  }

  statement(db: Database) {
    return standingOf(db, this.#sealed)
  }

  /** Throws 401 for a token that does not stand, `RolesChanged` for one with other roles. */
  settle(rows: { left: string | null }[]): void {
    this.pending = false
    const left = leftOf(rows, this.#sealed)
    this.#told(left)
    if (!left) throw unauthorized()
    if (left.length !== this.#roles.length || left.some((role) => !this.#roles.includes(role))) throw new RolesChanged()
  }

  /** Looks by itself, where no read has taken it along. */
  async settled(db: Database): Promise<void> {
    if (!this.pending) return
    const [rows] = await db.batch([this.statement(db)])
    this.settle(rows as unknown as { left: string | null }[])
  }
}
