import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { make, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
let path: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  path = `${V3}/domains/${(await make(admin, 'domains', { name: 'other' })).id}/config`
})

const LDAP = { url: 'ldap://example.org', user_tree_dn: 'ou=people', password: 'what nobody is shown' }

test('what is kept of a domain is shown whole, by group and by option, without passwords', async () => {
  expect((await admin.get(path)).body.error.message).toMatch(/^Could not find any options in domain configuration/)
  const made = await admin.put(path, { config: { identity: { driver: 'ldap' }, ldap: LDAP } })
  const shown = { identity: { driver: 'ldap' }, ldap: { url: 'ldap://example.org', user_tree_dn: 'ou=people' } }
  expect([made.status, made.body.config]).toEqual([201, shown])
  expect((await admin.get(path)).body.config).toEqual(shown)
  expect((await admin.get(`${path}/ldap`)).body.config).toEqual({ ldap: shown.ldap })
  expect((await admin.get(`${path}/ldap/url`)).body.config).toEqual({ url: 'ldap://example.org' })
  expect((await admin.get(`${path}/ldap/password`)).status).toBe(404)
  const rows = await plimsoll.db.all(sql`select config from domain_configs`)
  expect(JSON.stringify(rows)).not.toMatch(/nobody|example/)
  expect((await admin.put(path, { config: { identity: { driver: 'sql' } } })).status).toBe(200)
  expect((await admin.get(path)).body.config).toEqual({ identity: { driver: 'sql' } })
})

test('it is changed and removed by the part', async () => {
  await admin.put(path, { config: { identity: { driver: 'ldap' }, ldap: LDAP } })
  const change = { config: { ldap: { url: 'ldap://elsewhere', user: 'cn=me' } } }
  expect((await admin.patch(path, change)).body.config.ldap).toMatchObject({ url: 'ldap://elsewhere', user: 'cn=me' })
  const group = await admin.patch(`${path}/identity`, { config: { identity: { driver: 'sql', list_limit: 5 } } })
  expect(group.body.config.identity).toEqual({ driver: 'sql', list_limit: 5 })
  const domain = path.split('/').at(-2)
  const option = await admin.patch(`${V3}/domains/${domain}/config/identity/driver`, { config: { driver: 'x' } })
  expect(option.body.config.identity).toEqual({ driver: 'x', list_limit: 5 })
  expect((await admin.delete(`${V3}/domains/${domain}/config/identity/driver`)).status).toBe(204)
  expect((await admin.get(`${path}/identity/driver`)).status).toBe(404)
  expect((await admin.patch(`${path}/identity/driver`, { config: { driver: 'y' } })).status).toBe(404)
  expect((await admin.delete(`${path}/identity`)).status).toBe(204)
  expect((await admin.get(`${path}/identity`)).status).toBe(404)
  expect((await admin.delete(path)).status).toBe(204)
  expect((await admin.get(path)).status).toBe(404)
})

test('nothing is taken that is no option, and no one but an administrator is told', async () => {
  const wrong: [string, unknown][] = [
    [path, {}],
    [path, { other: { a: 1 } }],
    [path, { ldap: { other: 1 } }],
    [path, { ldap: 'x' }],
    [`${path}/ldap`, { identity: { driver: 'x' } }],
    [`${path}/ldap/url`, { user: 'x' }],
    [`${path}/constructor`, { constructor: { a: 1 } }],
  ]
  for (const [at, config] of wrong) expect([at, (await admin.patch(at, { config })).status]).toEqual([at, 403])
  expect((await admin.put(path, { config: 1 })).status).toBe(400)
  expect((await admin.get(`${path}/other`)).status).toBe(403)
  expect((await admin.get(`${V3}/domains/none/config`)).status).toBe(404)
  const demo = plimsoll.as('demo')
  for (const at of [path, `${path}/ldap`]) expect((await demo.get(at)).status).toBe(403)
  expect((await demo.put(path, { config: { ldap: LDAP } })).status).toBe(403)
})

test('defaults are told, and to everybody that nothing is asked of passwords', async () => {
  const { config } = (await admin.get(`${V3}/domains/config/default`)).body
  expect(config.identity).toMatchObject({ driver: 'sql' })
  expect((await admin.get(`${V3}/domains/config/ldap/default`)).body.config.ldap).toEqual(config.ldap)
  expect((await admin.get(`${V3}/domains/config/ldap/url/default`)).body.config).toEqual({ url: 'ldap://localhost' })
  expect((await admin.get(`${V3}/domains/config/ldap/password/default`)).status).toBe(403)
  const demo = plimsoll.as('demo')
  const compliance = `${V3}/domains/default/config/security_compliance`
  expect((await demo.get(compliance)).body.config.security_compliance).toHaveProperty('password_regex', null)
  expect((await demo.get(`${compliance}/password_regex`)).body.config).toEqual({ password_regex: null })
  expect((await demo.get(`${compliance}/other`)).status).toBe(403)
  expect((await demo.get(`${path}/security_compliance`)).status).toBe(403)
})
