import { beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../adapters/contract.ts'
import { bindings as bindingRows, ipAllocations, lingeringAddresses, networks } from '../../../db/schema/index.ts'
import { createServer } from '../../support/builders.ts'
import { rawDisk } from '../../support/disks.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const [V2, NOVA] = ['/network/v2.0', '/compute/v2.1']
let plimsoll: Plimsoll
let demo: Client
let image: string

const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]

/** Two clouds, the first preferred, and an image that both take. */
const begin = async (options: { home?: Record<string, Json>; away?: Record<string, Json> } = {}): Promise<void> => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'sandbox', options: options.home ?? {} },
      { name: 'away', type: 'sandbox', options: options.away ?? {} },
    ],
  })
  demo = plimsoll.as('demo')
  expect((await plimsoll.as('admin').patch('/broker/v1/clouds/away', { cloud: { position: 1 } })).status).toBe(200)
  image = (await demo.post('/image/v2/images', { name: 'i', disk_format: 'raw', container_format: 'bare' })).body.id
  const octets = { 'Content-Type': 'application/octet-stream' }
  expect((await demo.put(`/image/v2/images/${image}/file`, rawDisk(), octets)).status).toBe(204)
}

/** A network with a segment, and a subnet in it, in each of these places. */
const routed = async (...places: string[]): Promise<{ network: string; subnets: Record<string, string> }> => {
  const network = (await demo.post(`${V2}/networks`, { network: { name: 'n' } })).body.network.id
  const subnets: Record<string, string> = {}
  for (const [i, physical_network] of places.entries()) {
    const segment = { network_id: network, network_type: 'vlan', physical_network }
    const { id } = (await demo.post(`${V2}/segments`, { segment })).body.segment
    const subnet = { network_id: network, segment_id: id, ip_version: 4, cidr: `10.${i}.0.0/24` }
    subnets[physical_network] = (await demo.post(`${V2}/subnets`, { subnet })).body.subnet.id
  }
  return { network, subnets }
}
const boot = (networks: object[] | string, more: object = {}) =>
  createServer(plimsoll, demo, { imageRef: image, networks, ...more })
const port = async (id: string) => (await demo.get(`${V2}/ports/${id}`)).body.port
const newPort = (network: string, more: object = {}) =>
  demo.post(`${V2}/ports`, { port: { network_id: network, ...more } })
const portOf = async (server: string) => (await demo.get(`${V2}/ports?device_id=${server}`)).body.ports[0]
const server = async (id: string) => (await demo.get(`${NOVA}/servers/${id}`)).body.server
/** Where a server is, and the one subnet in which its one port has its address. */
const placed = async (id: string) => {
  const { fixed_ips, status } = await portOf(id)
  const { status: build, 'OS-EXT-AZ:availability_zone': zone } = await server(id)
  return { build, zone, subnet: fixed_ips[0]?.subnet_id, port: status }
}

describe('a server on a routed network', () => {
  beforeEach(() => begin())

  test('goes where a segment is, and its port gets an address of that segment', async () => {
    const { network, subnets } = await routed('away.b')
    const id = await boot([{ uuid: network }])
    expect(await placed(id)).toEqual({ build: 'ACTIVE', zone: 'away.b', subnet: subnets['away.b'], port: 'ACTIVE' })
    expect((await portOf(id)).ip_allocation).toBe('deferred')
  })

  test('goes to the cloud that comes first of those that have one, or to the zone that is named', async () => {
    const { network, subnets } = await routed('away.a', 'home.b', 'home.a')
    const first = await placed(await boot([{ uuid: network }]))
    expect(first.zone).toMatch(/^home\./)
    expect(first.subnet).toBe(subnets[first.zone])
    for (const zone of ['home.a', 'home.b', 'away.a'])
      expect(await placed(await boot([{ uuid: network }], { availability_zone: zone }))).toEqual({
        build: 'ACTIVE',
        zone,
        subnet: subnets[zone],
        port: 'ACTIVE',
      })
    const nowhere = await server(await boot([{ uuid: network }], { availability_zone: 'away.b' }))
    expect(nowhere).toMatchObject({ status: 'ERROR', fault: { message: expect.stringContaining('No valid host') } })
  })

  test('is where all of its networks have segments', async () => {
    const [one, other] = [await routed('home.a', 'home.b', 'away.a'), await routed('home.b', 'away.b')]
    expect((await placed(await boot([{ uuid: one.network }, { uuid: other.network }]))).zone).toBe('home.b')
    const apart = await server(
      await boot([{ uuid: (await routed('home.a')).network }, { uuid: (await routed('away.a')).network }]),
    )
    expect(apart).toMatchObject({ status: 'ERROR', fault: { message: expect.stringContaining('No valid host') } })
  })

  test('takes a port that waited for its address', async () => {
    const { network, subnets } = await routed('home.a', 'away.a')
    const { status, body } = await newPort(network)
    expect([status, body.port.fixed_ips, body.port.ip_allocation]).toEqual([201, [], 'deferred'])
    const { id } = body.port
    const held = await boot([{ port: id }], { availability_zone: 'away.a' })
    expect(await placed(held)).toEqual({ build: 'ACTIVE', zone: 'away.a', subnet: subnets['away.a'], port: 'ACTIVE' })
    expect(await port(id)).toMatchObject({ ip_allocation: 'deferred', fixed_ips: [{ subnet_id: subnets['away.a'] }] })
  })

  test.each(['servers that are made', 'servers that are there'])(
    'takes one port that waits for its address from %s at once, and no more',
    async (who) => {
      const { network } = await routed('home.a', 'away.a')
      const { id } = (await newPort(network)).body.port
      const away = { availability_zone: 'away.a' }
      const asked = { name: 's', imageRef: image, flavorRef: '1', networks: [{ port: id }], ...away }
      const answers =
        who === 'servers that are made'
          ? await Promise.all([1, 2, 3].map(() => demo.post(`${NOVA}/servers`, { server: asked })))
          : await Promise.all(
              [await boot([{ uuid: network }], away), await boot([{ uuid: network }], away)].map((each) =>
                demo.post(`${NOVA}/servers/${each}/os-interface`, { interfaceAttachment: { port_id: id } }),
              ),
            )
      const statuses = answers.map(({ status }) => status).sort()
      expect([statuses[0]! < 300, new Set(statuses.slice(1))]).toEqual([true, new Set([409])])
      await plimsoll.settle()
      expect((await port(id)).fixed_ips).toHaveLength(1)
    },
  )

  test('has the address of its segment, whatever is asked of its port at the same moment', async () => {
    const { network, subnets } = await routed('home.a', 'away.a')
    const { id } = (await newPort(network)).body.port
    const asked = { name: 's', imageRef: image, flavorRef: '1', networks: [{ port: id }], availability_zone: 'away.a' }
    const change = { port: { fixed_ips: [{ subnet_id: subnets['home.a'] }] } }
    const [put, made] = await Promise.all([
      demo.put(`${V2}/ports/${id}`, change),
      demo.post(`${NOVA}/servers`, { server: asked }),
    ])
    await plimsoll.settle()
    const [ip] = (await port(id)).fixed_ips
    const built = made.status < 300 ? (await server(made.body.server.id)).status : 'refused'
    const there = built === 'ACTIVE' ? subnets['away.a'] : subnets['home.a']
    expect([put.status, ip.subnet_id]).toEqual([built === 'ACTIVE' ? 409 : 200, there])
  })

  test('follows the address or subnet that was named', async () => {
    const { network, subnets } = await routed('home.a', 'away.a')
    const pinned = (await newPort(network, { fixed_ips: [{ subnet_id: subnets['away.a'] }] })).body.port
    expect(pinned).toMatchObject({ ip_allocation: 'immediate', fixed_ips: [{ subnet_id: subnets['away.a'] }] })
    expect((await placed(await boot([{ port: pinned.id }]))).zone).toBe('away.a')
    expect(await placed(await boot([{ uuid: network, fixed_ip: '10.1.0.77' }]))).toMatchObject({ zone: 'away.a' })
    const none = await newPort(network, { fixed_ips: [] })
    expect(none.body.port).toMatchObject({ ip_allocation: 'none', fixed_ips: [] })
    const both = [{ subnet_id: subnets['home.a'] }, { subnet_id: subnets['away.a'] }]
    expect(fault(await newPort(network, { fixed_ips: both }))).toEqual([
      400,
      'FixedIpsSubnetsNotOnSameSegment',
      'Cannot allocate addresses from different segments.',
    ])
  })

  test('gets further interfaces of the segment that it is on', async () => {
    const { network, subnets } = await routed('home.a', 'away.a')
    const id = await boot([{ uuid: network }], { availability_zone: 'away.a' })
    const plug = async (interfaceAttachment: object) => {
      const answer = await demo.post(`${NOVA}/servers/${id}/os-interface`, { interfaceAttachment })
      await plimsoll.settle()
      return answer
    }
    const made = await plug({ net_id: network })
    expect(made.body.interfaceAttachment.fixed_ips).toMatchObject([{ subnet_id: subnets['away.a'] }])
    const waiting = (await newPort(network)).body.port.id
    expect((await plug({ port_id: waiting })).status).toBe(200)
    expect((await port(waiting)).fixed_ips).toMatchObject([{ subnet_id: subnets['away.a'] }])
    const elsewhere = (await newPort(network, { fixed_ips: [{ subnet_id: subnets['home.a'] }] })).body.port.id
    expect((await plug({ port_id: elsewhere })).body.conflictingRequest).toEqual({
      code: 409,
      message: `Host a is not connected to a segment where the existing fixed_ips on port ${elsewhere} will function given the routed network topology.`,
    })
    const { network: far } = await routed('home.b')
    expect((await plug({ net_id: far })).body.conflictingRequest.message).toBe(
      `Host a is not connected to any segments on routed provider network '${far}'.  It should be connected to one.`,
    )
  })
})

describe('a place without room', () => {
  const bindings = async (resource: string) =>
    (await plimsoll.db.select().from(bindingRows))
      .filter(({ resourceId, phase }) => resourceId === resource && phase !== 'gone')
      .map(({ cloudId, phase }) => [cloudId, phase])

  test('on one cloud is left for another: the port keeps its id, and has an address of the segment there', async () => {
    await begin({ home: { faults: [{ method: 'server.create', fault: 'capacity' }] } })
    const { network, subnets } = await routed('home.a', 'away.b')
    const waiting = (await newPort(network)).body.port
    const id = await boot([{ port: waiting.id }])
    expect(await placed(id)).toEqual({ build: 'ACTIVE', zone: 'away.b', subnet: subnets['away.b'], port: 'ACTIVE' })
    expect((await portOf(id)).id).toBe(waiting.id)
    expect(await bindings(waiting.id)).toEqual([[plimsoll.cloudId('away'), 'bound']])
    const allocated = await plimsoll.db.select().from(ipAllocations)
    expect(allocated.filter(({ portId }) => portId === waiting.id)).toMatchObject([{ subnetId: subnets['away.b'] }])
    expect(await plimsoll.db.select().from(lingeringAddresses)).toEqual([])
  })

  test('in one zone is left for another of the same cloud', async () => {
    await begin({ home: { faults: [{ method: 'server.create', fault: 'capacity', count: 1 }] } })
    const { network, subnets } = await routed('home.a', 'home.b')
    const id = await boot([{ uuid: network }])
    const { attempts } = (await plimsoll.as('admin').get(`/broker/v1/servers/${id}/placement`)).body.placement
    expect(new Set(attempts.map((attempt: { zone: string }) => attempt.zone)).size).toBe(2)
    const { zone, subnet, ...rest } = await placed(id)
    expect(zone).toMatch(/^home\./)
    expect({ subnet, ...rest }).toEqual({ build: 'ACTIVE', subnet: subnets[zone], port: 'ACTIVE' })
    expect(await bindings((await portOf(id)).id)).toEqual([[plimsoll.cloudId('home'), 'bound']])
  })

  test('is the end where the port was pinned: by its address, its MAC or a public address', async () => {
    await begin({ home: { faults: [{ method: 'server.create', fault: 'capacity' }] } })
    const { network, subnets } = await routed('home.a', 'away.a')
    const byAddress = (await newPort(network, { fixed_ips: [{ subnet_id: subnets['home.a'] }] })).body.port.id
    const byMac = (await newPort(network, { mac_address: '02:00:00:00:00:07' })).body.port.id
    for (const pinned of [byAddress, byMac]) {
      const id = await boot([{ port: pinned }])
      expect((await server(id)).status).toBe('ERROR')
      expect((await port(pinned)).fixed_ips).toMatchObject([{ subnet_id: subnets['home.a'] }])
      // Else the next would not be sent there at all.
      expect((await plimsoll.as('admin').delete('/broker/v1/clouds/home/refused-offers')).status).toBe(204)
    }
    expect((await port(byMac)).mac_address).toBe('02:00:00:00:00:07')
  })

  test('and no address elsewhere leaves a server where it was refused', async () => {
    await begin({ home: { faults: [{ method: 'server.create', fault: 'capacity' }] } })
    const { network } = await routed('home.a')
    const segment = { network_id: network, network_type: 'vlan', physical_network: 'away.a' }
    const { id: narrow } = (await demo.post(`${V2}/segments`, { segment })).body.segment
    const subnet = { network_id: network, segment_id: narrow, ip_version: 4, cidr: '10.9.0.0/30' }
    expect((await demo.post(`${V2}/subnets`, { subnet })).status).toBe(201)
    const id = await boot([{ uuid: network }])
    expect(await server(id)).toMatchObject({
      status: 'ERROR',
      fault: { message: expect.stringContaining('No valid host was found.') },
    })
  })

  describe('and what filters it', () => {
    /** Home is full, and each cloud does with security groups what its mapping says; `policy` of the project. */
    const moving = async (home: string | null, away: string | null, policy: object) => {
      await begin({ home: { faults: [{ method: 'server.create', fault: 'capacity' }] } })
      const admin = plimsoll.as('admin')
      const project = `/broker/v1/projects/${plimsoll.projectId('demo')}`
      for (const [cloud, filters] of [
        ['home', home],
        ['away', away],
      ] as const)
        if (filters) await admin.put(`${project}/clouds/${cloud}`, { mapping: { filters } })
      expect((await admin.put(`${project}/policy`, { policy: { chain: ['home', 'away'], ...policy } })).status).toBe(
        200,
      )
      const { network } = await routed('home.a', 'away.b')
      const waiting = (await newPort(network)).body.port
      const id = await boot([{ port: waiting.id }])
      const last = (await plimsoll.db.select().from(bindingRows)).find(
        ({ resourceId, phase }) => resourceId === waiting.id && phase !== 'gone',
      )
      const { status, 'plimsoll:filters': filters } = await server(id)
      return { status, filters, port: await port(waiting.id), asked: last?.frozen, groups: waiting.security_groups }
    }

    test('is never less than it was', async () => {
      for (const away of ['trusted', 'none']) {
        const { status, port: kept } = await moving(null, away, {})
        expect([status, kept['plimsoll:filters'], kept.port_security_enabled]).toEqual(['ERROR', 'enforced', true])
      }
      expect((await moving('trusted', 'none', { min_filters: 'trusted' })).status).toBe('ERROR')
    })

    test('is less where the policy of the project says that it may be, and it is shown', async () => {
      const { status, filters, port: moved, asked, groups } = await moving(null, 'trusted', { min_filters: 'trusted' })
      expect([status, filters]).toEqual(['ACTIVE', 'trusted'])
      expect(moved).toMatchObject({
        'plimsoll:filters': 'trusted',
        security_groups: groups,
        port_security_enabled: true,
      })
      expect(asked).toMatchObject({ portSecurity: false, securityGroups: [] })
    })

    test('is all that its owner wants as soon as it is somewhere that filters', async () => {
      const { status, port: moved, asked, groups } = await moving('none', null, {})
      expect(status).toBe('ACTIVE')
      expect(moved).toMatchObject({
        'plimsoll:filters': 'enforced',
        security_groups: groups,
        port_security_enabled: true,
      })
      expect(asked).toMatchObject({ portSecurity: true, securityGroups: [expect.any(String)] })
    })
  })
})

describe('of a routed network', () => {
  beforeEach(() => begin())
  const wayOut = async (cloud: string) =>
    (await plimsoll.db.select().from(networks)).find(
      ({ external, cloudId }) => external && cloudId === plimsoll.cloudId(cloud),
    )!
  const newRouter = async (external?: string) => {
    const gateway = external === undefined ? {} : { external_gateway_info: { network_id: external } }
    return (await demo.post(`${V2}/routers`, { router: { name: 'r', ...gateway } })).body.router.id
  }
  const join = (router: string, subnet_id: string) =>
    demo.put(`${V2}/routers/${router}/add_router_interface`, { subnet_id })

  test('a router joins subnets on its own cloud, and is told which would do', async () => {
    const { network, subnets } = await routed('home.a', 'away.a')
    const router = await newRouter((await wayOut('home')).id)
    expect(fault(await join(router, subnets['away.a']!))).toEqual([
      409,
      'RouterInUse',
      `Router ${router} is on cloud home, and subnet ${subnets['away.a']} lies in a segment on cloud away: of its network ${subnets['home.a']} would do.`,
    ])
    expect((await join(router, subnets['home.a']!)).status).toBe(200)
    const free = await newRouter()
    expect((await join(free, subnets['away.a']!)).status).toBe(200)
    const { id: out, name } = await wayOut('away')
    const gateway = (network_id: string) =>
      demo.put(`${V2}/routers/${free}`, { router: { external_gateway_info: { network_id } } })
    expect(fault(await gateway((await wayOut('home')).id))).toEqual([
      409,
      'RouterInUse',
      `Router ${free} joins subnets in segments on cloud away: external network ${name} (${out}) would do.`,
    ])
    expect((await gateway(out)).status).toBe(200)
    await plimsoll.settle()
    const bound = (await plimsoll.db.select().from(bindingRows)).filter(({ kind }) => kind === 'router')
    expect(bound.map(({ resourceId, cloudId, phase }) => [resourceId, cloudId, phase]).sort()).toEqual(
      [
        [router, plimsoll.cloudId('home'), 'bound'],
        [free, plimsoll.cloudId('away'), 'bound'],
      ].sort(),
    )
    expect((await placed(await boot([{ uuid: network }], { availability_zone: 'away.a' }))).build).toBe('ACTIVE')
  })

  test('a port is led to by addresses of its own cloud, and the other pair is told which would do', async () => {
    const { network, subnets } = await routed('home.a', 'away.a')
    const [home, away] = [await wayOut('home'), await wayOut('away')]
    for (const [out, subnet] of [
      [home.id, subnets['home.a']!],
      [away.id, subnets['away.a']!],
    ] as const)
      expect((await join(await newRouter(out), subnet)).status).toBe(200)
    const id = await boot([{ uuid: network }], { availability_zone: 'away.a' })
    const { id: port_id } = await portOf(id)
    const lead = (floating_network_id: string) =>
      demo.post(`${V2}/floatingips`, { floatingip: { floating_network_id, port_id } })
    const [status, type, message] = fault(await lead(home.id))
    expect([status, type]).toEqual([409, 'FloatingIPPortElsewhere'])
    expect(message).toMatch(
      `is of cloud home, and port ${port_id} has its address on cloud away: external network ${away.name} (${away.id}) would do.`,
    )
    expect((await lead(away.id)).status).toBe(201)
  })
})
