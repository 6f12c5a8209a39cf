import { createHash, randomBytes } from 'node:crypto'
import { beginSso, endSso } from '../../../db/queries/federation/sso-logins.ts'
import { unauthorized } from '../../auth/policy.ts'
import { ssoPlace } from '../../broker/line/sealed-places.ts'
import type { Context } from '../../context.ts'
import { openAtRest, sealAtRest } from '../../crypto/at-rest.ts'
import { badRequest, Fault, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { tokenFor } from '../token-answer.ts'
import { enterBy, type Way, wayOf } from './enter.ts'
import { formPage } from './form-page.ts'
import { claimsForCode, discoveredOf, refused } from './provider.ts'

/*
 * Logins of browsers: a dashboard sends one here, it is sent to the provider, comes back with a code, and is given a form that
 * hands its token to the dashboard (keystone/api/auth.py). Code with PKCE, state and nonce; the state is the browser's too.
 */

const ROOT = '/v3/auth/OS-FEDERATION'
const BACK = `${ROOT}/redirect`
const LASTS = 600_000
const COOKIE = 'plimsoll-sso'

const random = () => randomBytes(32).toString('base64url')
const hashOf = (text: string) => createHash('sha256').update(text)

/** The dashboard that is to be told the token: one that the operator trusts, word for word. 400 for none, 401 for another. */
const originOf = ({ context, query }: Input): string => {
  const { origin } = query
  if (!origin) throw badRequest('Request must have an origin query parameter')
  if (!context.settings.trustedDashboards.includes(origin))
    throw new Fault(401, `${origin} is not a trusted dashboard host`)
  return origin
}

/** The provider that a protocol alone leads to. */
const onlyWay = async (context: Context, protocolId: string): Promise<Way> => {
  const ways: Way[] = []
  for (const { idp } of context.settings.oidc) {
    const way = await wayOf(context, idp, protocolId).catch((error) => {
      if (error instanceof Fault && (error.status === 404 || error.status === 403)) return null
      throw error
    })
    if (way) ways.push(way)
  }
  if (ways.length > 1) throw badRequest(`Protocol ${protocolId} is of several identity providers: name one.`)
  if (!ways[0]) throw notFound(`Could not find federated protocol ${protocolId}.`)
  return ways[0]
}

const cookieOf = (state: string, base: string, seconds: number): string =>
  `${COOKIE}=${state}; Path=${new URL(base).pathname}${BACK}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${base.startsWith('https:') ? '; Secure' : ''}`

/** Sends the browser to the provider. */
const leave = async (input: Input, way: Way): Promise<Response> => {
  const { context, base } = input
  const { provider, protocol } = way
  const origin = originOf(input)
  const { authorization_endpoint: url } = await discoveredOf(context, provider)
  if (!url || !provider.clientId) throw refused(context, provider, 'there is no authorization endpoint, or no client')
  const [state, verifier, nonce] = [random(), random(), random()]
  const id = hashOf(state).digest('hex')
  await beginSso(context.db, {
    ...{ id, idpId: protocol.idpId, protocolId: protocol.id, origin, nonce },
    ...{ verifier: sealAtRest(context, ssoPlace(id), verifier), expiresAt: context.now() + LASTS },
  })
  const to = new URL(url)
  const asked = {
    ...{ response_type: 'code', client_id: provider.clientId, redirect_uri: base + BACK, scope: provider.scope },
    ...{ state, nonce, code_challenge: hashOf(verifier).digest('base64url'), code_challenge_method: 'S256' },
  }
  for (const [name, value] of Object.entries(asked)) to.searchParams.set(name, value)
  return new Response(null, {
    status: 302,
    headers: { Location: to.href, 'Set-Cookie': cookieOf(state, base, LASTS / 1000) },
  })
}

/** Takes the browser in that comes back, and gives it the form for its dashboard. */
const comeBack = async (input: Input): Promise<Response> => {
  const { context, query, request, base } = input
  const { state = '', code = '' } = query
  const cookies = (request.headers.get('Cookie') ?? '').split(';').map((each) => each.trim())
  // Another browser's login is not finished in this one.
  if (!state || !cookies.includes(`${COOKIE}=${state}`)) throw unauthorized()
  const begun = await endSso(context.db, hashOf(state).digest('hex'))
  if (!begun || begun.expiresAt <= context.now()) throw unauthorized()
  const way = await wayOf(context, begun.idpId, begun.protocolId)
  const verifier = openAtRest(context, ssoPlace(begun.id), begun.verifier)
  if (!code || verifier === null) throw refused(context, way.provider, query.error ?? 'there is no code')
  const iss = query.iss
  if (iss !== undefined && iss !== way.provider.issuer)
    throw refused(context, way.provider, 'the code is of another issuer')
  const said = await claimsForCode(context, way.provider, { code, redirect: base + BACK, verifier, nonce: begun.nonce })
  const { text } = await tokenFor(context, await enterBy(context, way, said))
  const page = formPage(begun.origin, text)
  page.headers.append('Set-Cookie', cookieOf('', base, 0))
  return page
}

export const webssoOperations: Operation[] = [
  ...(['GET', 'POST'] as const).flatMap((method) => [
    operation({
      name: `websso_by_protocol.${method === 'GET' ? 'begin' : 'post'}`,
      method,
      path: `${ROOT}/websso/:protocol`,
      who: 'public',
      summary: 'Sends a browser to the identity provider of a protocol, for a dashboard that is trusted (`origin`).',
      status: 302,
      handle: async (input) => leave(input, await onlyWay(input.context, input.params.protocol!)),
    }),
    operation({
      name: `websso.${method === 'GET' ? 'begin' : 'post'}`,
      method,
      path: `${ROOT}/identity_providers/:idp/protocols/:protocol/websso`,
      who: 'public',
      summary: 'Sends a browser to an identity provider, for a dashboard that is trusted (`origin`).',
      status: 302,
      handle: async (input) => leave(input, await wayOf(input.context, input.params.idp!, input.params.protocol!)),
    }),
  ]),
  operation({
    name: 'websso.end',
    method: 'GET',
    path: BACK,
    who: 'public',
    summary:
      'Takes a browser in that comes back from an identity provider, and hands its token to the dashboard by a form.',
    status: 200,
    handle: comeBack,
  }),
]
