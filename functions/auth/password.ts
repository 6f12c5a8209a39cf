import { Buffer } from 'node:buffer'
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { tooMany } from '../http/fault.ts'
import { Crowded, type Lane, Turns } from './turns.ts'

/** OWASP's scrypt profile for 16 MiB; a larger N·r·p fails on Workers in production. */
const COST = { N: 2 ** 14, r: 8, p: 5 }
const LENGTH = 32

/**
 * A hash takes a thread of Node's pool for a quarter of a second, and the pool of four also reads files and resolves
 * names: half of it stays free. One queue for the process, because the pool is the process's.
 */
const turns = new Turns({ atOnce: 2, waiting: 64, longestMs: 10_000 })

/**
 * Does what needs a password hash when it is the lane's turn. Whatever makes or compares hashes goes through here, and
 * nothing else does. 429 when too many wait.
 */
export const inTurn = async <T>(lane: Lane, work: (hashes: Hashes) => Promise<T>): Promise<T> => {
  try {
    return await turns.take(lane, () => work({ hash, verify }))
  } catch (error) {
    throw error instanceof Crowded ? tooMany(error.seconds, 'Too many passwords are being checked.') : error
  }
}

export interface Hashes {
  /** `scrypt$N$r$p$salt$hash`, so that the cost can be raised later without losing anybody's password. */
  hash(password: string): Promise<string>
  /** Takes as long for a user who does not exist (`stored` null) as for one who does. */
  verify(password: string, stored: string | null): Promise<boolean>
}

/** A hash that no request asked for: of a first start. */
export const hashPassword = (password: string): Promise<string> =>
  inTurn({ source: '', user: '' }, (hashes) => hashes.hash(password))

const hash = async (password: string): Promise<string> => {
  const salt = randomBytes(16)
  const derived = await derive(password, salt, COST)
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), derived.toString('base64')].join('$')
}

const verify = async (password: string, stored: string | null): Promise<boolean> => {
  const [, N, r, p, salt, wantedText] = (stored ?? nobody).split('$')
  const wanted = Buffer.from(wantedText!, 'base64')
  const got = await derive(password, Buffer.from(salt!, 'base64'), { N: Number(N), r: Number(r), p: Number(p) })
  return timingSafeEqual(wanted, got) && stored !== null
}

/** True when the hash was made with another cost than today's. */
export const needsRehash = (stored: string): boolean => !stored.startsWith(`scrypt$${COST.N}$${COST.r}$${COST.p}$`)

const nobody = `scrypt$${COST.N}$${COST.r}$${COST.p}$${Buffer.alloc(16).toString('base64')}$${Buffer.alloc(LENGTH).toString('base64')}`

const derive = (password: string, salt: Uint8Array, cost: typeof COST): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(password, salt, LENGTH, { ...cost, maxmem: 64 * 1024 * 1024 }, (error, key) =>
      error ? reject(error) : resolve(key),
    ),
  )
