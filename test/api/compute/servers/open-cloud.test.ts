import { eq } from 'drizzle-orm'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bindings, clouds } from '../../../../db/schema/index.ts'
import { PUBLIC_KEY } from '../../../adapters/world.ts'
import { createNetwork } from '../../../support/builders.ts'
import { openCloudType, WHY_OPEN, WHY_UNROUTED } from '../../../support/open-cloud.ts'
import { NOVA, newWorld, type World } from './world.ts'

const NEUTRON = '/network/v2.0'
beforeAll(openCloudType)

let world: World
beforeEach(async () => {
  world = await newWorld({
    clouds: [
      { name: 'dc1', type: 'open' },
      { name: 'cloud2', type: 'sandbox' },
    ],
  })
})

const portOf = async (server: string) => (await world.demo.get(`${NEUTRON}/ports?device_id=${server}`)).body.ports[0]
const newPort = async (more: object = {}) =>
  (await world.demo.post(`${NEUTRON}/ports`, { port: { network_id: world.network, ...more } })).body.port
const newGroup = async (name: string): Promise<string> =>
  (await world.demo.post(`${NEUTRON}/security-groups`, { security_group: { name } })).body.security_group.id
const imageOn = async (cloud: string) => {
  const { images } = (await world.demo.get('/image/v2/images')).body
  return images.find((each: Record<string, string>) => each['plimsoll:clouds']?.includes(cloud))?.id ?? images[0].id
}
const inDc1 = async (more: object = {}) => ({ availability_zone: 'dc1', imageRef: await imageOn('dc1'), ...more })

test('a server on a cloud without security groups gets a port that says so', async () => {
  const id = await world.running(await inDc1())
  expect(await world.server(id)).toMatchObject({ status: 'ACTIVE' })
  expect(await portOf(id)).toMatchObject({ port_security_enabled: false, security_groups: [], status: 'ACTIVE' })
  const { network } = (await world.demo.get(`${NEUTRON}/networks/${world.network}`)).body
  expect(network.port_security_enabled).toBe(false)
  expect(await newPort(), 'and so does every port after it').toMatchObject({ port_security_enabled: false })
})

test('a keypair goes with the server where the cloud keeps none', async () => {
  await world.demo.post(`${NOVA}/os-keypairs`, { keypair: { name: 'k', public_key: PUBLIC_KEY } })
  const id = await world.running(await inDc1({ key_name: 'k' }))
  expect(await world.server(id)).toMatchObject({ status: 'ACTIVE', key_name: 'k' })
  const [binding] = await world.plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, id))
  expect(binding!.frozen).toMatchObject({ keypair: null, publicKey: PUBLIC_KEY })
})

test('the default group by name is what Nova would add anyway', async () => {
  const id = await world.running(await inDc1({ security_groups: [{ name: 'default' }] }))
  expect(await portOf(id)).toMatchObject({ security_groups: [] })
})

test('a group that was asked for is refused with the reason, at every door', async () => {
  const web = await newGroup('web')
  const asked = await world.boot(await inDc1({ security_groups: [{ name: 'web' }] }))
  expect([asked.status, asked.body.conflictingRequest?.message]).toEqual([409, WHY_OPEN])

  const secured = await newPort({ security_groups: [web] })
  const brought = await world.boot(await inDc1({ networks: [{ port: secured.id }] }))
  expect([brought.status, brought.body.conflictingRequest?.message]).toEqual([409, WHY_OPEN])

  const id = await world.running(await inDc1())
  const plugged = await world.demo.post(`${NOVA}/servers/${id}/os-interface`, {
    interfaceAttachment: { port_id: secured.id },
  })
  expect([plugged.status, plugged.body.conflictingRequest?.message]).toEqual([409, WHY_OPEN])
  const joined = await world.act(id, { addSecurityGroup: { name: 'web' } })
  expect([joined.status, joined.body.conflictingRequest?.message]).toEqual([409, WHY_OPEN])

  const port = await portOf(id)
  for (const [path, body] of [
    [`ports/${port.id}`, { port: { security_groups: [web], port_security_enabled: true } }],
    [`ports/${port.id}`, { port: { port_security_enabled: true } }],
    [`networks/${world.network}`, { network: { port_security_enabled: true } }],
  ] as const) {
    const { status, body: answer } = await world.demo.put(`${NEUTRON}/${path}`, body)
    expect([status, answer.NeutronError?.message], path).toEqual([409, WHY_OPEN])
  }
  const made = await world.demo.post(`${NEUTRON}/ports`, {
    port: { network_id: world.network, security_groups: [web] },
  })
  expect([made.status, made.body.NeutronError?.message]).toEqual([409, WHY_OPEN])
  expect((await portOf(id)).security_groups).toEqual([])
})

test('a port that asked for no filtering is taken', async () => {
  const plain = await newPort({ port_security_enabled: false })
  const id = await world.running(await inDc1({ networks: [{ port: plain.id }] }))
  expect((await portOf(id)).id).toBe(plain.id)
})

test('an interface that is added later asks for no filtering either', async () => {
  const id = await world.running(await inDc1())
  const { status, body } = await world.demo.post(`${NOVA}/servers/${id}/os-interface`, {
    interfaceAttachment: { net_id: world.network },
  })
  expect(status).toBe(200)
  await world.plimsoll.settle()
  const { port } = (await world.demo.get(`${NEUTRON}/ports/${body.interfaceAttachment.port_id}`)).body
  expect(port).toMatchObject({ port_security_enabled: false, security_groups: [], status: 'ACTIVE' })
})

/** The image of dc1 is on the other cloud too. */
const imageOnBoth = async () => {
  const { db } = world.plimsoll
  const imageRef = await imageOn('dc1')
  const [binding] = await db.select().from(bindings).where(eq(bindings.resourceId, imageRef))
  await db.insert(bindings).values({ ...binding!, cloudId: world.plimsoll.cloudId('cloud2'), token: 'another' })
  return imageRef
}
const prefer = (cloud: string, position: number) =>
  world.plimsoll.db.update(clouds).set({ position }).where(eq(clouds.name, cloud))
const cloudOf = async (id: string) => (await world.server(id))['OS-EXT-AZ:availability_zone'].split('.')[0]

test('the default group moves no server: the order of the operator says where it goes', async () => {
  const imageRef = await imageOnBoth()
  await prefer('cloud2', 1)
  expect(await cloudOf(await world.running({ imageRef }))).toBe('dc1')
  await prefer('dc1', 2)
  const { network } = await createNetwork(world.demo, { cidr: '10.8.0.0/24' })
  expect(await cloudOf(await world.running({ imageRef, networks: [{ uuid: network }] }))).toBe('cloud2')
})

test('a port that is in the default group, as every port is, moves no server either', async () => {
  const imageRef = await imageOnBoth()
  await prefer('cloud2', 1)
  const port = await newPort()
  expect(port).toMatchObject({ port_security_enabled: true, 'plimsoll:filters': null })
  const id = await world.running({ imageRef, networks: [{ port: port.id }] })
  expect(await cloudOf(id)).toBe('dc1')
  expect(await portOf(id)).toMatchObject({
    id: port.id,
    port_security_enabled: false,
    security_groups: [],
    'plimsoll:filters': 'none',
  })
  expect((await world.server(id)).security_groups, 'nothing says that it is filtered').toBeUndefined()
  const { ports } = (await world.demo.get(`${NEUTRON}/ports?port_security_enabled=true`)).body
  expect(ports).toEqual([])
})

test('a group that was named goes where it counts', async () => {
  const imageRef = await imageOnBoth()
  await prefer('cloud2', 1)
  await newGroup('web')
  const id = await world.running({ imageRef, security_groups: [{ name: 'web' }] })
  expect(await cloudOf(id)).toBe('cloud2')
  expect(await portOf(id)).toMatchObject({ port_security_enabled: true, 'plimsoll:filters': 'enforced' })
})

describe('where the operator answers for what stands before a cloud', () => {
  const mappingOf = (cloud: string) => `/broker/v1/projects/${world.plimsoll.projectId('demo')}/clouds/${cloud}`
  const trust = (cloud: string, more: object = {}) =>
    world.admin.put(mappingOf(cloud), { mapping: { filters: 'trusted', ...more } })

  test('a named group is accepted, and it is said that the cloud does not keep to it', async () => {
    expect((await trust('dc1')).status).toBe(200)
    const web = await newGroup('web')
    const id = await world.running(await inDc1({ security_groups: [{ name: 'web' }] }))
    expect(await world.server(id)).toMatchObject({
      status: 'ACTIVE',
      'plimsoll:filters': 'trusted',
      security_groups: [{ name: 'web' }],
    })
    const port = await portOf(id)
    expect(port).toMatchObject({
      port_security_enabled: true,
      security_groups: [web],
      'plimsoll:filters': 'trusted',
    })
    const joined = await world.act(id, { addSecurityGroup: { name: 'default' } })
    expect(joined.status).toBe(202)
    const late = await newPort({ security_groups: [web] })
    expect(late).toMatchObject({ security_groups: [web], 'plimsoll:filters': 'trusted' })
    const { network } = (await world.demo.get(`${NEUTRON}/networks/${world.network}`)).body
    expect(network.port_security_enabled).toBe(true)
  })

  test('it is said beforehand, and for one project alone', async () => {
    const other = await world.plimsoll.newProject('other', { clouds: ['dc1'] })
    await trust('dc1')
    const said = async (name: string) => {
      const { clouds: all } = (await world.plimsoll.as(name).get('/broker/v1/capabilities')).body
      return all.map((each: Record<string, unknown>) => [each.cloud, each.filters])
    }
    expect(await said('demo')).toEqual([
      ['cloud2', 'enforced'],
      ['dc1', 'trusted'],
    ])
    expect(await said('other'), other).toEqual([['dc1', 'none']])
    await world.admin.patch('/broker/v1/clouds/dc1', { cloud: { options: { filters: 'trusted' } } })
    expect(await said('other'), 'by default of the cloud').toEqual([['dc1', 'trusted']])
  })

  test('what was made stays as it was made when something else is said', async () => {
    const before = await world.running(await inDc1())
    await trust('dc1')
    expect(await portOf(before)).toMatchObject({ port_security_enabled: false, 'plimsoll:filters': 'none' })
    const { network } = await createNetwork(world.demo, { cidr: '10.8.0.0/24' })
    const after = await world.running(await inDc1({ networks: [{ uuid: network }] }))
    expect(await portOf(after)).toMatchObject({ port_security_enabled: true, 'plimsoll:filters': 'trusted' })
    await world.admin.put(mappingOf('dc1'), { mapping: {} })
    expect(await portOf(after)).toMatchObject({ 'plimsoll:filters': 'trusted' })
  })

  test('only what the cloud can be is said of it, by administrators', async () => {
    const refused = async (cloud: string, mapping: object) => {
      const { status, body } = await world.admin.put(mappingOf(cloud), { mapping })
      return [status, body.error?.message]
    }
    expect(await refused('dc1', { filters: 'enforced' })).toEqual([
      400,
      'Cloud dc1 filters no traffic, so filters are trusted or none there.',
    ])
    expect(await refused('dc1', { filters: 'some' })).toEqual([
      400,
      'mapping.filters: must be one of enforced, trusted, none',
    ])
    expect(await refused('dc1', { port_security_off: 'yes' })).toEqual([
      400,
      'mapping.port_security_off: must be true or false',
    ])
    const option = await world.admin.patch('/broker/v1/clouds/dc1', { cloud: { options: { filters: 'enforced' } } })
    expect(option.status).toBe(400)
    expect((await world.demo.put(mappingOf('dc1'), { mapping: { filters: 'trusted' } })).status).toBe(403)
  })

  test('a cloud that could filter filters nothing where it is said so', async () => {
    expect((await world.admin.put(mappingOf('cloud2'), { mapping: { filters: 'none' } })).status).toBe(200)
    await newGroup('web')
    const imageRef = await imageOn('cloud2')
    const asked = await world.boot({ availability_zone: 'cloud2', imageRef, security_groups: [{ name: 'web' }] })
    expect([asked.status, asked.body.conflictingRequest?.message]).toEqual([
      409,
      'Cloud cloud2 filters no traffic of this project; its operator says so.',
    ])
    const id = await world.running({ availability_zone: 'cloud2', imageRef })
    expect(await portOf(id)).toMatchObject({ port_security_enabled: false, 'plimsoll:filters': 'none' })
    const [binding] = await world.plimsoll.db
      .select()
      .from(bindings)
      .where(eq(bindings.resourceId, (await portOf(id)).id))
    expect(binding!.frozen).toMatchObject({ portSecurity: false, securityGroups: [] })
  })
})

describe('a server that finds no room', () => {
  const inChain = async (more: object = {}) => {
    world = await newWorld({
      clouds: [
        { name: 'full', type: 'sandbox', options: { faults: [{ method: 'server.create', fault: 'capacity' }] } },
        { name: 'dc1', type: 'open' },
      ],
    })
    const { db, projectId, cloudId } = world.plimsoll
    const policy = { chain: ['full', 'dc1'], ...more }
    expect((await world.admin.put(`/broker/v1/projects/${projectId('demo')}/policy`, { policy })).status).toBe(200)
    const imageRef = await imageOn('full')
    const [binding] = await db.select().from(bindings).where(eq(bindings.resourceId, imageRef))
    await db.insert(bindings).values({ ...binding!, cloudId: cloudId('dc1'), token: 'another' })
    return world.server(await world.running({ imageRef, networks: 'none' }))
  }

  test('never goes from where it was filtered to where nothing is', async () => {
    expect(await inChain()).toMatchObject({
      status: 'ERROR',
      fault: { message: expect.stringMatching(/^No valid host was found/) },
    })
    expect(await inChain({ min_filters: 'trusted' })).toMatchObject({ status: 'ERROR' })
  })

  test('unless the policy of its project says so', async () => {
    const server = await inChain({ min_filters: 'none' })
    expect(server).toMatchObject({ status: 'ACTIVE', 'plimsoll:filters': 'none' })
    const { placement } = (await world.demo.get(`/broker/v1/servers/${server.id}/placement`)).body
    expect(placement).toMatchObject({ at: { cloud: 'dc1' }, filters: 'none' })
  })
})

test('groups on a network without port security are refused as Nova does', async () => {
  await newGroup('web')
  const network = (
    await world.demo.post(`${NEUTRON}/networks`, { network: { name: 'free', port_security_enabled: false } })
  ).body.network.id
  await world.demo.post(`${NEUTRON}/subnets`, { subnet: { network_id: network, ip_version: 4, cidr: '10.9.0.0/24' } })
  const { status, body } = await world.boot({ networks: [{ uuid: network }], security_groups: [{ name: 'web' }] })
  expect([status, body.badRequest?.message]).toEqual([
    400,
    'Network requires port_security_enabled and subnet associated in order to apply security groups.',
  ])
})

test('a network with a router goes to no cloud that routes nothing, and gets none once it is there', async () => {
  const router = (await world.demo.post(`${NEUTRON}/routers`, { router: { name: 'r' } })).body.router.id
  const join = () => world.demo.put(`${NEUTRON}/routers/${router}/add_router_interface`, { subnet_id: world.subnet })
  expect((await join()).status).toBe(200)
  const { status, body } = await world.boot(await inDc1())
  expect([status, body.conflictingRequest?.message]).toEqual([409, WHY_UNROUTED])

  await world.demo.put(`${NEUTRON}/routers/${router}/remove_router_interface`, { subnet_id: world.subnet })
  await world.running(await inDc1())
  const late = await join()
  expect([late.status, late.body.NeutronError?.message]).toEqual([409, WHY_UNROUTED])
})
