import type { Key } from '../crypto/keys.ts'
import { open, seal } from '../crypto/seal.ts'

/*
 * The token of a browser's console, kept for it where no script reads it. No route takes the cookie for a token: it is sealed,
 * and sent to one alone, which hands the token back to the page that knows by which key it asked to have it kept. Cookies know
 * no ports: what listens beside the broker is sent the cookie, and may plant one of its own, but has not the key.
 */

const NAME = 'plimsoll-console'
/** The one path that it is sent to. */
const SESSION = '/broker/v1/session'
/** Browsers keep no cookie that is longer, attributes and all. */
const LONGEST = 3_800
/** So many of that name are tried: whoever is beside the broker may have planted others. */
const TRIED = 4
/** 32 random bytes of a page, as base64url. */
const PAGE_KEY = /^[\w-]{43}$/

export const isPageKey = (key: string | null | undefined): key is string => PAGE_KEY.test(key ?? '')

const aadOf = (key: string): string => `console ${key}`

const setting = (value: string, origin: string, seconds: number): string => {
  const path = new URL(origin).pathname.replace(/\/$/, '') + SESSION
  const secure = origin.startsWith('https:') ? '; Secure' : ''
  return `${NAME}=${value}; Path=${path}; Max-Age=${Math.max(0, Math.floor(seconds))}; HttpOnly; SameSite=Strict${secure}`
}

/**
 * `Set-Cookie` that keeps a token until it ends. Null: it is longer than browsers keep.
 * @param pageKey by which the page will ask for it
 * @param origin of the broker, as browsers see it
 */
export const sessionCookie = (
  { token, pageKey, seconds }: { token: string; pageKey: string; seconds: number },
  origin: string,
  keys: Key[],
): string | null => {
  const value = seal(token, aadOf(pageKey), keys)
  return value.length > LONGEST ? null : setting(value, origin, seconds)
}

/** `Set-Cookie` that lets go of what is kept. */
export const noSessionCookie = (origin: string): string => setting('', origin, 0)

/** The token that a browser kept for the page with this key; null: none. */
export const keptToken = (headers: Headers, pageKey: string, keys: Key[]): string | null => {
  const cookies = (headers.get('Cookie') ?? '').slice(0, 16_384).split(';')
  const found = cookies
    .map((each) => each.trim())
    .filter((each) => each.startsWith(`${NAME}=`))
    .map((each) => each.slice(NAME.length + 1))
    .filter((value) => value.length <= LONGEST)
  for (const value of found.slice(0, TRIED)) {
    const token = open(value, aadOf(pageKey), keys)
    if (token !== null) return token
  }
  return null
}

/** Where a browser begins that an identity provider sends back to the console: the address of its page. */
export const consoleAt = (origin: string): string => `${origin}/`
