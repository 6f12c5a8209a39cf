import { createHash, randomBytes } from 'node:crypto'
import { unauthorized } from '../../auth/policy.ts'
import { consoleAt, isPageKey, sessionCookie } from '../../auth/session-cookie.ts'
import type { Context } from '../../context.ts'
import { keyring } from '../../crypto/keyring.ts'
import { open, seal } from '../../crypto/seal.ts'
import { badRequest, Fault, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { isFirstUse } from '../proofs/once.ts'
import { tokenFor } from '../token-answer.ts'
import { enterBy, type Way, wayOf } from './enter.ts'
import { formPage } from './form-page.ts'
import { claimsForCode, discoveredOf, refused } from './provider.ts'

/*
 * Logins of browsers: a dashboard sends one here, it is sent to the provider, comes back with a code, and is given a form that
 * hands its token to the dashboard (keystone/api/auth.py). Code with PKCE, state and nonce. What it was sent with the browser
 * keeps, sealed: anybody may begin, so nothing is written before a provider has said who it is that comes back.
 */

const ROOT = '/v3/auth/OS-FEDERATION'
const BACK = `${ROOT}/redirect`
const LASTS = 600_000
const COOKIE = 'plimsoll-sso'
const AAD = 'websso'

/** What a browser was sent to a provider with. */
interface Begun {
  idp: string
  protocol: string
  /** The dashboard that is told the token. */
  origin: string
  /** Where that is our own console, the key of its page. */
  page?: string
  state: string
  nonce: string
  /** Proof key of the code. */
  verifier: string
  /** Milliseconds since 1970. */
  end: number
}
const keysOf = ({ settings }: Context) => keyring(settings.secretKeys, 'token')

const random = () => randomBytes(32).toString('base64url')

/** 401 for an address that is neither our own console, as this request reaches it, nor a dashboard that the operator trusts. */
const assertTrusted = ({ context, origin: own }: Input, origin: string): void => {
  if (origin !== consoleAt(own) && !context.settings.trustedDashboards.includes(origin))
    throw new Fault(401, `${origin} is not a trusted dashboard host`)
}

/** The dashboard that is to be told the token, word for word. 400 for none, 401 for one that is not trusted. */
const originOf = (input: Input): string => {
  const { origin } = input.query
  if (!origin) throw badRequest('Request must have an origin query parameter')
  assertTrusted(input, origin)
  return origin
}

/**
 * The key of the page of our own console that sends a browser here (`console`); undefined for other dashboards. 401 where
 * another page sent it, as far as browsers say so: who names the key could open what is kept under it.
 */
const pageOf = ({ query, request, origin: own }: Input, origin: string): string | undefined => {
  if (origin !== consoleAt(own)) return undefined
  const site = request.headers.get('Sec-Fetch-Site')
  if (site !== null && site !== 'same-origin' && site !== 'none')
    throw new Fault(401, 'A login for the console begins at its own page.')
  if (!isPageKey(query.console)) throw badRequest('console: must be the key of a page of the console.')
  return query.console
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

const cookieOf = (value: string, base: string, seconds: number): string =>
  `${COOKIE}=${value}; Path=${new URL(base).pathname}${BACK}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${base.startsWith('https:') ? '; Secure' : ''}`

/** Sends the browser to the provider. */
const leave = async (input: Input, way: Way): Promise<Response> => {
  const { context, base } = input
  const { provider, protocol } = way
  const origin = originOf(input)
  const page = pageOf(input, origin)
  const { authorization_endpoint: url } = await discoveredOf(context, provider)
  if (!url || !provider.clientId) throw refused(context, provider, 'there is no authorization endpoint, or no client')
  const [state, verifier, nonce, end] = [random(), random(), random(), context.now() + LASTS]
  const begun: Begun = {
    idp: protocol.idpId,
    protocol: protocol.id,
    origin,
    state,
    nonce,
    verifier,
    end,
    ...(page ? { page } : {}),
  }
  const to = new URL(url)
  const asked = {
    ...{ response_type: 'code', client_id: provider.clientId, redirect_uri: base + BACK, scope: provider.scope },
    ...{
      state,
      nonce,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    },
  }
  for (const [name, value] of Object.entries(asked)) to.searchParams.set(name, value)
  return new Response(null, {
    status: 302,
    headers: {
      Location: to.href,
      'Set-Cookie': cookieOf(seal(JSON.stringify(begun), AAD, keysOf(context)), base, LASTS / 1000),
    },
  })
}

/** What this browser was sent with; null: nothing with this state, or too long ago. */
const begunOf = ({ context, request }: Input, state: string): Begun | null => {
  const cookies = (request.headers.get('Cookie') ?? '').split(';').map((each) => each.trim())
  const cookie = cookies.find((each) => each.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? ''
  const plain = open(cookie, AAD, keysOf(context))
  const begun = plain === null ? null : (JSON.parse(plain) as Begun)
  return begun && begun.state === state && context.now() < begun.end ? begun : null
}

/** Takes the browser in that comes back, and gives it the form for its dashboard. */
const comeBack = async (input: Input): Promise<Response> => {
  const { context, query, base } = input
  const { state = '', code = '' } = query
  // Another browser's login is not finished in this one.
  const begun = begunOf(input, state)
  if (!begun) throw unauthorized()
  // Who began may have called this host as he liked, and planted what he was given in another's browser.
  assertTrusted(input, begun.origin)
  const way = await wayOf(context, begun.idp, begun.protocol)
  if (!code) throw refused(context, way.provider, query.error ?? 'there is no code')
  const iss = query.iss
  if (iss !== undefined && iss !== way.provider.issuer)
    throw refused(context, way.provider, 'the code is of another issuer')
  const { verifier, nonce, end } = begun
  const said = await claimsForCode(context, way.provider, { code, redirect: base + BACK, verifier, nonce })
  if (!(await isFirstUse(context, `websso ${state}`, end))) throw unauthorized()
  const proven = await enterBy(context, way, said)
  if ('answer' in proven) throw refused(context, way.provider, 'the user has to prove more than a browser is asked for')
  const { text, token } = await tokenFor(context, proven)
  const page =
    begun.page && begun.origin === consoleAt(input.origin)
      ? backToConsole(input, begun.page, { text, expiresAt: token.expiresAt })
      : formPage(begun.origin, text)
  page.headers.append('Set-Cookie', cookieOf('', base, 0))
  return page
}

/** Our own console is told by the cookie that it keeps its session in. */
const backToConsole = (
  { context, origin }: Input,
  pageKey: string,
  { text: token, expiresAt }: { text: string; expiresAt: number },
): Response => {
  const seconds = (expiresAt - context.now()) / 1000
  const cookie = sessionCookie({ token, pageKey, seconds }, origin, keysOf(context))
  if (!cookie) throw new Fault(400, 'The token is longer than a browser keeps.')
  return new Response(null, { status: 303, headers: { Location: consoleAt(origin), 'Set-Cookie': cookie } })
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
