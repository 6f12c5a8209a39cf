import { Buffer } from 'node:buffer'
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { tooMany } from '../http/fault.ts'
import { Crowded, type Lane, Turns } from './turns.ts'

/** OWASP's scrypt profile for 16 MiB; a larger N·r·p fails on Workers in production. */
const COST = { N: 2 ** 14, r: 8, p: 5 }
const LENGTH = 32

/** What takes the time and the memory of a hash, wherever a runtime has them. */
export type Scrypt = (password: string, salt: Uint8Array, length: number, cost: typeof COST) => Promise<Uint8Array>

/** In this process, on Node by a thread of its pool. */
export const scryptHere: Scrypt = (password, salt, length, cost) =>
  new Promise((resolve, reject) =>
    scrypt(password, salt, length, { ...cost, maxmem: 64 * 1024 * 1024 }, (error, key) =>
      error ? reject(error) : resolve(key),
    ),
  )

export interface Hashes {
  /** `scrypt$N$r$p$salt$hash`, so that the cost can be raised later without losing anybody's password. */
  hash(password: string): Promise<string>
  /** Takes as long for a user who does not exist (`stored` null) as for one who does. */
  verify(password: string, stored: string | null): Promise<boolean>
}

/**
 * Hashes of passwords: few at a time, as each takes a quarter of a second of a processor and 16 MiB. One queue for the
 * process, and one more for what programs log in with, so that they keep no person waiting.
 */
export class PasswordHashes {
  readonly #scrypt: Scrypt
  readonly #turns: Turns

  constructor(derive: Scrypt, atOnce = 2) {
    this.#scrypt = derive
    this.#turns = new Turns({ atOnce, waiting: 64, longestMs: 10_000 })
  }

  /**
   * Does what needs a password hash when it is the lane's turn. Whatever makes or compares hashes goes through here, and
   * nothing else does. 429 when too many wait.
   */
  async inTurn<T>(lane: Lane, work: (hashes: Hashes) => Promise<T>): Promise<T> {
    const derive = this.#scrypt
    try {
      return await this.#turns.take(lane, () =>
        work({ hash: (password) => hash(derive, password), verify: (...given) => verify(derive, ...given) }),
      )
    } catch (error) {
      throw error instanceof Crowded ? tooMany(error.seconds, 'Too many passwords are being checked.') : error
    }
  }

  /** A hash that no request asked for: of a first start. */
  hash(password: string): Promise<string> {
    return this.inTurn({ source: '', user: '' }, (hashes) => hashes.hash(password))
  }
}

const hash = async (derive: Scrypt, password: string): Promise<string> => {
  const salt = randomBytes(16)
  const derived = Buffer.from(await derive(password, salt, LENGTH, COST))
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), derived.toString('base64')].join('$')
}

const verify = async (derive: Scrypt, password: string, stored: string | null): Promise<boolean> => {
  const [, N, r, p, salt, wantedText] = (stored ?? nobody).split('$')
  const wanted = Buffer.from(wantedText!, 'base64')
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  const got = await derive(password, Buffer.from(salt!, 'base64'), LENGTH, cost)
  return timingSafeEqual(wanted, got) && stored !== null
}

/** True when the hash was made with another cost than today's. */
export const needsRehash = (stored: string): boolean => !stored.startsWith(`scrypt$${COST.N}$${COST.r}$${COST.p}$`)

const nobody = `scrypt$${COST.N}$${COST.r}$${COST.p}$${Buffer.alloc(16).toString('base64')}$${Buffer.alloc(LENGTH).toString('base64')}`
