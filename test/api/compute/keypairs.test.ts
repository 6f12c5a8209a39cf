import { createPublicKey, X509Certificate } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { keypairNamed } from '../../../db/queries/compute/keypairs.ts'
import { bindingsOf, insertBinding } from '../../../db/queries/line/bindings.ts'
import { keypairNeed, nameOnCloud } from '../../../functions/broker/kinds/keypair.ts'
import { ORIGIN, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const KEYS = '/compute/v2.1/os-keypairs'
const at = (minor: number) => ({ 'OpenStack-API-Version': `compute 2.${minor}` })
const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrhF5cCyZ5hHzJb3kPo2Y7QGkT+n5B5pvBUgMbPKHFy somebody@somewhere'
const FINGERPRINT = /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/
const names = (body: { keypairs: { keypair: { name: string } }[] }) => body.keypairs.map(({ keypair }) => keypair.name)

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll()
})
const create = (fields: object, minor = 1, who = 'demo') =>
  plimsoll.as(who).post(KEYS, { keypair: { name: 'k1', ...fields } }, at(minor))
const importKey = (name = 'k1', minor = 2) => create({ name, public_key: ED25519 }, minor)

describe('a public key', () => {
  test.each([
    [1, 200, []],
    [2, 201, ['type']],
    [92, 201, ['type']],
  ])('is imported at 2.%i', async (minor, status, more) => {
    const made = await importKey('k1', minor)
    expect(made.status).toBe(status)
    expect(Object.keys(made.body.keypair).sort()).toEqual(
      ['fingerprint', 'name', 'public_key', 'user_id', ...more].sort(),
    )
    expect(made.body.keypair).toMatchObject({ name: 'k1', public_key: ED25519, user_id: plimsoll.userId('demo') })
    expect(made.body.keypair.fingerprint).toMatch(FINGERPRINT)
  })

  test.each([
    'garbage',
    'ssh-ed25519 AAAA',
    'ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIGrhF5cCyZ5hHzJb3kPo2Y7QGkT+n5B5pvBUgMbPKHFy',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrhF5cCyZ5hHzJb3kPo2Y7QGkT+n5B5pvBUgMbPKA==',
    '-----BEGIN CERTIFICATE-----',
    '',
  ])('that is none is refused: %s', async (public_key) => {
    const { status, body } = await create({ public_key })
    expect([status, body]).toEqual([
      400,
      { badRequest: { code: 400, message: 'Keypair data is invalid: failed to generate fingerprint' } },
    ])
  })

  test('has one name a user', async () => {
    await importKey()
    const again = await importKey()
    expect([again.status, again.body.conflictingRequest.message]).toEqual([409, "Key pair 'k1' already exists."])
    await plimsoll.newUser('eve', 'demo', ['member'])
    expect((await create({ public_key: ED25519 }, 2, 'eve')).status).toBe(201)
  })
})

test('without a public key a pair is made, before 2.92', async () => {
  const { status, body } = await create({}, 2)
  expect(status).toBe(201)
  expect(body.keypair.private_key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/)
  expect(body.keypair.public_key).toMatch(/^ssh-rsa AAAAB3NzaC1yc2EA/)
  const blob = Buffer.from(body.keypair.public_key.split(' ')[1], 'base64')
  const { n } = createPublicKey(body.keypair.private_key).export({ format: 'jwk' })
  expect(blob.subarray(-256).toString('base64url')).toBe(n)
  expect((await plimsoll.as('demo').get(`${KEYS}/k1`)).body.keypair.private_key).toBeUndefined()
  expect((await create({ name: 'k2' }, 92)).status).toBe(400)
})

test('a certificate is made and imported', async () => {
  const { status, body } = await create({ type: 'x509' }, 2)
  expect(status).toBe(201)
  const certificate = new X509Certificate(body.keypair.public_key)
  expect(certificate.subject).toBe(`CN=${plimsoll.userId('demo')}`)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.fingerprint.toLowerCase()).toBe(body.keypair.fingerprint)
  expect(Buffer.from(body.keypair.private_key, 'base64')[0]).toBe(0x30)
  const imported = await create({ name: 'k2', type: 'x509', public_key: body.keypair.public_key }, 2)
  expect(imported.body.keypair).toMatchObject({ type: 'x509', fingerprint: body.keypair.fingerprint })
  const broken = await create({ name: 'k3', type: 'x509', public_key: ED25519 }, 2)
  expect([broken.status, broken.body.badRequest.message]).toEqual([
    400,
    expect.stringContaining('failed to generate X509 fingerprint'),
  ])
})

test.each([
  ['', 1, 400],
  ['a@b.c', 91, 400],
  ['a@b.c', 92, 201],
  ['ünïcode', 92, 400],
  [' space', 2, 400],
  ['with space', 2, 201],
  ['x'.repeat(255), 2, 201],
  ['x'.repeat(256), 2, 400],
  [12, 2, 400],
])('name %j at 2.%i: %i', async (name, minor, status) => {
  expect((await create({ name, public_key: ED25519 }, minor)).status).toBe(status)
})

test.each([
  [{ type: 'ssh' }, 1],
  [{ type: 'gpg' }, 2],
  [{ user_id: 'x' }, 9],
  [{ colour: 'red' }, 92],
])('%j is no part of it at 2.%i', async (fields, minor) => {
  expect((await create({ public_key: ED25519, ...fields }, minor)).status).toBe(400)
})

test('a keypair by its name shows everything', async () => {
  await importKey()
  const { status, body } = await plimsoll.as('demo').get(`${KEYS}/k1`)
  expect(status).toBe(200)
  const { id, created_at, ...rest } = body.keypair
  expect(id).toBeTypeOf('number')
  expect(created_at).toBe('2026-03-01T12:00:00.000000')
  expect(rest).toMatchObject({ name: 'k1', deleted: false, deleted_at: null, updated_at: null })
  expect(rest).not.toHaveProperty('type')
  expect((await plimsoll.as('demo').get(`${KEYS}/k1`, at(2))).body.keypair.type).toBe('ssh')
  const missing = await plimsoll.as('demo').get(`${KEYS}/k2`)
  expect(missing.body.itemNotFound.message).toBe(`Keypair k2 not found for user ${plimsoll.userId('demo')}`)
})

test('lists page from 2.35 on', async () => {
  const demo = plimsoll.as('demo')
  for (const name of ['a', 'b', 'c']) await importKey(name)
  const { body } = await demo.get(`${KEYS}?limit=1`)
  expect(names(body)).toEqual(['a', 'b', 'c'])
  expect(Object.keys(body.keypairs[0].keypair).sort()).toEqual(['fingerprint', 'name', 'public_key'])
  const first = (await demo.get(`${KEYS}?limit=2`, at(35))).body
  expect(names(first)).toEqual(['a', 'b'])
  expect(first.keypairs_links).toEqual([{ rel: 'next', href: `${ORIGIN}${KEYS}?limit=2&marker=b` }])
  const second = (await demo.get(first.keypairs_links[0].href, at(35))).body
  expect([names(second), second.keypairs_links]).toEqual([['c'], undefined])
  expect((await demo.get(`${KEYS}?marker=z`, at(35))).body.badRequest.message).toBe('Marker z could not be found.')
  expect((await demo.get(`${KEYS}?colour=red`, at(75))).status).toBe(400)
})

test('admins care for other users from 2.10 on; others only for themselves', async () => {
  const user = plimsoll.userId('demo')
  expect((await create({ public_key: ED25519, user_id: user }, 10, 'admin')).body.keypair.user_id).toBe(user)
  expect(names((await plimsoll.as('admin').get(`${KEYS}?user_id=${user}`, at(10))).body)).toEqual(['k1'])
  expect(names((await plimsoll.as('admin').get(`${KEYS}?user_id=${user}`, at(9))).body)).toEqual([])
  expect((await plimsoll.as('admin').get(`${KEYS}/k1?user_id=${user}`, at(10))).status).toBe(200)
  expect((await plimsoll.as('admin').delete(`${KEYS}/k1?user_id=${user}`, at(10))).status).toBe(204)
  const other = plimsoll.userId('admin')
  expect((await create({ public_key: ED25519, user_id: other }, 10)).status).toBe(403)
  expect((await plimsoll.as('demo').get(`${KEYS}?user_id=${other}`, at(10))).status).toBe(403)
})

test('the quota of the project in which the user asks counts', async () => {
  const project = plimsoll.projectId('demo')
  await plimsoll.as('admin').put(`/compute/v2.1/os-quota-sets/${project}`, { quota_set: { key_pairs: 1 } })
  expect((await importKey('a')).status).toBe(201)
  const { status, body } = await importKey('b')
  expect([status, body.forbidden.message]).toEqual([403, 'Quota exceeded, too many key pairs.'])
  await plimsoll.as('demo').delete(`${KEYS}/a`)
  expect((await importKey('b')).status).toBe(201)
})

describe('below the line', () => {
  /** As a server would: binds the key where it is needed. */
  const realise = async (project: string) => {
    const keypair = (await keypairNamed(plimsoll.db, plimsoll.userId('demo'), 'k1'))!
    const need = { ...keypairNeed(keypair, plimsoll.projectId(project)), scope: plimsoll.projectId(project) }
    const { host } = plimsoll
    const made = { cloudId: plimsoll.cloudId('sandbox'), token: host.newId(), epoch: 0, now: host.now() }
    await plimsoll.db.batch([insertBinding(plimsoll.db, { ...need, ...made })])
    await plimsoll.settle()
    return keypair
  }

  test('it is realised once a project, under a name that means this key alone, and removed everywhere', async () => {
    await plimsoll.newProject('second', { clouds: ['sandbox'] })
    await importKey()
    const keypair = await realise('demo')
    await realise('second')
    const bound = await bindingsOf(plimsoll.db, keypair.id)
    expect(bound.map(({ phase }) => phase)).toEqual(['bound', 'bound'])
    const sent = bound.map(({ frozen }) => frozen as { name: string; publicKey: string })
    expect(new Set(sent.map(({ name }) => name)).size).toBe(2)
    for (const { name, publicKey } of sent) {
      expect(name).toContain(keypair.fingerprint.replaceAll(':', ''))
      expect(publicKey).toBe(ED25519)
    }
    expect(sent[0]!.name).toBe(nameOnCloud(plimsoll.host, keypair, bound[0]!.projectId))

    const { status, body } = await plimsoll.as('demo').delete(`${KEYS}/k1`)
    expect([status, body]).toEqual([202, null])
    expect((await plimsoll.as('demo').delete(`${KEYS}/k1`, at(2))).status).toBe(404)
    await plimsoll.settle()
    expect((await bindingsOf(plimsoll.db, keypair.id)).map(({ phase }) => phase)).toEqual(['gone', 'gone'])
  })

  test('a new key of an old name is another key', async () => {
    await importKey()
    const first = await realise('demo')
    await plimsoll.as('demo').delete(`${KEYS}/k1`)
    await create({}, 2)
    const second = await realise('demo')
    const name = (key: typeof first) => nameOnCloud(plimsoll.host, key, plimsoll.projectId('demo'))
    expect(name(second)).not.toBe(name(first))
    expect((await bindingsOf(plimsoll.db, second.id))[0]?.phase).toBe('bound')
  })
})
