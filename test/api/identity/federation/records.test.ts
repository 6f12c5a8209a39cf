import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../../support/harness.ts'
import { V3 } from '../support.ts'

const FEDERATION = `${V3}/OS-FEDERATION`
const DASHBOARD = 'https://horizon.example.org/auth/websso/'
const rules = [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'OIDC-sub' }] }]

let plimsoll: Plimsoll
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [], settings: { trustedDashboards: [DASHBOARD] } })
  admin = plimsoll.as('admin')
})
const ids = (rows: { id: string }[]) => rows.map(({ id }) => id)
const absent = async (path: string) => expect([path, (await admin.get(path)).status]).toEqual([path, 404])

describe('an identity provider and how it is spoken with', () => {
  beforeEach(async () => {
    await admin.put(`${FEDERATION}/mappings/m`, { mapping: { rules, schema_version: '1.0' } })
    await admin.put(`${FEDERATION}/identity_providers/corp`, { identity_provider: { enabled: true } })
  })

  test('is listed, found by its id, and gone with its protocols when it is deleted', async () => {
    await admin.put(`${FEDERATION}/identity_providers/home`, { identity_provider: { remote_ids: ['https://home'] } })
    const found = async (query: string) =>
      ids((await admin.get(`${FEDERATION}/identity_providers?${query}`)).body.identity_providers).sort()
    expect([await found(''), await found('id=home'), await found('enabled=true'), await found('id=none')]).toEqual([
      ...[['corp', 'home'], ['home'], ['corp'], []],
    ])
    const again = await admin.put(`${FEDERATION}/identity_providers/home`, { identity_provider: {} })
    expect(again.status).toBe(409)
    const protocol = { mapping_id: 'm' }
    await admin.put(`${FEDERATION}/identity_providers/home/protocols/openid`, { protocol })
    expect((await admin.delete(`${FEDERATION}/identity_providers/home`)).status).toBe(204)
    await absent(`${FEDERATION}/identity_providers/home`)
    await absent(`${FEDERATION}/identity_providers/home/protocols/openid`)
    expect((await admin.delete(`${FEDERATION}/identity_providers/home`)).status).toBe(404)
  })

  test('that is refused leaves no domain behind', async () => {
    const remote_ids = ['https://one']
    await admin.put(`${FEDERATION}/identity_providers/one`, { identity_provider: { remote_ids } })
    const before = ids((await admin.get(`${V3}/domains`)).body.domains)
    const refused = await admin.put(`${FEDERATION}/identity_providers/two`, { identity_provider: { remote_ids } })
    const wrong = { identity_provider: { remote_ids: ['x', 'x'] } }
    expect((await admin.put(`${FEDERATION}/identity_providers/three`, wrong)).status).toBe(400)
    expect([refused.status, ids((await admin.get(`${V3}/domains`)).body.domains)]).toEqual([409, before])
  })

  test('has protocols, each with a mapping that there is', async () => {
    const none = await admin.put(`${FEDERATION}/identity_providers/corp/protocols/openid`, {
      protocol: { mapping_id: 'none' },
    })
    expect([none.status, none.body.error.message]).toEqual([400, 'Could not find mapping: none.'])
    const made = await admin.put(`${FEDERATION}/identity_providers/corp/protocols/openid`, {
      protocol: { mapping_id: 'm' },
    })
    expect([made.status, made.body.protocol]).toMatchObject([201, { id: 'openid', mapping_id: 'm' }])
    expect((await admin.get(`${FEDERATION}/identity_providers/corp/protocols`)).body.protocols).toMatchObject([
      { id: 'openid', mapping_id: 'm' },
    ])
    expect((await admin.get(`${FEDERATION}/identity_providers/corp/protocols/openid`)).body.protocol.id).toBe('openid')
    await admin.put(`${FEDERATION}/mappings/n`, { mapping: { rules, schema_version: '1.0' } })
    const changed = await admin.patch(`${FEDERATION}/identity_providers/corp/protocols/openid`, {
      protocol: { mapping_id: 'n' },
    })
    expect([changed.status, changed.body.protocol.mapping_id]).toEqual([200, 'n'])
    expect((await admin.delete(`${FEDERATION}/mappings/n`)).status).toBe(409)
    expect((await admin.delete(`${FEDERATION}/identity_providers/corp/protocols/openid`)).status).toBe(204)
    await absent(`${FEDERATION}/identity_providers/corp/protocols/openid`)
    expect((await admin.delete(`${FEDERATION}/mappings/n`)).status).toBe(204)
    await absent(`${FEDERATION}/mappings/n`)
  })

  test('lets no browser in by a protocol that it has not', async () => {
    const origin = `origin=${encodeURIComponent(DASHBOARD)}`
    const asked = await plimsoll.nobody.get(
      `${V3}/auth/OS-FEDERATION/identity_providers/corp/protocols/openid/websso?${origin}`,
    )
    const posted = await plimsoll.nobody.post(
      `${V3}/auth/OS-FEDERATION/identity_providers/corp/protocols/openid/websso?${origin}`,
    )
    expect([asked.status, posted.status]).toEqual([404, 404])
  })
})

test("other clouds of an operator's are kept, changed and shown to whoever administrates", async () => {
  const urls = { auth_url: 'https://other.example.org/v3/auth', sp_url: 'https://other.example.org/sso' }
  const made = await admin.put(`${FEDERATION}/service_providers/other`, { service_provider: urls })
  expect([made.status, made.body.service_provider]).toMatchObject([
    201,
    { ...urls, id: 'other', enabled: false, description: null, relay_state_prefix: 'ss:mem:' },
  ])
  const shown = await admin.get(`${FEDERATION}/service_providers/other`)
  expect(shown.body).toEqual(made.body)
  const listed = await admin.get(`${FEDERATION}/service_providers`)
  expect(ids(listed.body.service_providers)).toEqual(['other'])
  const changed = await admin.patch(`${FEDERATION}/service_providers/other`, { service_provider: { enabled: true } })
  expect([changed.status, changed.body.service_provider]).toMatchObject([200, { ...urls, enabled: true }])
  const token = await plimsoll.as('demo').token()
  const auth = { identity: { methods: ['token'], token: { id: token } }, scope: 'unscoped' }
  const logIn = async () => (await plimsoll.nobody.post(`${V3}/auth/tokens`, { auth })).body.token
  expect((await logIn()).service_providers).toEqual([{ id: 'other', ...urls }])
  const own = await plimsoll.as('demo').get(`${V3}/auth/tokens?nocatalog`, { 'X-Subject-Token': token })
  expect(own.body.token.service_providers).toEqual([{ id: 'other', ...urls }])
  await admin.patch(`${FEDERATION}/service_providers/other`, { service_provider: { enabled: false } })
  expect(await logIn()).not.toHaveProperty('service_providers')
  expect((await admin.put(`${FEDERATION}/service_providers/other`, { service_provider: urls })).status).toBe(409)
  const wrong = { service_provider: { ...urls, sp_url: 'no address' } }
  expect((await admin.put(`${FEDERATION}/service_providers/wrong`, wrong)).status).toBe(400)
  expect((await plimsoll.as('demo').get(`${FEDERATION}/service_providers/other`)).status).toBe(403)
  expect((await admin.delete(`${FEDERATION}/service_providers/other`)).status).toBe(204)
  await absent(`${FEDERATION}/service_providers/other`)
})
