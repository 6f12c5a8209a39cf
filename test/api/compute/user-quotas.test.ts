import { beforeEach, expect, test } from 'vitest'
import { at, NOVA, newWorld, type World } from './servers/world.ts'

let world: World
let sets: string
let user: string
beforeEach(async () => {
  world = await newWorld()
  sets = `${NOVA}/os-quota-sets/${world.plimsoll.projectId('demo')}`
  user = world.plimsoll.userId('demo')
})
const setUser = (quota_set: Record<string, unknown>, minor = '2.1') =>
  world.admin.with(at(minor)).put(`${sets}?user_id=${user}`, { quota_set })

test('one user of a project may have a part of what it may have', async () => {
  const { status, body } = await setUser({ instances: 1, ram: '2048' })
  expect([status, body.quota_set.instances, body.quota_set.ram, body.quota_set.cores]).toEqual([200, 1, 2048, 400])
  expect((await world.demo.get(`${sets}?user_id=${user}`)).body.quota_set.instances).toBe(1)
  expect((await world.demo.get(sets)).body.quota_set.instances).toBe(100)
  expect((await world.boot({ min_count: 2 })).body.forbidden.message).toBe(
    'Quota exceeded for instances: Requested 2, but already used 0 of 1 instances',
  )
  const server = await world.running()
  const detail = (await world.admin.get(`${sets}/detail?user_id=${user}`)).body.quota_set
  expect([detail.instances, detail.cores.in_use]).toEqual([{ limit: 1, in_use: 1, reserved: 0 }, 1])
  expect((await world.boot()).body.forbidden.message).toBe(
    'Quota exceeded for instances: Requested 1, but already used 1 of 1 instances',
  )
  const larger = await world.act(server, { resize: { flavorRef: '3' } })
  expect([larger.status, larger.body.forbidden.message]).toEqual([
    403,
    'Quota exceeded for ram: Requested 3584, but already used 512 of 2048 ram',
  ])
  // Somebody else of the project is not limited.
  const [project] = [world.plimsoll.projectId('demo')]
  expect((await world.boot({}, world.admin)).status).toBe(202)
  expect(project).not.toBe('')
  expect((await world.admin.delete(`${sets}?user_id=${user}`)).status).toBe(202)
  expect((await world.demo.get(`${sets}?user_id=${user}`)).body.quota_set.instances).toBe(100)
  expect((await world.boot()).status).toBe(202)
})

test('a resize counts as the larger of both, from when it is asked for until it is confirmed', async () => {
  const [one, other] = [await world.running(), await world.running()]
  await setUser({ ram: 512 + 2048 })
  const resize = (id: string, flavorRef: string) => world.act(id, { resize: { flavorRef } })
  expect((await resize(one, '2')).status).toBe(202)
  const second = await resize(other, '2')
  expect([second.status, second.body.forbidden?.message]).toEqual([
    403,
    'Quota exceeded for ram: Requested 1536, but already used 2560 of 2560 ram',
  ])
  await world.plimsoll.settle()
  await world.act(one, { confirmResize: null })
  expect((await world.demo.delete(`${NOVA}/servers/${other}`)).status).toBe(204)
  await world.plimsoll.settle()
  // Smaller, it may still go back to what it was.
  expect((await resize(one, '1')).status).toBe(202)
  await world.plimsoll.settle()
  await world.boot({})
  await world.plimsoll.settle()
  expect((await world.boot({})).body.forbidden?.message).toMatch(/already used 2560 of 2560 ram/)
  expect((await world.act(one, { confirmResize: null })).status).toBe(204)
  expect((await world.boot({})).status).toBe(202)
})

test('a limit of a user is of what is counted for users, and within that of the project and above what he has', async () => {
  await world.running()
  await world.admin.put(sets, { quota_set: { cores: 10 } })
  const refused = async (quota_set: Record<string, unknown>) => (await setUser(quota_set)).body.badRequest.message
  expect(await refused({ cores: 11 })).toBe('Quota limit 11 for cores must be less than or equal to 10.')
  expect(await refused({ cores: -1 })).toBe('Quota limit -1 for cores must be less than or equal to 10.')
  expect(await refused({ instances: 0 })).toBe(
    'Quota limit 0 for instances must be greater than or equal to already used and reserved 1.',
  )
  expect(await refused({ injected_files: 1 })).toBe(
    'Quota injected_files is not kept for single users; set that of the project.',
  )
  expect((await setUser({ instances: 0, force: true })).status).toBe(200)
})

test('keypairs and server groups of a user are counted too', async () => {
  await setUser({ key_pairs: 1, server_groups: 1 })
  expect((await world.demo.post(`${NOVA}/os-keypairs`, { keypair: { name: 'a' } })).status).toBe(200)
  expect((await world.demo.post(`${NOVA}/os-keypairs`, { keypair: { name: 'b' } })).status).toBe(403)
  const group = (name: string) =>
    world.demo.post(`${NOVA}/os-server-groups`, { server_group: { name, policies: ['affinity'] } })
  expect((await group('a')).status).toBe(200)
  expect((await group('b')).status).toBe(403)
})

test('administrators say what projects start with', async () => {
  const path = '/compute/v2.1/os-quota-class-sets/default'
  const said = await world.admin.put(path, { quota_class_set: { instances: 1, floating_ips: 2 } })
  expect([said.status, said.body.quota_class_set.instances, said.body.quota_class_set]).toEqual([
    200,
    1,
    expect.not.objectContaining({ id: expect.anything() }),
  ])
  expect((await world.admin.get(path)).body.quota_class_set).toMatchObject({ id: 'default', instances: 1 })
  expect((await world.demo.get(`${sets}/defaults`)).body.quota_set).toMatchObject({ instances: 1, cores: 400 })
  expect((await world.demo.get(sets)).body.quota_set.instances).toBe(1)
  expect((await world.demo.get(`${NOVA}/limits`)).body.limits.absolute.maxTotalInstances).toBe(1)
  const network = `/network/v2.0/quotas/${world.plimsoll.projectId('demo')}`
  expect((await world.demo.get(`${network}/default`)).body.quota.floatingip).toBe(2)
  await world.running()
  expect((await world.boot()).body.forbidden.message).toBe(
    'Quota exceeded for instances: Requested 1, but already used 1 of 1 instances',
  )
  // What was said of the project itself is not what it started with.
  await world.admin.put(sets, { quota_set: { instances: 2 } })
  expect((await world.boot()).status).toBe(202)
  await world.admin.put(path, { quota_class_set: { instances: 50 } })
  expect((await world.demo.get(sets)).body.quota_set.instances).toBe(2)
  await world.admin.delete(sets)
  expect((await world.demo.get(sets)).body.quota_set.instances).toBe(50)

  expect((await world.admin.put(`${NOVA}/os-quota-class-sets/other`, { quota_class_set: {} })).status).toBe(400)
  expect((await world.admin.put(path, { quota_class_set: { instances: 'x' } })).status).toBe(400)
  expect((await world.admin.with(at('2.57')).put(path, { quota_class_set: { floating_ips: 1 } })).status).toBe(400)
  expect((await world.demo.put(path, { quota_class_set: { instances: 9 } })).status).toBe(403)
})

test('volumes have them as well', async () => {
  const path = `${world.cinder}/os-quota-class-sets/default`
  const admin = `/volume/v3/${world.plimsoll.projectId('admin')}/os-quota-class-sets/default`
  const said = await world.admin.put(admin, { quota_class_set: { volumes: 1, per_volume_gigabytes: 2 } })
  expect([said.status, said.body.quota_class_set.volumes]).toEqual([200, 1])
  const make = (size: number) => world.demo.post(`${world.cinder}/volumes`, { volume: { size } })
  expect((await make(3)).status).toBe(413)
  expect((await make(1)).status).toBe(202)
  expect((await make(1)).status).toBe(413)
  for (const wrong of [null, '', [], true, 1.5, ' 1', { toString: 1 }])
    for (const [where, said] of [
      [admin, { quota_class_set: { volumes: wrong } }],
      [
        admin.replace('os-quota-class-sets/default', `os-quota-sets/${world.plimsoll.projectId('demo')}`),
        { quota_set: { volumes: wrong } },
      ],
    ] as const)
      expect([wrong, (await world.admin.put(where, said)).status]).toEqual([wrong, 400])
  expect((await world.admin.put(admin, { quota_class_set: { volumes: '2' } })).body.quota_class_set.volumes).toBe(2)
  expect((await world.demo.put(path, { quota_class_set: { volumes: 9 } })).status).toBe(403)
})

test('a project that began as the template of its domain says goes back to that', async () => {
  const template = {
    clouds: { sandbox: {} },
    quotas: { instances: 3, cores: 8, ram: 4096, volumes: 1, gigabytes: 1 },
    policy: { budget: { amount: '1', currency: 'USD' } },
    most_projects: 9,
  }
  await world.admin.put('/broker/v1/domains/default/project-template', { project_template: template })
  const { body } = await world.admin.post('/identity/v3/projects', { project: { name: 'began' } })
  const its = `${NOVA}/os-quota-sets/${body.project.id}`
  const instances = async (path: string) => (await world.admin.get(its + path)).body.quota_set.instances
  expect([await instances(''), await instances('/defaults')]).toEqual([3, 3])
  await world.admin.put(its, { quota_set: { instances: 7 } })
  await world.admin.delete(its)
  expect(await instances('')).toBe(3)
})
