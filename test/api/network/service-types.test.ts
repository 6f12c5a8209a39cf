import { beforeEach, expect, test } from 'vitest'
import type { Client, Plimsoll } from '../../support/harness.ts'
import { newWorld, type World } from '../compute/servers/world.ts'

/* Subnets for ports of some owners alone. */

const V2 = '/network/v2.0'
let world: World
let plimsoll: Plimsoll
let demo: Client
let network: string
beforeEach(async () => {
  world = await newWorld()
  plimsoll = world.plimsoll
  demo = world.demo
  network = (await demo.post(`${V2}/networks`, { network: {} })).body.network.id
})
const create = (cidr: string, service_types?: unknown) =>
  demo.post(`${V2}/subnets`, { subnet: { network_id: network, ip_version: 4, cidr, service_types } })
const port = (more: object = {}, who = demo) => who.post(`${V2}/ports`, { port: { network_id: network, ...more } })
const addressOf = async (more: object = {}, who = demo): Promise<string> =>
  (await port(more, who)).body.port.fixed_ips[0].ip_address

test('are told, changed, and those of everybody else are taken last', async () => {
  const plain = (await create('10.1.0.0/24')).body.subnet
  expect(plain.service_types).toEqual([])
  const made = await create('10.2.0.0/24', ['compute:nova', 'compute:nova', 'network:floatingip'])
  expect([made.status, made.body.subnet.service_types]).toEqual([201, ['compute:nova', 'network:floatingip']])
  expect(await addressOf()).toMatch(/^10\.1\./)
  expect(await addressOf({ device_owner: 'compute:nova' })).toMatch(/^10\.2\./)
  expect(await addressOf({ device_owner: 'compute:other' })).toMatch(/^10\.1\./)
  const id = await world.running({ networks: [{ uuid: network }] })
  expect((await demo.get(`${V2}/ports?device_id=${id}`)).body.ports[0].fixed_ips[0].ip_address).toMatch(/^10\.2\./)
  const named = await port({ fixed_ips: [{ subnet_id: made.body.subnet.id }] })
  expect([named.status, named.body.NeutronError.type]).toEqual([400, 'InvalidInput'])
  const path = `${V2}/subnets/${made.body.subnet.id}`
  const changed = await demo.put(path, { subnet: { service_types: [] } })
  expect(changed.body.subnet.service_types).toEqual([])
  expect((await port({ fixed_ips: [{ subnet_id: made.body.subnet.id }] })).status).toBe(201)
})

test('leave a port without an address where no subnet is for it', async () => {
  await create('10.2.0.0/24', ['compute:nova'])
  const { status, body } = await port()
  expect([status, body.NeutronError.type, body.NeutronError.message]).toEqual([
    ...[409, 'IpAddressGenerationFailureNoMatchingSubnet'],
    `No valid service subnet for the given device owner, network ${network}, service type .`,
  ])
  expect((await port({ fixed_ips: [] })).status).toBe(201)
  expect(await addressOf({ device_owner: 'network:dhcp' }, plimsoll.as('admin')), 'DHCP is everywhere').toMatch(
    /^10\.2\./,
  )
  const { router } = (await demo.post(`${V2}/routers`, { router: {} })).body
  const [{ id }] = (await demo.get(`${V2}/subnets?network_id=${network}`)).body.subnets
  const foot = await demo.put(`${V2}/routers/${router.id}/add_router_interface`, { subnet_id: id })
  expect([foot.status, foot.body.NeutronError?.type]).toEqual([409, 'IpAddressGenerationFailureNoMatchingSubnet'])
})

test('are asked of what a port that waits for its address is for by then', async () => {
  const segment = { network_id: network, network_type: 'vlan', physical_network: 'sandbox.a' }
  const { id: segment_id } = (await demo.post(`${V2}/segments`, { segment })).body.segment
  const only = { network_id: network, segment_id, ip_version: 4, cidr: '10.2.0.0/24', service_types: ['compute:nova'] }
  expect((await demo.post(`${V2}/subnets`, { subnet: only })).status).toBe(201)
  const waiting = async () => (await port()).body.port.id as string
  const addressesOf = async (id: string) => (await demo.get(`${V2}/ports/${id}`)).body.port.fixed_ips
  const first = await waiting()
  expect(await addressesOf(first)).toEqual([])
  const id = await world.running({ networks: [{ port: first }] })
  expect(await addressesOf(first)).toMatchObject([{ ip_address: expect.stringMatching(/^10\.2\./) }])
  const second = await waiting()
  const interfaceAttachment = { port_id: second }
  expect((await demo.post(`/compute/v2.1/servers/${id}/os-interface`, { interfaceAttachment })).status).toBe(200)
  expect(await addressesOf(second)).toMatchObject([{ ip_address: expect.stringMatching(/^10\.2\./) }])
})

test('may be what Neutron takes because it has `compute:` letter by letter', async () => {
  expect((await create('10.3.0.0/24', ['test:type_1', 'network:distributed'])).body.subnet.service_types).toEqual([
    ...['test:type_1', 'network:distributed'],
  ])
})

test.each([
  ['x', undefined, 'Subnet service types must be a list.'],
  [[1], 'InvalidInputSubnetServiceType', 'Subnet service type 1 is not a string.'],
  [['room'], 'InvalidSubnetServiceType', 'Subnet service type room does not correspond to a valid device owner.'],
  [Array.from({ length: 33 }, (_, i) => `compute:${i}`), undefined, undefined],
])('are owners of devices: %j', async (types, type, message) => {
  const { status, body } = await create('10.3.0.0/24', types)
  expect(status).toBe(400)
  if (type) expect(body.NeutronError.type).toBe(type)
  if (message) expect(body.NeutronError.message).toBe(message)
})
