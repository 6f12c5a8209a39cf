import { beforeEach, describe, expect, test } from 'vitest'
import { zones } from '../../db/schema/index.ts'
import { createServer } from '../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../support/harness.ts'

const at = (minor: number) => ({ 'OpenStack-API-Version': `placement 1.${minor}` })
const NOVA = '/compute/v2.1'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll()
})
const read = (path: string, minor = 39, who = 'admin') => plimsoll.as(who).with(at(minor)).get(path)
const providers = async (query = '', minor = 39) =>
  (await read(`/placement/resource_providers${query}`, minor)).body.resource_providers as {
    uuid: string
    name: string
  }[]
const names = async (query: string, minor = 39) => (await providers(query, minor)).map(({ name }) => name)
const refusal = async (path: string, minor = 39) => {
  const { status, body } = await read(path, minor)
  return [status, body.errors[0].detail]
}

test('the service is in the catalogue and tells its versions', async () => {
  const { body } = await plimsoll.as('admin').get('/identity/v3/auth/catalog')
  expect(body.catalog.map(({ type }: { type: string }) => type)).toContain('placement')
  for (const path of ['/placement', '/placement/']) {
    const answer = await plimsoll.nobody.get(path)
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        versions: [
          {
            id: 'v1.0',
            min_version: '1.0',
            max_version: '1.39',
            status: 'CURRENT',
            links: [{ rel: 'self', href: '' }],
          },
        ],
      },
    ])
  }
})

describe('resource providers', () => {
  test('are zones of clouds, by the ids that they have as hypervisors', async () => {
    const all = await providers()
    const known = await plimsoll.db.select().from(zones)
    expect(all.map(({ name }) => name).sort()).toEqual(known.map(({ name }) => `sandbox.${name}`).sort())
    const { hypervisors } = (
      await plimsoll.as('admin').with({ 'OpenStack-API-Version': 'compute 2.53' }).get(`${NOVA}/os-hypervisors`)
    ).body
    expect(new Set(all.map(({ uuid }) => uuid))).toEqual(new Set(hypervisors.map(({ id }: { id: string }) => id)))
    const [first] = all
    const answer = await read(`/placement/resource_providers/${first!.uuid}`)
    expect(answer.body).toEqual(first)
    expect(first).toMatchObject({ parent_provider_uuid: null, root_provider_uuid: first!.uuid })
    expect(answer.headers.get('Last-Modified')).toMatch(/GMT$/)
    const oldest = (await providers('', 0))[0] as { links?: { rel: string }[] }
    expect(Object.keys(oldest).sort()).toEqual(['generation', 'links', 'name', 'uuid'])
    expect(oldest.links!.map(({ rel }) => rel)).toEqual(['self', 'inventories', 'usages'])
    expect(await refusal('/placement/resource_providers/nothing')).toEqual([
      404,
      'No resource provider with uuid nothing found',
    ])
  })

  test('are filtered', async () => {
    const [first, second] = await providers()
    expect(await names(`?name=${first!.name}`)).toEqual([first!.name])
    expect(await names(`?uuid=${second!.uuid}`)).toEqual([second!.name])
    expect(await names(`?in_tree=${second!.uuid}`)).toEqual([second!.name])
    expect(await names('?resources=VCPU:1,MEMORY_MB:512')).toContain(first!.name)
    expect(await names('?resources=VCPU:999999999')).toEqual([])
    expect(await names('?required=HW_ARCH_X86_64,!COMPUTE_STATUS_DISABLED')).toContain(first!.name)
    expect(await names('?required=COMPUTE_STATUS_DISABLED')).toEqual([])
    expect(await names('?required=in:COMPUTE_STATUS_DISABLED,CUSTOM_CLOUD_SANDBOX')).toContain(first!.name)
    const admin = plimsoll.as('admin').with({ 'OpenStack-API-Version': 'compute 2.96' })
    const { aggregate } = (await admin.post(`${NOVA}/os-aggregates`, { aggregate: { name: 'one' } })).body
    await admin.post(`${NOVA}/os-aggregates/${aggregate.id}/action`, { add_host: { host: first!.name } })
    expect((await read(`/placement/resource_providers/${first!.uuid}/aggregates`)).body.aggregates).toEqual([
      aggregate.uuid,
    ])
    expect(await names(`?member_of=in:${aggregate.uuid},${second!.uuid}`)).toEqual([first!.name])
    expect(await names(`?member_of=!${aggregate.uuid}`)).not.toContain(first!.name)
    for (const [query, minor] of [
      ['?colour=red', 39],
      ['?uuid=x', 39],
      ['?member_of=x', 39],
      ['?required=NOTHING', 39],
      ['?required=', 39],
      ['?resources=VCPU', 39],
      ['?resources=VCPU:0', 39],
      ['?resources=TEA:1', 39],
      [`?uuid=${first!.uuid}&uuid=${second!.uuid}`, 39],
      ['?required=HW_ARCH_X86_64', 17],
    ] as const)
      expect([query, (await read(`/placement/resource_providers${query}`, minor)).status]).toEqual([query, 400])
  })

  test('have what is free and taken, and each server its part', async () => {
    const server = await createServer(plimsoll, plimsoll.as('demo'))
    const { body: shown } = await plimsoll.as('admin').get(`${NOVA}/servers/${server}`)
    const on = shown.server['OS-EXT-SRV-ATTR:hypervisor_hostname']
    const { uuid } = (await providers(`?name=${on}`))[0]!
    const answered = await read(`/placement/resource_providers/${uuid}/inventories`)
    const { inventories, resource_provider_generation: generation } = answered.body
    expect(Object.keys(inventories)).toEqual(['VCPU', 'MEMORY_MB', 'DISK_GB'])
    expect(inventories.VCPU).toMatchObject({ reserved: 0, min_unit: 1, step_size: 1, allocation_ratio: 1 })
    expect((await read(`/placement/resource_providers/${uuid}/inventories/VCPU`)).body).toEqual({
      ...inventories.VCPU,
      resource_provider_generation: generation,
    })
    expect(await refusal(`/placement/resource_providers/${uuid}/inventories/TEA`)).toEqual([
      404,
      `No inventory of class TEA for ${uuid}`,
    ])
    const { usages } = (await read(`/placement/resource_providers/${uuid}/usages`)).body
    const { resources, consumer_generation } = (await read(`/placement/resource_providers/${uuid}/allocations`)).body
      .allocations[server]
    expect(usages).toMatchObject(resources)
    expect((await read(`/placement/resource_providers/${uuid}/traits`)).body.traits).toContain('HW_ARCH_X86_64')
    const own = (await read(`/placement/allocations/${server}`)).body
    expect(own).toEqual({
      allocations: { [uuid]: { generation, resources } },
      project_id: plimsoll.projectId('demo'),
      user_id: plimsoll.userId('demo'),
      consumer_generation,
      consumer_type: 'INSTANCE',
    })
    expect((await read(`/placement/allocations/${uuid}`)).body).toEqual({ allocations: {} })
    const project = plimsoll.projectId('demo')
    const used = async (query: string, minor = 39) =>
      (await read(`/placement/usages?project_id=${project}${query}`, minor, 'demo')).body.usages
    expect(await used('', 9)).toEqual(resources)
    expect(await used('')).toEqual({ INSTANCE: { ...resources, consumer_count: 1 } })
    expect(await used('&consumer_type=all')).toEqual({ all: { ...resources, consumer_count: 1 } })
    expect(await used('&consumer_type=MIGRATION')).toEqual({})
    expect(await used('&user_id=nobody')).toEqual({})
    expect((await read(`/placement/usages?project_id=${plimsoll.projectId('admin')}`, 39, 'demo')).status).toBe(403)
    expect((await read('/placement/usages')).status).toBe(400)
  })
})

test('allocation candidates are zones with room, and a size on offer', async () => {
  const all = await providers()
  const find = async (query: string, minor = 39) =>
    (await read(`/placement/allocation_candidates?${query}`, minor)).body
  const found = await find('resources=VCPU:1,MEMORY_MB:512')
  expect(found.allocation_requests).toHaveLength(all.length)
  const [{ allocations, mappings }] = found.allocation_requests
  const [uuid] = Object.keys(allocations)
  expect([allocations[uuid!], mappings]).toEqual([{ resources: { VCPU: 1, MEMORY_MB: 512 } }, { '': [uuid] }])
  expect(found.provider_summaries[uuid!]).toMatchObject({
    resources: { VCPU: { capacity: expect.any(Number), used: 0 }, DISK_GB: {} },
    traits: expect.arrayContaining(['HW_ARCH_X86_64']),
    root_provider_uuid: uuid,
  })
  const old = await find('resources=VCPU:1', 10)
  expect(old.allocation_requests[0]).toEqual({
    allocations: [{ resource_provider: { uuid }, resources: { VCPU: 1 } }],
  })
  expect(Object.keys(old.provider_summaries[uuid!].resources)).toEqual(['VCPU'])
  const many = async (query: string) => (await find(query)).allocation_requests.length
  expect(await many('resources=VCPU:1&limit=1')).toBe(1)
  expect(await many(`resources=VCPU:1&in_tree=${uuid}`)).toBe(1)
  expect(await many('resources=VCPU:1&required=COMPUTE_STATUS_DISABLED')).toBe(0)
  expect(await many('resources=VCPU:1&root_required=!COMPUTE_STATUS_DISABLED')).toBe(all.length)
  expect(await many(`resources=VCPU:1&member_of=${uuid}`)).toBe(0)
  // As much together as no size on offer has, though each is on sale by itself.
  expect(await many('resources=VCPU:99999')).toBe(0)
  expect(await many('resources=VGPU:1')).toBe(0)
  expect(await many('resources_A=VCPU:1&resources_B=VCPU:1&group_policy=none')).toBe(all.length)
  expect(await many('resources_A=VCPU:1&resources_B=VCPU:1&group_policy=isolate')).toBe(0)
  const taken = 'resources_A=VCPU:1&required_B=HW_ARCH_X86_64&same_subtree=_A,_B&group_policy=none'
  expect(await many(taken)).toBe(all.length)
  for (const [query, minor] of [
    ['', 39],
    ['required=HW_ARCH_X86_64', 39],
    ['resources=VCPU:1&limit=0', 39],
    ['resources=VCPU:1&limit=1', 15],
    ['resources=VCPU:1&resources=VCPU:2', 39],
    ['resources1=VCPU:1&resources2=VCPU:1', 39],
    ['resources1=VCPU:1&resources2=VCPU:1&group_policy=tea', 39],
    ['resources1=VCPU:1', 24],
    ['resources_A=VCPU:1', 32],
    ['resources=VCPU:1&in_tree=x', 39],
    ['resources=VCPU:1&required1=HW_ARCH_X86_64', 35],
    [`resources=VCPU:1&member_of1=${uuid}`, 35],
    [`resources=VCPU:1&in_tree1=${uuid}`, 35],
    ['resources=VCPU:1&required1=HW_ARCH_X86_64', 36],
    ['resources_A=VCPU:1&required_B=HW_ARCH_X86_64&same_subtree=_A', 39],
    ['required_A=HW_ARCH_X86_64&same_subtree=_A', 39],
    ['resources_A=VCPU:1&same_subtree=_A,_B', 39],
    ['resources_A=VCPU:1&same_subtree=', 39],
    [`resources=VCPU:1&member_of=${uuid}&member_of=${uuid}`, 23],
    ['resources=VCPU:1&required=HW_ARCH_X86_64,!HW_ARCH_X86_64', 39],
  ] as const)
    expect([query, (await read(`/placement/allocation_candidates?${query}`, minor)).status]).toEqual([query, 400])
  expect((await read('/placement/allocation_candidates?resources=VCPU:1', 9)).status).toBe(404)
})

test('resource classes and traits are those that are known', async () => {
  const { resource_classes: classes } = (await read('/placement/resource_classes')).body
  expect(classes[0]).toEqual({ name: 'VCPU', links: [{ rel: 'self', href: '/placement/resource_classes/VCPU' }] })
  expect((await read('/placement/resource_classes/DISK_GB')).body.name).toBe('DISK_GB')
  expect(await refusal('/placement/resource_classes/TEA')).toEqual([404, 'No such resource class TEA.'])
  const traits = async (query = '') => (await read(`/placement/traits${query}`)).body.traits
  expect(await traits()).toEqual(expect.arrayContaining(['COMPUTE_STATUS_DISABLED', 'CUSTOM_CLOUD_SANDBOX']))
  expect(await traits('?associated=false')).toContain('COMPUTE_STATUS_DISABLED')
  expect(await traits('?associated=true&name=startswith:CUSTOM_')).toEqual(['CUSTOM_CLOUD_SANDBOX'])
  expect(await traits('?name=in:HW_ARCH_X86_64,TEA')).toEqual(['HW_ARCH_X86_64'])
  expect((await read('/placement/traits?name=HW')).status).toBe(400)
  expect((await read('/placement/traits?associated=perhaps')).status).toBe(400)
  expect((await read('/placement/traits/HW_ARCH_X86_64')).status).toBe(204)
  expect(await refusal('/placement/traits/TEA')).toEqual([404, 'No such trait(s): TEA.'])
})

test('nothing is written, and members see their own usage alone', async () => {
  const admin = plimsoll.as('admin').with(at(39))
  const written = await admin.post('/placement/resource_providers', { name: 'mine' })
  expect([written.status, written.body.errors[0]]).toMatchObject([
    405,
    {
      status: 405,
      title: 'Method Not Allowed',
      detail: expect.stringContaining('follow from zones and offers of clouds'),
    },
  ])
  expect((await admin.put(`/placement/allocations/${crypto.randomUUID()}`, {})).status).toBe(405)
  expect((await read('/placement/resource_providers', 39, 'demo')).status).toBe(403)
  expect((await read('/placement/resource_providers', 40)).status).toBe(406)
})
