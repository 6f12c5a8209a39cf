import { createLocalJWKSet, decodeProtectedHeader, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import * as z from 'zod'
import { endpointFault, guardedFetch } from '../../broker/clouds/endpoint.ts'
import type { Context, OidcProvider } from '../../context.ts'
import { Fault, tooMany } from '../../http/fault.ts'
import type { Claims } from './mapping.ts'

/*
 * OpenID Connect, as far as a provider is asked for something: discovery, keys, introspection, codes. Where a provider is
 * says the operator alone; it is reached by the rules of every other address, bounded, and its keys are kept for minutes.
 */

/** How far two clocks may differ, in seconds. */
const SKEW = 60
const TIMEOUT = 10_000
const MOST_BYTES = 256 * 1024
const KEPT = 10 * 60_000
/** A key that is not known is asked for at once, and not again so soon. */
const AGAIN = 30_000
/** A provider that could not be asked is left alone for so long. */
const REST = 5_000
/** Strangers make a provider be asked: not more at a time. */
const MOST_AT_ONCE = 16
/** Signatures that a key of a provider makes; none that a secret makes, and not none. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

const discovered = z.looseObject({
  issuer: z.string(),
  jwks_uri: z.string(),
  authorization_endpoint: z.string().optional(),
  token_endpoint: z.string().optional(),
  introspection_endpoint: z.string().optional(),
})
export type Discovered = z.infer<typeof discovered>
const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) })
export type Said = Record<string, unknown>

/** 401 for what a provider said, or did not; why is told to the log alone. */
export const refused = (context: Context, provider: Pick<OidcProvider, 'idp'>, why: string): Fault => {
  context.log('warn', 'a federated login failed', { requestId: context.requestId, idp: provider.idp, reason: why })
  return new Fault(401, 'The request you have made requires authentication.')
}

/** What a failed question means: too many is what it is, anything else is 401. */
const asRefusal = (context: Context, provider: OidcProvider, error: unknown): Fault =>
  error instanceof Fault ? error : refused(context, provider, String(error))

const reachOf = ({ settings }: Context, url: string) => ({
  name: 'oidc',
  options: { allow_private: URL.canParse(url) && settings.oidcHosts.includes(new URL(url).hostname) },
  allowing: 'an operator can name it in PLIMSOLL_OIDC_HOSTS',
})

/** What is at an address of a provider, as JSON. Throws a sentence. */
const ask = async (
  context: Context,
  url: string,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown }> => {
  const reach = reachOf(context, url)
  const { protocol } = new URL(url)
  if (protocol !== 'https:' && !reach.options.allow_private) throw new Error(`${url} is not https`)
  const fault = await endpointFault(url, reach)
  if (fault) throw new Error(fault)
  const response = await guardedFetch(context, reach)(url, {
    ...init,
    headers: { accept: 'application/json', ...(init.headers as Record<string, string>) },
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT),
  })
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let [text, size] = ['', 0]
  for (;;) {
    const part = await reader?.read()
    if (!part || part.done) break
    size += part.value.length
    if (size > MOST_BYTES) {
      void reader?.cancel().catch(() => undefined)
      throw new Error(`${url} says too much`)
    }
    text += decoder.decode(part.value, { stream: true })
  }
  try {
    return { status: response.status, body: JSON.parse(text + decoder.decode()) }
  } catch {
    throw new Error(`${url} answers ${response.status}, and no JSON`)
  }
}
const okOf = <T>(schema: z.ZodType<T>, { status, body }: { status: number; body: unknown }, url: string): T => {
  const read = schema.safeParse(body)
  if (status !== 200 || !read.success) throw new Error(`${url} answers ${status}, and not what it should`)
  return read.data
}

interface Kept {
  found: Discovered
  keys: JSONWebKeySet
  at: number
}
const kept = new WeakMap<OidcProvider, Kept>()
const failed = new WeakMap<OidcProvider, { why: unknown; at: number }>()
/** When each question began that is under way; one that a runtime gave up is over when its time is. */
const underWay = new WeakMap<OidcProvider, number[]>()

/** Asks a provider something, if not too many do so already: 429. */
const taking = async <T>({ now }: Context, provider: OidcProvider, work: () => Promise<T>): Promise<T> => {
  const at = now()
  const others = (underWay.get(provider) ?? []).filter((each) => at - each < 2 * TIMEOUT)
  if (others.length >= MOST_AT_ONCE) throw tooMany(1, 'The identity provider is being asked about others.')
  underWay.set(provider, [...others, at])
  try {
    return await work()
  } finally {
    const all = underWay.get(provider) ?? []
    const own = all.indexOf(at)
    underWay.set(
      provider,
      all.filter((_, i) => i !== own),
    )
  }
}

const askedOf = async (context: Context, provider: OidcProvider): Promise<Kept> => {
  const url = `${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const found = okOf(discovered, await ask(context, url), url)
  if (found.issuer !== provider.issuer) throw new Error(`${url} is of another issuer`)
  const keys = okOf(keySet, await ask(context, found.jwks_uri), found.jwks_uri) as unknown as JSONWebKeySet
  const said = { found, keys, at: context.now() }
  kept.set(provider, said)
  return said
}

/** Where a provider does what, and its keys, as they were within the last minutes. */
const known = async (context: Context, provider: OidcProvider, age = KEPT): Promise<Kept> => {
  const last = kept.get(provider)
  const now = context.now()
  if (last && now >= last.at && now - last.at < age) return last
  const failure = failed.get(provider)
  if (failure && now >= failure.at && now - failure.at < REST) throw failure.why
  return taking(context, provider, async () => {
    try {
      return await askedOf(context, provider)
    } catch (why) {
      failed.set(provider, { why, at: context.now() })
      throw why
    }
  })
}

/** Where a provider does what. 401 where it cannot be asked. */
export const discoveredOf = async (context: Context, provider: OidcProvider): Promise<Discovered> => {
  try {
    return (await known(context, provider)).found
  } catch (error) {
    throw asRefusal(context, provider, error)
  }
}

/** What a token says that the provider signed for one of these audiences, and that counts now. Throws a sentence. */
const verified = async (context: Context, provider: OidcProvider, token: string, audience: string[]): Promise<Said> => {
  const check = async ({ keys }: Kept) => {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      ...{ issuer: provider.issuer, audience, algorithms: ALGORITHMS, clockTolerance: SKEW },
      ...{ currentDate: new Date(context.now()), requiredClaims: ['exp', 'sub'] },
    })
    return payload as Said
  }
  try {
    return await check(await known(context, provider))
  } catch (error) {
    // Keys are changed: the provider may have another by now.
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
    return check(await known(context, provider, AGAIN))
  }
}

const introspected = z.looseObject({ active: z.boolean(), iss: z.string().optional(), exp: z.number().optional() })

const isSigned = (token: string): boolean => {
  try {
    return typeof decodeProtectedHeader(token).alg === 'string'
  } catch {
    return false
  }
}

/** The id and the secret of a client, as a provider takes them (RFC 6749, section 2.3.1). */
const basicOf = ({ clientId, clientSecret }: Pick<OidcProvider, 'clientId' | 'clientSecret'>): string =>
  `Basic ${btoa(`${encodeURIComponent(clientId ?? '')}:${encodeURIComponent(clientSecret ?? '')}`)}`

const introspect = async (context: Context, provider: OidcProvider, token: string): Promise<Said> => {
  const { introspection_endpoint: url } = (await known(context, provider)).found
  if (!url || !provider.clientId || !provider.clientSecret)
    throw new Error('a token that is none of JSON needs an introspection endpoint, and a client with a secret')
  const said = okOf(
    introspected,
    await taking(context, provider, () =>
      ask(context, url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basicOf(provider) },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      }),
    ),
    url,
  )
  const audiences = [said.aud].flat().filter((each) => typeof each === 'string')
  const now = context.now() / 1000
  if (!said.active) throw new Error('the token is not active')
  if (said.iss !== undefined && said.iss !== provider.issuer) throw new Error('the token is of another issuer')
  if (said.exp !== undefined && said.exp + SKEW <= now) throw new Error('the token is over')
  // Of whom nothing says for whom it is, the client that got it does.
  const meant = audiences.length ? audiences : [said.client_id]
  if (!meant.some((each) => provider.audience.includes(String(each)))) throw new Error('the token is for somebody else')
  return { ...said, iss: provider.issuer }
}

/** What an access token says of its user: read where it is signed, else asked for. 401 for one that does not count. */
export const claimsOf = async (context: Context, provider: OidcProvider, token: string): Promise<Said> => {
  if (token.length > 16_384) throw refused(context, provider, 'the token is too long')
  try {
    return isSigned(token)
      ? await verified(context, provider, token, provider.audience)
      : await introspect(context, provider, token)
  } catch (error) {
    throw asRefusal(context, provider, error)
  }
}

const tokens = z.looseObject({ id_token: z.string() })
/** What the identity token says that a provider gives for a code. 401 for a code, or a token, that does not count. */
export const claimsForCode = async (
  context: Context,
  provider: OidcProvider,
  { code, redirect, verifier, nonce }: { code: string; redirect: string; verifier: string; nonce: string },
): Promise<Said> => {
  try {
    const { token_endpoint: url } = (await known(context, provider)).found
    if (!url || !provider.clientId) throw new Error('there is no token endpoint, or no client')
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirect, code_verifier: verifier }
    const given = await taking(context, provider, () =>
      ask(context, url, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(provider.clientSecret ? { authorization: basicOf(provider) } : {}),
        },
        body: new URLSearchParams({
          ...form,
          ...(provider.clientSecret ? {} : { client_id: provider.clientId }),
        }).toString(),
      }),
    )
    const said = await verified(context, provider, okOf(tokens, given, url).id_token, [provider.clientId])
    if (said.nonce !== nonce) throw new Error('the token is for another login')
    if (said.azp !== undefined && said.azp !== provider.clientId) throw new Error('the token is for another client')
    return said
  } catch (error) {
    throw asRefusal(context, provider, error)
  }
}

const MOST_VALUES = 1000
const textOf = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

/**
 * Claims under the names that mappings know: `OIDC-sub`, `HTTP_OIDC_SUB` and `OIDC_CLAIM_sub`, as Apache's module hands them on.
 * A list is several values; a text is one, whatever is in it: who chooses his own name chooses no groups. Of claims that come
 * to one name the first counts, and who says it of whom before all others: no claim that a user chose stands for those.
 */
export const assertionOf = (said: Said): Claims => {
  const claims = new Map<string, string[]>()
  const { iss, sub, ...others } = said
  for (const [name, value] of Object.entries({ iss, sub, ...others })) {
    const values = (Array.isArray(value) ? value : [value])
      .filter((each) => each !== null && each !== undefined)
      .slice(0, MOST_VALUES)
      .map(textOf)
    if (!values.length) continue
    for (const each of [
      `OIDC-${name}`,
      `HTTP_OIDC_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`,
      `OIDC_CLAIM_${name}`,
    ])
      if (!claims.has(each)) claims.set(each, values)
  }
  return claims
}
