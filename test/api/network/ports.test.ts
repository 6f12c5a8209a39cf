import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { ipAllocations, portSecurityGroups } from '../../../db/schema/index.ts'
import { createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let demo: Client
let network: string
let subnet: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
  network = (await demo.post(`${V2}/networks`, { network: { name: 'n1' } })).body.network.id
  subnet = await newSubnet({ cidr: '10.0.0.0/24' })
})

const V2 = '/network/v2.0'
const newSubnet = async (body: object) =>
  (await demo.post(`${V2}/subnets`, { subnet: { network_id: network, ip_version: 4, ...body } })).body.subnet.id
const create = (body: object = {}) => demo.post(`${V2}/ports`, { port: { network_id: network, ...body } })
const made = async (body: object = {}) => (await create(body)).body.port
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]
const last = (address: string) => Number(address.split('.').at(-1))
const used = async (resource: string) =>
  (await demo.get(`${V2}/quotas/${plimsoll.projectId('demo')}/details`)).body.quota[resource].used

test('a port reserves an address that every cloud can give, and is in the default group', async () => {
  const { status, body } = await create({ name: 'p1' })
  expect(status).toBe(201)
  const [group] = (await demo.get(`${V2}/security-groups?name=default`)).body.security_groups
  expect(body.port).toMatchObject({
    name: 'p1',
    network_id: network,
    mac_address: expect.stringMatching(/^fa:16:3e(:[0-9a-f]{2}){3}$/),
    fixed_ips: [{ subnet_id: subnet, ip_address: expect.stringMatching(/^10\.0\.0\.\d+$/) }],
    security_groups: [group.id],
    status: 'DOWN',
    admin_state_up: true,
    device_id: '',
    device_owner: '',
    port_security_enabled: true,
    'binding:vnic_type': 'normal',
  })
  expect(body.port).not.toHaveProperty('binding:host_id')
  expect(last(body.port.fixed_ips[0].ip_address)).toBeGreaterThanOrEqual(4)
  expect((await demo.get(`${V2}/ports/${body.port.id}`)).body).toEqual(body)
  expect((await plimsoll.as('admin').get(`${V2}/ports/${body.port.id}`)).body.port['binding:vif_type']).toBe('unbound')
  expect(await used('port')).toBe(1)
  expect((await demo.delete(`${V2}/ports/${body.port.id}`)).status).toBe(204)
  expect(fault(await demo.delete(`${V2}/ports/${body.port.id}`))).toEqual([
    404,
    'PortNotFound',
    `Port ${body.port.id} could not be found.`,
  ])
  expect(await used('port')).toBe(0)
})

describe('addresses', () => {
  test('are never handed out twice, however many ask at once, until none is left', async () => {
    await demo.delete(`${V2}/subnets/${subnet}`)
    await newSubnet({ cidr: '10.1.0.0/27' })
    const answers = await Promise.all(Array.from({ length: 6 }, () => create()))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(201))
    const bulk = { ports: Array.from({ length: 21 }, () => ({ network_id: network })) }
    const more = await demo.post(`${V2}/ports`, bulk)
    expect(more.status).toBe(201)
    const addresses = [...answers.map(({ body }) => body.port), ...more.body.ports].map((port) =>
      last(port.fixed_ips[0].ip_address),
    )
    expect(addresses.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 27 }, (_, i) => i + 4))
    expect(fault(await create())).toEqual([
      409,
      'IpAddressGenerationFailure',
      `No more IP addresses available on network ${network}.`,
    ])
    expect(await used('port')).toBe(27)
  })

  test('are chosen by name, by subnet, or not at all', async () => {
    const second = await newSubnet({ cidr: '10.2.0.0/24' })
    expect((await made({ fixed_ips: [] })).fixed_ips).toEqual([])
    expect((await made({ fixed_ips: [{ ip_address: '10.2.0.77' }] })).fixed_ips).toEqual([
      { subnet_id: second, ip_address: '10.2.0.77' },
    ])
    expect((await made({ fixed_ips: [{ subnet_id: second }, { subnet_id: subnet }] })).fixed_ips).toMatchObject([
      { subnet_id: subnet },
      { subnet_id: second },
    ])
    expect((await made({ fixed_ips: [{ subnet_id: subnet, ip_address: '10.0.0.2' }] })).fixed_ips[0].ip_address).toBe(
      '10.0.0.2',
    )
    const found = await demo.get(`${V2}/ports?fixed_ips=ip_address=10.2.0.77`)
    expect(found.body.ports).toHaveLength(1)
    expect((await demo.get(`${V2}/ports?fixed_ips=subnet_id=${second}`)).body.ports).toHaveLength(2)
    expect(
      (await demo.get(`${V2}/ports?fixed_ips=ip_address_substr=.2.0.77&network_id=${network}`)).body.ports,
    ).toHaveLength(1)
  })

  test('are found by what holds together: every key of the filter, any value of one', async () => {
    const beside = (await demo.post(`${V2}/networks`, { network: {} })).body.network.id
    const twin = await newSubnet({ network_id: beside, cidr: '10.0.0.0/24' })
    const at = async (network_id: string, subnet_id: string, ip_address: string) =>
      (await made({ network_id, fixed_ips: [{ subnet_id, ip_address }] })).id
    const [first, second, elsewhere] = [
      await at(network, subnet, '10.0.0.20'),
      await at(network, subnet, '10.0.0.21'),
      await at(beside, twin, '10.0.0.20'),
    ]
    const found = async (...pairs: string[]) => {
      const query = pairs.map((pair) => `fixed_ips=${encodeURIComponent(pair)}`).join('&')
      return (await demo.get(`${V2}/ports?${query}&sort_key=created_at&sort_key=id`)).body.ports
        .map(({ id }: { id: string }) => id)
        .sort()
    }
    const sorted = (...ids: string[]) => ids.sort()
    expect(await found(`subnet_id=${subnet}`, 'ip_address=10.0.0.20')).toEqual([first])
    expect(await found('ip_address=10.0.0.20')).toEqual(sorted(first, elsewhere))
    expect(await found('ip_address=10.0.0.20', 'ip_address=10.0.0.21', `subnet_id=${subnet}`)).toEqual(
      sorted(first, second),
    )
    expect(await found(`subnet_id=${subnet}`, `subnet_id=${twin}`)).toEqual(sorted(first, second, elsewhere))
    expect(await found(`subnet_id=${subnet}`, 'ip_address_substr=0.21')).toEqual([second])
    expect(await found('ip_address_substr=0.21', 'ip_address_substr=nowhere')).toEqual([second])
    // A part of an address begins where one of its numbers does.
    expect(await found('ip_address_substr=10.0.0.2')).toEqual(sorted(first, second, elsewhere))
    expect(await found('ip_address_substr=.0.0.21')).toEqual([second])
    expect(await found('ip_address_substr=0.21.')).toEqual([])
    expect(await found('ip_address=10.0.0.20', 'ip_address_substr=0.21')).toEqual([])
    expect(fault(await demo.get(`${V2}/ports?fixed_ips=10.0.0.20`))).toEqual([
      400,
      'InvalidInput',
      "Invalid input for operation: '10.0.0.20' is not of the form <key>=[value].",
    ])
  })

  test.each([
    [
      { ip_address: '10.9.0.1' },
      400,
      'InvalidIpForNetwork',
      'IP address 10.9.0.1 is not a valid IP for any of the subnets on the specified network.',
    ],
    [
      { ip_address: '10.0.0.255' },
      400,
      'InvalidIpForSubnet',
      'IP address 10.0.0.255 is not a valid IP for the specified subnet.',
    ],
    [{ ip_address: 'x' }, 400, 'HTTPBadRequest', "Invalid input for fixed_ips. Reason: 'x' is not a valid IP address."],
    [{}, 400, 'InvalidInput', 'Invalid input for operation: IP allocation requires subnet_id or ip_address.'],
    [
      { nonsense: 1 },
      400,
      'HTTPBadRequest',
      "Invalid input for fixed_ips. Reason: Invalid data format for fixed IP: '{'nonsense': 1}'.",
    ],
  ])('%j is refused', async (ip, ...words) => expect(fault(await create({ fixed_ips: [ip] }))).toEqual(words))

  test('that somebody has are refused', async () => {
    await made({ fixed_ips: [{ ip_address: '10.0.0.9' }] })
    expect(fault(await create({ fixed_ips: [{ ip_address: '10.0.0.9' }] }))).toEqual([
      409,
      'IpAddressAlreadyAllocated',
      `IP address 10.0.0.9 already allocated in subnet ${subnet}`,
    ])
    const unknown = crypto.randomUUID()
    expect(fault(await create({ fixed_ips: [{ subnet_id: unknown }] }))).toEqual([
      404,
      'SubnetNotFound',
      `Subnet ${unknown} could not be found.`,
    ])
    expect(fault(await create({ fixed_ips: [{ ip_address: '10.0.0.8' }, { ip_address: '10.0.0.8' }] }))[1]).toMatch(
      /InvalidInput|IpAddressAlreadyAllocated/,
    )
  })

  test('of both families, where the network has them', async () => {
    await newSubnet({ ip_version: 6, cidr: '2001:db8::/64', ipv6_address_mode: 'slaac', ipv6_ra_mode: 'slaac' })
    const six = await newSubnet({ ip_version: 6, cidr: '2001:db8:1::/64' })
    const port = await made({ mac_address: 'FA:16:3E:00:00:07' })
    expect(port.mac_address).toBe('fa:16:3e:00:00:07')
    expect(port.fixed_ips).toHaveLength(3)
    expect(port.fixed_ips[1]).toEqual({ subnet_id: six, ip_address: expect.stringMatching(/^2001:db8:1::[0-9a-f]+$/) })
    expect(port.fixed_ips[2].ip_address).toBe('2001:db8::f816:3eff:fe00:7')
    expect(fault(await create({ mac_address: 'fa:16:3e:00:00:07' }))[1]).toBe('MacAddressInUse')
  })

  test('are shown in their order as text, whatever order they were asked for in', async () => {
    const asked = ['10.0.0.9', '10.0.0.10', '10.0.0.100'].map((ip_address) => ({ ip_address }))
    const port = await made({ fixed_ips: asked })
    const order = ['10.0.0.10', '10.0.0.100', '10.0.0.9']
    const shown = (ips: { ip_address: string }[]) => ips.map(({ ip_address }) => ip_address)
    expect(shown(port.fixed_ips)).toEqual(order)
    expect(shown((await demo.get(`${V2}/ports/${port.id}`)).body.port.fixed_ips)).toEqual(order)
  })

  test.each(['FA-16-3E-00-00-0A', 'fa163e00000a', 'FA16.3E00.000A', 'fa:16:3e:0:0:a', 'fa163e-00000a'])(
    'MAC address %s comes back as every look tells it, and is found so',
    async (mac_address) => {
      expect((await made({ mac_address })).mac_address).toBe('fa:16:3e:00:00:0a')
      expect((await demo.get(`${V2}/ports?mac_address=${mac_address}`)).body.ports).toHaveLength(1)
      expect(fault(await create({ mac_address: 'fa:16:3e:00:00' }))[0]).toBe(400)
    },
  )

  test('change, and are free again', async () => {
    const port = await made({ fixed_ips: [{ ip_address: '10.0.0.9' }] })
    const put = (fixed_ips: object[]) => demo.put(`${V2}/ports/${port.id}`, { port: { fixed_ips } })
    expect((await put([{ ip_address: '10.0.0.9' }, { ip_address: '10.0.0.10' }])).body.port.fixed_ips).toHaveLength(2)
    expect((await put([{ ip_address: '10.0.0.10' }])).body.port.fixed_ips).toEqual([
      { subnet_id: subnet, ip_address: '10.0.0.10' },
    ])
    expect((await create({ fixed_ips: [{ ip_address: '10.0.0.9' }] })).status).toBe(201)
    expect(fault(await put([{ ip_address: '10.0.0.9' }]))[1]).toBe('IpAddressAlreadyAllocated')
  })
})

test('groups and port security', async () => {
  const groups = []
  for (const name of ['a', 'b'])
    groups.push((await demo.post(`${V2}/security-groups`, { security_group: { name } })).body.security_group.id)
  const port = await made({ security_groups: groups })
  expect(port.security_groups.toSorted()).toEqual(groups.toSorted())
  expect((await made({ security_groups: [] })).security_groups).toEqual([])
  expect(fault(await create({ security_groups: [groups[0], groups[0]] }))).toEqual([
    ...[400, 'HTTPBadRequest'],
    `Invalid input for security_groups. Reason: Duplicate items in the list: '${groups[0]}'.`,
  ])
  const unknown = crypto.randomUUID()
  expect(fault(await create({ security_groups: [unknown] }))).toEqual([
    404,
    'SecurityGroupNotFound',
    `Security group ${unknown} does not exist`,
  ])
  const put = (body: object) => demo.put(`${V2}/ports/${port.id}`, { port: body })
  expect((await demo.get(`${V2}/ports?security_groups=${groups[0]}`)).body.ports).toHaveLength(1)
  expect(fault(await put({ port_security_enabled: false }))[1]).toBe('PortSecurityPortHasSecurityGroup')
  expect((await put({ port_security_enabled: false, security_groups: [] })).body.port).toMatchObject({
    security_groups: [],
    port_security_enabled: false,
  })
  expect(fault(await put({ security_groups: groups }))[0]).toBe(409)
  expect((await made({ port_security_enabled: false })).security_groups).toEqual([])
})

test('attributes that are not for users', async () => {
  expect(fault(await create({ device_owner: 'network:dhcp' }))[0]).toBe(403)
  const port = await made({ device_id: 'some', device_owner: 'compute:nova' })
  expect(fault(await demo.put(`${V2}/ports/${port.id}`, { port: { mac_address: 'fa:16:3e:00:00:01' } }))[0]).toBe(403)
  await plimsoll.newUser('mary', 'demo', ['manager'])
  const managed = await plimsoll
    .as('mary')
    .put(`${V2}/ports/${port.id}`, { port: { mac_address: 'fa:16:3e:00:00:01' } })
  expect([managed.status, managed.body.port.mac_address], 'managers of its network may').toEqual([
    200,
    'fa:16:3e:00:00:01',
  ])
  const server = await createServer(plimsoll, demo, { networks: [{ port: (await made({})).id }] })
  const [held] = (await demo.get(`${V2}/ports?device_id=${server}`)).body.ports
  const another = { port: { mac_address: 'fa:16:3e:00:00:02' } }
  expect(fault(await plimsoll.as('mary').put(`${V2}/ports/${held.id}`, another))).toEqual([
    ...[409, 'PortBound'],
    `Unable to complete operation on port ${held.id}, port is already bound, port type: other, old_mac ${held.mac_address}, new_mac fa:16:3e:00:00:02.`,
  ])
  expect(fault(await create({ 'binding:vnic_type': 'direct' }))[2]).toContain("'direct' is not offered")
  expect((await demo.get(`${V2}/ports?device_id=some`)).body.ports.map(({ id }: { id: string }) => id)).toEqual([
    port.id,
  ])
  await plimsoll.newProject('other', { clouds: ['sandbox'] })
  const other = plimsoll.as('other')
  expect((await other.get(`${V2}/ports`)).body.ports).toEqual([])
  for (const answer of [
    await other.get(`${V2}/ports/${port.id}`),
    await other.put(`${V2}/ports/${port.id}`, { port: {} }),
    await other.delete(`${V2}/ports/${port.id}`),
  ])
    expect(fault(answer)[1]).toBe('PortNotFound')
})

test('pages by group, address and subnet are the same where few have it and where many have', async () => {
  await plimsoll.newProject('other')
  const group = (await demo.post(`${V2}/security-groups`, { security_group: { name: 'g' } })).body.security_group.id
  const ids: string[] = []
  for (const ip_address of ['10.0.0.20', '10.0.0.21', '10.0.0.22']) {
    ids.push((await made({ security_groups: [group], fixed_ips: [{ subnet_id: subnet, ip_address }] })).id)
    plimsoll.clock.advance(1_000)
  }
  await made({ security_groups: [] })
  const filters = [`security_groups=${group}`, 'fixed_ips=ip_address=10.0.0.21', `fixed_ips=subnet_id=${subnet}`]
  const pages = async () => {
    const found: string[][] = []
    for (const reader of [demo, plimsoll.as('admin'), plimsoll.as('other')])
      for (const filter of filters)
        for (const page of ['', '&limit=1', `&marker=${ids[0]}&limit=2`, '&sort_key=mac_address&limit=2', '&name=x'])
          found.push((await reader.get(`${V2}/ports?${filter}${page}`)).body.ports.map(({ id }: { id: string }) => id))
    return found
  }
  const few = await pages()
  expect(few.slice(0, 3)).toEqual([ids, [ids[0]], ids.slice(1)])
  expect(few[5]).toEqual([ids[1]])
  expect(few[10]).toHaveLength(4)
  const numbers = sql`with recursive n(i) as (select 0 union all select i + 1 from n where i < 1500) `
  await plimsoll.db.run(sql`${numbers} insert into ${portSecurityGroups} select 'another-' || i, ${group} from n`)
  await plimsoll.db.run(
    sql`${numbers} insert into ${ipAllocations} select ${subnet}, 'another-' || i, 'p-' || i from n`,
  )
  await plimsoll.db.run(sql`${numbers} insert into ${ipAllocations} select 's-' || i, '10.0.0.21', 'p-' || i from n`)
  expect(await pages()).toEqual(few)
})

test('port security is for the owner of the network to say', async () => {
  await plimsoll.newProject('other', { clouds: ['sandbox'] })
  const admin = plimsoll.as('admin')
  await admin.put(`${V2}/networks/${network}`, { network: { shared: true } })
  const other = plimsoll.as('other')
  const asked = (port_security_enabled: boolean) =>
    other.post(`${V2}/ports`, { port: { network_id: network, port_security_enabled } })
  for (const wish of [true, false])
    expect(fault(await asked(wish))).toEqual([
      403,
      'PolicyNotAuthorized',
      'rule:create_port:port_security_enabled is disallowed by policy',
    ])
  const { port } = (await other.post(`${V2}/ports`, { port: { network_id: network } })).body
  const off = { port: { port_security_enabled: false, security_groups: [] } }
  expect(fault(await other.put(`${V2}/ports/${port.id}`, off))).toEqual([
    403,
    'PolicyNotAuthorized',
    'rule:update_port:port_security_enabled is disallowed by policy',
  ])
  expect((await admin.put(`${V2}/ports/${port.id}`, off)).body.port.port_security_enabled).toBe(false)
  expect((await made({ port_security_enabled: false })).port_security_enabled).toBe(false)
})
