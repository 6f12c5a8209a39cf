import { protocolsIn } from '../../../db/queries/federation/federation.ts'
import { isPageKey, keptToken, noSessionCookie, sessionCookie } from '../../auth/session-cookie.ts'
import { openToken } from '../../auth/token.ts'
import type { Context } from '../../context.ts'
import { keyring } from '../../crypto/keyring.ts'
import { Fault, forbidden } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'

const PATH = '/v1/session'

/**
 * The key of the page that asks. A page of another origin cannot send it without asking first, and nobody answers that; the
 * cookie itself comes with nothing that such a page sends (`SameSite=Strict`). 403 without.
 */
const pageKeyOf = ({ request }: Input): string => {
  const site = request.headers.get('Sec-Fetch-Site')
  const key = request.headers.get('X-Plimsoll-Console')
  if (!isPageKey(key) || (site !== null && site !== 'same-origin'))
    throw forbidden('The session of a console is for its own page, which sends its key as X-Plimsoll-Console.')
  return key
}

const keysOf = ({ settings }: Context) => keyring(settings.secretKeys, 'token')

/** Ways to log in by a browser that are not a password: identity providers with which the broker is a client. */
const loginsOf = async ({ db, settings }: Context) => {
  const clients = settings.oidc.filter(({ clientId }) => clientId).map(({ idp }) => idp)
  return clients.length ? await protocolsIn(db, clients) : []
}

/** What the console of a browser begins with, and keeps. */
export const sessionOperations: Operation[] = [
  operation({
    name: 'session.show',
    method: 'GET',
    path: PATH,
    who: 'public',
    summary:
      'The token that a browser kept for the page of the console, which alone may ask; null for none. And by which identity providers it may log in.',
    status: 200,
    handle: async (input) => {
      const pageKey = pageKeyOf(input)
      const { context, request } = input
      const text = keptToken(request.headers, pageKey, keysOf(context))
      const token = text && openToken(text, keysOf(context))
      const standing = token && token.expiresAt > context.now()
      return { body: { session: standing ? { token: text } : null, logins: await loginsOf(context) } }
    },
  }),
  operation({
    name: 'session.keep',
    method: 'PUT',
    path: PATH,
    who: 'authenticated',
    summary:
      'Keeps the token of the request in a cookie that no script reads, and that is sent to this path alone, for the page that sends its key (`X-Plimsoll-Console`: 32 random bytes as base64url).',
    status: 204,
    handle: (input) => {
      const pageKey = pageKeyOf(input)
      const { context, request, origin } = input
      const seconds = (context.caller!.expiresAt - context.now()) / 1000
      const token = request.headers.get('X-Auth-Token') ?? ''
      const cookie = sessionCookie({ token, pageKey, seconds }, origin, keysOf(context))
      // What was kept before is another's, or for another project.
      if (!cookie)
        throw new Fault(400, 'The token is longer than a browser keeps: a page that is loaded again has to log in.', {
          headers: { 'Set-Cookie': noSessionCookie(origin) },
        })
      return { headers: { 'Set-Cookie': cookie } }
    },
  }),
  operation({
    name: 'session.forget',
    method: 'DELETE',
    path: PATH,
    who: 'public',
    summary: 'Lets go of the cookie. The token stands until it is revoked.',
    status: 204,
    handle: (input) => {
      pageKeyOf(input)
      return { headers: { 'Set-Cookie': noSessionCookie(input.origin) } }
    },
  }),
]
