import { beforeEach, describe, expect, test } from 'vitest'
import { createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const PATH = '/broker/v1/domains/default/project-template'
const QUOTAS = { instances: 2, cores: 4, ram: 4096, volumes: 3, gigabytes: 100 }
const BUDGET = { amount: '20', currency: 'USD', period: 'month', at_100: 'refuse' }
let plimsoll: Plimsoll
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'dc1', type: 'sandbox' },
      { name: 'dc2', type: 'sandbox', projects: [] },
    ],
  })
  admin = plimsoll.as('admin')
})

const template = (more: object = {}) => ({
  project_template: {
    clouds: { dc1: { folder: 'tenants/{project_id}' }, dc2: {} },
    quotas: QUOTAS,
    policy: { chain: ['dc2', 'dc1'], budget: BUDGET },
    most_projects: 10,
    ...more,
  },
})
const put = (more?: object) => admin.put(PATH, template(more))
const create = (name: string) => admin.post('/identity/v3/projects', { project: { name } })
const made = async (name: string): Promise<string> => (await create(name)).body.project.id
const reaches = async (id: string) =>
  Object.fromEntries(
    (await admin.get(`/broker/v1/projects/${id}/clouds`)).body.clouds.map(
      ({ cloud, mapping }: { cloud: string; mapping: object }) => [cloud, mapping],
    ),
  )

describe('the template of a domain', () => {
  test('is off until an administrator says one', async () => {
    expect((await admin.get(PATH)).body.error.message).toBe(
      'Domain default has no template: its new projects begin with nothing.',
    )
    expect(await reaches(await made('bare'))).toEqual({})
    expect((await admin.delete(PATH)).status).toBe(404)
    expect((await admin.get('/broker/v1/domains/nowhere/project-template')).status).toBe(404)
  })

  test('gives each new project clouds, limits and a policy, with a name of its own there', async () => {
    const before = await made('before')
    const { status, body } = await put()
    expect([status, body.project_template]).toEqual([200, expect.objectContaining(template().project_template)])
    const id = await made('after')
    expect(await reaches(id)).toEqual({ dc1: { folder: `tenants/${id}` }, dc2: {} })
    expect(await reaches(before)).toEqual({})
    const { quota_set } = (await admin.get(`/compute/v2.1/os-quota-sets/${id}`)).body
    expect(quota_set).toMatchObject({ instances: 2, cores: 4, ram: 4096 })
    expect(
      (await admin.get(`/volume/v3/${plimsoll.projectId('admin')}/os-quota-sets/${id}`)).body.quota_set,
    ).toMatchObject({
      volumes: 3,
      gigabytes: 100,
    })
    expect((await admin.get(`/broker/v1/projects/${id}/policy`)).body.policy.chain).toEqual(['dc2', 'dc1'])
  })

  test('lets somebody start servers at once in a project that was only just made, and no more than it says', async () => {
    await put()
    const id = await made('team')
    const { user } = (await admin.post('/identity/v3/users', { user: { name: 'ann', password: 'a good long one' } }))
      .body
    const { roles } = (await admin.get('/identity/v3/roles?name=member')).body
    expect((await admin.put(`/identity/v3/projects/${id}/users/${user.id}/roles/${roles[0].id}`)).status).toBe(204)
    const auth = {
      identity: { methods: ['password'], password: { user: { id: user.id, password: 'a good long one' } } },
      scope: { project: { id } },
    }
    const token = (await plimsoll.nobody.post('/identity/v3/auth/tokens', { auth })).headers.get('X-Subject-Token')!
    const ann = plimsoll.nobody.with({ 'X-Auth-Token': token })
    const server = await createServer(plimsoll, ann)
    expect((await ann.get(`/compute/v2.1/servers/${server}`)).body.server.status).toBe('ACTIVE')
  })

  test('is refused without limits that end, with clouds, counters or rules that nobody knows, and without a budget where things have prices', async () => {
    const said = async (more: object) => {
      const { status, body } = await put(more)
      return [status, body.error?.message]
    }
    expect(await said({ quotas: { ...QUOTAS, cores: -1, ram: undefined } })).toEqual([
      400,
      'quotas.cores: must be said, and have an end. quotas.ram: must be said, and have an end.',
    ])
    expect(await said({ quotas: { ...QUOTAS, beds: 1 } })).toEqual([
      400,
      'quotas.beds: nothing of that name is counted.',
    ])
    expect(await said({ clouds: { dc9: {} } })).toEqual([404, 'There is no cloud named dc9.'])
    expect(await said({ clouds: { dc1: { filters: 'odd' } }, policy: { budget: BUDGET } })).toEqual([
      400,
      expect.stringContaining('clouds.dc1: '),
    ])
    expect(await said({ policy: { chain: ['dc3'], budget: BUDGET } })).toEqual([
      400,
      'policy.chain: the project is not mapped to a cloud named dc3.',
    ])
    expect(await said({ clouds: { dc1: {} }, policy: { chain: ['dc1'] } })).toEqual([
      400,
      'policy.budget: cloud dc1 has prices, so a budget or max_hourly_cost must be said.',
    ])
    const max_hourly_cost = { amount: '20', currency: 'USD' }
    expect((await said({ policy: { max_hourly_cost } }))[0]).toBe(200)
    for (const junk of [null, [], { project_template: {} }, { project_template: 1 }])
      expect((await admin.put(PATH, junk)).status).toBe(400)
  })

  test('bounds how many projects whoever may make some can make', async () => {
    const { projects } = (await admin.get('/identity/v3/projects?domain_id=default')).body
    await put({ most_projects: projects.length + 1 })
    const answers = await Promise.all([create('one'), create('two')])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403])
    expect(answers.find(({ status }) => status === 403)!.body.error.message).toBe(
      `Domain default may have at most ${projects.length + 1} projects, and make no more in a month.`,
    )
  })

  test('has no project begin again in the same month, and none removed that still has something', async () => {
    const { domain } = (await admin.post('/identity/v3/domains', { domain: { name: 'lab' } })).body
    const its = `/broker/v1/domains/${domain.id}/project-template`
    await admin.put(its, template({ clouds: { dc1: {} }, policy: { budget: BUDGET }, most_projects: 1 }))
    const user = { name: 'chief', domain_id: domain.id, password: 'a good long one' }
    const chief = (await admin.post('/identity/v3/users', { user })).body.user.id
    const { roles } = (await admin.get('/identity/v3/roles')).body
    const roleId = (name: string) => roles.find((each: { name: string }) => each.name === name).id
    await admin.put(`/identity/v3/domains/${domain.id}/users/${chief}/roles/${roleId('manager')}`)
    const enter = async (scope: object) => {
      const identity = { methods: ['password'], password: { user: { id: chief, password: user.password } } }
      const answer = await plimsoll.nobody.post('/identity/v3/auth/tokens', { auth: { identity, scope } })
      return plimsoll.nobody.with({ 'X-Auth-Token': answer.headers.get('X-Subject-Token')! })
    }
    const manager = await enter({ domain: { id: domain.id } })
    const make = (name: string) => manager.post('/identity/v3/projects', { project: { name, domain_id: domain.id } })
    const { id } = (await make('one')).body.project
    await manager.put(`/identity/v3/projects/${id}/users/${chief}/roles/${roleId('member')}`)
    const member = await enter({ project: { id } })
    const server = await createServer(plimsoll, member)
    expect((await manager.delete(`/identity/v3/projects/${id}`)).status).toBe(403)
    await member.delete(`/compute/v2.1/servers/${server}`)
    await plimsoll.settle()
    const { networks } = (await member.get('/network/v2.0/networks?router:external=false')).body
    for (const each of networks) await member.delete(`/network/v2.0/networks/${each.id}`)
    await plimsoll.settle()
    expect((await manager.delete(`/identity/v3/projects/${id}`)).status).toBe(204)
    expect((await make('two')).status).toBe(403)
    plimsoll.clock.advance(31 * 86_400_000)
    const again = await enter({ domain: { id: domain.id } })
    const later = await again.post('/identity/v3/projects', { project: { name: 'two', domain_id: domain.id } })
    expect(later.status).toBe(201)
  })

  test('goes with its cloud, its domain, and when it is taken back', async () => {
    await put({ policy: { budget: BUDGET } })
    expect((await admin.delete('/broker/v1/clouds/dc2')).status).toBe(204)
    expect((await admin.get(PATH)).body.project_template.clouds).toEqual({ dc1: { folder: 'tenants/{project_id}' } })
    expect((await admin.delete(PATH)).status).toBe(204)
    expect(await reaches(await made('after'))).toEqual({})
    const { domain } = (await admin.post('/identity/v3/domains', { domain: { name: 'lab' } })).body
    const its = `/broker/v1/domains/${domain.id}/project-template`
    expect((await admin.put(its, template({ clouds: { dc1: {} }, policy: { budget: BUDGET } }))).status).toBe(200)
    await admin.patch(`/identity/v3/domains/${domain.id}`, { domain: { enabled: false } })
    expect((await admin.delete(`/identity/v3/domains/${domain.id}`)).status).toBe(204)
    expect((await admin.get(its)).status).toBe(404)
  })
})
