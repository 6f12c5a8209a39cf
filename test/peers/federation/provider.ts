import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { moduleOf } from '../support/npm.ts'

/* An identity provider that is not ours: https://github.com/panva/node-oidc-provider, certified for OpenID Connect. */

const VERSION = '9.13.3'

/** Whom its tokens are for: what `resource` asks for leads to this audience. */
const RESOURCES = {
  'urn:broker': { audience: 'plimsoll', accessTokenFormat: 'jwt', accessTokenTTL: 600 },
  'urn:broker:opaque': { audience: 'plimsoll', accessTokenFormat: 'opaque', accessTokenTTL: 600 },
  'urn:broker:short': { audience: 'plimsoll', accessTokenFormat: 'jwt', accessTokenTTL: 1 },
  'urn:other': { audience: 'another', accessTokenFormat: 'jwt', accessTokenTTL: 600 },
  'urn:other:opaque': { audience: 'another', accessTokenFormat: 'opaque', accessTokenTTL: 600 },
} as const
type Resource = keyof typeof RESOURCES
const HERE: Resource = 'urn:broker'

/** What it says of a user, or of a client that is one. */
interface Person {
  preferred_username: string
  groups: string[]
}

export interface Client {
  id: string
  secret: string
}

export interface Provider {
  issuer: string
  discovery: string
  /** Who there is, by the subject of tokens; a story changes it as it goes. */
  people: Record<string, Person>
  /** The password of each of them. */
  password: string
  cli: Client
  /** An access token for the client itself, by the credentials that it has, or for a user, by the password. */
  token(resource: Resource, username?: string): Promise<string>
  stop(): Promise<void>
}

interface Ctx {
  oidc: { params: Record<string, string | undefined>; client: unknown }
  body: unknown
}
interface Oidc {
  default: new (
    issuer: string,
    configuration: object,
  ) => {
    AccessToken: new (fields: object) => { resourceServer: unknown; expiration: number; save(): Promise<string> }
    ResourceServer: new (id: string, info: object) => unknown
    registerGrantType(name: string, handler: (ctx: Ctx) => Promise<void>, parameters: string[]): void
    listen(port: number, host: string): Server
  }
  errors: Record<'InvalidGrant' | 'InvalidTarget', new (message: string) => Error>
}

const secret = () => randomBytes(24).toString('base64url')
/** Both the real one and who only says to be it call their key so. */
const KID = 'one'
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

/** Begins a provider on a port. One that is not the issuer whom it names has keys of its own, under the same name. */
export const startProvider = async (
  port: number,
  broker: Client & { redirect: string },
  issuer = `http://127.0.0.1:${port}`,
): Promise<Provider> => {
  const { default: OidcProvider, errors } = await moduleOf<Oidc>('oidc-provider', VERSION)
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const cli = { id: 'cli', secret: secret() }
  const people: Provider['people'] = {
    alice: { preferred_username: 'alice', groups: ['ops', 'staff'] },
    bob: { preferred_username: 'bob', groups: ['staff'] },
    [cli.id]: { preferred_username: 'robot', groups: ['ops'] },
  }
  const password = secret()
  const infoOf = (resource: string) => {
    if (!Object.hasOwn(RESOURCES, resource)) throw new errors.InvalidTarget('there is no such resource')
    return { scope: 'openid profile', ...RESOURCES[resource as Resource] }
  }
  const common = { token_endpoint_auth_method: 'client_secret_basic' }
  const provider = new OidcProvider(issuer, {
    clients: [
      {
        ...{ ...common, client_id: broker.id, client_secret: broker.secret },
        ...{ grant_types: ['authorization_code'], response_types: ['code'], redirect_uris: [broker.redirect] },
      },
      {
        ...{ ...common, client_id: cli.id, client_secret: cli.secret },
        ...{ grant_types: ['client_credentials', 'password', DEVICE], response_types: [], redirect_uris: [] },
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: KID, alg: 'RS256', use: 'sig' }] },
    cookies: { keys: [secret()] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    // Claims of the user are in the identity token too, as most providers have it.
    conformIdTokenClaims: false,
    findAccount: (_ctx: unknown, id: string) =>
      people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    extraTokenClaims: (_ctx: unknown, token: { accountId?: string; clientId: string }) =>
      people[token.accountId ?? token.clientId],
    ttl: { Interaction: 600, Session: 600, Grant: 600, IdToken: 600, DeviceCode: 600 },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => HERE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx: unknown, resource: string) => infoOf(resource),
      },
    },
  })
  // OAuth 2.1 has no such grant any more, and keystoneauth has.
  const byPassword = async (ctx: Ctx) => {
    const { username = '', password: said, resource = HERE } = ctx.oidc.params
    if (!Object.hasOwn(people, username) || said !== password) throw new errors.InvalidGrant('who are you?')
    const token = new provider.AccessToken({
      ...{ accountId: username, client: ctx.oidc.client, gty: 'password', scope: 'openid profile' },
    })
    token.resourceServer = new provider.ResourceServer(resource, infoOf(resource))
    const access_token = await token.save()
    ctx.body = { access_token, expires_in: token.expiration, token_type: 'Bearer' }
  }
  provider.registerGrantType('password', byPassword, ['username', 'password', 'scope', 'resource'])
  const server = provider.listen(port, '127.0.0.1')
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  return {
    ...{ issuer, discovery: `${issuer}/.well-known/openid-configuration`, people, password, cli },
    token: async (resource, username) => {
      const wish: Record<string, string> = username
        ? { grant_type: 'password', username, password }
        : { grant_type: 'client_credentials' }
      const answer = await fetch(`http://127.0.0.1:${port}/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa(`${cli.id}:${cli.secret}`)}` },
        body: new URLSearchParams({ ...wish, resource }),
      })
      const { access_token } = (await answer.json()) as { access_token?: string }
      if (!access_token) throw new Error(`the provider gives no token: ${answer.status}`)
      return access_token
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
