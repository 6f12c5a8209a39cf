import { beforeEach, expect, test } from 'vitest'
import { AMONG } from '../../../db/conditions.ts'
import { writeIp } from '../../../functions/broker/network/address.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* Addresses are given out without a look at those that others have, and none is lost by that. */

let plimsoll: Plimsoll
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
})

const networkWith = async (subnet: object) => {
  const network = (await demo.post('/network/v2.0/networks', { network: { name: 'n' } })).body.network.id as string
  const made = await demo.post('/network/v2.0/subnets', { subnet: { network_id: network, ip_version: 4, ...subnet } })
  expect(made.status).toBe(201)
  return { network, subnet: made.body.subnet.id as string }
}
const portsOn = (network: string, count: number) =>
  demo.post('/network/v2.0/ports', { ports: Array.from({ length: count }, () => ({ network_id: network })) })
const addressesOf = (answer: Awaited<ReturnType<typeof portsOn>>): string[] =>
  answer.body.ports.map((port: { fixed_ips: { ip_address: string }[] }) => port.fixed_ips[0]!.ip_address)

/** Gives all addresses from 10.0.`from` on to somebody else, but for some. */
const fill = (table: string, subnet: string, count: number, but: string[]) =>
  plimsoll.host.d1
    .prepare(
      `insert into ${table} (subnet_id, address, port_id) select ?, value, 'other' from json_each(?) where value not in ${AMONG}`,
    )
    .bind(
      subnet,
      JSON.stringify(
        Array.from({ length: count }, (_, i) => writeIp({ version: 4, value: BigInt(10 << 24) + BigInt(i) })),
      ),
      JSON.stringify(but),
    )
    .run()

const noMore = (network: string) => ({
  status: 409,
  body: {
    NeutronError: expect.objectContaining({
      type: 'IpAddressGenerationFailure',
      message: `No more IP addresses available on network ${network}.`,
    }),
  },
})

test('the first ports of a subnet have its lowest addresses, however large it is', async () => {
  for (const cidr of ['10.0.0.0/8', '10.0.0.0/24']) {
    const { network } = await networkWith({ cidr })
    const [address] = addressesOf(await portsOn(network, 1))
    expect(Number(/^10\.0\.0\.(\d+)$/.exec(address!)![1])).toBeLessThan(30)
  }
})

test('many ports of one request have addresses of their own', async () => {
  const { network } = await networkWith({ cidr: '10.0.0.0/8' })
  expect(new Set(addressesOf(await portsOn(network, 60))).size).toBe(60)
})

test('the last free addresses of a large subnet are found, then it says that there are none', async () => {
  const { network, subnet } = await networkWith({ cidr: '10.0.0.0/19' })
  await fill('ip_allocations', subnet, 8_192, ['10.0.9.9', '10.0.31.254'])
  expect(addressesOf(await portsOn(network, 2)).toSorted()).toEqual(['10.0.31.254', '10.0.9.9'])
  expect(await portsOn(network, 1)).toMatchObject(noMore(network))
  await plimsoll.host.d1.prepare("delete from ip_allocations where address = '10.0.17.4'").run()
  expect(addressesOf(await portsOn(network, 1))).toEqual(['10.0.17.4'])
})

test('what a cloud still holds is nobody’s, and neither is the gateway', async () => {
  const { network, subnet } = await networkWith({ cidr: '10.0.0.0/19', gateway_ip: '10.0.9.9' })
  await fill('lingering_addresses', subnet, 8_192, ['10.0.9.9'])
  expect(await portsOn(network, 1)).toMatchObject(noMore(network))
})

test('only pools are drawn from, each to its last address', async () => {
  const { network } = await networkWith({
    cidr: '10.0.0.0/8',
    allocation_pools: [
      { start: '10.4.0.9', end: '10.4.0.10' },
      { start: '10.200.0.1', end: '10.200.0.2' },
    ],
  })
  const four = addressesOf(await portsOn(network, 4))
  expect(four.toSorted()).toEqual(['10.200.0.1', '10.200.0.2', '10.4.0.10', '10.4.0.9'])
  expect(await portsOn(network, 1)).toMatchObject(noMore(network))
})

test('a second subnet helps out where the first has not enough', async () => {
  const { network } = await networkWith({ cidr: '10.0.0.0/29' })
  plimsoll.clock.advance(1)
  const body = { subnet: { network_id: network, ip_version: 4, cidr: '10.0.8.0/24' } }
  expect((await demo.post('/network/v2.0/subnets', body)).status).toBe(201)
  const all = addressesOf(await portsOn(network, 6))
  expect(all.filter((address) => address.startsWith('10.0.0.'))).toHaveLength(3)
  expect(all.filter((address) => address.startsWith('10.0.8.'))).toHaveLength(3)
})

test('a block of IPv6 is as good as one of IPv4', async () => {
  const { network } = await networkWith({
    ip_version: 6,
    cidr: '2001:db8::/64',
    ipv6_address_mode: 'dhcpv6-stateful',
    ipv6_ra_mode: 'dhcpv6-stateful',
    allocation_pools: [{ start: '2001:db8::ffff:fffe', end: '2001:db8::1:0:1' }],
  })
  expect(addressesOf(await portsOn(network, 4)).toSorted()).toEqual([
    '2001:db8::1:0:0',
    '2001:db8::1:0:1',
    '2001:db8::ffff:fffe',
    '2001:db8::ffff:ffff',
  ])
  expect(await portsOn(network, 1)).toMatchObject(noMore(network))
})
