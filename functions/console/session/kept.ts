import { ask } from '../api/ask.ts'

/*
 * The token that the browser keeps for the page, in a cookie that no script reads. Who asks names the token himself: what is
 * refused here is not asked again by another one, which would wait for this answer.
 */

export interface Login {
  identity_provider: string
  protocol: string
}

const PATH = '/session'

/** Under what the key stands in the storage of this origin. */
const NAME = 'plimsoll-console'
const KEY = /^[\w-]{43}$/
let ofThisPage: string | null = null

const freshKey = (): string => {
  const bytes = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32)))
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replace('=', '')
}

/**
 * By what the cookie is opened, for this origin alone: cookies know no ports, and a server beside the broker is sent this one.
 * By itself it opens nothing.
 */
const pageKey = (): string => {
  try {
    const stored = localStorage.getItem(NAME)
    if (stored && KEY.test(stored)) return stored
    ofThisPage ??= freshKey()
    localStorage.setItem(NAME, ofThisPage)
  } catch {
    // Where nothing may be stored, no page but this one goes on.
    ofThisPage ??= freshKey()
  }
  return ofThisPage
}
/** A header that no page of another origin can send. */
const ours = () => ({ 'X-Plimsoll-Console': pageKey() })

/** What the browser kept, and the identity providers that lead a browser in. @throws Fault */
export const keptSession = (): Promise<{ session: { token: string } | null; logins: Login[] }> =>
  ask('broker', PATH, { headers: ours(), token: null })

/** Keeps a token in place of what was kept. False: it could not be, and nothing is. */
export const keepSession = async (token: string, signal: AbortSignal): Promise<boolean> => {
  try {
    await ask('broker', PATH, { method: 'PUT', headers: ours(), token, signal })
    return true
  } catch {
    // What is kept of another user or project is not what a page that is loaded again should begin with.
    await forgetSession(signal).catch(() => {})
    return false
  }
}

/** Lets go of what was kept. @throws Fault */
export const forgetSession = (signal: AbortSignal): Promise<void> =>
  ask('broker', PATH, { method: 'DELETE', headers: ours(), token: null, signal, keepalive: true })

/** Where a browser goes to be let in by an identity provider, and comes back from with the cookie. */
export const loginAddress = ({ identity_provider: idp, protocol }: Login): string => {
  const here = new URL('.', document.baseURI.replace(/#.*$/, '')).href
  const path = `identity/v3/auth/OS-FEDERATION/identity_providers/${encodeURIComponent(idp)}/protocols/${encodeURIComponent(protocol)}/websso`
  return `${here}${path}?origin=${encodeURIComponent(here)}&console=${pageKey()}`
}
