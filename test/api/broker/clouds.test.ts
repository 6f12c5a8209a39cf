import { beforeEach, describe, expect, test } from 'vitest'
import { clouds } from '../../../db/schema/index.ts'
import { connectCloud } from '../../../functions/broker/clouds/clouds.ts'
import { NotMapped } from '../../../functions/broker/clouds/mappings.ts'
import { bootstrap } from '../../../functions/runtime/bootstrap.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let admin: Client
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
})

const V1 = '/broker/v1'
const SECRET = 'wJalrXUtnFEMI-not-a-real-key'
const aws = {
  name: 'aws-east',
  type: 'aws',
  region: 'us-east-1',
  credentials: { access_key_id: 'AKIDEXAMPLE', secret_access_key: SECRET },
}
const everything = async () =>
  JSON.stringify([
    plimsoll.logged,
    await plimsoll.db.all('select * from clouds'),
    await plimsoll.db.all('select * from journal'),
  ])

describe('a cloud', () => {
  test('is registered, looked around in, checked, changed and forgotten', async () => {
    const made = await admin.post(`${V1}/clouds`, { cloud: { name: 'lab', type: 'sandbox' } })
    expect([made.status, made.body.error]).toEqual([201, undefined])
    expect(made.body.cloud).toMatchObject({
      name: 'lab',
      type: 'sandbox',
      has_credentials: false,
      status: 'new',
      options: {},
    })
    await plimsoll.runDeferred()
    const shown = await admin.get(`${V1}/clouds/lab`)
    expect(shown.body.cloud).toMatchObject({ status: 'available', last_error: null })
    expect(shown.body.cloud.inventory_at).toBe('2026-03-01T12:00:00.000Z')
    const { check } = (await admin.post(`${V1}/clouds/lab/check`)).body
    expect(check).toMatchObject({ reachable: true, denied: [] })

    const offers = (await admin.get(`${V1}/offers?cloud=lab`)).body.offers
    expect(offers.length).toBeGreaterThan(0)
    expect(offers[0].zone).toMatch(/^lab\./)
    const changed = await admin.patch(`${V1}/clouds/lab`, { cloud: { position: 3, enabled: false } })
    expect(changed.body.cloud).toMatchObject({ position: 3, enabled: false, status: 'disabled' })
    expect((await admin.get(`${V1}/offers?cloud=lab`)).body.offers).toEqual([])

    expect((await admin.delete(`${V1}/clouds/lab`)).status).toBe(204)
    expect((await admin.get(`${V1}/clouds/lab`)).status).toBe(404)
    for (const table of ['zones', 'offers', 'mappings', 'bindings', 'clouds'])
      expect(await plimsoll.db.all(`select * from ${table}`)).toEqual([])
    expect(await plimsoll.db.all('select id from images where deleted_at is null')).toEqual([])
    expect(await plimsoll.db.all('select id from networks')).toEqual([])
  })

  test('never shows its credentials, wherever one looks', async () => {
    const made = await admin.post(`${V1}/clouds`, { cloud: aws })
    expect(made.status).toBe(201)
    await plimsoll.runDeferred()
    const answers = [
      made,
      await admin.get(`${V1}/clouds`),
      await admin.get(`${V1}/clouds/aws-east`),
      await admin.patch(`${V1}/clouds/aws-east`, { cloud: { region: 'eu-west-1' } }),
      await admin.post(`${V1}/clouds/aws-east/check`),
      await admin.get(`${V1}/capabilities`),
      await admin.post(`${V1}/clouds`, { cloud: { ...aws, name: 'Wrong Name' } }),
      await admin.post(`${V1}/clouds`, { cloud: { ...aws, name: 'other', secret: SECRET } }),
      await admin.post(`${V1}/clouds`, { cloud: { ...aws, name: 'other', credentials: SECRET } }),
      await admin.post(`${V1}/clouds`, { cloud: { ...aws, name: 'other', credentials: [SECRET] } }),
      await admin.post(`${V1}/clouds`, { cloud: { ...aws, name: 'other', credentials: { key: [SECRET] } } }),
      await admin.post(`${V1}/clouds`, {
        cloud: { ...aws, name: 'other', credentials: { [SECRET.slice(0, 4)]: SECRET } },
      }),
      await admin.post(`${V1}/clouds`, { cloud: aws }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([
      201, 200, 200, 200, 200, 200, 400, 400, 400, 400, 400, 400, 409,
    ])
    expect(answers[1]!.body.clouds[0].has_credentials).toBe(true)
    expect(JSON.stringify(answers)).not.toContain(SECRET)
    expect(await everything()).not.toContain(SECRET)
  })

  test('opens its credentials only here, only as this version, only with the key', async () => {
    await admin.post(`${V1}/clouds`, { cloud: aws })
    const row = (await plimsoll.db.select().from(clouds).get())!
    const opened = await connectCloud(plimsoll.host, row, null)
    expect(opened.connection.credentials).toEqual(aws.credentials)
    await plimsoll.db.run('update clouds set credentials_version = 7')
    await expect(connectCloud(plimsoll.host, row, null)).rejects.toMatchObject({ code: 'denied' })
    const other = { ...plimsoll.host, settings: { ...plimsoll.host.settings, secretKeys: [new Uint8Array(32)] } }
    await plimsoll.db.run(`update clouds set credentials_version = 1, name = 'renamed'`)
    await expect(connectCloud({ ...other, cloudState: { ...other.cloudState } }, row, null)).rejects.toThrow(
      'The credentials of cloud renamed cannot be opened.',
    )
    const shown = await admin.get(`${V1}/clouds`)
    expect(shown.status).toBe(200)
  })

  test.each([
    ['no type of that name', { type: 'abacus' }],
    ['a name with a dot', { name: 'a.b' }],
    ['an endpoint that is no URL', { endpoint: 'ec2' }],
    ['plain http', { endpoint: 'http://ec2.example.org' }],
    ['loopback', { endpoint: 'https://127.0.0.1' }],
    ['loopback in disguise', { endpoint: 'https://0x7f.1/' }],
    ['localhost.', { endpoint: 'https://localhost./' }],
    ['a private network', { endpoint: 'https://10.1.2.3:8443' }],
    ['the metadata address', { endpoint: 'https://169.254.169.254' }],
    ['a mapped address', { endpoint: 'https://[::ffff:10.0.0.1]/' }],
    ['a unique local address', { endpoint: 'https://[fd00::1]/' }],
    ['a name of the private network', { endpoint: 'https://vault.internal/' }],
    ['a password in the URL', { endpoint: 'https://me:secret@ec2.example.org' }],
  ])('is not registered with %s', async (_what, wrong) => {
    const answer = await admin.post(`${V1}/clouds`, { cloud: { ...aws, ...wrong } })
    expect(answer.status).toBe(400)
    expect(answer.body.error.request_id).toMatch(/^req-/)
  })

  test('may be private if an admin says so for it', async () => {
    const local = { ...aws, endpoint: 'http://127.0.0.1:5000', options: { allow_private: true } }
    expect((await admin.post(`${V1}/clouds`, { cloud: local })).status).toBe(201)
    const { cloud } = (await admin.get(`${V1}/clouds/aws-east`)).body
    expect(cloud).toMatchObject({ endpoint: 'http://127.0.0.1:5000', options: { allow_private: true } })
    expect((await admin.patch(`${V1}/clouds/aws-east`, { cloud: { options: {} } })).status).toBe(400)
  })

  test('that does not answer is left alone for a while, and says so', async () => {
    await admin.post(`${V1}/clouds`, { cloud: aws })
    for (let i = 0; i < 3; i++)
      expect((await admin.post(`${V1}/clouds/aws-east/check`)).body.check.reachable).toBe(false)
    const { cloud } = (await admin.get(`${V1}/clouds/aws-east`)).body
    expect(cloud).toMatchObject({ status: 'unreachable', failures: 3 })
    const row = (await plimsoll.db.select().from(clouds).get())!
    await expect(connectCloud(plimsoll.host, row, null)).rejects.toMatchObject({
      code: 'throttled',
      detail: { retryAfterMs: 5000 },
    })
    plimsoll.clock.advance(5_001)
    await connectCloud(plimsoll.host, row, null)
  })

  test('stays while it holds something', async () => {
    const id = await plimsoll.addCloud({ name: 'lab', type: 'sandbox' })
    const now = plimsoll.clock.now
    await plimsoll.db.run(`insert into bindings (kind, resource_id, cloud_id, project_id, phase, token, created_at, updated_at)
      values ('volume', 'v1', '${id}', '${plimsoll.projectId('demo')}', 'bound', 't', ${now}, ${now})`)
    const refused = await admin.delete(`${V1}/clouds/lab`)
    expect([refused.status, refused.body.error.message]).toEqual([409, 'Cloud lab still holds resources.'])
    const mapping = `${V1}/projects/${plimsoll.projectId('demo')}/clouds/lab`
    expect((await admin.delete(mapping)).status).toBe(409)
    const found = await admin.get(`${V1}/bindings?resource_id=v1`)
    expect(found.body).toMatchObject({
      bindings: [{ kind: 'volume', cloud: 'lab', phase: 'bound', native_id: null }],
      next: null,
    })
    await plimsoll.db.run(`update bindings set phase = 'gone' where resource_id = 'v1'`)
    expect((await admin.delete(mapping)).status).toBe(204)
    expect((await admin.delete(`${V1}/clouds/lab`)).status).toBe(204)
  })
})

describe('a mapping', () => {
  test('lets a project in; without one there is nothing', async () => {
    await plimsoll.addCloud({ name: 'lab', type: 'sandbox', projects: [] })
    const project = plimsoll.projectId('demo')
    const path = `${V1}/projects/${project}/clouds/lab`
    expect((await demo.get(`${V1}/offers`)).body).toEqual({ offers: [], next: null })
    expect((await demo.get(`${V1}/capabilities`)).body).toEqual({ clouds: [] })
    expect((await admin.get(path)).status).toBe(404)
    const row = (await plimsoll.db.select().from(clouds).get())!
    await expect(connectCloud(plimsoll.host, row, project)).rejects.toBeInstanceOf(NotMapped)

    const put = await admin.put(path, { mapping: { note: 'trial' } })
    expect(put.status).toBe(200)
    expect(put.body).toMatchObject({ project_id: project, cloud: 'lab', mapping: { note: 'trial' } })
    expect((await admin.get(path)).body).toEqual(put.body)
    expect((await admin.get(`${V1}/projects/${project}/clouds`)).body.clouds).toEqual([put.body])
    expect((await demo.get(`${V1}/offers`)).body.offers.length).toBeGreaterThan(0)
    const [lab] = (await demo.get(`${V1}/capabilities`)).body.clouds
    expect(lab).toMatchObject({ cloud: 'lab', type: 'sandbox' })
    expect(lab.capabilities['server.resize']).toEqual({ available: true })
    expect(lab.capabilities['server.change_password']).toMatchObject({ available: false, reason: expect.any(String) })
    expect((await connectCloud(plimsoll.host, row, project)).connection.mapping).toEqual({ note: 'trial' })

    expect((await admin.delete(path)).status).toBe(204)
    expect((await demo.get(`${V1}/offers`)).body).toEqual({ offers: [], next: null })
    await expect(connectCloud(plimsoll.host, row, project)).rejects.toBeInstanceOf(NotMapped)
  })

  test('needs a project and a cloud that exist', async () => {
    await plimsoll.addCloud({ name: 'lab', type: 'sandbox', projects: [] })
    expect((await admin.put(`${V1}/projects/none/clouds/lab`, { mapping: {} })).status).toBe(404)
    expect((await admin.put(`${V1}/projects/${plimsoll.projectId('demo')}/clouds/none`, { mapping: {} })).status).toBe(
      404,
    )
    expect((await admin.put(`${V1}/projects/${plimsoll.projectId('demo')}/clouds/lab`, {})).status).toBe(400)
  })
})

test('what is for admins is refused to others, and everything to nobody', async () => {
  for (const path of ['/clouds', '/clouds/x', '/bindings', '/projects/x/clouds', '/projects/x/clouds/y']) {
    expect((await demo.get(V1 + path)).status).toBe(403)
    expect((await plimsoll.nobody.get(V1 + path)).status).toBe(401)
  }
  expect((await plimsoll.nobody.get(`${V1}/offers`)).status).toBe(401)
  expect((await plimsoll.nobody.get('/broker')).status).toBe(300)
  expect((await plimsoll.nobody.get(V1)).status).toBe(200)
})

test('a second start changes nothing', async () => {
  const before = await everything()
  const asked: string[] = []
  const first = await bootstrap(plimsoll.host, {
    hashOf: async (user) => {
      asked.push(user)
      return null
    },
    sandbox: {},
  })
  expect([first, asked]).toEqual([false, []])
  expect(await everything()).toBe(before)
})

// biome-ignore lint/suspicious/noExplicitAny: answers are whatever was told
type Told = any

describe('types of clouds', () => {
  test('say what they are registered with, as it is checked', async () => {
    const { status, body } = await admin.get('/broker/v1/cloud-types')
    expect(status).toBe(200)
    const types: Record<string, Told> = Object.fromEntries(body.cloud_types.map((each: Told) => [each.type, each]))
    expect(Object.keys(types)).toEqual(expect.arrayContaining(['sandbox', 'aws', 'libvirt', 'vsphere']))
    expect(types.aws).toMatchObject({ maturity: expect.any(String), runs_here: true })
    expect(types.aws.options).toContainEqual({
      name: 'currency',
      default: 'USD',
      must_be: 'a currency code of three letters',
      required: false,
    })
    expect(types.aws.credentials).toContainEqual({ name: 'secret_access_key', required: true })
    expect(types.libvirt.options.filter(({ required }: Told) => required).map(({ name }: Told) => name)).toEqual([
      'hosts',
      'sizes',
    ])
    for (const { options } of body.cloud_types) {
      const names = options.map(({ name }: Told) => name)
      expect(new Set(names).size).toBe(names.length)
      expect(names).toContain('read_only')
    }
    // What an embedded cloud says that it takes it does take.
    const options = Object.fromEntries(
      types.sandbox.options.flatMap((each: Told) => (each.default === null ? [] : [[each.name, each.default]])),
    )
    const made = await admin.post('/broker/v1/clouds', { cloud: { name: 'told', type: 'sandbox', options } })
    expect([made.status, made.body.error]).toEqual([201, undefined])
    expect((await demo.get('/broker/v1/cloud-types')).status).toBe(403)
  })
})
