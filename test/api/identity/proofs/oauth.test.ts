import { createHmac } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, ORIGIN, type Plimsoll, startPlimsoll } from '../../../support/harness.ts'
import { V3 } from '../support.ts'

let plimsoll: Plimsoll
let admin: Client
let demo: Client
let consumer: { id: string; secret: string }
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
  consumer = (await admin.post(`${V3}/OS-OAUTH1/consumers`, { consumer: { description: 'a program' } })).body.consumer
})

const escaped = (text: string) =>
  encodeURIComponent(text).replace(/[!\x27()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
let nonces = 0

/** The header with which a client signs a POST, as RFC 5849 has it; not by what is tested. */
const sign = (path: string, more: Record<string, string> = {}, tokenSecret = '', secret = consumer.secret) => {
  const oauth: Record<string, string> = {
    oauth_consumer_key: consumer.id,
    oauth_nonce: `${1000 + nonces++}`,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(Math.floor(plimsoll.clock.now / 1000)),
    oauth_version: '1.0',
    ...more,
  }
  const pairs = Object.entries(oauth)
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
  const base = ['POST', ORIGIN + path, pairs.join('&')].map(escaped).join('&')
  const signature = createHmac('sha1', `${escaped(secret)}&${escaped(tokenSecret)}`)
    .update(base)
    .digest('base64')
  const said = Object.entries({ ...oauth, oauth_signature: signature }).map(([n, v]) => `${n}="${escaped(v)}"`)
  return { Authorization: `OAuth ${said.join(', ')}` }
}
const ask = `${V3}/OS-OAUTH1/request_token`
const fetchAccess = `${V3}/OS-OAUTH1/access_token`
const tokens = `${V3}/auth/tokens`
const formOf = (body: string) => Object.fromEntries(new URLSearchParams(body))

const request = async () => {
  const headers = { ...sign(ask, { oauth_callback: 'oob' }), 'Requested-Project-Id': plimsoll.projectId('demo') }
  const { status, body } = await plimsoll.nobody.post(ask, undefined, headers)
  expect(status).toBe(201)
  return formOf(body) as { oauth_token: string; oauth_token_secret: string }
}
const agree = (id: string, role = 'member', who = demo) =>
  who.put(`${V3}/OS-OAUTH1/authorize/${id}`, { roles: [{ id: plimsoll.roleId(role) }] })
const access = async () => {
  const { oauth_token, oauth_token_secret } = await request()
  const { body } = await agree(oauth_token)
  const said = { oauth_token, oauth_verifier: body.token.oauth_verifier }
  const given = await plimsoll.nobody.post(fetchAccess, undefined, sign(fetchAccess, said, oauth_token_secret))
  expect(given.status).toBe(201)
  return formOf(given.body) as { oauth_token: string; oauth_token_secret: string }
}
const logIn = (given: { oauth_token: string; oauth_token_secret: string }, scope?: object) =>
  plimsoll.nobody.post(
    tokens,
    { auth: { identity: { methods: ['oauth1'], oauth1: {} }, ...(scope ? { scope } : {}) } },
    sign(tokens, { oauth_token: given.oauth_token }, given.oauth_token_secret),
  )

describe('consumers', () => {
  test('are told their secret once, changed, listed and removed', async () => {
    expect(consumer.secret).toMatch(/^[0-9a-f]{32}$/)
    const path = `${V3}/OS-OAUTH1/consumers/${consumer.id}`
    const { body } = await admin.get(path)
    expect(body.consumer).toMatchObject({ id: consumer.id, description: 'a program' })
    expect(JSON.stringify(body)).not.toContain(consumer.secret)
    expect(JSON.stringify(await plimsoll.db.all(sql`select * from consumers`))).not.toContain(consumer.secret)
    const changed = await admin.patch(path, { consumer: { description: 'another', more: 1 } })
    expect(changed.body.consumer).toMatchObject({ description: 'another', more: 1 })
    expect((await admin.patch(path, { consumer: { secret: 'x' } })).status).toBe(400)
    expect((await admin.get(`${V3}/OS-OAUTH1/consumers`)).body.consumers).toMatchObject([{ id: consumer.id }])
    expect((await demo.get(path)).status).toBe(403)
    expect((await admin.delete(path)).status).toBe(204)
    expect((await admin.get(path)).body.error.message).toBe('Consumer not found')
  })
})

describe('a program that a user gave access', () => {
  test('may bear its secrets in place of a signature', async () => {
    const given = await access()
    const bearing = async (secret: string) => {
      const oauth: Record<string, string> = {
        oauth_consumer_key: consumer.id,
        oauth_token: given.oauth_token,
        oauth_nonce: `${1000 + nonces++}`,
        oauth_timestamp: String(Math.floor(plimsoll.clock.now / 1000)),
        oauth_signature_method: 'PLAINTEXT',
        oauth_signature: `${escaped(consumer.secret)}&${escaped(secret)}`,
      }
      const said = Object.entries(oauth).map(([name, value]) => `${name}="${escaped(value)}"`)
      const identity = { methods: ['oauth1'], oauth1: {} }
      return plimsoll.nobody.post(tokens, { auth: { identity } }, { Authorization: `OAuth ${said.join(', ')}` })
    }
    expect((await bearing(given.oauth_token_secret)).status).toBe(201)
    expect((await bearing(given.oauth_token_secret.slice(1))).status).toBe(401)
    expect((await bearing('')).status).toBe(401)
  })

  test('acts in the project with the roles that were given, and with no other', async () => {
    const { status, headers, body } = await logIn(await access())
    expect([status, body.token.methods, body.token.project.id]).toEqual([201, ['oauth1'], plimsoll.projectId('demo')])
    expect(body.token.user.id).toBe(plimsoll.userId('demo'))
    expect(body.token.roles.map(({ name }: { name: string }) => name)).toEqual(['member', 'reader'])
    expect(body.token['OS-OAUTH1']).toMatchObject({ consumer_id: consumer.id })
    const who = plimsoll.bearer(headers.get('X-Subject-Token')!)
    expect((await who.get('/compute/v2.1/servers')).status).toBe(200)
    const again = { auth: { identity: { methods: ['token'], token: { id: headers.get('X-Subject-Token') } } } }
    expect((await plimsoll.nobody.post(tokens, again)).status).toBe(403)
    const user = `${V3}/users/${plimsoll.userId('demo')}`
    expect((await who.post(`${user}/application_credentials`, { application_credential: { name: 'x' } })).status).toBe(
      403,
    )
    expect((await who.post(`${user}/credentials/OS-EC2`, { tenant_id: plimsoll.projectId('demo') })).status).toBe(403)
  })

  test('is lent nothing that others lend its user', async () => {
    const trust = {
      ...{ trustor_user_id: plimsoll.userId('admin'), trustee_user_id: plimsoll.userId('demo'), impersonation: true },
      ...{ project_id: plimsoll.projectId('admin'), roles: [{ id: plimsoll.roleId('admin') }] },
    }
    const { status, body } = await admin.post(`${V3}/OS-TRUST/trusts`, { trust })
    expect(status).toBe(201)
    const scope = { 'OS-TRUST:trust': { id: body.trust.id } }
    expect((await logIn(await access(), scope)).status).toBe(403)
  })

  test('has none any more when it is taken, or the program goes', async () => {
    const given = await access()
    const { headers } = await logIn(given)
    const who = plimsoll.bearer(headers.get('X-Subject-Token')!)
    const many = `${V3}/users/${plimsoll.userId('demo')}/OS-OAUTH1/access_tokens`
    const { body } = await demo.get(many)
    expect(body.access_tokens).toMatchObject([{ id: given.oauth_token, consumer_id: consumer.id }])
    const one = `${many}/${given.oauth_token}`
    expect((await demo.get(one)).body.access_token.project_id).toBe(plimsoll.projectId('demo'))
    expect((await demo.get(`${one}/roles`)).body.roles).toMatchObject([{ name: 'member' }])
    expect((await demo.get(`${one}/roles/${plimsoll.roleId('member')}`)).status).toBe(200)
    expect((await demo.get(`${one}/roles/${plimsoll.roleId('admin')}`)).status).toBe(404)
    expect((await who.get(many)).status).toBe(403)
    expect((await demo.delete(one)).status).toBe(204)
    plimsoll.clock.advance(5_001)
    expect((await who.get('/compute/v2.1/servers')).status).toBe(401)
    expect((await logIn(given)).status).toBe(401)
    const other = await access()
    await admin.delete(`${V3}/OS-OAUTH1/consumers/${consumer.id}`)
    expect((await logIn(other)).status).toBe(401)
  })

  test('is one of as many as a user may let act at once', async () => {
    await plimsoll.db.run(sql`insert into access_tokens (id, consumer_id, secret, user_id, project_id, roles, expires_at)
      with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
      select 'given' || i, 'c', 'x', ${plimsoll.userId('demo')}, 'p', '[]', ${plimsoll.clock.now + 1000} from n`)
    const { oauth_token, oauth_token_secret } = await request()
    const { body } = await agree(oauth_token)
    const said = { oauth_token, oauth_verifier: body.token.oauth_verifier }
    const take = () => plimsoll.nobody.post(fetchAccess, undefined, sign(fetchAccess, said, oauth_token_secret))
    expect((await take()).status).toBe(403)
    plimsoll.clock.advance(1001)
    expect((await take()).status).toBe(201)
  })

  test('is let in by a signature once, and by none that is not its own or is old', async () => {
    const given = await access()
    const body = { auth: { identity: { methods: ['oauth1'], oauth1: {} } } }
    const headers = sign(tokens, { oauth_token: given.oauth_token }, given.oauth_token_secret)
    expect((await plimsoll.nobody.post(tokens, body, headers)).status).toBe(201)
    expect((await plimsoll.nobody.post(tokens, body, headers)).status).toBe(401)
    const wrong = [
      sign(tokens, { oauth_token: given.oauth_token }, 'x'),
      sign(tokens, { oauth_token: given.oauth_token }, given.oauth_token_secret, 'x'),
      sign(`${tokens}/`, { oauth_token: given.oauth_token }, given.oauth_token_secret),
      sign(tokens, { oauth_token: 'none' }, given.oauth_token_secret),
      sign(tokens, { oauth_token: given.oauth_token, oauth_signature_method: 'PLAINTEXT' }, given.oauth_token_secret),
      sign(tokens, { oauth_token: given.oauth_token, oauth_timestamp: '1' }, given.oauth_token_secret),
    ]
    for (const each of wrong) expect((await plimsoll.nobody.post(tokens, body, each)).status).toBe(401)
    expect((await plimsoll.nobody.post(tokens, body)).status).toBe(400)
    plimsoll.clock.advance(86_400_001)
    expect((await logIn(given)).body.error.message).toBe('Access token is expired')
  })
})

describe('a request for access', () => {
  test('is agreed to by who has the roles, and given once to who was told so', async () => {
    const { oauth_token, oauth_token_secret } = await request()
    const early = sign(fetchAccess, { oauth_token, oauth_verifier: 'abcdefgh' }, oauth_token_secret)
    expect((await plimsoll.nobody.post(fetchAccess, undefined, early)).status).toBe(401)
    expect((await agree(oauth_token, 'admin')).body.error.message).toBe('authorizing user does not have role required')
    expect((await agree('none')).status).toBe(404)
    const { oauth_verifier } = (await agree(oauth_token)).body.token
    expect(oauth_verifier).toMatch(/^[A-Za-z0-9]{8}$/)
    const fetched = (more: object = {}) =>
      plimsoll.nobody.post(
        fetchAccess,
        undefined,
        sign(fetchAccess, { oauth_token, oauth_verifier, ...more }, oauth_token_secret),
      )
    expect((await fetched({ oauth_verifier: 'abcdefgh' })).status).toBe(401)
    expect((await fetched()).status).toBe(201)
    expect((await fetched()).status).toBe(404)
    plimsoll.clock.advance(28_800_001)
    const late = await plimsoll.nobody.post(ask, undefined, { ...sign(ask), 'Requested-Project-Id': 'none' })
    expect(late.status).toBe(404)
  })

  test('is not taken without a signature, a consumer or a project', async () => {
    const project = { 'Requested-Project-Id': plimsoll.projectId('demo') }
    expect((await plimsoll.nobody.post(ask, undefined, project)).status).toBe(400)
    expect((await plimsoll.nobody.post(ask, undefined, sign(ask))).status).toBe(400)
    const wrong = { ...sign(ask, {}, '', 'wrong'), ...project }
    expect((await plimsoll.nobody.post(ask, undefined, wrong)).status).toBe(401)
    const { oauth_token } = await request()
    plimsoll.clock.advance(28_800_001)
    expect((await agree(oauth_token)).body.error.message).toBe('Request token is expired')
  })
})
