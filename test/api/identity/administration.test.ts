import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, PASSWORD, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let admin: Client
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
})

const V3 = '/identity/v3'
const names = (items: { name: string }[]) => items.map(({ name }) => name)
const login = (name: string, password: string, project?: string) =>
  plimsoll.nobody.post(`${V3}/auth/tokens`, {
    auth: {
      identity: { methods: ['password'], password: { user: { name, domain: { id: 'default' }, password } } },
      ...(project ? { scope: { project: { id: project } } } : {}),
    },
  })

test('version documents need no token, with and without the slash', async () => {
  for (const path of ['/identity', '/identity/']) {
    const { status, body } = await plimsoll.nobody.get(path)
    expect(status).toBe(300)
    expect(body.versions.values[0]).toMatchObject({ id: 'v3.14', status: 'stable' })
  }
  for (const path of [V3, `${V3}/`]) {
    const { status, body } = await plimsoll.nobody.get(path)
    expect(status).toBe(200)
    expect(body.version).toMatchObject({
      id: 'v3.14',
      links: [{ rel: 'self', href: 'http://plimsoll.test/identity/v3/' }],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
    })
  }
})

test('an admin gives somebody a project of his own, and takes it away again', async () => {
  const project = await admin.post(`${V3}/projects`, {
    project: { name: 'lab', description: 'tests', domain_id: 'default' },
  })
  expect(project.status).toBe(201)
  const { id } = project.body.project
  expect(id).toMatch(/^[0-9a-f]{32}$/)
  expect(project.body.project).toEqual({
    id,
    name: 'lab',
    description: 'tests',
    domain_id: 'default',
    parent_id: 'default',
    enabled: true,
    is_domain: false,
    tags: [],
    options: {},
    links: { self: `http://plimsoll.test/identity/v3/projects/${id}` },
  })
  const user = await admin.post(`${V3}/users`, {
    user: {
      name: 'eve',
      password: PASSWORD,
      email: 'eve@example.org',
      project_id: id,
      enabled: true,
      domain_id: 'default',
    },
  })
  expect(user.status).toBe(201)
  expect(user.body.user).toMatchObject({
    name: 'eve',
    email: 'eve@example.org',
    project_id: id,
  })
  expect(JSON.stringify(user.body)).not.toContain(PASSWORD)
  const eve = user.body.user.id

  expect((await login('eve', PASSWORD, id)).status).toBe(401)
  const member = plimsoll.roleId('member')
  const grant = `${V3}/projects/${id}/users/${eve}/roles/${member}`
  expect((await admin.get(grant)).status).toBe(404)
  for (let i = 0; i < 2; i++) {
    const put = await admin.put(grant)
    expect([put.status, put.body]).toEqual([204, null])
  }
  expect((await admin.get(grant)).status).toBe(204)
  expect((await admin.head(grant)).status).toBe(204)
  const token = await login('eve', PASSWORD, id)
  expect(token.status).toBe(201)
  expect(names(token.body.token.roles)).toEqual(['member', 'reader'])
  const evesClient = plimsoll.bearer(token.headers.get('X-Subject-Token')!)
  expect(names((await evesClient.get(`${V3}/users/${eve}/projects`)).body.projects)).toEqual(['lab'])
  expect((await evesClient.get(`${V3}/projects/${id}`)).status).toBe(200)

  expect((await admin.delete(grant)).status).toBe(204)
  expect((await admin.delete(grant)).status).toBe(404)
  plimsoll.clock.advance(5_001)
  expect((await evesClient.get(`${V3}/auth/projects`)).status).toBe(401)
  expect((await admin.delete(`${V3}/projects/${id}`)).status).toBe(204)
  expect((await admin.delete(`${V3}/users/${eve}`)).status).toBe(204)
  expect((await admin.get(`${V3}/projects/${id}`)).body.error.message).toBe(`Could not find project: ${id}.`)
  expect((await admin.delete(`${V3}/users/${eve}`)).status).toBe(404)
})

describe('a project', () => {
  test('has a name of its own in its domain', async () => {
    const again = await admin.post(`${V3}/projects`, { project: { name: 'demo' } })
    expect([again.status, again.body.error.message]).toEqual([
      409,
      'Conflict occurred attempting to store project - Duplicate entry found with name demo at domain ID default.',
    ])
  })

  test('keeps properties, tags and changes', async () => {
    const path = `${V3}/projects/${plimsoll.projectId('demo')}`
    const changed = await admin.patch(path, { project: { description: 'mine', tags: ['a', 'b'], cost_center: '42' } })
    expect(changed.status).toBe(200)
    expect((await admin.get(path)).body).toEqual(changed.body)
    expect(changed.body.project).toMatchObject({
      name: 'demo',
      description: 'mine',
      tags: ['a', 'b'],
      cost_center: '42',
    })
  })

  test('that is disabled loses its tokens', async () => {
    const path = `${V3}/projects/${plimsoll.projectId('demo')}`
    expect((await demo.get(`${V3}/auth/catalog`)).status).toBe(200)
    expect((await admin.patch(path, { project: { enabled: false } })).status).toBe(200)
    plimsoll.clock.advance(5_001)
    expect((await demo.get(`${V3}/auth/catalog`)).status).toBe(401)
    expect((await login('demo', PASSWORD, plimsoll.projectId('demo'))).status).toBe(401)
  })

  test('is listed by name, domain and state', async () => {
    expect(names((await admin.get(`${V3}/projects`)).body.projects)).toEqual(['admin', 'demo'])
    expect(names((await admin.get(`${V3}/projects?name=demo`)).body.projects)).toEqual(['demo'])
    expect((await admin.get(`${V3}/projects?enabled=false`)).body.projects).toEqual([])
    expect((await admin.get(`${V3}/projects?domain_id=other`)).body.projects).toEqual([])
  })
})

describe('a user', () => {
  test('changes his password with the one he has, and loses his tokens', async () => {
    const path = `${V3}/users/${plimsoll.userId('demo')}/password`
    const old = plimsoll.as('demo')
    expect((await old.get(`${V3}/auth/projects`)).status).toBe(200)
    const wrong = await old.post(path, { user: { password: 'new one', original_password: 'wrong' } })
    expect(wrong.status).toBe(401)
    expect((await old.post(path, { user: { password: 'new one', original_password: PASSWORD } })).status).toBe(204)
    plimsoll.clock.advance(5_001)
    expect((await old.get(`${V3}/auth/projects`)).status).toBe(401)
    expect((await login('demo', PASSWORD)).status).toBe(401)
    expect((await login('demo', 'new one')).status).toBe(201)
  })

  test('keeps his password where an admin has locked it, and options are kept that hold, and no others', async () => {
    const user = `${V3}/users/${plimsoll.userId('demo')}`
    const own = { user: { password: 'new one', original_password: PASSWORD } }
    const locked = await admin.patch(user, { user: { options: { lock_password: true } } })
    expect(locked.body.user.options).toEqual({ lock_password: true })
    const refused = await plimsoll.nobody.post(`${user}/password`, own)
    expect([refused.status, refused.body.error.message]).toEqual([
      400,
      'You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.',
    ])
    for (const option of ['multi_factor_auth_rules', 'x'])
      expect((await admin.patch(user, { user: { options: { [option]: true } } })).status).toBe(400)
    expect((await admin.patch(user, { user: { options: { lock_password: null } } })).body.user.options).toEqual({})
    expect((await plimsoll.nobody.post(`${user}/password`, own)).status).toBe(204)
  })

  test('gets a new password or is disabled by an admin', async () => {
    const path = `${V3}/users/${plimsoll.userId('demo')}`
    expect((await demo.get(path)).status).toBe(200)
    expect((await admin.patch(path, { user: { password: 'other' } })).status).toBe(200)
    plimsoll.clock.advance(5_001)
    expect((await demo.get(path)).status).toBe(401)
    expect((await login('demo', 'other')).status).toBe(201)
    expect((await admin.patch(path, { user: { enabled: false, email: null } })).body.user.enabled).toBe(false)
    expect((await login('demo', 'other')).status).toBe(401)
  })

  test('with a default project gets a token for it without asking', async () => {
    const path = `${V3}/users/${plimsoll.userId('demo')}`
    const set = await admin.patch(path, { user: { default_project_id: plimsoll.projectId('demo') } })
    expect(set.body.user.default_project_id).toBe(plimsoll.projectId('demo'))
    expect((await login('demo', PASSWORD)).body.token.project.name).toBe('demo')
    const missing = await admin.patch(path, { user: { default_project_id: 'none' } })
    expect([missing.status, missing.body.error.message]).toEqual([404, 'Could not find project: none.'])
  })

  test('is not shown to others, nor whether he exists', async () => {
    const others = [plimsoll.userId('admin'), 'random']
    for (const id of others)
      for (const path of [`${V3}/users/${id}`, `${V3}/users/${id}/projects`, `${V3}/users/${id}/groups`])
        expect((await demo.get(path)).status).toBe(403)
    for (const id of [plimsoll.projectId('admin'), 'random'])
      expect((await demo.get(`${V3}/projects/${id}`)).status).toBe(403)
  })

  test('refuses a body that says nothing, too much or in the wrong type, without repeating it', async () => {
    for (const body of [
      {},
      { user: {} },
      { user: { name: '' } },
      { user: { name: 'x', password: 12345678 } },
      { user: { name: 'x', options: { a: 1 } } },
      [],
    ]) {
      const answer = await admin.post(`${V3}/users`, body)
      expect(answer.status).toBe(400)
      expect(answer.body.error.message).not.toContain('12345678')
    }
    expect((await admin.post(`${V3}/users`, { user: { name: 'demo' } })).status).toBe(409)
    expect((await admin.post(`${V3}/users`, { user: { name: 'x', domain_id: 'none' } })).status).toBe(404)
  })
})

describe('a role', () => {
  test('is made once, listed, and removed, whatever tokens of those who had it still allow', async () => {
    const made = await admin.post(`${V3}/roles`, { role: { name: 'auditor' } })
    expect(made.status).toBe(201)
    expect(made.body.role).toMatchObject({ name: 'auditor', domain_id: null, description: null, options: {} })
    expect((await admin.post(`${V3}/roles`, { role: { name: 'auditor' } })).status).toBe(409)
    expect(names((await admin.get(`${V3}/roles?name=auditor`)).body.roles)).toEqual(['auditor'])
    const { id } = made.body.role
    await admin.put(`${V3}/projects/${plimsoll.projectId('demo')}/users/${plimsoll.userId('demo')}/roles/${id}`)
    expect((await demo.get(`${V3}/auth/projects`)).status).toBe(200)
    expect((await admin.delete(`${V3}/roles/${id}`)).status).toBe(204)
    expect((await admin.get(`${V3}/roles/${id}`)).status).toBe(404)
    plimsoll.clock.advance(5_001)
    expect((await demo.get(`${V3}/auth/projects`)).status).toBe(200)
  })

  test('without which nobody could administrate stays', async () => {
    const { body } = await admin.get(`${V3}/roles`)
    expect(names(body.roles)).toEqual(['ResellerAdmin', 'admin', 'manager', 'member', 'reader', 'service'])
    expect((await admin.delete(`${V3}/roles/${plimsoll.roleId('admin')}`)).status).toBe(403)
  })

  test('is assigned to whom the list says', async () => {
    const all = await admin.get(`${V3}/role_assignments?include_names=True`)
    expect(all.status).toBe(200)
    expect(all.body.role_assignments).toHaveLength(5)
    const user = plimsoll.userId('demo')
    const mine = await admin.get(
      `${V3}/role_assignments?user.id=${user}&role.id=${plimsoll.roleId('member')}&include_names`,
    )
    expect(mine.body.role_assignments).toMatchObject([
      {
        role: { name: 'member' },
        user: { id: user, name: 'demo', domain: { id: 'default', name: 'Default' } },
        scope: { project: { id: plimsoll.projectId('demo'), name: 'demo' } },
      },
    ])
    expect((await admin.get(`${V3}/role_assignments?group.id=x`)).body.role_assignments).toEqual([])
    const roles = await admin.get(`${V3}/projects/${plimsoll.projectId('demo')}/users/${user}/roles`)
    expect(names(roles.body.roles)).toEqual(['member', 'reader'])
    const nobody = await admin.put(`${V3}/projects/x/users/y/roles/z`)
    expect([nobody.status, nobody.body.error.message]).toEqual([404, 'Could not find user: y.'])
  })
})

test('domains, groups, regions, services and endpoints are what they are', async () => {
  const domains = await admin.get(`${V3}/domains?name=Default`)
  expect(domains.body.domains).toMatchObject([{ id: 'default', name: 'Default', enabled: true }])
  expect((await admin.get(`${V3}/domains?name=other`)).body.domains).toEqual([])
  expect((await demo.get(`${V3}/domains/default`)).status).toBe(200)
  expect((await demo.get(`${V3}/domains/other`)).status).toBe(403)
  expect((await admin.get(`${V3}/groups`)).body.groups).toEqual([])
  expect((await demo.get(`${V3}/regions`)).body.regions).toMatchObject([{ id: 'RegionOne' }])
  const { services } = (await admin.get(`${V3}/services?type=identity`)).body
  expect(services).toMatchObject([{ type: 'identity', name: 'keystone', enabled: true }])
  const { endpoints } = (await admin.get(`${V3}/endpoints?service_id=${services[0].id}&interface=public`)).body
  expect(endpoints).toMatchObject([{ url: 'http://plimsoll.test/identity', service_id: services[0].id }])
  expect((await admin.get(`${V3}/endpoints/${endpoints[0].id}`)).body.endpoint).toEqual(endpoints[0])
  const catalog = (await demo.get(`${V3}/auth/catalog`)).body.catalog
  expect(catalog.find((e: { type: string }) => e.type === 'identity').endpoints[0].id).toBe(endpoints[0].id)
})

test('what is for admins is refused to others in the words of Keystone', async () => {
  const answers = {
    create_project: await demo.post(`${V3}/projects`, { project: { name: 'x' } }),
    list_projects: await demo.get(`${V3}/projects`),
    list_users: await demo.get(`${V3}/users`),
    delete_role: await demo.delete(`${V3}/roles/${plimsoll.roleId('reader')}`),
    list_domains: await demo.get(`${V3}/domains`),
  }
  for (const [action, { status, body }] of Object.entries(answers)) {
    expect(status).toBe(403)
    expect(body.error).toEqual({
      code: 403,
      title: 'Forbidden',
      message: `You are not authorized to perform the requested action: identity:${action}.`,
    })
  }
  expect((await admin.put(`${V3}/domains/default`, {})).status).toBe(405)
  expect((await admin.get(`${V3}/nothing`)).status).toBe(404)
})

test('every change is in the journal with the request that made it', async () => {
  const { headers } = await admin.post(`${V3}/projects`, { project: { name: 'logged' } })
  const row = await plimsoll.db.get('select action, kind, request_id as request from journal')
  expect(row).toEqual({ action: 'create', kind: 'project', request: headers.get('X-Openstack-Request-Id') })
})
