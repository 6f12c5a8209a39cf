import { createHmac } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeEach, describe, expect, test } from 'vitest'
import { runCron } from '../../../../functions/cron.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../../support/harness.ts'
import { make, V3 } from '../support.ts'

const ISSUER = 'https://id.example.org'
const DASHBOARD = 'https://horizon.example.org/auth/websso/'
const FEDERATION = `${V3}/OS-FEDERATION`
const AUTH = `${FEDERATION}/identity_providers/corp/protocols/openid/auth`
const keys = await generateKeyPair('RS256')
const others = await generateKeyPair('RS256')
const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }

let plimsoll: Plimsoll
let admin: Client
let asked: { url: string; form: URLSearchParams; authorization: string | null }[]
let codes: Record<string, string>
let opaque: Record<string, object>

/** A provider, as far as it is asked: discovery, keys, codes, and what a token is worth. */
const provider = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
  const url = input instanceof Request ? input.url : String(input)
  const form = new URLSearchParams(String(init?.body ?? ''))
  asked.push({ url, form, authorization: new Headers(init?.headers).get('authorization') })
  if (url.endsWith('/.well-known/openid-configuration'))
    return Response.json({
      ...{ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks`, authorization_endpoint: `${ISSUER}/auth` },
      ...{ token_endpoint: `${ISSUER}/token`, introspection_endpoint: `${ISSUER}/introspect` },
    })
  if (url.endsWith('/jwks')) return Response.json({ keys: [jwk] })
  if (url.endsWith('/token')) return Response.json({ id_token: codes[form.get('code') ?? ''] })
  if (url.endsWith('/introspect')) return Response.json(opaque[form.get('token') ?? ''] ?? { active: false })
  return new Response(null, { status: 404 })
}

const sign = (claims: object, { key = keys.privateKey, kid = 'one', audience = 'plimsoll', issuer = ISSUER } = {}) =>
  new SignJWT({ sub: 'a1', preferred_username: 'alice', groups: ['ops', 'other'], ...claims })
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(plimsoll.clock.now / 1000)
    .setExpirationTime(plimsoll.clock.now / 1000 + 600)
    .sign(key)
const enter = (token: string) => plimsoll.nobody.post(AUTH, undefined, { Authorization: `Bearer ${token}` })

const RULES = [
  {
    local: [
      { user: { name: '{0}', id: '{1}', email: '{0}@example.org' } },
      { groups: '{2}', domain: { id: 'default' } },
      { projects: [{ name: 'of {0}', roles: [{ name: 'member' }] }] },
    ],
    remote: [
      { type: 'OIDC-preferred_username' },
      { type: 'HTTP_OIDC_SUB' },
      { type: 'OIDC-groups', whitelist: ['^op'], regex: true },
    ],
  },
]
const map = (rules: unknown, schema_version = '1.0') =>
  admin.patch(`${FEDERATION}/mappings/m`, { mapping: { rules, schema_version } })

beforeEach(async () => {
  asked = []
  codes = {}
  opaque = {}
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
  admin = plimsoll.as('admin')
  const idp = { enabled: true, remote_ids: [ISSUER] }
  const mapping = { rules: RULES, schema_version: '1.0' }
  expect((await admin.put(`${FEDERATION}/mappings/m`, { mapping })).status).toBe(201)
  expect((await admin.put(`${FEDERATION}/identity_providers/corp`, { identity_provider: idp })).status).toBe(201)
  const protocol = { mapping_id: 'm' }
  expect((await admin.put(AUTH.replace('/auth', ''), { protocol })).status).toBe(201)
})

describe('a user of an identity provider', () => {
  test('is let in by an access token, as one of ours, with the groups and projects of the mapping', async () => {
    const group = await make(admin, 'groups', { name: 'ops' })
    await admin.put(
      `${V3}/projects/${plimsoll.projectId('demo')}/groups/${group.id}/roles/${plimsoll.roleId('reader')}`,
    )
    const { status, headers, body } = await enter(await sign({}))
    expect([status, body.token.methods, body.token.user.name]).toEqual([201, ['openid'], 'alice'])
    expect(body.token.user['OS-FEDERATION']).toEqual({
      ...{ identity_provider: { id: 'corp' }, protocol: { id: 'openid' }, groups: [{ id: group.id }] },
    })
    expect(body.token).not.toHaveProperty('project')
    const unscoped = headers.get('X-Subject-Token')!
    const who = plimsoll.bearer(unscoped)
    const { projects } = (await who.get(`${FEDERATION}/projects`)).body
    expect(projects.map(({ name }: { name: string }) => name).sort()).toEqual(['demo', 'of alice'])
    const scope = { project: { id: plimsoll.projectId('demo') } }
    const identity = { methods: ['token'], token: { id: unscoped } }
    const scoped = await plimsoll.nobody.post(`${V3}/auth/tokens`, { auth: { identity, scope } })
    expect(scoped.body.token.roles).toMatchObject([{ name: 'reader' }])
    const again = await enter(await sign({ preferred_username: 'alison' }))
    expect(again.body.token.user).toMatchObject({ id: body.token.user.id, name: 'alison' })
    const in_it = plimsoll.bearer(scoped.headers.get('X-Subject-Token')!)
    expect((await in_it.get('/compute/v2.1/servers')).status).toBe(200)
    await enter(await sign({ groups: ['opera'] }))
    plimsoll.clock.advance(5_001)
    expect((await in_it.get('/compute/v2.1/servers')).status).toBe(401)
    await admin.patch(`${FEDERATION}/identity_providers/corp`, { identity_provider: { enabled: false } })
    plimsoll.clock.advance(5_001)
    expect((await who.get(`${FEDERATION}/projects`)).status).toBe(401)
    expect((await enter(await sign({}))).status).toBe(403)
  })

  test('is let in by no token that is forged, old, for others, of another issuer, or not signed', async () => {
    const none = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"a1"}')}.`
    const wrong = [
      await sign({}, { key: others.privateKey }),
      await sign({}, { kid: 'two' }),
      await sign({}, { audience: 'another' }),
      await sign({}, { issuer: 'https://evil.example.org' }),
      none,
      'opaque',
    ]
    for (const token of wrong) expect((await enter(token)).status).toBe(401)
    const old = await sign({})
    plimsoll.clock.advance(700_000)
    expect((await enter(old)).status).toBe(401)
    expect((await plimsoll.nobody.post(AUTH)).status).toBe(401)
    await admin.patch(`${FEDERATION}/identity_providers/corp`, { identity_provider: { remote_ids: ['x'] } })
    expect((await enter(await sign({}))).status).toBe(403)
  })

  test('is let in by a token that its provider is asked about', async () => {
    opaque.good = { active: true, sub: 'a1', preferred_username: 'alice', groups: ['ops'], client_id: 'plimsoll' }
    opaque.other = { active: true, sub: 'a1', preferred_username: 'alice', groups: ['ops'], client_id: 'another' }
    expect((await enter('good')).status).toBe(201)
    expect((await enter('other')).status).toBe(401)
    expect((await enter('bad')).status).toBe(401)
    expect(asked.at(-1)?.authorization).toBe(`Basic ${btoa('plimsoll:secret')}`)
  })

  test('is in the groups of the mapping for as long as they count, and a minute at most', async () => {
    const { id } = await make(admin, 'groups', { name: 'ops' })
    const members = async () => (await admin.get(`${V3}/groups/${id}/users`)).body.users.length
    await enter(await sign({}))
    plimsoll.clock.advance(3_590_000)
    await runCron(plimsoll.host)
    expect(await members()).toBe(1)
    plimsoll.clock.advance(61_000)
    await runCron(plimsoll.host)
    expect(await members()).toBe(0)
  })

  test('is found among all users by what its provider knows it by', async () => {
    const { id } = (await enter(await sign({}))).body.token.user
    const found = async (query: string) =>
      (await admin.get(`${V3}/users?${query}`)).body.users.map((user: { id: string }) => user.id)
    for (const query of ['unique_id=a1', 'idp_id=corp', 'protocol_id=openid', 'idp_id=corp&unique_id=a1&name=alice'])
      expect([query, await found(query)]).toEqual([query, [id]])
    for (const query of [
      'unique_id=b2',
      'idp_id=other',
      'protocol_id=saml2',
      'idp_id=other&unique_id=a1',
      'unique_id=',
    ])
      expect([query, await found(query)]).toEqual([query, []])
  })

  test('is not taken for a user of ours of the same name, nor chooses groups by a name', async () => {
    const { domain_id } = (await admin.get(`${FEDERATION}/identity_providers/corp`)).body.identity_provider
    await make(admin, 'users', { name: 'alice', domain_id })
    expect((await enter(await sign({}))).body.token.user.name).toBe('alice (a1)')
    await make(admin, 'users', { name: 'carl', domain_id })
    await make(admin, 'users', { name: 'carl (c1)', domain_id })
    const { body } = await enter(await sign({ sub: 'c1', preferred_username: 'carl' }))
    expect(body.token.user.name).toBe(body.token.user.id)
    await map([
      { local: [{ user: { name: '{0}' } }], remote: [{ type: 'OIDC-name', any_one_of: ['x'] }, { type: 'OIDC-sub' }] },
    ])
    expect((await enter(await sign({ name: 'y;x' }))).status).toBe(401)
    expect((await enter(await sign({ name: 'x' }))).status).toBe(201)
  })
})

test('who is refused leaves nothing behind', async () => {
  const id = (await enter(await sign({}))).body.token.user.id
  const projects = async () => (await admin.get(`${V3}/projects`)).body.projects.map((row: { id: string }) => row.id)
  const kept = async () => [await admin.get(`${V3}/users/${id}`).then(({ body }) => body.user), await projects()]
  await admin.patch(`${V3}/users/${id}`, { user: { enabled: false } })
  const before = await kept()
  expect((await enter(await sign({ preferred_username: 'alison' }))).status).toBe(401)
  expect(await kept()).toEqual(before)
  const named = (role: string) => ({ name: `for ${role}`, roles: [{ name: role }] })
  const local = [{ user: { name: '{0}' } }, { projects: [named('member'), named('none')] }]
  await map([{ local, remote: [{ type: 'OIDC-preferred_username' }] }])
  expect((await enter(await sign({ sub: 'b1', preferred_username: 'bob' }))).status).toBe(401)
  expect(await projects()).toEqual(before[1])
})

test('who is refused with his whole domain leaves nothing behind', async () => {
  const { domain_id } = (await admin.get(`${FEDERATION}/identity_providers/corp`)).body.identity_provider
  expect((await admin.patch(`${V3}/domains/${domain_id}`, { domain: { enabled: false } })).status).toBe(200)
  expect((await enter(await sign({}))).status).toBe(401)
  expect((await admin.get(`${V3}/users?domain_id=${domain_id}`)).body.users).toEqual([])
})

test('a user who comes twice at once for the first time is one', async () => {
  await map([{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'OIDC-preferred_username' }] }])
  const token = await sign({})
  const { d1 } = plimsoll.host
  const batch = d1.batch.bind(d1)
  const users: string[] = []
  d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
    d1.batch = batch
    users.push((await enter(token)).body.token.user.id)
    return batch(statements)
  }) as typeof d1.batch
  const { status, body } = await enter(token)
  expect([status, [body.token.user.id]]).toEqual([201, users])
})

describe('a user of a provider who has to prove himself twice', () => {
  const SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
  const passcode = () => {
    const counter = Buffer.alloc(8)
    counter.writeBigUInt64BE(BigInt(Math.floor(plimsoll.clock.now / 30_000)))
    const mac = createHmac('sha1', '12345678901234567890').update(counter).digest()
    return String((mac.readUInt32BE(mac[19]! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
  }
  let alice: string
  beforeEach(async () => {
    alice = (await enter(await sign({}))).body.token.user.id
    await admin.post(`${V3}/credentials`, { credential: { type: 'totp', blob: SEED, user_id: alice } })
    const options = { multi_factor_auth_rules: [['openid', 'totp']] }
    expect((await admin.patch(`${V3}/users/${alice}`, { user: { options } })).status).toBe(200)
  })

  test('is given a receipt, and a token that is the provider’s for both', async () => {
    const half = await enter(await sign({}))
    expect([half.status, half.body.receipt.methods]).toEqual([401, ['openid']])
    const receipt = { 'Openstack-Auth-Receipt': half.headers.get('Openstack-Auth-Receipt')! }
    const identity = { methods: ['totp'], totp: { user: { id: alice, passcode: passcode() } } }
    const { status, body } = await plimsoll.nobody.post(`${V3}/auth/tokens`, { auth: { identity } }, receipt)
    expect([status, body.token.methods]).toEqual([201, ['totp', 'openid']])
    expect(body.token.user['OS-FEDERATION'].identity_provider).toEqual({ id: 'corp' })
    plimsoll.clock.advance(60_000)
    const alone = { methods: ['totp'], totp: { user: { id: alice, passcode: passcode() } } }
    expect((await plimsoll.nobody.post(`${V3}/auth/tokens`, { auth: { identity: alone } })).status).toBe(401)
  })

  test('is let in by no browser, which is asked for one proof', async () => {
    const path = `${V3}/auth/OS-FEDERATION/websso/openid?origin=${encodeURIComponent(DASHBOARD)}`
    const left = await plimsoll.nobody.get(path)
    const to = new URL(left.headers.get('Location')!)
    codes.good = await sign({ nonce: to.searchParams.get('nonce') })
    const [cookie] = left.headers.get('Set-Cookie')!.split(';')
    const back = `${V3}/auth/OS-FEDERATION/redirect?code=good&state=${to.searchParams.get('state')}`
    expect((await plimsoll.nobody.get(back, { Cookie: cookie! })).status).toBe(401)
  })
})

test('what a user is called says no more of projects than a name', async () => {
  const local = (projects_json: string) => [
    { local: [{ user: { name: '{0}' }, projects_json }], remote: [{ type: 'OIDC-preferred_username' }] },
  ]
  const named = (name: string) => [{ name, roles: [{ name: 'member' }] }]
  await map(local(JSON.stringify(named('of {0}'))), '3.0')
  const bad = `x","roles":[{"name":"admin"}]},{"name":"y`
  const { headers, status } = await enter(await sign({ preferred_username: bad }))
  expect(status).toBe(201)
  const who = plimsoll.bearer(headers.get('X-Subject-Token')!)
  expect((await who.get(`${FEDERATION}/projects`)).body.projects).toMatchObject([{ name: `of ${bad}` }])
  await map([{ ...local('{1}')[0], remote: [{ type: 'OIDC-preferred_username' }, { type: 'OIDC-projects' }] }], '3.0')
  const told = await enter(await sign({ projects: JSON.stringify(named('told')) }))
  const other = plimsoll.bearer(told.headers.get('X-Subject-Token')!)
  expect((await other.get(`${FEDERATION}/projects`)).body.projects).toMatchObject([{ name: 'told' }])
})

test('a mapping is refused that is none', async () => {
  for (const rules of [
    [],
    [{}],
    [{ local: [], remote: [] }],
    [{ local: [], remote: [{ type: 'a', any_one_of: ['('], regex: true }] }],
  ])
    expect((await map(rules)).status).toBe(400)
  expect((await map(RULES, '9.0')).status).toBe(400)
  expect((await plimsoll.as('demo').get(`${FEDERATION}/mappings`)).status).toBe(403)
})

test('a browser is sent to the provider and back, and its token to a dashboard that is trusted', async () => {
  const path = `${V3}/auth/OS-FEDERATION/websso/openid`
  expect((await plimsoll.nobody.get(path)).status).toBe(400)
  expect((await plimsoll.nobody.get(`${path}?origin=https://evil.example.org/`)).status).toBe(401)
  const left = await plimsoll.nobody.get(`${path}?origin=${encodeURIComponent(DASHBOARD)}`)
  const to = new URL(left.headers.get('Location')!)
  expect([left.status, to.origin + to.pathname, to.searchParams.get('code_challenge_method')]).toEqual([
    302,
    `${ISSUER}/auth`,
    'S256',
  ])
  const [cookie] = left.headers.get('Set-Cookie')!.split(';')
  const state = to.searchParams.get('state')!
  codes.good = await sign({ nonce: to.searchParams.get('nonce') })
  const back = `${V3}/auth/OS-FEDERATION/redirect?code=good&state=${state}`
  expect((await plimsoll.nobody.get(back)).status).toBe(401)
  const page = await plimsoll.nobody.get(back, { Cookie: cookie! })
  expect([page.status, page.headers.get('Content-Security-Policy')]).toEqual([
    200,
    expect.stringContaining("default-src 'none'"),
  ])
  expect(String(page.body)).toContain(`action="${DASHBOARD}"`)
  expect(asked.at(-1)?.form.get('code_verifier')).toMatch(/^[\w-]{43}$/)
  expect((await plimsoll.nobody.get(back, { Cookie: cookie! })).status).toBe(401)
})

test('a login that was begun by another name of the host tells that name nothing', async () => {
  for (const host of ['http://evil.example.org', 'http://plimsoll.test:9999']) {
    const begun = `${host}${V3}/auth/OS-FEDERATION/websso/openid?origin=${encodeURIComponent(`${host}/`)}&console=${'e'.repeat(43)}`
    const left = await plimsoll.nobody.get(begun)
    expect(left.status).toBe(302)
    const to = new URL(left.headers.get('Location')!)
    codes.good = await sign({ nonce: to.searchParams.get('nonce') })
    const [Cookie = ''] = left.headers.get('Set-Cookie')!.split(';')
    const back = `${V3}/auth/OS-FEDERATION/redirect?code=good&state=${to.searchParams.get('state')}`
    const { status, body } = await plimsoll.nobody.get(back, { Cookie })
    expect([status, JSON.stringify(body)]).toEqual([401, expect.stringContaining('is not a trusted dashboard host')])
  }
})

test('a browser is sent back to our own console with a session, and no form hands a token over', async () => {
  const SESSION = '/broker/v1/session'
  const key = 'k'.repeat(43)
  const ours = { 'X-Plimsoll-Console': key }
  const { logins } = (await plimsoll.nobody.get(SESSION, ours)).body
  expect(logins).toEqual([{ identity_provider: 'corp', protocol: 'openid' }])
  const begin = `${V3}/auth/OS-FEDERATION/identity_providers/corp/protocols/openid/websso?origin=`
  for (const origin of ['http://plimsoll.test', 'http://plimsoll.test/other', 'http://plimsoll.test.evil.example.org/'])
    expect((await plimsoll.nobody.get(begin + encodeURIComponent(origin))).status).toBe(401)
  const path = begin + encodeURIComponent('http://plimsoll.test/')
  expect((await plimsoll.nobody.get(path)).status, 'without the key of a page').toBe(400)
  const elsewhere = { 'Sec-Fetch-Site': 'same-site' }
  expect((await plimsoll.nobody.get(`${path}&console=${key}`, elsewhere)).status, 'from another page').toBe(401)
  const left = await plimsoll.nobody.get(`${path}&console=${key}`, { 'Sec-Fetch-Site': 'same-origin' })
  const to = new URL(left.headers.get('Location')!)
  codes.good = await sign({ nonce: to.searchParams.get('nonce') })
  const [cookie] = left.headers.get('Set-Cookie')!.split(';')
  const back = `${V3}/auth/OS-FEDERATION/redirect?code=good&state=${to.searchParams.get('state')}`
  const { status, headers, body } = await plimsoll.nobody.get(back, { Cookie: cookie! })
  expect([status, headers.get('Location'), body]).toEqual([303, 'http://plimsoll.test/', null])
  const session = headers.getSetCookie().find((each) => each.startsWith('plimsoll-console='))!
  expect(session).toMatch(/; HttpOnly; SameSite=Strict$/)
  const other = { 'X-Plimsoll-Console': 'o'.repeat(43), Cookie: session.split(';')[0]! }
  expect((await plimsoll.nobody.get(SESSION, other)).body.session, 'with another key').toBeNull()
  const kept = await plimsoll.nobody.get(SESSION, { ...ours, Cookie: session.split(';')[0]! })
  const alice = plimsoll.bearer(kept.body.session.token)
  expect((await alice.get(`${V3}/auth/projects`)).body.projects).toMatchObject([{ name: 'of alice' }])
})
