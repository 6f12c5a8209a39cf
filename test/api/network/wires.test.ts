import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { asked, WHY_UNFILTERED, wiredCloudType } from './wired-cloud.ts'

/* Networks on what an operator wired: provider networks. */

beforeAll(wiredCloudType)

const V2 = '/network/v2.0'
let plimsoll: Plimsoll
let demo: Client
let admin: Client
let project: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [{ name: 'dc', type: 'wired' }] })
  demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
  project = (await demo.post(`${V2}/networks`, { network: {} })).body.network.project_id
  asked.length = 0
})

const on = (wire: string, tag?: unknown) => ({
  'provider:network_type': tag === undefined ? 'flat' : 'vlan',
  'provider:physical_network': wire,
  ...(tag === undefined || tag === null ? {} : { 'provider:segmentation_id': tag }),
})
const make = (network: object, who = admin) =>
  who.post(`${V2}/networks`, { network: { project_id: project, ...network } })
const fault = ({ status, body }: Awaited<ReturnType<typeof make>>) => [status, body.NeutronError.type]
const OPEN = { port_security_enabled: false }
/** A segment of a network, with a subnet in it. */
const lie = async (
  who: Client,
  network_id: string,
  where: ReturnType<typeof on>,
  cidr: string,
  gateway_ip?: string,
) => {
  const segment = Object.fromEntries(Object.entries(where).map(([name, value]) => [name.split(':')[1], value]))
  const made = await who.post(`${V2}/segments`, { segment: { network_id, ...segment } })
  expect([made.status, made.body]).toMatchObject([201, {}])
  const subnet = { network_id, segment_id: made.body.segment.id, ip_version: 4, cidr, gateway_ip }
  return who.post(`${V2}/subnets`, { subnet })
}

test('an administrator makes a network on a wire, whose gateway is somebody else, and a member puts a server there', async () => {
  const made = await make(on('dc.a/office'))
  const { id } = made.body.network
  expect([made.status, made.body.network]).toMatchObject([
    201,
    { ...on('dc.a/office'), 'provider:segmentation_id': null },
  ])
  const subnet = { network_id: id, ip_version: 4, cidr: '10.9.0.0/24', gateway_ip: '10.9.0.254', enable_dhcp: false }
  expect((await demo.post(`${V2}/subnets`, { subnet })).status).toBe(201)
  const server = await createServer(plimsoll, demo, { networks: [{ uuid: id }], availability_zone: 'dc.a' })
  await plimsoll.settle()
  expect((await demo.get(`/compute/v2.1/servers/${server}`)).body.server.status).toBe('ACTIVE')
  expect(asked).toMatchObject([{ gateway: '10.9.0.254', dhcp: false, wire: { name: 'office', vlan: null } }])
  expect((await demo.get(`${V2}/segments?network_id=${id}`)).body.segments).toMatchObject([
    { network_type: 'flat', physical_network: 'dc.a/office', segmentation_id: null },
  ])
  const found = await admin.get(`${V2}/networks?provider:physical_network=dc.a/office`)
  expect(found.body.networks.map((each: { id: string }) => each.id)).toEqual([id])
  // Elsewhere the gateway is as the cloud has it.
  const plain = (await demo.post(`${V2}/networks`, { network: { availability_zone_hints: ['dc.a'] } })).body.network.id
  const refused = await demo.post(`${V2}/subnets`, { subnet: { ...subnet, network_id: plain } })
  expect(fault(refused)).toEqual([409, 'SubnetNotSupported'])
})

test('a wire carries one network, or one of each VLAN', async () => {
  expect((await make(on('dc.a/office'))).status).toBe(201)
  expect(fault(await make(on('dc.a/office')))).toEqual([409, 'FlatNetworkInUse'])
  const tagged = await make({ ...on('dc.a/trunk', 142), ...OPEN })
  expect(tagged.body.network).toMatchObject(on('dc.a/trunk', 142))
  expect(fault(await make({ ...on('dc.a/trunk', '142'), ...OPEN }))).toEqual([409, 'VlanIdInUse'])
  expect((await make({ ...on('dc.a/trunk', 143), ...OPEN })).status).toBe(201)
  await admin.delete(`${V2}/networks/${tagged.body.network.id}`)
  expect((await make({ ...on('dc.a/trunk', 142), ...OPEN })).status).toBe(201)
  const [first] = (await admin.get(`${V2}/segments?physical_network=dc.a/office`)).body.segments
  const segment = {
    network_id: (await make({})).body.network.id,
    network_type: 'flat',
    physical_network: 'dc.a/office',
  }
  expect(fault(await admin.post(`${V2}/segments`, { segment }))).toEqual([409, 'FlatNetworkInUse'])
  expect(first.segmentation_id).toBeNull()
})

test('members make no network on a wire, nor a segment', async () => {
  expect(fault(await make(on('dc.a/office'), demo))).toEqual([403, 'PolicyNotAuthorized'])
  const { id } = (await demo.post(`${V2}/networks`, { network: {} })).body.network
  const segment = { network_id: id, network_type: 'flat', physical_network: 'dc.a/office' }
  expect(fault(await demo.post(`${V2}/segments`, { segment }))).toEqual([403, 'PolicyNotAuthorized'])
})

test.each([
  [on('dc.a/nothing'), /physical_network 'dc.a\/nothing' unknown for flat provider network/],
  [on('dc.a/office/x'), /physical_network 'dc.a\/office\/x' unknown for flat/],
  [on('dc.a/office', 7), /physical_network 'dc.a\/office' unknown for VLAN provider network/],
  [on('dc.a/trunk'), /physical_network 'dc.a\/trunk' unknown for flat provider network/],
  [on('dc.a/trunk', null), /segmentation_id required for VLAN provider network on a wire/],
  [on('dc.a/trunk', 0), /segmentation_id out of range \(1 through 4094\)/],
  [on('dc.a/trunk', 200), /wire trunk carries VLANs 100 through 199/],
  [{ ...on('dc.a/office'), 'provider:segmentation_id': 7 }, /segmentation_id prohibited for flat provider network/],
])('is refused: %j', async (network, words) => {
  const { status, body } = await make({ ...network, ...OPEN })
  expect([status, body.NeutronError.message]).toEqual([400, expect.stringMatching(words)])
})

test('a wire on which nothing is filtered takes only ports without port security, and says why', async () => {
  const refused = await make(on('dc.a/trunk', 150))
  expect([refused.status, refused.body.NeutronError.message]).toEqual([
    400,
    expect.stringContaining(WHY_UNFILTERED.slice(0, -1)),
  ])
  const { id } = (await make({ ...on('dc.a/trunk', 150), ...OPEN })).body.network
  await demo.post(`${V2}/subnets`, { subnet: { network_id: id, ip_version: 4, cidr: '10.9.0.0/24' } })
  const wish = { network_id: id, port_security_enabled: true }
  const port = await demo.post(`${V2}/ports`, { port: wish })
  expect([port.status, port.body.NeutronError.message]).toEqual([409, WHY_UNFILTERED])
  const made = (await demo.post(`${V2}/ports`, { port: { network_id: id } })).body.port
  expect(made).toMatchObject({ port_security_enabled: false, security_groups: [] })
  for (const [path, body] of [
    [`ports/${made.id}`, { port: { port_security_enabled: true } }],
    [`networks/${id}`, { network: { port_security_enabled: true } }],
  ] as const)
    expect((await demo.put(`${V2}/${path}`, body)).status, path).toBe(409)
})

test('what has no address yet may come to such a wire, so it is asked without port security too', async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'dc', type: 'wired' },
      { name: 'away', type: 'sandbox' },
    ],
  })
  const [member, owner] = [plimsoll.as('demo'), plimsoll.as('admin')]
  const { id } = (await member.post(`${V2}/networks`, { network: OPEN })).body.network
  await lie(owner, id, on('dc.a/trunk', 150), '10.9.0.0/24')
  await lie(owner, id, on('away.a', null), '10.9.1.0/24')
  const port = await member.post(`${V2}/ports`, { port: { network_id: id, port_security_enabled: true } })
  expect([port.status, port.body.NeutronError?.message]).toEqual([409, WHY_UNFILTERED])
  const waiting = await member.post(`${V2}/ports`, { port: { network_id: id } })
  expect(waiting.body.port).toMatchObject({ fixed_ips: [], port_security_enabled: false })
})

test('the gateway is free where the segment of a subnet is on a wire, and not in the zone beside it', async () => {
  const { id } = (await make({})).body.network
  const wired = await lie(admin, id, on('dc.a/office'), '10.9.0.0/24', '10.9.0.254')
  expect(wired.status).toBe(201)
  expect(fault(await lie(admin, id, on('dc.b', null), '10.9.1.0/24', '10.9.1.254'))).toEqual([
    409,
    'SubnetNotSupported',
  ])
})

describe('whose network is on a wire', () => {
  const OFF = { port_security_enabled: false, security_groups: [] }
  const PAIRS = { allowed_address_pairs: [{ ip_address: '10.9.0.1' }] }
  const denied = (rule: string) => [403, `rule:${rule} is disallowed by policy`]
  const said = ({ status, body }: Awaited<ReturnType<typeof make>>) => [status, body.NeutronError?.message]
  let network: string
  let port: string
  beforeEach(async () => {
    network = (await make(on('dc.a/office'))).body.network.id
    await demo.post(`${V2}/subnets`, { subnet: { network_id: network, ip_version: 4, cidr: '10.9.0.0/24' } })
    const made = await demo.post(`${V2}/ports`, { port: { network_id: network, allowed_address_pairs: [] } })
    expect(made.body.port.port_security_enabled).toBe(true)
    port = made.body.port.id
  })
  const asks = (who: Client) => ({
    made: (wish: object) => who.post(`${V2}/ports`, { port: { network_id: network, ...wish } }),
    changed: (wish: object) => who.put(`${V2}/ports/${port}`, { port: wish }),
    opened: () => who.put(`${V2}/networks/${network}`, { network: OPEN }),
  })

  test('speaks there with the addresses of its ports alone', async () => {
    const { made, changed, opened } = asks(demo)
    expect(said(await made(OPEN))).toEqual(denied('create_port:port_security_enabled'))
    expect(said(await made(PAIRS))).toEqual(denied('create_port:allowed_address_pairs'))
    expect(said(await changed(OFF))).toEqual(denied('update_port:port_security_enabled'))
    expect(said(await changed(PAIRS))).toEqual(denied('update_port:allowed_address_pairs'))
    expect(said(await opened())).toEqual(denied('update_network:port_security_enabled'))
    expect((await demo.get(`${V2}/ports/${port}`)).body.port).toMatchObject({
      port_security_enabled: true,
      allowed_address_pairs: [],
    })
    // What is so already is no change.
    for (const wish of [{ port_security_enabled: true }, { allowed_address_pairs: [] }])
      expect((await changed(wish)).status).toBe(200)
  })

  test('has it otherwise from an administrator, for a port or by its mapping', async () => {
    const byAdmin = asks(admin)
    expect((await byAdmin.changed(PAIRS)).status).toBe(200)
    expect((await byAdmin.changed({ allowed_address_pairs: [] })).status).toBe(200)
    expect((await byAdmin.changed(OFF)).status).toBe(200)
    expect((await byAdmin.made({ ...OPEN, project_id: project })).status).toBe(201)
    const mapping = `/broker/v1/projects/${project}/clouds/dc`
    expect((await admin.put(mapping, { mapping: { port_security_off: true } })).status).toBe(200)
    const { made, opened } = asks(demo)
    expect((await made(OPEN)).status).toBe(201)
    expect((await made(PAIRS)).status).toBe(201)
    expect((await opened()).status).toBe(200)
  })
})
