import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { enter, login, person, SYSTEM, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
let eve: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  eve = (await person(admin, 'eve')).id
})

const grant = (role: string) => `${V3}/system/users/${eve}/roles/${plimsoll.roleId(role)}`

describe('a role on the system', () => {
  test('is granted, looked for, listed and taken', async () => {
    expect((await admin.get(grant('reader'))).status).toBe(404)
    for (let i = 0; i < 2; i++) expect((await admin.put(grant('reader'))).status).toBe(204)
    expect([(await admin.get(grant('reader'))).status, (await admin.head(grant('reader'))).status]).toEqual([204, 204])
    const { body } = await admin.get(`${V3}/system/users/${eve}/roles`)
    expect(body.roles).toMatchObject([{ name: 'reader', id: plimsoll.roleId('reader') }])
    expect((await admin.delete(grant('reader'))).status).toBe(204)
    expect((await admin.delete(grant('reader'))).body.error.message).toBe(
      `Could not find role assignment with role: ${plimsoll.roleId('reader')}, user or group: ${eve}, project, domain, or system: system.`,
    )
  })

  test('gives a token for the system, which names it, with the catalogue and with what the role implies', async () => {
    expect((await login(plimsoll, 'eve', SYSTEM)).status).toBe(401)
    await admin.put(grant('member'))
    const { status, headers, body } = await login(plimsoll, 'eve', SYSTEM)
    expect([status, body.token.system]).toEqual([201, { all: true }])
    expect(body.token.roles.map(({ name }: { name: string }) => name)).toEqual(['member', 'reader'])
    expect(body.token).not.toHaveProperty('project')
    const types = body.token.catalog.map(({ type }: { type: string }) => type)
    expect(types).toContain('identity')
    expect(JSON.stringify(body.token.catalog)).not.toMatch(/project_id|\/v3\/"/)
    const token = headers.get('X-Subject-Token')!
    const shown = await admin.get(`${V3}/auth/tokens`, { 'X-Subject-Token': token })
    expect(shown.body).toEqual(body)
    const who = plimsoll.bearer(token)
    expect((await who.get(`${V3}/auth/system`)).body.system).toEqual([{ all: true }])
    expect((await who.get(`${V3}/auth/catalog`)).status).toBe(200)
  })

  test('is worth nothing any more when it is taken, at once for changes', async () => {
    await admin.put(grant('admin'))
    const who = await enter(plimsoll, 'eve', SYSTEM)
    expect((await who.get(`${V3}/users`)).status).toBe(200)
    await admin.delete(grant('admin'))
    expect((await who.post(`${V3}/users`, { user: { name: 'x' } })).status).toBe(401)
    plimsoll.clock.advance(5_001)
    expect((await who.get(`${V3}/users`)).status).toBe(401)
  })

  test('is not had by who asks for a project or a domain that is called system', async () => {
    await admin.put(grant('admin'))
    const scopes = [{ project: { id: 'system' } }, { domain: { id: 'system' } }, { domain: { name: 'system' } }]
    for (const scope of scopes) expect((await login(plimsoll, 'eve', scope)).status).toBe(401)
    for (const all of [false, 'yes', undefined])
      expect((await login(plimsoll, 'eve', { system: { all } })).status).toBe(400)
  })

  test('is had with a group', async () => {
    const { id } = (await admin.post(`${V3}/groups`, { group: { name: 'crew' } })).body.group
    await admin.put(`${V3}/groups/${id}/users/${eve}`)
    const path = `${V3}/system/groups/${id}/roles/${plimsoll.roleId('reader')}`
    expect((await admin.put(path)).status).toBe(204)
    expect((await admin.get(`${V3}/system/groups/${id}/roles`)).body.roles).toHaveLength(1)
    const who = await enter(plimsoll, 'eve', SYSTEM)
    expect((await who.get(`${V3}/projects`)).status).toBe(200)
    expect((await admin.delete(path)).status).toBe(204)
    expect((await login(plimsoll, 'eve', SYSTEM)).status).toBe(401)
  })
})

describe('on the system', () => {
  const answers = async (role: string) => {
    await admin.put(grant(role))
    const who = await enter(plimsoll, 'eve', SYSTEM)
    return {
      reads: (await who.get(`${V3}/users/${plimsoll.userId('demo')}`)).status,
      lists: (await who.get(`${V3}/role_assignments`)).status,
      writes: (await who.post(`${V3}/projects`, { project: { name: 'lab', domain_id: 'default' } })).status,
      grants: (await who.put(grant('admin'))).status,
      servers: (await who.get('/compute/v2.1/servers')).status,
      clouds: (await who.get('/broker/v1/clouds')).status,
    }
  }

  test('a reader reads all of identity and changes nothing', async () =>
    expect(await answers('reader')).toEqual({
      ...{ reads: 200, lists: 200, writes: 403, grants: 403, servers: 403, clouds: 403 },
    }))

  test('a member may no more than a reader', async () =>
    expect(await answers('member')).toEqual({
      ...{ reads: 200, lists: 200, writes: 403, grants: 403, servers: 403, clouds: 403 },
    }))

  test('an administrator changes all of identity, and has no project', async () =>
    expect(await answers('admin')).toEqual({
      ...{ reads: 200, lists: 200, writes: 201, grants: 204, servers: 403, clouds: 403 },
    }))

  test('the first administrator is one from the first start on', async () => {
    const who = await enter(plimsoll, 'admin', SYSTEM)
    expect((await who.get(`${V3}/domains`)).status).toBe(200)
  })
})
