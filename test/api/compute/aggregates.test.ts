import { beforeEach, expect, test } from 'vitest'
import { askedWhile } from '../block-storage/asked-while.ts'
import { at, NOVA, newWorld, type World } from './servers/world.ts'

const PATH = `${NOVA}/os-aggregates`
let world: World
let zone: string
beforeEach(async () => {
  world = await newWorld()
  const { availabilityZoneInfo } = (await world.demo.get(`${NOVA}/os-availability-zone`)).body
  zone = availabilityZoneInfo[0].zoneName
})

const make = async (name: string, availability_zone?: string) =>
  (await world.admin.post(PATH, { aggregate: { name, ...(availability_zone ? { availability_zone } : {}) } })).body
    .aggregate.id
const act = (id: number | string, action: Record<string, unknown>) => world.admin.post(`${PATH}/${id}/action`, action)
const add = (id: number, host: string) => act(id, { add_host: { host } })
const remove = (id: number, host: string) => act(id, { remove_host: { host } })
const zones = async () =>
  (await world.demo.get(`${NOVA}/os-availability-zone`)).body.availabilityZoneInfo.map(
    ({ zoneName }: { zoneName: string }) => zoneName,
  )

test('administrators make aggregates, name them anew and remove them', async () => {
  const { status, body } = await world.admin.post('/compute/v2.1/os-aggregates', {
    aggregate: { name: 'fast', availability_zone: null },
  })
  expect(status).toBe(200)
  const { id } = body.aggregate
  expect(body.aggregate).toEqual({
    id: expect.any(Number),
    name: 'fast',
    availability_zone: null,
    created_at: expect.stringMatching(/^2026-.*\.000000$/),
    updated_at: null,
    deleted: false,
    deleted_at: null,
  })
  expect((await world.admin.get(`/compute/v2.1/os-aggregates/${id}`)).body.aggregate).toMatchObject({
    hosts: [],
    metadata: {},
  })
  const newest = (await world.admin.with(at('2.96')).get('/compute/v2.1/os-aggregates')).body.aggregates
  expect(newest).toMatchObject([{ id, uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) }])
  const renamed = await world.admin.put(`/compute/v2.1/os-aggregates/${id}`, { aggregate: { name: ' faster ' } })
  expect(renamed.body.aggregate).toMatchObject({ name: 'faster', updated_at: expect.any(String) })
  expect((await world.admin.post(PATH, { aggregate: { name: 'faster' } })).body.conflictingRequest.message).toBe(
    'Aggregate faster already exists.',
  )
  expect((await world.demo.get(PATH)).status).toBe(403)
  expect((await world.admin.delete(`/compute/v2.1/os-aggregates/${id}`)).status).toBe(200)
  expect((await world.admin.get(`${PATH}/${id}`)).body.itemNotFound.message).toBe(`Aggregate ${id} could not be found.`)
  expect((await world.admin.get(`${PATH}/none`)).body.badRequest.message).toBe(
    'Invalid input received: id must be an integer',
  )
})

test('an aggregate has metadata, of which the availability zone is a part', async () => {
  const id = await make('fast', 'here')
  const set = (metadata: Record<string, string | null>) => act(id, { set_metadata: { metadata } })
  expect((await set({ ssd: 'true', __proto__: 'kept' })).body.aggregate.metadata).toMatchObject({ ssd: 'true' })
  expect((await set({ ssd: null })).body.aggregate.metadata).not.toHaveProperty('ssd')
  expect((await set({ availability_zone: 'there' })).body.aggregate).toMatchObject({ availability_zone: 'there' })
  const refused = await set({ availability_zone: null })
  expect([refused.status, refused.body.badRequest.message]).toEqual([
    400,
    `Cannot update metadata of aggregate ${id}. Reason: Aggregate fast does not support empty named availability zone.`,
  ])
  for (const wrong of [{}, { other: {} }, { set_metadata: { metadata: { a: 1 } } }, { add_host: {} }])
    expect((await act(id, wrong)).status).toBe(400)
})

test('its hosts are clouds, or zones of theirs, each in one availability zone', async () => {
  const [here, there] = [await make('a', 'here'), await make('b', 'there')]
  expect((await add(here, 'nowhere')).body.itemNotFound.message).toBe('Compute host nowhere could not be found.')
  expect((await add(here, zone)).body.aggregate.hosts).toEqual([zone])
  expect((await add(here, zone)).body.conflictingRequest.message).toBe(`Aggregate ${here} already has host ${zone}.`)
  expect((await add(there, 'sandbox')).body.conflictingRequest.message).toBe(
    `Cannot add host to aggregate ${there}. Reason: One or more hosts already in availability zone(s) ['here'].`,
  )
  const full = await world.admin.delete(`${PATH}/${here}`)
  expect([full.status, full.body.badRequest.message]).toEqual([
    400,
    `Cannot remove host from aggregate ${here}. Reason: Host aggregate is not empty.`,
  ])
  const absent = await remove(there, zone)
  expect([absent.status, absent.body.itemNotFound.message]).toEqual([
    404,
    `Cannot remove host ${zone} in aggregate ${there}`,
  ])
  expect((await remove(here, zone)).body.aggregate.hosts).toEqual([])
  expect((await add(there, 'sandbox')).status).toBe(200)
})

test('its availability zone takes the place of those of its hosts, and takes servers', async () => {
  const before = await zones()
  const unnamed = await world.running()
  expect((await world.server(unnamed))['OS-EXT-AZ:availability_zone']).toBe(zone)
  expect((await world.boot({ availability_zone: 'here' })).body.badRequest.message).toBe(
    'The requested availability zone is not available',
  )
  const id = await make('a', 'here')
  await add(id, zone)
  expect(await zones()).toEqual(['here', ...before.slice(1)])
  const { availabilityZoneInfo } = (await world.admin.get(`${NOVA}/os-availability-zone/detail`)).body
  expect(availabilityZoneInfo[0]).toMatchObject({ zoneName: 'here', hosts: { sandbox: {} } })

  const server = await world.running({ availability_zone: 'here' })
  expect(await world.server(server)).toMatchObject({
    status: 'ACTIVE',
    'OS-EXT-AZ:availability_zone': 'here',
    pinned_availability_zone: 'here',
  })
  expect((await world.server(server, world.admin))['OS-EXT-SRV-ATTR:host']).toBe('sandbox')
  // Who named no zone, or the cloud's own, is shown where he is.
  expect((await world.server(unnamed))['OS-EXT-AZ:availability_zone']).toBe('here')
  const direct = await world.running({ availability_zone: zone })
  const listed = async (name: string, more = '', client = world.newest) =>
    (await client.get(`${NOVA}/servers?availability_zone=${name}${more}`)).body.servers.map(
      (each: { id: string }) => each.id,
    )
  const all = new Set([unnamed, server, direct])
  expect(new Set(await listed('here'))).toEqual(all)
  expect(new Set(await listed('here', '&sort_key=display_name'))).toEqual(all)
  expect(new Set(await listed('here', '&all_tenants=1', world.admin))).toEqual(all)
  expect(await listed('here', '&limit=1')).toEqual([direct])

  const held = await remove(id, zone)
  expect([held.status, held.body.conflictingRequest.message]).toEqual([
    409,
    `Cannot remove host from aggregate ${id}. Reason: One or more hosts contain instances in this zone.`,
  ])
  const moved = await world.admin.put(`${PATH}/${id}`, { aggregate: { availability_zone: 'there' } })
  expect([moved.status, moved.body.badRequest.message]).toEqual([
    400,
    `Cannot update aggregate ${id}. Reason: One or more hosts contain instances in this zone.`,
  ])
  await world.demo.delete(`${NOVA}/servers/${server}`)
  await world.plimsoll.settle()
  expect((await remove(id, zone)).status).toBe(200)
  expect(await zones()).toEqual(before)
})

test('its availability zone has no name of a zone of a cloud', async () => {
  const refused = await world.admin.post(PATH, { aggregate: { name: 'a', availability_zone: 'sandbox' } })
  expect([refused.status, refused.body.badRequest.message]).toEqual([
    400,
    'Its availability zone is the name of a zone of a cloud',
  ])
  expect((await world.admin.post(PATH, { aggregate: { name: 'a', availability_zone: 'a.b' } })).status).toBe(400)
  expect((await world.admin.post(PATH, { aggregate: { name: 'a', availability_zone: 'a:b' } })).status).toBe(400)
})

test('images are there beforehand where a cloud has them for everybody', async () => {
  const id = await make('a')
  await add(id, 'sandbox')
  const newest = world.admin.with(at('2.96'))
  const cache = (image: string) => newest.post(`/compute/v2.1/os-aggregates/${id}/images`, { cache: [{ id: image }] })
  expect((await cache(world.image)).status).toBe(202)
  const { body } = await world.demo.post('/image/v2/images', {
    name: 'own',
    disk_format: 'raw',
    container_format: 'bare',
  })
  expect((await cache(body.id)).status).toBe(501)
  expect((await cache(world.network)).status).toBe(400)
  expect((await newest.post(`${PATH}/${id}/images`, { cache: [] })).status).toBe(400)
})

test('nothing that somebody else says of an aggregate meanwhile is lost, and no zone is made of two', async () => {
  const [id, other] = [await make('a', 'here'), await make('b', 'there')]
  const set = (metadata: Record<string, string>) => act(id, { set_metadata: { metadata } })
  const late = await askedWhile(
    world.plimsoll,
    () => set({ ssd: 'true' }),
    () => set({ gpu: 'true' }),
  )
  expect([late.status, late.body.conflictingRequest.message]).toEqual([
    409,
    'Somebody changed the aggregate at the same time.',
  ])
  expect((await world.admin.get(`${PATH}/${id}`)).body.aggregate.metadata).toMatchObject({ ssd: 'true' })
  await add(other, zone)
  await set({ availability_zone: 'there' })
  const moved = await askedWhile(
    world.plimsoll,
    () => set({ availability_zone: 'elsewhere' }),
    () => add(id, zone),
  )
  expect(moved.status).toBe(409)
  expect((await world.admin.get(`${PATH}/${id}`)).body.aggregate.hosts).toEqual([])
})

test('no cloud has the name of a zone that an aggregate makes', async () => {
  await make('a', 'here')
  const register = () => world.admin.post('/broker/v1/clouds', { cloud: { name: 'here', type: 'sandbox' } })
  const refused = await register()
  expect([refused.status, JSON.stringify(refused.body)]).toEqual([
    409,
    expect.stringContaining('There is an aggregate whose availability zone is here'),
  ])
})
