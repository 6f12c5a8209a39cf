import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { make, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
})
const ids = (items: { id: string }[]) => items.map(({ id }) => id)

describe('a credential', () => {
  test('is kept for its user, sealed, shown, changed and removed', async () => {
    const made = await make(demo, 'credentials', { type: 'cert', blob: 'very secret' })
    expect(made).toMatchObject({
      type: 'cert',
      blob: 'very secret',
      user_id: plimsoll.userId('demo'),
      project_id: null,
    })
    const row = await plimsoll.db.get<{ blob: string }>('select blob from credentials')
    expect(row!.blob).toMatch(/^v1\./)
    const path = `${V3}/credentials/${made.id}`
    expect((await demo.get(path)).body.credential).toEqual(made)
    const changed = await demo.patch(path, { credential: { blob: 'other' } })
    expect(changed.body.credential).toEqual({ ...made, blob: 'other' })
    expect((await demo.delete(path)).status).toBe(204)
    expect((await admin.get(path)).body.error.message).toBe(`Could not find credential: ${made.id}.`)
  })

  test('is of nobody else but an administrator', async () => {
    const own = await make(demo, 'credentials', { type: 'cert', blob: 'x' })
    const theirs = await make(admin, 'credentials', { type: 'totp', blob: 'y' })
    expect(ids((await demo.get(`${V3}/credentials`)).body.credentials)).toEqual([own.id])
    expect((await demo.get(`${V3}/credentials?user_id=${plimsoll.userId('admin')}`)).body.credentials).toEqual([])
    expect(ids((await admin.get(`${V3}/credentials`)).body.credentials).sort()).toEqual([own.id, theirs.id].sort())
    expect(ids((await admin.get(`${V3}/credentials?type=totp`)).body.credentials)).toEqual([theirs.id])
    for (const id of [theirs.id, 'none']) {
      const path = `${V3}/credentials/${id}`
      expect((await demo.get(path)).status).toBe(403)
      expect((await demo.patch(path, { credential: { blob: 'z' } })).status).toBe(403)
      expect((await demo.delete(path)).status).toBe(403)
    }
    const forged = { type: 'cert', blob: 'x', user_id: plimsoll.userId('admin') }
    expect((await demo.post(`${V3}/credentials`, { credential: forged })).status).toBe(403)
    const given = { credential: { user_id: plimsoll.userId('admin') } }
    expect((await demo.patch(`${V3}/credentials/${own.id}`, given)).status).toBe(403)
  })

  test('of EC2 is told by its key, which is of one alone', async () => {
    const project_id = plimsoll.projectId('demo')
    const blob = JSON.stringify({ access: 'key', secret: 's' })
    const made = await make(demo, 'credentials', { type: 'ec2', blob, project_id })
    expect(made.id).toMatch(/^[0-9a-f]{64}$/)
    expect((await admin.post(`${V3}/credentials`, { credential: { type: 'ec2', blob, project_id } })).status).toBe(409)
    for (const wrong of ['x', '[]', '{}', '{"access": ""}'])
      expect(
        (await demo.post(`${V3}/credentials`, { credential: { type: 'ec2', blob: wrong, project_id } })).status,
      ).toBe(400)
    expect((await demo.post(`${V3}/credentials`, { credential: { type: 'ec2', blob } })).status).toBe(400)
    const bound = await demo.patch(`${V3}/credentials/${made.id}`, {
      credential: { blob: JSON.stringify({ access: 'key', secret: 's', trust_id: 'x' }) },
    })
    expect([bound.status, bound.body.error.message]).toEqual([400, 'trust_id can not be updated for credential'])
  })

  test('is one of a hundred that a user may keep', async () => {
    const one = await make(demo, 'credentials', { type: 'cert', blob: 'x' })
    const many = 'with recursive n(i) as (select 1 union all select i + 1 from n where i < 98)'
    await plimsoll.db.run(`${many} insert into credentials (id, user_id, type, blob, created_at)
      select c.id || n.i, c.user_id, c.type, c.blob, c.created_at from n, credentials c`)
    const last = await make(demo, 'credentials', { type: 'cert', blob: 'x' })
    const refused = [
      await demo.post(`${V3}/credentials`, { credential: { type: 'cert', blob: 'x' } }),
      await demo.post(`${V3}/users/${plimsoll.userId('demo')}/credentials/OS-EC2`, {
        tenant_id: plimsoll.projectId('demo'),
      }),
    ]
    for (const { status, body } of refused)
      expect([status, body.error.message]).toEqual([
        403,
        'Unable to create additional credentials, maximum of 100 already exceeded for user.',
      ])
    for (const { id } of [one, last]) expect((await demo.delete(`${V3}/credentials/${id}`)).status).toBe(204)
    await make(demo, 'credentials', { type: 'cert', blob: 'x' })
  })

  test('becomes one of EC2 only if it is like one', async () => {
    const made = await make(demo, 'credentials', { type: 'cert', blob: 'x' })
    const path = `${V3}/credentials/${made.id}`
    const change = async (credential: object) => (await demo.patch(path, { credential })).status
    expect(await change({ type: 'ec2' })).toBe(400)
    expect(await change({ type: 'ec2', project_id: plimsoll.projectId('demo') })).toBe(400)
    const blob = JSON.stringify({ access: 'key', secret: 's' })
    expect(await change({ type: 'ec2', project_id: plimsoll.projectId('demo'), blob })).toBe(200)
  })

  test('goes with its user', async () => {
    await make(demo, 'credentials', { type: 'cert', blob: 'x' })
    await admin.delete(`${V3}/users/${plimsoll.userId('demo')}`)
    expect((await admin.get(`${V3}/credentials`)).body.credentials).toEqual([])
  })

  test('that an application credential may not see is not told to it', async () => {
    const path = `${V3}/users/${plimsoll.userId('demo')}/application_credentials`
    const { id, secret } = (await demo.post(path, { application_credential: { name: 'robot' } })).body
      .application_credential
    const identity = { methods: ['application_credential'], application_credential: { id, secret } }
    const { headers } = await plimsoll.nobody.post(`${V3}/auth/tokens`, { auth: { identity } })
    const robot = plimsoll.bearer(headers.get('X-Subject-Token')!)
    const hidden = await make(demo, 'credentials', { type: 'totp', blob: 'x' })
    const shown = await make(demo, 'credentials', { type: 'cert', blob: 'y', project_id: plimsoll.projectId('demo') })
    expect(ids((await robot.get(`${V3}/credentials`)).body.credentials)).toEqual([shown.id])
    expect((await robot.get(`${V3}/credentials/${hidden.id}`)).status).toBe(403)
    const keys = `${V3}/users/${plimsoll.userId('demo')}/credentials/OS-EC2`
    expect((await robot.post(keys, { tenant_id: plimsoll.projectId('demo') })).status).toBe(403)
  })
})

describe('a pair of keys for EC2', () => {
  const keys = (name: string) => `${V3}/users/${plimsoll.userId(name)}/credentials/OS-EC2`

  test('is made for a project, shown, listed and removed', async () => {
    const tenant_id = plimsoll.projectId('demo')
    const made = await demo.post(keys('demo'), { tenant_id })
    const { credential } = made.body
    expect([made.status, credential]).toEqual([
      201,
      {
        ...{ user_id: plimsoll.userId('demo'), tenant_id, trust_id: null },
        access: expect.stringMatching(/^[0-9a-f]{32}$/),
        secret: expect.stringMatching(/^[0-9a-f]{32}$/),
        links: { self: `http://plimsoll.test${keys('demo')}/${credential.access}` },
      },
    ])
    expect((await demo.get(`${keys('demo')}/${credential.access}`)).body.credential).toEqual(credential)
    expect((await demo.get(keys('demo'))).body.credentials).toEqual([credential])
    expect((await demo.get(`${V3}/credentials?type=ec2`)).body.credentials).toMatchObject([{ project_id: tenant_id }])
    expect((await demo.delete(`${keys('demo')}/${credential.access}`)).status).toBe(204)
    expect((await demo.get(`${keys('demo')}/${credential.access}`)).status).toBe(404)
  })

  test('is made by its user, and shown to no other', async () => {
    await plimsoll.newProject('lab')
    expect((await demo.post(keys('demo'), { tenant_id: plimsoll.projectId('lab') })).status).toBe(201)
    expect((await demo.post(keys('demo'), { tenant_id: 'none' })).status).toBe(404)
    expect((await demo.post(keys('admin'), { tenant_id: plimsoll.projectId('demo') })).status).toBe(403)
    expect((await demo.get(keys('admin'))).status).toBe(403)
    const theirs = (await admin.post(keys('admin'), { tenant_id: plimsoll.projectId('admin') })).body.credential
    expect((await demo.get(`${keys('admin')}/${theirs.access}`)).status).toBe(403)
    expect((await demo.get(`${keys('demo')}/${theirs.access}`)).status).toBe(403)
    expect((await demo.get(`${keys('admin')}/none`)).status).toBe(404)
  })
})
