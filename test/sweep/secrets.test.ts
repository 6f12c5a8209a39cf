import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { sweepLeftovers } from '../../functions/janitor.ts'
import { openHost } from '../../functions/runtime/host.ts'
import { type Answer, type Client, type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { pathOf, type Route, titleOf, versionHeader, versionOf } from './calls.ts'

/** Every secret that users and operators hand over, or are handed, is planted, and looked for wherever it must not be. */

const NOVA = '/compute/v2.1'
let plimsoll: Plimsoll
let admin: Client
let demo: Client
const known = new Map<string, string>()
const told: { what: string; text: string }[] = []

/** A word that stands nowhere else. */
const canary = (what: string): string => {
  const word = `cAnArY${crypto.randomUUID().replaceAll('-', '')}`
  known.set(what, word)
  return word
}
const learn = (what: string, secret: string): void => {
  expect(secret?.length, what).toBeGreaterThan(7)
  known.set(what, secret)
}

/** An answer that the secret is not for. */
const heard = (what: string, answer: Answer): Answer => {
  told.push({ what, text: `${JSON.stringify([...answer.headers])} ${JSON.stringify(answer.body)}` })
  return answer
}
const ok = (answer: Answer): Answer => {
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer
}
/** Which of the secrets stand in a text. */
const found = (text: string): string[] => [...known].flatMap(([what, secret]) => (text.includes(secret) ? [what] : []))

const rows = async (): Promise<string> => {
  const tables = await plimsoll.db.all<{ name: string }>(
    sql`select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like '_cf_%'`,
  )
  expect(tables.length).toBeGreaterThan(20)
  const parts = tables.map(async ({ name }) =>
    JSON.stringify(await plimsoll.db.all(sql.raw(`select * from "${name}"`))),
  )
  return (await Promise.all(parts)).join('\n')
}
const clouds = async () => JSON.stringify(await plimsoll.host.cloudState.list('', 10_000))

/** A statement fails in the middle of a request that carries secrets. */
const broken = async (table: string, ask: () => Promise<Answer>): Promise<void> => {
  await plimsoll.db.run(sql.raw(`alter table ${table} rename to ${table}_away`))
  try {
    expect(heard(`without ${table}`, await ask()).status).toBe(500)
  } finally {
    await plimsoll.db.run(sql.raw(`alter table ${table}_away rename to ${table}`))
  }
}

const passwords = async () => {
  const user = { name: 'eve', password: canary('the password of a new user') }
  const { id } = heard('user', ok(await admin.post('/identity/v3/users', { user }))).body.user
  const changed = { user: { password: canary('a password set by an administrator') } }
  heard('user changed', ok(await admin.patch(`/identity/v3/users/${id}`, changed)))
  const by = (password: string) => ({
    auth: { identity: { methods: ['password'], password: { user: { id, password } } } },
  })
  const [first, second] = [known.get('a password set by an administrator')!, canary('a password of her own')]
  const token = ok(await plimsoll.nobody.post('/identity/v3/auth/tokens', by(first)))
  learn('a token', token.headers.get('X-Subject-Token')!)
  heard('wrong login', await plimsoll.nobody.post('/identity/v3/auth/tokens', by(canary('a mistyped password'))))
  const own = { user: { original_password: first, password: second } }
  const self = plimsoll.bearer(known.get('a token')!)
  heard('own password', ok(await self.post(`/identity/v3/users/${id}/password`, own)))
  heard(
    'no password',
    await admin.post('/identity/v3/users', { user: { name: 'x', password: [canary('a password in a list')] } }),
  )
  await broken('users', () =>
    admin.post('/identity/v3/users', { user: { name: 'mallory', password: canary('a password that was not kept') } }),
  )
}

const applicationCredentials = async () => {
  const path = `/identity/v3/users/${plimsoll.userId('demo')}/application_credentials`
  const ask = (wish: object, headers = {}) => demo.post(path, { application_credential: wish }, headers)
  const by = (id: string, secret: string) => ({
    auth: { identity: { methods: ['application_credential'], application_credential: { id, secret } } },
  })
  const made = ok(await ask({ name: 'made' }, { 'Idempotency-Key': 'credential-1' })).body.application_credential
  learn('a secret that was made', made.secret)
  const secret = canary('a secret that was chosen')
  const { id } = ok(await ask({ name: 'chosen', secret })).body.application_credential
  for (const login of [by(made.id, made.secret), by(id, secret)])
    heard('login', ok(await plimsoll.nobody.post('/identity/v3/auth/tokens', login)))
  heard('wrong secret', await plimsoll.nobody.post('/identity/v3/auth/tokens', by(id, canary('a mistyped secret'))))
  heard('no secret', await ask({ name: 'x', secret: [canary('a secret in a list')] }))
  heard('taken', await ask({ name: 'made', secret: canary('a secret of a name that is taken') }))
  heard('odd', await ask({ name: 'x', password: canary('a secret under another name') }))
  await broken('application_credentials', () => ask({ name: 'lost', secret: canary('a secret that was not kept') }))
}

const credentials = async () => {
  const cloud = (secret: string) => ({
    name: 'east',
    type: 'aws',
    region: 'us-east-1',
    credentials: { access_key_id: 'AKIAEXAMPLE', secret_access_key: secret },
  })
  heard('cloud', ok(await admin.post('/broker/v1/clouds', { cloud: cloud(canary('credentials of a cloud')) })))
  const { credentials } = cloud(canary('other credentials of a cloud'))
  heard('cloud changed', ok(await admin.patch('/broker/v1/clouds/east', { cloud: { credentials } })))
  heard(
    'cloud refused',
    await admin.post('/broker/v1/clouds', { cloud: { ...cloud(canary('refused credentials')), type: 'abacus' } }),
  )
  heard(
    'bad shape',
    await admin.patch('/broker/v1/clouds/east', { cloud: { credentials: canary('credentials as a text') } }),
  )
  await broken('clouds', () =>
    admin.post('/broker/v1/clouds', { cloud: cloud(canary('credentials that were not kept')) }),
  )
}

const servers = async () => {
  const network = ok(await demo.post('/network/v2.0/networks', { network: {} })).body.network.id
  const subnet = { network_id: network, ip_version: 4, cidr: '10.0.0.0/24' }
  ok(await demo.post('/network/v2.0/subnets', { subnet }))
  const { images } = (await demo.get('/image/v2/images?name=sandbox-linux')).body
  const wish = { name: 's', flavorRef: '1', imageRef: images[0].id, networks: [{ uuid: network }] }
  const key = { 'Idempotency-Key': 'order-1' }

  const pair = ok(await demo.post(`${NOVA}/os-keypairs`, { keypair: { name: 'made' } }, key)).body.keypair
  learn('a private key', pair.private_key.replaceAll('\n', '\\n').slice(100, 160))
  const data = canary('user data')
  learn('user data in base64', btoa(`#!/bin/sh\necho ${data}`))
  const server = {
    ...wish,
    key_name: 'made',
    user_data: known.get('user data in base64'),
    adminPass: canary('a password of a guest'),
  }
  const made = ok(await demo.post(`${NOVA}/servers`, { server }, key)).body.server
  const other = ok(
    await demo.post(`${NOVA}/servers`, { server: { ...wish, user_data: btoa(canary('other user data')) } }),
  ).body.server
  learn('a password made for a guest', other.adminPass)
  known.set('other user data in base64', btoa(known.get('other user data')!))
  await plimsoll.settle()
  const rebuild = { imageRef: images[0].id, adminPass: canary('a password of a rebuilt guest') }
  ok(await demo.post(`${NOVA}/servers/${made.id}/action`, { rebuild }, { 'Idempotency-Key': 'order-2' }))
  await plimsoll.settle()

  const refused = async (more: object) =>
    heard('server refused', await demo.post(`${NOVA}/servers`, { server: { ...wish, ...more } }))
  const personality = [{ path: '/x', contents: btoa(canary('an injected file')) }]
  const injected = { server: { ...wish, personality } }
  ok(await demo.post(`${NOVA}/servers`, injected, { 'OpenStack-API-Version': 'compute 2.56' }))
  known.set('an injected file in base64', btoa(known.get('an injected file')!))
  const sixth = { server: { ...wish, personality: Array.from({ length: 6 }, () => personality[0]) } }
  expect((await demo.post(`${NOVA}/servers`, sixth, { 'OpenStack-API-Version': 'compute 2.56' })).status).toBe(403)
  expect((await refused({ user_data: `!${canary('user data that is none')}` })).status).toBe(400)
  expect((await refused({ adminPass: [canary('a password of a guest in a list')] })).status).toBe(400)
  expect((await refused({ adminPass: canary('a long password').repeat(400) })).status).toBe(400)
  expect((await refused({ password: canary('a password under another name') })).status).toBe(400)
  const change = { changePassword: { adminPass: canary('a changed password of a guest') } }
  heard('change of password', await demo.post(`${NOVA}/servers/${made.id}/action`, change))
  for (const table of ['servers', 'repeatables', 'journal'])
    await broken(table, () =>
      demo.post(
        `${NOVA}/servers`,
        {
          server: {
            ...wish,
            user_data: btoa(canary(`user data without ${table}`)),
            adminPass: canary(`a password without ${table}`),
          },
        },
        { 'Idempotency-Key': table },
      ),
    )
  await broken('keypairs', () => demo.post(`${NOVA}/os-keypairs`, { keypair: { name: 'lost' } }))
}

beforeAll(async () => {
  plimsoll = await startPlimsoll()
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
  await plimsoll.newUser('colleague', 'demo', ['member', 'reader'])
  await passwords()
  await applicationCredentials()
  await credentials()
  await servers()
}, 120_000)

describe('a secret that was planted is', () => {
  test('in no row', async () => {
    expect(known.size).toBeGreaterThan(25)
    expect(found(await rows())).toEqual([])
  })

  test('in no state of an embedded cloud', async () => {
    expect(await clouds()).toContain('sbx-srv-')
    expect(found(await clouds())).toEqual([])
  })

  test('in no line of the log', () => {
    expect(plimsoll.logged.filter(({ level }) => level === 'error').length).toBeGreaterThan(3)
    expect(found(JSON.stringify(plimsoll.logged))).toEqual([])
  })

  test('in no answer that was not asked for it', () => {
    for (const { what, text } of told) expect([what, found(text)]).toEqual([what, []])
  })

  const reads = operations
    .filter(({ operation }) => operation.method === 'GET')
    .map((route): [string, Route] => [titleOf(route), route])
  test.each(reads)('in no answer to %s', async (_, route) => {
    const ids = await belongings()
    const headers = versionHeader(route, versionOf(route))
    for (const client of [demo, plimsoll.as('colleague'), admin])
      for (const id of route.operation.path.includes(':') ? ids : ['']) {
        const path = pathOf(route, ({ name }) => (name === 'project_id' ? plimsoll.projectId('demo') : id))
        const answer = await client.get(
          `${path}${route.operation.name.endsWith('list') && client === admin ? '' : ''}`,
          headers,
        )
        const text = `${JSON.stringify([...answer.headers])} ${JSON.stringify(answer.body)}`
        // Nova shows it to administrators (OS-EXT-SRV-ATTR:user_data).
        const shown =
          client === admin && route.service.name === 'nova'
            ? text.replace(/"OS-EXT-SRV-ATTR:user_data":"[^"]*"/g, '')
            : text
        expect(found(shown)).toEqual([])
      }
  })

  /** Ids of one thing of each kind that holds a secret, or once did. */
  const belongings = async (): Promise<string[]> => [
    ...(await plimsoll.db.all<{ id: string }>(sql`select id from servers`)).map(({ id }) => id),
    ...(await plimsoll.db.all<{ id: string }>(sql`select id from users where name = 'eve'`)).map(({ id }) => id),
    ...(await plimsoll.db.all<{ id: string }>(sql`select id from application_credentials`)).map(({ id }) => id),
    'made',
    'east',
  ]
})

describe('what is sealed', () => {
  const answerTo = (who: Client, name: string, body: object, key: string) =>
    who.post(`${NOVA}/${name}`, body, { 'Idempotency-Key': key })

  test('is given to whoever it is for', async () => {
    const pair = await answerTo(demo, 'os-keypairs', { keypair: { name: 'made' } }, 'order-1')
    expect(JSON.stringify(pair.body)).toContain(known.get('a private key'))
    const { id } = (await plimsoll.db.all<{ id: string }>(sql`select id from servers where key_name = 'made'`))[0]!
    const shown = await admin.get(`${NOVA}/servers/${id}`, { 'OpenStack-API-Version': 'compute 2.3' })
    expect(shown.body.server['OS-EXT-SRV-ATTR:user_data']).toBe(known.get('user data in base64'))
  })

  test('opens nowhere else', async () => {
    const [one, other] = await plimsoll.db.all<{ id: string; kept: string }>(
      sql`select id, user_data as kept from servers where user_data is not null order by created_at, id`,
    )
    const shown = async (id: string) =>
      (await admin.get(`${NOVA}/servers/${id}`, { 'OpenStack-API-Version': 'compute 2.3' })).body.server[
        'OS-EXT-SRV-ATTR:user_data'
      ]
    await plimsoll.db.run(sql`update servers set user_data = ${other!.kept} where id = ${one!.id}`)
    expect(await shown(one!.id)).toBeNull()
    await plimsoll.db.run(sql`update servers set user_data = ${one!.kept} where id = ${one!.id}`)
    expect(await shown(one!.id)).not.toBeNull()
  })

  test('was left in the clear by an earlier version, and is sealed by the janitor', async () => {
    const [one] = await plimsoll.db.all<{ id: string }>(sql`select id from servers where key_name = 'made'`)
    const clear = known.get('user data in base64')!
    await plimsoll.db.run(sql`update servers set user_data = ${clear} where id = ${one!.id}`)
    await plimsoll.db.run(
      sql`update bindings set frozen = json_set(frozen, '$.userData', ${clear}) where kind = 'server' and resource_id = ${one!.id}`,
    )
    expect(found(await rows())).toContain('user data in base64')
    const at = { 'OpenStack-API-Version': 'compute 2.3' }
    const shown = async () =>
      (await admin.get(`${NOVA}/servers/${one!.id}`, at)).body.server['OS-EXT-SRV-ATTR:user_data']
    expect(await shown()).toBe(clear)
    await sweepLeftovers(plimsoll.context())
    expect(found(await rows())).toEqual([])
    expect(await shown()).toBe(clear)
  })

  test('opens under a new key when the old one is gone', async () => {
    const { host } = plimsoll
    const [old] = host.settings.secretKeys as [Uint8Array]
    const fresh = new Uint8Array(32).fill(7)
    const withKeys = (...secretKeys: Uint8Array[]) =>
      openHost({ ...host, settings: { ...host.settings, secretKeys }, d1: host.d1, cloudState: host.cloudState })
    await sweepLeftovers({ ...plimsoll.context(), ...(await withKeys(fresh, old)) })
    const { keyring } = await import('../../functions/crypto/keyring.ts')
    const [former] = keyring([old], 'rest')
    expect(await rows()).not.toContain(`v1.${former!.kid}.`)
    const { openAtRest } = await import('../../functions/crypto/at-rest.ts')
    const { answerPlace, userDataPlace } = await import('../../functions/broker/line/sealed-places.ts')
    const alone = await withKeys(fresh)
    const kept = await plimsoll.db.all<{ id: string; kept: string }>(
      sql`select id, user_data as kept from servers where user_data is not null`,
    )
    expect(kept.map(({ id, kept: text }) => openAtRest(alone, userDataPlace(id), text))).not.toContain(null)
    const answers = await plimsoll.db.all<{ key: string; answer: string }>(
      sql`select key, answer from repeatables where answer is not null`,
    )
    expect(answers.length).toBeGreaterThan(1)
    expect(found(answers.map(({ key, answer }) => openAtRest(alone, answerPlace(key), answer)).join())).toContain(
      'a private key',
    )
  })
})
