import { Buffer } from 'node:buffer'
import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Known, Person } from '../../db/queries/identity/logins.ts'
import type { Naming } from '../../db/queries/identity/naming.ts'

/** From the hash on, however often it is used: milliseconds. */
const LASTS = 5 * 60_000
const REMEMBERED = 1_000

/** Whose passwords are known: nobody's, those of who administrates nothing, everybody's. */
export type Remembered = 'off' | 'users' | 'all'

interface Given {
  user: Naming
  password: string
}
interface Proof extends Known {
  /** Of the password, with what it was right for. */
  mac: Buffer
  /** When its hash was begun. */
  at: number
}

/**
 * Passwords that a full hash found right lately: not they themselves, but a MAC under a key that no one else has and that
 * ends with the process. What it says is a guess, which holds only where `tryLogin` finds that nothing has changed.
 * Why this is safe enough: docs/decisions/0018-a-password-that-was-right-is-known-for-minutes.md.
 */
export class KnownPasswords {
  readonly #of: Remembered
  readonly #key: KeyObject
  readonly #proofs = new Map<string, Proof>()

  constructor(of: Remembered) {
    this.#of = of
    this.#key = createSecretKey(randomBytes(32))
  }

  /** For whom this password, given by this name, was right; null if it is not known to be. */
  recall({ user, password }: Given, now: number): Known | null {
    const proof = this.#proofs.get(nameOf(user))
    // As much work for a name that nothing is known of.
    const { userId, passwordHash, epoch, mac, at } = proof ?? NOBODY
    const right = timingSafeEqual(mac, this.#mac({ userId, passwordHash, epoch }, password))
    return proof && right && now >= at && now < at + LASTS ? { userId, passwordHash, epoch } : null
  }

  /** A full hash that was begun at `at` found the password right for this user. */
  keep({ user, password }: Given, { id, passwordHash, epoch, administrator }: Person, at: number): void {
    if (this.#of === 'off' || (administrator && this.#of !== 'all') || passwordHash === null) return
    const known = { userId: id, passwordHash, epoch }
    this.forget({ user })
    this.#proofs.set(nameOf(user), { ...known, mac: this.#mac(known, password), at })
    const oldest = this.#proofs.keys().next().value
    if (this.#proofs.size > REMEMBERED && oldest !== undefined) this.#proofs.delete(oldest)
  }

  forget({ user }: Pick<Given, 'user'>): void {
    this.#proofs.delete(nameOf(user))
  }

  #mac({ userId, passwordHash, epoch }: Known, password: string): Buffer {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([userId, passwordHash, epoch, password]))
      .digest()
  }
}

const NOBODY: Proof = { userId: '', passwordHash: '', epoch: 0, mac: Buffer.alloc(32), at: 0 }

const nameOf = ({ id, name, domainId, domainName }: Naming): string =>
  JSON.stringify([id ?? null, name ?? null, domainId ?? null, domainName ?? null])
