import { eq } from 'drizzle-orm'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { bindings, clouds } from '../../../../db/schema/index.ts'
import { PUBLIC_KEY } from '../../../adapters/world.ts'
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

  const secured = await newPort()
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

test('whoever names no zone is rather put where his default group counts, unless his network wants none', async () => {
  const { db } = world.plimsoll
  const imageRef = await imageOn('dc1')
  const [binding] = await db.select().from(bindings).where(eq(bindings.resourceId, imageRef))
  await db.insert(bindings).values({ ...binding!, cloudId: world.plimsoll.cloudId('cloud2'), token: 'another' })
  await db.update(clouds).set({ position: 1 }).where(eq(clouds.name, 'cloud2'))
  const cloudOf = async (id: string) => (await world.server(id))['OS-EXT-AZ:availability_zone'].split('.')[0]
  expect(await cloudOf(await world.running({ imageRef }))).toBe('cloud2')
  const free = (
    await world.demo.post(`${NEUTRON}/networks`, { network: { name: 'free', port_security_enabled: false } })
  ).body.network.id
  await world.demo.post(`${NEUTRON}/subnets`, { subnet: { network_id: free, ip_version: 4, cidr: '10.8.0.0/24' } })
  expect(await cloudOf(await world.running({ imageRef, networks: [{ uuid: free }] }))).toBe('dc1')
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
