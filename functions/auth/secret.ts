import { Buffer } from 'node:buffer'
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Key } from '../crypto/keys.ts'
import { type Hashes, needsRehash } from './password.ts'

/* Secrets of application credentials. One that is made here cannot be guessed, so a MAC under a key of ours keeps it; one
   that somebody chose can, and is hashed as a password is. */

/** 64 random bytes, as Keystone makes them. */
export const newSecret = (): string => randomBytes(64).toString('base64url')
const MADE = /^[\w-]{86}$/

const macOf = (secret: string, place: string, { kid, key }: Key): string =>
  `hmac$${kid}$${createHmac('sha256', key).update(`${place}|${secret}`).digest('base64url')}`

/**
 * A secret that was made here as it is kept, under the first of the keys: `hmac$kid$mac`.
 * @param place what it is the secret of, so that a MAC is worth nothing in another row
 */
export const keptSecret = (secret: string, place: string, [first]: Key[]): string => {
  if (!first) throw new Error('no key to keep a secret with')
  return macOf(secret, place, first)
}

/**
 * Whether comparing takes a hash: for what was chosen, and for what nobody made here whatever it is compared with, so that
 * a guess takes as long where there is nothing to be guessed.
 */
export const takesHash = (secret: string, stored: string | null): boolean =>
  !MADE.test(secret) || (stored !== null && !isMac(stored))

/** Whether a secret is the one that is kept; null is the secret of nothing. */
export const isSecret = async (
  { secret, stored, place }: { secret: string; stored: string | null; place: string },
  keys: Key[],
  hashes: Hashes | null,
): Promise<boolean> => {
  const mac = stored !== null && isMac(stored)
  const hashed = hashes ? await hashes.verify(secret, mac ? null : stored) : false
  if (!mac) return hashed
  const key = keys.find(({ kid }) => stored.startsWith(`hmac$${kid}$`))
  const [wanted, got] = [Buffer.from(stored), Buffer.from(key ? macOf(secret, place, key) : '')]
  return wanted.length === got.length && timingSafeEqual(wanted, got)
}

/** Whether what is kept was made with another key, or another cost, than today's. */
export const isOutdated = (stored: string, [first]: Key[]): boolean =>
  isMac(stored) ? !stored.startsWith(`hmac$${first?.kid}$`) : needsRehash(stored)

/** Whether no key is there any more by which it was kept: then nobody can tell whether a secret is right. */
export const isLost = (stored: string | null, keys: Key[]): boolean =>
  stored !== null && isMac(stored) && !keys.some(({ kid }) => stored.startsWith(`hmac$${kid}$`))

const isMac = (stored: string): boolean => stored.startsWith('hmac$')
