import { beforeEach, describe, expect, test } from 'vitest'
import { bootstrap } from '../../../functions/runtime/bootstrap.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { enter, login, make, person, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
})
const TOLD = 'select (select count(*) from webhooks) + (select count(*) from listeners) as n'
const names = (items: { name: string }[]) => items.map(({ name }) => name)

describe('a domain', () => {
  test('is made, shown, changed, disabled and removed', async () => {
    const made = await admin.post(`${V3}/domains`, { domain: { name: 'lab', description: 'tests', cost: '7' } })
    const { id } = made.body.domain
    expect([made.status, made.body.domain]).toEqual([
      201,
      {
        ...{ id, name: 'lab', description: 'tests', enabled: true, tags: [], options: {}, cost: '7' },
        links: { self: `http://plimsoll.test/identity/v3/domains/${id}` },
      },
    ])
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect((await admin.get(`${V3}/domains/${id}`)).body).toEqual(made.body)
    expect(names((await admin.get(`${V3}/domains`)).body.domains)).toEqual(['Default', 'lab'])
    expect(names((await admin.get(`${V3}/domains?name__istartswith=L`)).body.domains)).toEqual(['lab'])
    const again = await admin.post(`${V3}/domains`, { domain: { name: 'lab' } })
    expect([again.status, again.body.error.message]).toEqual([
      409,
      'Conflict occurred attempting to store project - it is not permitted to have two projects acting as domains with the same name: lab.',
    ])
    const early = await admin.delete(`${V3}/domains/${id}`)
    expect([early.status, early.body.error.message]).toEqual([
      403,
      'Cannot delete a domain that is enabled, please disable it first.',
    ])
    const changed = await admin.patch(`${V3}/domains/${id}`, { domain: { enabled: false, name: 'old' } })
    expect([changed.body.domain.enabled, changed.body.domain.name]).toEqual([false, 'old'])
    expect(names((await admin.get(`${V3}/domains?enabled=false`)).body.domains)).toEqual(['old'])
    expect((await admin.delete(`${V3}/domains/${id}`)).status).toBe(204)
    expect((await admin.get(`${V3}/domains/${id}`)).body.error.message).toBe(`Could not find domain: ${id}.`)
  })

  test('may be given its id, which nothing else has', async () => {
    const explicit_domain_id = '0123456789abcdef0123456789abcdef'
    expect((await make(admin, 'domains', { name: 'a', explicit_domain_id })).id).toBe(explicit_domain_id)
    for (const taken of [explicit_domain_id, plimsoll.projectId('demo')]) {
      const { status } = await admin.post(`${V3}/domains`, { domain: { name: 'b', explicit_domain_id: taken } })
      expect(status).toBe(409)
    }
    for (const none of ['system', 'default', ''])
      expect((await admin.post(`${V3}/domains`, { domain: { name: 'b', explicit_domain_id: none } })).status).toBe(400)
  })

  test('takes along all that is in it, and nothing else', async () => {
    const { id: domain_id } = await make(admin, 'domains', { name: 'lab' })
    const project = await make(admin, 'projects', { name: 'p', domain_id })
    const user = await person(admin, 'u', { domain_id })
    const group = await make(admin, 'groups', { name: 'g', domain_id })
    const role = await make(admin, 'roles', { name: 'r', domain_id })
    await admin.put(`${V3}/groups/${group.id}/users/${user.id}`)
    await admin.put(`${V3}/projects/${project.id}/users/${plimsoll.userId('demo')}/roles/${plimsoll.roleId('member')}`)
    await admin.put(`${V3}/projects/${plimsoll.projectId('demo')}/users/${user.id}/roles/${plimsoll.roleId('member')}`)
    const before = (await admin.get(`${V3}/role_assignments`)).body.role_assignments
    expect(before).toHaveLength(7)
    await admin.patch(`${V3}/domains/${domain_id}`, { domain: { enabled: false } })
    expect((await admin.delete(`${V3}/domains/${domain_id}`)).status).toBe(204)
    for (const path of [`projects/${project.id}`, `users/${user.id}`, `groups/${group.id}`, `roles/${role.id}`])
      expect([path, (await admin.get(`${V3}/${path}`)).status]).toEqual([path, 404])
    expect((await admin.get(`${V3}/role_assignments`)).body.role_assignments).toHaveLength(5)
    expect(names((await admin.get(`${V3}/users`)).body.users)).toEqual(['admin', 'demo'])
  })

  test('takes along whom its projects tell', async () => {
    const { id: domain_id } = await make(admin, 'domains', { name: 'lab' })
    const project = await make(admin, 'projects', { name: 'p', domain_id })
    await admin.put(`${V3}/projects/${project.id}/users/${plimsoll.userId('admin')}/roles/${plimsoll.roleId('member')}`)
    const there = await enter(plimsoll, 'admin', { project: { id: project.id } })
    const webhook = { name: 'ours', url: 'https://hooks.example.net/' }
    expect((await there.post('/broker/v1/webhooks', { webhook })).status).toBe(201)
    const told = async () => (await plimsoll.db.get<{ n: number }>(TOLD))!.n
    expect(await told()).toBe(2)
    await admin.patch(`${V3}/domains/${domain_id}`, { domain: { enabled: false } })
    expect((await admin.delete(`${V3}/domains/${domain_id}`)).status).toBe(204)
    expect(await told()).toBe(0)
  })

  test('stays, if it is the one of the first start, which no other start is', async () => {
    const refused = async (path: string, why: string) => {
      const { status, body } = await admin.delete(`${V3}/${path}/default`)
      expect([status, body.error.message]).toEqual([403, why])
    }
    await refused('domains', 'You are not authorized to perform the requested action: delete the default domain.')
    await refused('projects', 'You are not authorized to perform the requested action: delete the default domain.')
    // As a release did that let it go.
    for (const table of ['projects', 'users']) await plimsoll.db.run(`update ${table} set domain_id = 'other'`)
    await plimsoll.db.run("update domains set id = 'other'")
    const hashOf = () => Promise.reject(new Error('nobody is made'))
    expect(await bootstrap(plimsoll.host, { hashOf })).toBe(false)
  })

  test('that is disabled lets nobody of it in, ends their tokens, and does not revive them', async () => {
    const { id: domain_id } = await make(admin, 'domains', { name: 'lab' })
    const project = await make(admin, 'projects', { name: 'p', domain_id })
    const { id } = await person(admin, 'eve', { domain_id })
    await admin.put(`${V3}/projects/${project.id}/users/${id}/roles/${plimsoll.roleId('member')}`)
    await admin.put(`${V3}/domains/${domain_id}/users/${id}/roles/${plimsoll.roleId('member')}`)
    const scopes = [{ project: { id: project.id } }, { domain: { id: domain_id } }, 'unscoped']
    const clients = []
    for (const scope of scopes) clients.push(await enter(plimsoll, 'eve', scope, domain_id))
    for (const enabled of [false, true]) {
      await admin.patch(`${V3}/domains/${domain_id}`, { domain: { enabled } })
      plimsoll.clock.advance(5_001)
      for (const who of clients) expect((await who.get(`${V3}/auth/projects`)).status).toBe(401)
      for (const scope of scopes)
        expect((await login(plimsoll, 'eve', scope, domain_id)).status).toBe(enabled ? 201 : 401)
    }
  })

  test('is a project that acts as one', async () => {
    const made = await make(admin, 'projects', { name: 'acting', is_domain: true })
    expect(made).toMatchObject({ is_domain: true, domain_id: null, parent_id: null })
    expect((await admin.get(`${V3}/domains/${made.id}`)).body.domain.name).toBe('acting')
    expect((await admin.get(`${V3}/projects/${made.id}`)).body.project).toEqual(made)
    expect(names((await admin.get(`${V3}/projects?is_domain=true`)).body.projects)).toEqual(['Default', 'acting'])
    expect(names((await admin.get(`${V3}/projects`)).body.projects)).toEqual(['admin', 'demo'])
    const path = `${V3}/projects/${made.id}`
    expect((await admin.delete(path)).status).toBe(403)
    expect((await admin.patch(path, { project: { enabled: false } })).body.project).toMatchObject({
      ...{ enabled: false, is_domain: true },
    })
    expect((await admin.delete(path)).status).toBe(204)
    expect((await admin.get(`${V3}/domains/${made.id}`)).status).toBe(404)
    const below = { name: 'x', is_domain: true, domain_id: 'default' }
    expect((await admin.post(`${V3}/projects`, { project: below })).status).toBe(400)
  })
})

describe('who has a role on a domain', () => {
  let lab: string
  let inside: Record<string, string>
  beforeEach(async () => {
    lab = (await make(admin, 'domains', { name: 'lab' })).id
    const more = { domain_id: lab }
    const eve = (await person(admin, 'eve', more)).id
    inside = {
      eve,
      user: (await person(admin, 'u', more)).id,
      group: (await make(admin, 'groups', { name: 'g', ...more })).id,
      project: (await make(admin, 'projects', { name: 'p', ...more })).id,
    }
  })
  const as = async (role: string): Promise<Client> => {
    expect((await admin.put(`${V3}/domains/${lab}/users/${inside.eve}/roles/${plimsoll.roleId(role)}`)).status).toBe(
      204,
    )
    return enter(plimsoll, 'eve', { domain: { name: 'lab' } }, lab)
  }

  test('gets a token that names it, and is told of it', async () => {
    const who = await as('reader')
    const { body } = await who.get(`${V3}/auth/tokens`, { 'X-Subject-Token': await who.token() })
    expect(body.token.domain).toEqual({ id: lab, name: 'lab' })
    expect(body.token.roles).toMatchObject([{ name: 'reader' }])
    expect(names((await who.get(`${V3}/auth/domains`)).body.domains)).toEqual(['lab'])
    expect((await login(plimsoll, 'eve', { domain: { id: 'default' } }, lab)).status).toBe(401)
  })

  test('reads what is in it, and nothing of others', async () => {
    const who = await as('reader')
    for (const list of ['users', 'groups', 'projects', 'domains', 'role_assignments']) {
      const text = JSON.stringify((await who.get(`${V3}/${list}`)).body)
      expect([list, text.includes(plimsoll.userId('demo')), text.includes(plimsoll.projectId('demo'))]).toEqual([
        ...[list, false, false],
      ])
    }
    expect(names((await who.get(`${V3}/users`)).body.users)).toEqual(['eve', 'u'])
    expect((await who.get(`${V3}/users?domain_id=default`)).body.users).toEqual([])
    expect((await who.get(`${V3}/users/${inside.user}`)).status).toBe(200)
    expect((await who.get(`${V3}/projects/${inside.project}`)).status).toBe(200)
    for (const id of [plimsoll.userId('demo'), 'none']) expect((await who.get(`${V3}/users/${id}`)).status).toBe(403)
    for (const id of [plimsoll.projectId('demo'), 'none'])
      expect((await who.get(`${V3}/projects/${id}`)).status).toBe(403)
    expect((await who.post(`${V3}/users`, { user: { name: 'x' } })).status).toBe(403)
    expect((await who.get('/compute/v2.1/servers')).status).toBe(403)
  })

  test('as its administrator changes what is in it, and is none of others', async () => {
    const who = await as('admin')
    const user = await person(who, 'new')
    expect(user.domain_id).toBe(lab)
    expect((await who.patch(`${V3}/users/${user.id}`, { user: { enabled: false } })).status).toBe(200)
    const member = plimsoll.roleId('member')
    expect((await who.put(`${V3}/projects/${inside.project}/users/${user.id}/roles/${member}`)).status).toBe(204)
    const refused = [
      await who.post(`${V3}/users`, { user: { name: 'x', domain_id: 'default' } }),
      await who.post(`${V3}/projects`, { project: { name: 'x', domain_id: 'default' } }),
      await who.post(`${V3}/projects`, { project: { name: 'x', is_domain: true } }),
      await who.patch(`${V3}/users/${plimsoll.userId('demo')}`, { user: { password: 'mine' } }),
      await who.delete(`${V3}/projects/${plimsoll.projectId('demo')}`),
      await who.put(`${V3}/projects/${plimsoll.projectId('demo')}/users/${user.id}/roles/${member}`),
      await who.put(`${V3}/projects/${inside.project}/users/${plimsoll.userId('demo')}/roles/${member}`),
      await who.put(`${V3}/system/users/${user.id}/roles/${member}`),
      await who.post(`${V3}/domains`, { domain: { name: 'x' } }),
      await who.patch(`${V3}/domains/${lab}`, { domain: { name: 'x' } }),
      await who.get('/broker/v1/clouds'),
      await who.get(`/compute/v2.1/os-quota-sets/${plimsoll.projectId('demo')}`),
    ]
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403))
  })

  test('as its manager hands on roles up to its own, and not that of an administrator', async () => {
    const who = await as('manager')
    const grant = (role: string) =>
      `${V3}/projects/${inside.project}/users/${inside.user}/roles/${plimsoll.roleId(role)}`
    const statuses = []
    for (const role of ['reader', 'member', 'manager', 'admin', 'service'])
      statuses.push((await who.put(grant(role))).status)
    expect(statuses).toEqual([204, 204, 204, 403, 403])
    for (const [collection, noun] of [
      ['groups', 'group'],
      ['users', 'user'],
      ['projects', 'project'],
    ] as const) {
      expect((await who.post(`${V3}/${collection}`, { [noun]: { name: 'x' } })).status).toBe(403)
      expect((await who.post(`${V3}/${collection}`, { [noun]: { name: 'x', domain_id: lab } })).status).toBe(201)
    }
  })

  test('becomes no administrator of everything by what is in it', async () => {
    const who = await as('admin')
    const admins = plimsoll.roleId('admin')
    const reached = [
      await who.put(`${V3}/projects/${inside.project}/users/${inside.eve}/roles/${admins}`),
      await who.put(`${V3}/projects/${inside.project}/groups/${inside.group}/roles/${admins}`),
      await who.put(`${V3}/OS-INHERIT/domains/${lab}/users/${inside.eve}/roles/${admins}/inherited_to_projects`),
      await who.put(
        `${V3}/OS-INHERIT/projects/${inside.project}/users/${inside.eve}/roles/${admins}/inherited_to_projects`,
      ),
      await who.put(`${V3}/projects/${inside.project}/users/${inside.eve}/roles/${plimsoll.roleId('service')}`),
    ]
    expect(reached.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403])
    await admin.put(`${V3}/projects/${inside.project}/users/${inside.user}/roles/${admins}`)
    await admin.put(`${V3}/system/groups/${inside.group}/roles/${admins}`)
    const borrowed = [
      await who.patch(`${V3}/users/${inside.user}`, { user: { password: 'mine' } }),
      await who.delete(`${V3}/users/${inside.user}`),
      await who.put(`${V3}/groups/${inside.group}/users/${inside.eve}`),
    ]
    expect(borrowed.map(({ status }) => status)).toEqual([403, 403, 403])
    expect((await who.put(`${V3}/domains/${lab}/users/${inside.user}/roles/${admins}`)).status).toBe(204)
  })

  /** What would make the user of the lab, or the group, somebody's tool. */
  const taken = async (who: Client) =>
    [
      await who.patch(`${V3}/users/${inside.user}`, { user: { password: 'mine' } }),
      await who.put(`${V3}/groups/${inside.group}/users/${inside.user}`),
      await who.delete(`${V3}/groups/${inside.group}/users/${inside.user}`),
      await who.patch(`${V3}/groups/${inside.group}`, { group: { description: 'mine' } }),
      await who.delete(`${V3}/groups/${inside.group}`),
      await who.delete(`${V3}/users/${inside.user}`),
    ].map(({ status }) => status)
  const member = async () =>
    expect((await admin.put(`${V3}/groups/${inside.group}/users/${inside.user}`)).status).toBe(204)

  test('takes over nobody who has whatever role on the system', async () => {
    const who = await as('admin')
    await member()
    await admin.put(`${V3}/system/groups/${inside.group}/roles/${plimsoll.roleId('reader')}`)
    expect(await taken(who)).toEqual([403, 403, 403, 403, 403, 403])
    await admin.delete(`${V3}/system/groups/${inside.group}/roles/${plimsoll.roleId('reader')}`)
    expect(await taken(who)).toEqual([200, 204, 204, 200, 204, 204])
  })

  test('takes over nobody whose role implies that of a service', async () => {
    const who = await as('admin')
    await member()
    const boss = await make(admin, 'roles', { name: 'boss' })
    const implied = `${V3}/roles/${boss.id}/implies/${plimsoll.roleId('service')}`
    expect((await admin.put(implied)).status).toBe(201)
    await admin.put(`${V3}/projects/${inside.project}/groups/${inside.group}/roles/${boss.id}`)
    expect(await taken(who)).toEqual([403, 403, 403, 403, 403, 403])
  })

  test('takes over no administrator of another domain', async () => {
    const who = await as('admin')
    await member()
    await admin.put(`${V3}/domains/default/groups/${inside.group}/roles/${plimsoll.roleId('admin')}`)
    expect(await taken(who)).toEqual([403, 403, 403, 403, 403, 403])
  })

  test('as its manager takes over no administrator of it, who may do so', async () => {
    const who = await as('manager')
    await member()
    await admin.put(`${V3}/domains/${lab}/groups/${inside.group}/roles/${plimsoll.roleId('admin')}`)
    expect(await taken(who)).toEqual([403, 403, 403, 403, 403, 403])
    expect(await taken(await as('admin'))).toEqual([200, 204, 204, 200, 204, 204])
  })
})
