import { idpById, protocolsOf } from '../../../db/queries/federation/federation.ts'
import { keptToken, sessionCookie } from '../../auth/session-cookie.ts'
import { openToken } from '../../auth/token.ts'
import type { Context } from '../../context.ts'
import { keyring } from '../../crypto/keyring.ts'
import { forbidden } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'

const PATH = '/v1/session'

/**
 * A page of another origin cannot send it without asking first, and nobody answers that; the cookie itself comes with nothing
 * that such a page sends (`SameSite=Strict`). 403 without.
 */
const assertOurPage = ({ request }: Input): void => {
  const site = request.headers.get('Sec-Fetch-Site')
  if (request.headers.get('X-Plimsoll-Console') !== '1' || (site !== null && site !== 'same-origin'))
    throw forbidden('The session of a console is for its own page, which sends X-Plimsoll-Console: 1.')
}

const keysOf = ({ settings }: Context) => keyring(settings.secretKeys, 'token')

/** Ways to log in by a browser that are not a password: identity providers with which the broker is a client. */
const loginsOf = async ({ db, settings }: Context) => {
  const clients = settings.oidc.filter(({ clientId }) => clientId)
  const found = await Promise.all(
    clients.map(async ({ idp }) => {
      const row = await idpById(db, idp)
      return row?.enabled
        ? (await protocolsOf(db, idp)).map(({ id }) => ({ identity_provider: idp, protocol: id }))
        : []
    }),
  )
  return found.flat()
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
      assertOurPage(input)
      const { context, request } = input
      const text = keptToken(request.headers)
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
    summary: 'Keeps the token of the request in a cookie that no script reads, and that is sent to this path alone.',
    status: 204,
    handle: (input) => {
      assertOurPage(input)
      const { context, request, origin } = input
      const seconds = (context.caller!.expiresAt - context.now()) / 1000
      const cookie = sessionCookie(request.headers.get('X-Auth-Token') ?? '', origin, seconds)
      return cookie ? { headers: { 'Set-Cookie': cookie } } : {}
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
      assertOurPage(input)
      return { headers: { 'Set-Cookie': sessionCookie('', input.origin, 0)! } }
    },
  }),
]
