import { createHmac, randomBytes } from 'node:crypto'
import type { Host } from '../../context.ts'
import { keyring } from '../../crypto/keyring.ts'

/* One-time words are handed to a guest, or to who asks for a console, so that whoever bears one can do one thing with one row, and nothing
   else. The row keeps a MAC of it: a copy of the database tells none. */

type Keeper = Pick<Host, 'settings' | 'deployment'>

/** What a word is for: one of another purpose is worth nothing there. */
type Purpose = 'arrival' | 'report' | 'console'

/** 32 random bytes. */
export const newOneTime = (): string => randomBytes(32).toString('base64url')
const MADE = /^[\w-]{43}$/

/**
 * A word that can be made again from what a row has, and from nothing else: a request that is sent again says the same. Only for
 * what lives for minutes, as another first key makes another word.
 */
export const oneTimeFrom = ({ settings, deployment }: Keeper, purpose: Purpose, seed: string): string =>
  createHmac('sha256', keyring(settings.secretKeys, 'one-time')[0]!.key)
    .update(`${deployment.id}|${purpose}|from|${seed}`)
    .digest('base64url')

/**
 * A word as rows may have it, under each of our keys, the first of which makes new ones (`hmac$kid$mac`). They are compared by the
 * database: nobody chooses what a MAC begins with. Empty for what was never made here.
 */
export const oneTimeKept = ({ settings, deployment }: Keeper, purpose: Purpose, word: string): string[] => {
  if (!MADE.test(word)) return []
  const said = `${deployment.id}|${purpose}|${word}`
  return keyring(settings.secretKeys, 'one-time').map(
    ({ kid, key }) => `hmac$${kid}$${createHmac('sha256', key).update(said).digest('base64url')}`,
  )
}

/**
 * Where a guest reports, with nothing but the URL: the path below the broker's own API, and the word. Null where operators have
 * not said under which origin guests find the broker.
 */
export const oneTimeUrl = ({ settings }: Pick<Host, 'settings'>, path: string, word: string): string | null =>
  settings.publicUrl === null ? null : `${settings.publicUrl}/broker/v1/${path}/${word}`
