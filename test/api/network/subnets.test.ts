import { beforeEach, describe, expect, test } from 'vitest'
import { createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let demo: Client
let network: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
  network = (await demo.post(`${V2}/networks`, { network: { name: 'n1' } })).body.network.id
})

const V2 = '/network/v2.0'
const create = (body: object) => demo.post(`${V2}/subnets`, { subnet: { network_id: network, ip_version: 4, ...body } })
const made = async (body: object) => (await create(body)).body.subnet
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]

test('a subnet is one address or two, where its cloud takes such, and these are all there are', async () => {
  const narrow = { enable_dhcp: false, gateway_ip: null }
  const one = await made({ cidr: '2001:db8::7/128', ip_version: 6, ...narrow })
  const two = await made({ cidr: '10.0.0.6/31', ...narrow })
  expect(one).toMatchObject({ cidr: '2001:db8::7/128', gateway_ip: null })
  const pair = { uuid: network, fixed_ip: '2001:db8::7' }
  const id = await createServer(plimsoll, demo, { networks: [pair] })
  const { server } = (await demo.get(`/compute/v2.1/servers/${id}`)).body
  expect([server.status, server.addresses.n1]).toEqual(['ACTIVE', [expect.objectContaining({ addr: '2001:db8::7' })]])
  const next = async (subnet: string) =>
    demo.post(`${V2}/ports`, { port: { network_id: network, fixed_ips: [{ subnet_id: subnet }] } })
  const addresses = [await next(two.id), await next(two.id)].map(({ body }) => body.port.fixed_ips[0].ip_address)
  expect(addresses.toSorted()).toEqual(['10.0.0.6', '10.0.0.7'])
  for (const { id: full } of [one, two]) expect(fault(await next(full))[1]).toBe('IpAddressGenerationFailure')
  await plimsoll.settle()
})

test('a subnet shows what was asked, and what follows from it', async () => {
  const { status, body } = await create({
    name: 's1',
    cidr: '10.0.0.0/24',
    dns_nameservers: ['9.9.9.9'],
    host_routes: null,
  })
  expect(status).toBe(201)
  expect(body.subnet).toMatchObject({
    name: 's1',
    network_id: network,
    ip_version: 4,
    cidr: '10.0.0.0/24',
    gateway_ip: '10.0.0.1',
    enable_dhcp: true,
    allocation_pools: [{ start: '10.0.0.2', end: '10.0.0.254' }],
    dns_nameservers: ['9.9.9.9'],
    host_routes: [],
    ipv6_address_mode: null,
    ipv6_ra_mode: null,
    subnetpool_id: null,
    revision_number: 0,
  })
  expect((await demo.get(`${V2}/subnets/${body.subnet.id}`)).body).toEqual(body)
  expect((await demo.get(`${V2}/subnets?cidr=10.0.0.0/24&ip_version=4`)).body.subnets).toEqual([body.subnet])
  const put = await demo.put(`${V2}/subnets/${body.subnet.id}`, {
    subnet: {
      name: 's2',
      gateway_ip: null,
      dns_nameservers: null,
      host_routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.7' }],
    },
  })
  expect(put.body.subnet).toMatchObject({
    name: 's2',
    gateway_ip: null,
    dns_nameservers: [],
    host_routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.7' }],
    revision_number: 1,
  })
  expect((await demo.delete(`${V2}/subnets/${body.subnet.id}`)).status).toBe(204)
  expect(fault(await demo.get(`${V2}/subnets/${body.subnet.id}`))[1]).toBe('SubnetNotFound')
})

test.each([
  [
    { cidr: '10.0.0.0/24', gateway_ip: null },
    { gateway_ip: null, allocation_pools: [{ start: '10.0.0.1', end: '10.0.0.254' }] },
  ],
  [
    { cidr: '10.0.0.0/24', gateway_ip: '10.0.0.254' },
    { gateway_ip: '10.0.0.254', allocation_pools: [{ start: '10.0.0.1', end: '10.0.0.253' }] },
  ],
  [
    { cidr: '10.0.0.0/24', gateway_ip: '10.0.0.9' },
    {
      allocation_pools: [
        { start: '10.0.0.1', end: '10.0.0.8' },
        { start: '10.0.0.10', end: '10.0.0.254' },
      ],
    },
  ],
  [{ cidr: '10.0.0.0/30' }, { gateway_ip: '10.0.0.1', allocation_pools: [{ start: '10.0.0.2', end: '10.0.0.2' }] }],
  [
    {
      cidr: '10.0.0.0/24',
      allocation_pools: [
        { start: '10.0.0.50', end: '10.0.0.60' },
        { start: '10.0.0.20', end: '10.0.0.30' },
      ],
    },
    {
      allocation_pools: [
        { start: '10.0.0.20', end: '10.0.0.30' },
        { start: '10.0.0.50', end: '10.0.0.60' },
      ],
    },
  ],
  [
    { ip_version: '6', cidr: '2001:DB8:0::/64' },
    {
      ip_version: 6,
      cidr: '2001:db8::/64',
      gateway_ip: '2001:db8::1',
      allocation_pools: [{ start: '2001:db8::2', end: '2001:db8::ffff:ffff:ffff:ffff' }],
    },
  ],
  [
    { cidr: '10.0.7.9/21' },
    { cidr: '10.0.0.0/21', gateway_ip: '10.0.0.1', allocation_pools: [{ start: '10.0.0.2', end: '10.0.7.254' }] },
  ],
])('gateway and pools of %j', async (asked, shown) => expect(await made(asked)).toMatchObject(shown))

test.each([
  [{}, 400, 'BadRequest', 'Bad subnets request: a subnetpool must be specified in the absence of a cidr.'],
  [{ cidr: 'x' }, 400, 'InvalidInput', 'Invalid input for operation: x is not in a CIDR format.'],
  [
    { cidr: '10.0.0.0/24', ip_version: 6 },
    400,
    'InvalidInput',
    "Invalid input for operation: cidr '10.0.0.0/24' does not match the ip_version '6'.",
  ],
  [
    { cidr: '10.0.0.0/24', ip_version: 5 },
    400,
    'HTTPBadRequest',
    "Invalid input for ip_version. Reason: '5' is not in [4, 6].",
  ],
  [
    { cidr: '10.0.0.0/24', ip_version: undefined },
    400,
    'HTTPBadRequest',
    "Failed to parse request. Required attribute 'ip_version' not specified",
  ],
  [
    { cidr: '10.0.0.0/24', network_id: 'x' },
    400,
    'HTTPBadRequest',
    "Invalid input for network_id. Reason: 'x' is not a valid UUID.",
  ],
  [{ cidr: '0.0.0.0/0' }, 400, 'InvalidInput', 'Invalid input for operation: 0 is not allowed as CIDR prefix length.'],
  [
    { cidr: '10.0.0.0/24', gateway_ip: '10.0.1.1' },
    400,
    'InvalidInput',
    'Invalid input for operation: Gateway is not valid on subnet.',
  ],
  [
    { cidr: '10.0.0.0/24', gateway_ip: '10.0.0.255' },
    400,
    'InvalidInput',
    'Invalid input for operation: Gateway is not valid on subnet.',
  ],
  [
    { cidr: '10.0.0.0/24', gateway_ip: 'x' },
    400,
    'HTTPBadRequest',
    "Invalid input for gateway_ip. Reason: 'x' is not a valid IP address.",
  ],
  [
    { cidr: '10.0.0.0/24', allocation_pools: [{ start: '10.0.0.9', end: '10.0.0.2' }] },
    400,
    'InvalidAllocationPool',
    'The allocation pool 10.0.0.9-10.0.0.2 is not valid.',
  ],
  [
    { cidr: '10.0.0.0/24', allocation_pools: [{ start: '10.0.0.9', end: '10.0.1.2' }] },
    400,
    'OutOfBoundsAllocationPool',
    'The allocation pool 10.0.0.9-10.0.1.2 spans beyond the subnet cidr 10.0.0.0/24.',
  ],
  [
    {
      cidr: '10.0.0.0/24',
      allocation_pools: [
        { start: '10.0.0.2', end: '10.0.0.9' },
        { start: '10.0.0.9', end: '10.0.0.12' },
      ],
    },
    409,
    'OverlappingAllocationPools',
    'Found overlapping allocation pools: 10.0.0.2-10.0.0.9 10.0.0.9-10.0.0.12 for subnet 10.0.0.0/24.',
  ],
  [
    { cidr: '10.0.0.0/24', gateway_ip: '10.0.0.5', allocation_pools: [{ start: '10.0.0.2', end: '10.0.0.9' }] },
    409,
    'GatewayConflictWithAllocationPools',
    'Gateway ip 10.0.0.5 conflicts with allocation pool 10.0.0.2-10.0.0.9.',
  ],
  [
    { cidr: '10.0.0.0/24', ipv6_ra_mode: 'slaac' },
    400,
    'InvalidInput',
    'Invalid input for operation: ipv6_ra_mode is not valid when ip_version is 4.',
  ],
  [
    { cidr: '10.0.0.0/24', dns_nameservers: ['::1'] },
    400,
    'InvalidInput',
    "Invalid input for operation: dns_nameserver '::1' does not match the ip_version '4'.",
  ],
])('%j is refused: %i %s', async (body, status, type, message) =>
  expect(fault(await create(body))).toEqual([status, type, message]),
)

describe('subnets of one network', () => {
  test('do not overlap, whoever asks first', async () => {
    await made({ cidr: '10.0.0.0/24' })
    const message = `Invalid input for operation: Requested subnet with cidr: 10.0.0.128/25 for network: ${network} overlaps with another subnet.`
    expect(fault(await create({ cidr: '10.0.0.128/25' }))).toEqual([400, 'InvalidInput', message])
    const answers = await Promise.all(
      ['10.1.0.0/16', '10.1.2.0/24', '10.2.0.0/24', '10.1.2.128/25'].map((cidr) => create({ cidr })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 400, 400])
    const many = {
      subnets: ['10.5.0.0/24', '10.5.0.0/25'].map((cidr) => ({ network_id: network, ip_version: 4, cidr })),
    }
    expect((await demo.post(`${V2}/subnets`, many)).status).toBe(400)
    many.subnets[1]!.cidr = '10.6.0.0/25'
    const both = await demo.post(`${V2}/subnets`, many)
    expect(both.body.subnets.map((subnet: { cidr: string }) => subnet.cidr)).toEqual(['10.5.0.0/24', '10.6.0.0/25'])
  })

  test('stay while an address of them is in use', async () => {
    const { id } = await made({ cidr: '10.0.0.0/24' })
    const port = (await demo.post(`${V2}/ports`, { port: { network_id: network } })).body.port
    expect(fault(await demo.delete(`${V2}/subnets/${id}`))).toEqual([
      409,
      'SubnetInUse',
      `Unable to complete operation on subnet ${id}: One or more ports have an IP allocation from this subnet.`,
    ])
    await demo.delete(`${V2}/ports/${port.id}`)
    expect((await demo.delete(`${V2}/subnets/${id}`)).status).toBe(204)
    expect((await demo.get(`${V2}/quotas/${plimsoll.projectId('demo')}/details`)).body.quota.subnet.used).toBe(0)
  })

  test('of addresses that hosts make by themselves go, and take those off ports', async () => {
    const slaac = { ip_version: 6, cidr: '2001:db8::/64', ipv6_address_mode: 'slaac', ipv6_ra_mode: 'slaac' }
    const [four, six] = [await made({ cidr: '10.0.0.0/24' }), await made(slaac)]
    const port = async (body = {}) =>
      (await demo.post(`${V2}/ports`, { port: { network_id: network, ...body } })).body.port
    const [both, alone] = [await port(), await port({ fixed_ips: [{ subnet_id: six.id }] })]
    expect(both.fixed_ips).toHaveLength(2)
    expect(alone.fixed_ips).toMatchObject([{ subnet_id: six.id }])
    expect((await demo.delete(`${V2}/subnets/${six.id}`)).status).toBe(204)
    const shown = async ({ id }: { id: string }) => (await demo.get(`${V2}/ports/${id}`)).body.port
    expect((await shown(both)).fixed_ips).toEqual([
      both.fixed_ips.find((each: { subnet_id: string }) => each.subnet_id === four.id),
    ])
    expect((await shown(alone)).fixed_ips).toEqual([])
    expect((await made(slaac)).cidr).toBe('2001:db8::/64')
  })

  test('of such addresses go from under a server, but not with its first address', async () => {
    const slaac = { ip_version: 6, ipv6_address_mode: 'slaac', ipv6_ra_mode: 'slaac' }
    await made({ cidr: '10.0.0.0/24' })
    const six = await made({ ...slaac, cidr: '2001:db8::/64' })
    const server = await createServer(plimsoll, demo, { networks: [{ uuid: network }] })
    const addresses = async (id: string): Promise<number[]> =>
      Object.values<{ version: number }[]>((await demo.get(`/compute/v2.1/servers/${id}`)).body.server.addresses)
        .flat()
        .map(({ version }) => version)
        .sort()
    expect(await addresses(server)).toEqual([4, 6])
    expect((await demo.delete(`${V2}/subnets/${six.id}`)).status).toBe(204)
    await plimsoll.settle()
    expect(await addresses(server)).toEqual([4])

    network = (await demo.post(`${V2}/networks`, { network: {} })).body.network.id
    const only = await made({ ...slaac, cidr: '2001:db8:1::/64' })
    await createServer(plimsoll, demo, { networks: [{ uuid: network }] })
    expect(fault(await demo.delete(`${V2}/subnets/${only.id}`)).slice(0, 2)).toEqual([409, 'PortInUse'])
  })

  test('of such addresses stay while a router has a foot in them', async () => {
    const { id } = await made({
      ip_version: 6,
      cidr: '2001:db8::/64',
      ipv6_address_mode: 'slaac',
      ipv6_ra_mode: 'slaac',
    })
    const router = (await demo.post(`${V2}/routers`, { router: {} })).body.router
    expect((await demo.put(`${V2}/routers/${router.id}/add_router_interface`, { subnet_id: id })).status).toBe(200)
    expect(fault(await demo.delete(`${V2}/subnets/${id}`))[1]).toBe('SubnetInUse')
    await demo.put(`${V2}/routers/${router.id}/remove_router_interface`, { subnet_id: id })
    expect((await demo.delete(`${V2}/subnets/${id}`)).status).toBe(204)
  })

  test('keep their rules when they change', async () => {
    const { id } = await made({ cidr: '10.0.0.0/24' })
    expect(fault(await demo.put(`${V2}/subnets/${id}`, { subnet: { gateway_ip: '10.0.0.7' } }))[1]).toBe(
      'GatewayConflictWithAllocationPools',
    )
    expect(fault(await demo.put(`${V2}/subnets/${id}`, { subnet: { cidr: '10.0.1.0/24' } }))).toEqual([
      400,
      'HTTPBadRequest',
      'Cannot update read-only attribute cidr',
    ])
    const pools = [{ start: '10.0.0.100', end: '10.0.0.120' }]
    const put = await demo.put(`${V2}/subnets/${id}`, { subnet: { allocation_pools: pools, gateway_ip: '10.0.0.7' } })
    expect(put.body.subnet).toMatchObject({ allocation_pools: pools, gateway_ip: '10.0.0.7' })
    const router = (await demo.post(`${V2}/routers`, { router: { name: 'r' } })).body.router.id
    const foot = (await demo.put(`${V2}/routers/${router}/add_router_interface`, { subnet_id: id })).body.port_id
    for (const gateway_ip of ['10.0.0.8', null])
      expect(fault(await demo.put(`${V2}/subnets/${id}`, { subnet: { gateway_ip } }))).toEqual([
        409,
        'GatewayIpInUse',
        `Current gateway ip 10.0.0.7 already in use by port ${foot}. Unable to update.`,
      ])
    expect((await demo.put(`${V2}/subnets/${id}`, { subnet: { gateway_ip: '10.0.0.7' } })).status).toBe(200)
  })
})
