import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeEach, expect, test } from 'vitest'
import { rowsOf } from '../../../support/databases/rows.ts'
import { type Plimsoll, startPlimsoll } from '../../../support/harness.ts'
import { V3 } from '../support.ts'

/* What somebody can bring about who has no login. */

const ISSUER = 'https://id.example.org'
const DASHBOARD = 'https://horizon.example.org/auth/websso/'
const FEDERATION = `${V3}/OS-FEDERATION`
const AUTH = `${FEDERATION}/identity_providers/corp/protocols/openid/auth`
const WEBSSO = `${V3}/auth/OS-FEDERATION/websso/openid?origin=${encodeURIComponent(DASHBOARD)}`
const keys = await generateKeyPair('ES256')
const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }

let plimsoll: Plimsoll
let asked: string[]
let isUp: boolean
/** What holds answers about tokens back. */
let held: Promise<void>
let codes: Record<string, string>

const provider = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
  const url = input instanceof Request ? input.url : String(input)
  asked.push(new URL(url).pathname)
  if (!isUp) return new Response(null, { status: 502 })
  if (url.endsWith('/.well-known/openid-configuration'))
    return Response.json({
      ...{ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks`, authorization_endpoint: `${ISSUER}/auth` },
      ...{ token_endpoint: `${ISSUER}/token`, introspection_endpoint: `${ISSUER}/introspect` },
    })
  if (url.endsWith('/jwks')) return Response.json({ keys: [jwk] })
  if (url.endsWith('/token'))
    return Response.json({ id_token: codes[new URLSearchParams(String(init?.body)).get('code') ?? ''] })
  await held
  return Response.json({ active: true, sub: 'a1', preferred_username: 'alice', client_id: 'plimsoll' })
}

const sign = (claims: object, issuer = ISSUER) =>
  new SignJWT({ sub: 'a1', preferred_username: 'alice', ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(issuer)
    .setAudience('plimsoll')
    .setIssuedAt(plimsoll.clock.now / 1000)
    .setExpirationTime(plimsoll.clock.now / 1000 + 3600)
    .sign(keys.privateKey)
const enter = (token: string) => plimsoll.nobody.post(AUTH, undefined, { Authorization: `Bearer ${token}` })

beforeEach(async () => {
  asked = []
  isUp = true
  held = Promise.resolve()
  codes = {}
  const client = { clientId: 'plimsoll', clientSecret: 'secret', scope: 'openid' }
  plimsoll = await startPlimsoll({
    clouds: [],
    fetch: provider as typeof fetch,
    settings: {
      oidc: [{ idp: 'corp', issuer: ISSUER, audience: ['plimsoll'], ...client }],
      oidcHosts: ['id.example.org'],
      trustedDashboards: [DASHBOARD],
    },
  })
  const admin = plimsoll.as('admin')
  const rules = [
    {
      local: [{ user: { name: '{0}', id: '{1}' } }],
      remote: [{ type: 'OIDC-preferred_username' }, { type: 'HTTP_OIDC_SUB' }],
    },
  ]
  const mapping = { rules, schema_version: '1.0' }
  expect((await admin.put(`${FEDERATION}/mappings/m`, { mapping })).status).toBe(201)
  const identity_provider = { enabled: true }
  expect((await admin.put(`${FEDERATION}/identity_providers/corp`, { identity_provider })).status).toBe(201)
  expect((await admin.put(AUTH.replace('/auth', ''), { protocol: { mapping_id: 'm' } })).status).toBe(201)
})

/** What a browser is sent away with. */
const leave = async () => {
  const { headers } = await plimsoll.nobody.get(WEBSSO)
  const { searchParams } = new URL(headers.get('Location')!)
  return {
    state: searchParams.get('state')!,
    nonce: searchParams.get('nonce')!,
    cookie: headers.get('Set-Cookie')!.split(';')[0]!,
  }
}
const comeBack = (state: string, Cookie: string) =>
  plimsoll.nobody.get(`${V3}/auth/OS-FEDERATION/redirect?code=good&state=${state}`, { Cookie })

test('a browser that is sent to a provider leaves nothing behind, and comes back once, in time, with what it was sent with', async () => {
  const before = await rowsOf(plimsoll.host.d1)
  const [one, other] = [await leave(), await leave()]
  expect(await rowsOf(plimsoll.host.d1)).toEqual(before)
  codes.good = await sign({ nonce: one.nonce })
  for (const cookie of [other.cookie, `plimsoll-sso=${one.state}`, one.cookie.slice(0, -4), 'plimsoll-sso=', ''])
    expect((await comeBack(one.state, cookie)).status).toBe(401)
  expect(asked).not.toContain('/token')
  expect((await comeBack(one.state, one.cookie)).status).toBe(200)
  expect((await comeBack(one.state, one.cookie)).status).toBe(401)
  const late = await leave()
  codes.good = await sign({ nonce: late.nonce })
  plimsoll.clock.advance(600_000)
  expect((await comeBack(late.state, late.cookie)).status).toBe(401)
})

test('a provider that does not answer is left alone for seconds', async () => {
  isUp = false
  const token = await sign({})
  for (let i = 0; i < 5; i++) expect((await enter(token)).status).toBe(401)
  expect(asked).toEqual(['/.well-known/openid-configuration'])
  isUp = true
  expect((await enter(token)).status).toBe(401)
  plimsoll.clock.advance(5_001)
  expect((await enter(token)).status).toBe(201)
})

test('a provider is asked about so many tokens at a time', async () => {
  expect((await enter('first')).status).toBe(201)
  let release = () => {}
  held = new Promise((done) => {
    release = done
  })
  const waiting = Array.from({ length: 20 }, (_, i) => enter(`t${i}`))
  await Promise.race(waiting)
  const refused = await Promise.race(waiting)
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '1'])
  release()
  const statuses = (await Promise.all(waiting)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 429)).toHaveLength(4)
  expect(asked.filter((path) => path === '/introspect')).toHaveLength(17)
  expect((await enter('last')).status).toBe(201)
})

test('a claim that is called like another does not stand for it', async () => {
  const { id } = (await enter(await sign({}))).body.token.user
  for (const claims of [{ SUB: 'b2' }, { Sub: 'b2', sUb: 'b3' }])
    expect((await enter(await sign(claims))).body.token.user.id).toBe(id)
})
