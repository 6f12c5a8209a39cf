import { Buffer } from 'node:buffer'
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** OWASP's scrypt profile for 16 MiB; a larger N·r·p fails on Workers in production. */
const COST = { N: 2 ** 14, r: 8, p: 5 }
const LENGTH = 32

/** `scrypt$N$r$p$salt$hash`, so that the cost can be raised later without losing anybody's password. */
export const hashPassword = async (password: string): Promise<string> => {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, COST)
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), hash.toString('base64')].join('$')
}

/** Takes as long for a user who does not exist (`stored` null) as for one who does. */
export const verifyPassword = async (password: string, stored: string | null): Promise<boolean> => {
  const [, N, r, p, salt, hash] = (stored ?? nobody).split('$')
  const wanted = Buffer.from(hash!, 'base64')
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
