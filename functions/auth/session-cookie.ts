/*
 * The token of a browser's console, kept for it where no script reads it. No route takes the cookie for a token: it is sent to
 * one alone, which hands the token back to a page of ours.
 */

const NAME = 'plimsoll-console'
/** The one path that it is sent to. */
const SESSION = '/broker/v1/session'
/** Browsers keep no cookie that is longer, attributes and all. */
const LONGEST = 3_800

/**
 * `Set-Cookie` that keeps a token until it ends; an empty one lets go of it. Null: it is longer than browsers keep.
 * @param origin of the broker, as browsers see it
 */
export const sessionCookie = (token: string, origin: string, seconds: number): string | null => {
  if (token.length > LONGEST) return null
  const path = new URL(origin).pathname.replace(/\/$/, '') + SESSION
  const secure = origin.startsWith('https:') ? '; Secure' : ''
  return `${NAME}=${token}; Path=${path}; Max-Age=${Math.max(0, Math.floor(seconds))}; HttpOnly; SameSite=Strict${secure}`
}

/** The token that a browser kept; null: none. */
export const keptToken = (headers: Headers): string | null => {
  const cookies = (headers.get('Cookie') ?? '').slice(0, 16_384).split(';')
  const found = cookies.map((each) => each.trim()).find((each) => each.startsWith(`${NAME}=`))
  return found?.slice(NAME.length + 1) || null
}

/** Where a browser begins that an identity provider sends back to the console: the address of its page. */
export const consoleAt = (origin: string): string => `${origin}/`
