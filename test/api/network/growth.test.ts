import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { bindings } from '../../../db/schema/index.ts'
import { cidrHolds, overlap, readCidr } from '../../../functions/broker/network/address.ts'
import { createServer } from '../../support/builders.ts'
import { rawDisk } from '../../support/disks.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let demo: Client
let plan: string
let image: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'sandbox' },
      { name: 'away', type: 'sandbox' },
    ],
  })
  demo = plimsoll.as('demo')
  plan = `/broker/v1/projects/${plimsoll.projectId('demo')}/network-plan`
  image = await sharedImage()
})

const V2 = '/network/v2.0'
const PLAN = { routed: true, pool: '10.64.0.0/12', prefix_length: 24 }
const errorOf = ({ status, body }: { status: number; body: { error: { message: string } } }) => [
  status,
  body.error.message,
]
/** Both clouds take it. */
const sharedImage = async (who = demo): Promise<string> => {
  const { id } = (await who.post('/image/v2/images', { name: 'i', disk_format: 'raw', container_format: 'bare' })).body
  await who.put(`/image/v2/images/${id}/file`, rawDisk(), { 'Content-Type': 'application/octet-stream' })
  return id
}
const newNetwork = async (body: object = {}) => (await demo.post(`${V2}/networks`, { network: body })).body.network
const of = async (collection: string, network: string) =>
  (await demo.get(`${V2}/${collection}?network_id=${network}`)).body[collection]
const boot = (network: string, zone: string, more: object = {}) =>
  createServer(plimsoll, demo, { imageRef: image, networks: [{ uuid: network }], availability_zone: zone, ...more })
const ask = (network: string, zone: string) =>
  demo.post('/compute/v2.1/servers', {
    server: { name: 's', imageRef: image, flavorRef: '1', networks: [{ uuid: network }], availability_zone: zone },
  })
const addressOf = async (server: string): Promise<string> => {
  const [port] = (await demo.get(`${V2}/ports?device_id=${server}`)).body.ports
  return port.fixed_ips[0].ip_address
}
const whole = async (network: string) => {
  const [subnets, segments] = [await of('subnets', network), await of('segments', network)]
  const blocks = subnets.map(({ cidr }: { cidr: string }) => readCidr(cidr)!)
  for (const [i, one] of blocks.entries())
    for (const other of blocks.slice(i + 1)) expect(overlap(one, other)).toBe(false)
  return {
    cidrs: subnets.map(({ cidr }: { cidr: string }) => cidr).sort(),
    places: segments.map(({ physical_network }: { physical_network: string }) => physical_network).sort(),
    lying: subnets.every((subnet: { segment_id: string | null }) =>
      segments.some(({ id }: { id: string }) => id === subnet.segment_id),
    ),
  }
}

describe('the network plan of a project', () => {
  test('is set, shown with its pool, changed and taken away', async () => {
    expect((await demo.get(plan)).body).toMatchObject({ project_id: plimsoll.projectId('demo'), plan: null })
    const set = await demo.put(plan, { plan: PLAN })
    expect([set.status, set.body.plan]).toEqual([200, { ...PLAN, egress: false, subnetpool_id: expect.any(String) }])
    expect((await demo.get(plan)).body).toEqual(set.body)
    const pool = `${V2}/subnetpools/${set.body.plan.subnetpool_id}`
    expect((await demo.get(pool)).body.subnetpool).toMatchObject({
      prefixes: ['10.64.0.0/12'],
      default_prefixlen: '24',
    })
    const refused = await demo.delete(pool)
    expect([refused.status, refused.body.NeutronError.type]).toEqual([409, 'SubnetPoolInUse'])
    const same = await demo.put(plan, { plan: { ...PLAN, prefix_length: 26 } })
    expect(same.body.plan).toEqual({ ...set.body.plan, prefix_length: 26 })
    const other = await demo.put(plan, { plan: { ...PLAN, pool: '10.128.0.0/16' } })
    expect(other.body.plan.subnetpool_id).not.toBe(set.body.plan.subnetpool_id)
    expect((await demo.get(pool)).status, 'nothing is of the first pool').toBe(404)
    expect((await demo.put(plan, { plan: null })).body.plan).toBe(null)
    expect((await demo.get(`${V2}/subnetpools`)).body.subnetpools).toEqual([])
  })

  test.each([
    [{ ...PLAN, pool: 'x' }, 400, /pool 'x' is not a valid IP subnet/],
    [{ ...PLAN, prefix_length: 8 }, 400, /prefix_length 8 is not between that of pool 10.64.0.0\/12 and 28/],
    [{ ...PLAN, prefix_length: null }, 400, /prefix_length/],
    [{ ...PLAN, colour: 'red' }, 400, /colour/],
  ])('is refused: %j', async (asked, status, words) => {
    const answer = await demo.put(plan, { plan: asked })
    expect([answer.status, answer.body.error.message]).toEqual([status, expect.stringMatching(words)])
  })

  test('is its own, and its administrators', async () => {
    await plimsoll.newProject('stranger')
    expect(errorOf(await plimsoll.as('stranger').put(plan, { plan: PLAN }))[0]).toBe(404)
    expect((await plimsoll.as('admin').put(plan, { plan: PLAN })).status).toBe(200)
  })
})

describe('a network that becomes routed by itself', () => {
  test('gets a segment and a subnet of the plan wherever a server goes', async () => {
    await demo.put(plan, { plan: PLAN })
    const { id } = await newNetwork()
    const first = await boot(id, 'home.a')
    expect(await whole(id)).toEqual({ cidrs: ['10.64.0.0/24'], places: ['home.a'], lying: true })
    const second = await boot(id, 'away.b')
    expect(await whole(id)).toEqual({
      cidrs: ['10.64.0.0/24', '10.64.1.0/24'],
      places: ['away.b', 'home.a'],
      lying: true,
    })
    const third = await boot(id, 'home.a')
    expect((await whole(id)).cidrs).toHaveLength(2)
    await plimsoll.settle()
    for (const server of [first, second, third])
      expect((await demo.get(`/compute/v2.1/servers/${server}`)).body.server.status).toBe('ACTIVE')
    expect(cidrHolds('10.64.0.0/24', await addressOf(first))).toBe(true)
    expect(cidrHolds('10.64.1.0/24', await addressOf(second))).toBe(true)
    expect(cidrHolds('10.64.0.0/24', await addressOf(third))).toBe(true)
    expect((await demo.get(`${V2}/networks/${id}`)).body.network.l2_adjacency).toBe(false)
    const pool = (await demo.get(plan)).body.plan.subnetpool_id
    const away = (await of('subnets', id)).find(({ cidr }: { cidr: string }) => cidr === '10.64.1.0/24')
    expect(away).toMatchObject({ subnetpool_id: pool, gateway_ip: '10.64.1.1' })
  })

  test('by its own word takes from the pool of its subnet, and associates that', async () => {
    const made = await demo.post(`${V2}/subnetpools`, {
      subnetpool: { name: 'p', prefixes: ['10.9.0.0/16'], default_prefixlen: 26 },
    })
    const { id } = await newNetwork({ 'plimsoll:routed': true })
    const subnet = { network_id: id, ip_version: 4, subnetpool_id: made.body.subnetpool.id }
    const own = (await demo.post(`${V2}/subnets`, { subnet })).body.subnet
    expect(own.cidr).toBe('10.9.0.0/26')
    await boot(id, 'home.a')
    expect(await whole(id)).toEqual({ cidrs: ['10.9.0.0/26'], places: ['home.a'], lying: true })
    await boot(id, 'away.a')
    expect(await whole(id)).toEqual({
      cidrs: ['10.9.0.0/26', '10.9.0.64/26'],
      places: ['away.a', 'home.a'],
      lying: true,
    })
    await plimsoll.settle()
  })

  test('takes along what its router joins to it', async () => {
    const [grows, plain] = [await newNetwork({ 'plimsoll:routed': true }), await newNetwork()]
    const pool = { name: 'p', prefixes: ['10.9.0.0/16'], default_prefixlen: 26 }
    const { id: subnetpool_id } = (await demo.post(`${V2}/subnetpools`, { subnetpool: pool })).body.subnetpool
    const router = (await demo.post(`${V2}/routers`, { router: { name: 'r' } })).body.router.id
    for (const subnet of [
      { network_id: grows.id, ip_version: 4, subnetpool_id },
      { network_id: plain.id, ip_version: 4, cidr: '10.1.0.0/24' },
    ]) {
      const subnet_id = (await demo.post(`${V2}/subnets`, { subnet })).body.subnet.id
      await demo.put(`${V2}/routers/${router}/add_router_interface`, { subnet_id })
    }
    await boot(grows.id, 'away.a')
    const bound = await plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, router))
    expect(bound.map(({ cloudId }) => cloudId)).toEqual([plimsoll.cloudId('away')])
    expect((await of('segments', plain.id))[0].physical_network).toBe('away')
  })

  test('finds what is free beside a wide range that holds most of what is', async () => {
    const other = await newNetwork({ 'plimsoll:routed': false })
    await demo.post(`${V2}/subnets`, { subnet: { network_id: other.id, ip_version: 4, cidr: '10.64.0.0/16' } })
    await boot(other.id, 'away.a')
    const prefixes = [...Array.from({ length: 12 }, (_, i) => `10.64.${2 * i}.0/24`), '10.66.0.0/24']
    const pool = { name: 'p', prefixes, default_prefixlen: 24 }
    const { id: subnetpool_id } = (await demo.post(`${V2}/subnetpools`, { subnetpool: pool })).body.subnetpool
    const { id } = await newNetwork({ 'plimsoll:routed': true })
    await demo.post(`${V2}/subnets`, { subnet: { network_id: id, ip_version: 4, subnetpool_id } })
    await boot(id, 'home.a')
    await boot(id, 'away.a')
    expect((await whole(id)).cidrs).toEqual(['10.64.0.0/24', '10.66.0.0/24'])
  })

  test('stays away from what its owner put into it', async () => {
    await demo.put(plan, { plan: { ...PLAN, pool: '10.64.0.0/22' } })
    const { id } = await newNetwork()
    const segment = { network_id: id, network_type: 'flat', physical_network: 'home.a' }
    const { id: segment_id } = (await demo.post(`${V2}/segments`, { segment })).body.segment
    const subnet = { network_id: id, ip_version: 4, cidr: '10.64.0.0/23', segment_id }
    expect((await demo.post(`${V2}/subnets`, { subnet })).status).toBe(201)
    await boot(id, 'away.a')
    expect((await whole(id)).cidrs).toEqual(['10.64.0.0/23', '10.64.2.0/24'])
  })

  test('stays away from what the project has on the cloud, and gives back what it had', async () => {
    await demo.put(plan, { plan: { ...PLAN, pool: '10.64.0.0/22' } })
    const other = await newNetwork({ 'plimsoll:routed': false })
    const subnet = { network_id: other.id, ip_version: 4, cidr: '10.64.0.0/24' }
    expect((await demo.post(`${V2}/subnets`, { subnet })).status).toBe(201)
    await boot(other.id, 'away.a')
    const { id } = await newNetwork()
    const servers = [await boot(id, 'away.a'), await boot(id, 'home.a')]
    expect((await whole(id)).cidrs).toEqual(['10.64.0.0/24', '10.64.1.0/24'])
    for (const server of servers) await demo.delete(`/compute/v2.1/servers/${server}`)
    await plimsoll.settle()
    expect((await demo.delete(`${V2}/networks/${id}`)).status).toBe(204)
    const pool = (await demo.get(plan)).body.plan.subnetpool_id
    expect((await demo.put(plan, { plan: null })).body.plan).toBe(null)
    expect((await demo.get(`${V2}/subnetpools/${pool}`)).status, 'nothing is of it any more').toBe(404)
  })

  test('has one segment a place, and no address twice, however many servers come at once', async () => {
    await demo.put(plan, { plan: PLAN })
    const { id } = await newNetwork()
    const zones = ['home.a', 'away.a', 'home.a', 'away.a']
    const answers = await Promise.all(zones.map((zone) => ask(id, zone)))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202])
    await plimsoll.settle()
    expect(await whole(id)).toEqual({ cidrs: expect.any(Array), places: ['away.a', 'home.a'], lying: true })
    const ports = await of('ports', id)
    const addresses = ports.map((port: { fixed_ips: { ip_address: string }[] }) => port.fixed_ips[0]!.ip_address)
    expect(new Set(addresses).size).toBe(4)
  })

  test('does not by servers of other projects, though they share it', async () => {
    await demo.put(plan, { plan: PLAN })
    const { id } = await newNetwork()
    await boot(id, 'home.a')
    await plimsoll.as('admin').put(`${V2}/networks/${id}`, { network: { shared: true } })
    await plimsoll.newProject('guest', { clouds: ['home', 'away'] })
    const guest = plimsoll.as('guest')
    const imageRef = await sharedImage(guest)
    const asked = (availability_zone: string) =>
      guest.post('/compute/v2.1/servers', {
        server: { name: 's', imageRef, flavorRef: '1', networks: [{ uuid: id }], availability_zone },
      })
    expect((await asked('home.a')).status).toBe(202)
    await asked('away.a')
    await plimsoll.settle()
    expect((await whole(id)).places).toEqual(['home.a'])
  })

  test('does not where it says no, and is refused where the pool is used up', async () => {
    await demo.put(plan, { plan: { ...PLAN, pool: '10.64.0.0/24' } })
    const no = await newNetwork({ 'plimsoll:routed': false })
    expect((await ask(no.id, 'home.a')).status).toBe(400)
    const { id } = await newNetwork()
    expect((await ask(id, 'home.a')).status).toBe(202)
    const full = await ask(id, 'away.a')
    expect([full.status, full.body.conflictingRequest.message]).toEqual([
      409,
      'Failed to allocate subnet: Insufficient prefix space to allocate subnet size /24.',
    ])
    const changed = await demo.put(`${V2}/networks/${id}`, { network: { 'plimsoll:routed': false } })
    expect(changed.body.network['plimsoll:routed']).toBe(false)
  })
})

/** Two clouds, of which the first has room for no server, and networks that grow by the plan. */
const startWithHomeFull = async () => {
  const faults = [{ method: 'server.create', fault: 'capacity' }]
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'sandbox', options: { faults } },
      { name: 'away', type: 'sandbox' },
    ],
  })
  demo = plimsoll.as('demo')
  await plimsoll.as('admin').patch('/broker/v1/clouds/away', { cloud: { position: 1 } })
  await demo.put(`/broker/v1/projects/${plimsoll.projectId('demo')}/network-plan`, { plan: PLAN })
  image = await sharedImage()
}

test('a server that finds no room goes on to a segment that is made for it, with its port', async () => {
  await startWithHomeFull()
  const { id } = await newNetwork()
  const asked = { name: 's', imageRef: image, flavorRef: '1', networks: [{ uuid: id }] }
  const server = (await demo.post('/compute/v2.1/servers', { server: asked })).body.server.id
  // Anybody may write the id of a server on a port: it is none of its ports by that.
  const tied = await newNetwork({ availability_zone_hints: ['home.a'], 'plimsoll:routed': false })
  await demo.post(`${V2}/subnets`, { subnet: { network_id: tied.id, ip_version: 4, cidr: '10.1.0.0/24' } })
  const stray = { network_id: tied.id, device_id: server }
  const { port: before } = (await demo.post(`${V2}/ports`, { port: stray })).body
  await plimsoll.settle()
  expect((await demo.get(`${V2}/ports/${before.id}`)).body.port.fixed_ips).toEqual(before.fixed_ips)
  const shown = (await plimsoll.as('admin').get(`/compute/v2.1/servers/${server}`)).body.server
  expect([shown.status, shown['OS-EXT-AZ:availability_zone']]).toEqual(['ACTIVE', expect.stringMatching(/^away\./)])
  const { cidrs, lying } = await whole(id)
  expect([cidrs.length >= 2, lying]).toEqual([true, true])
  const [port] = (await demo.get(`${V2}/ports?device_id=${server}&network_id=${id}`)).body.ports
  const [{ subnet_id, ip_address }] = port.fixed_ips
  const subnet = (await demo.get(`${V2}/subnets/${subnet_id}`)).body.subnet
  expect(cidrHolds(subnet.cidr, ip_address)).toBe(true)
  const segment = (await demo.get(`${V2}/segments/${subnet.segment_id}`)).body.segment
  expect(segment.physical_network).toBe(shown['OS-EXT-AZ:availability_zone'])
})

test('a server that would go on past a quota fails with the reason, and keeps nobody else from their turn', async () => {
  await startWithHomeFull()
  await plimsoll.as('admin').put(`${V2}/quotas/${plimsoll.projectId('demo')}`, { quota: { subnet: 1 } })
  const { id } = await newNetwork()
  const server = { name: 's', imageRef: image, flavorRef: '1' }
  const full = await demo.post('/compute/v2.1/servers', { server: { ...server, networks: [{ uuid: id }] } })
  const other = await createServer(plimsoll, demo, { imageRef: image, availability_zone: 'away.a' })
  const shown = async (one: string) => (await demo.get(`/compute/v2.1/servers/${one}`)).body.server
  const failed = await shown(full.body.server.id)
  expect([failed.status, failed.fault.message]).toEqual([
    'ERROR',
    expect.stringMatching(/^No valid host was found\..* A quota has no room for what its networks lack elsewhere\.$/),
  ])
  expect((await shown(other)).status).toBe('ACTIVE')
})

test('an empty segment where a server goes gets its subnet, and there is no second one', async () => {
  await demo.put(plan, { plan: PLAN })
  const { id } = await newNetwork()
  for (const physical_network of ['home.a', 'away.a'])
    await demo.post(`${V2}/segments`, { segment: { network_id: id, network_type: 'flat', physical_network } })
  await boot(id, 'home.a')
  await boot(id, 'away.a')
  expect(await whole(id)).toEqual({
    cidrs: ['10.64.0.0/24', '10.64.1.0/24'],
    places: ['away.a', 'home.a'],
    lying: true,
  })
  const hinted = await newNetwork({ availability_zone_hints: ['home.a'] })
  await boot(hinted.id, 'home.a')
  expect((await whole(hinted.id)).cidrs).toHaveLength(1)
})

describe('a server that is there', () => {
  let server: string
  beforeEach(async () => {
    await demo.put(plan, { plan: PLAN })
    server = await boot((await newNetwork()).id, 'home.a')
    await plimsoll.settle()
  })
  const plug = async (interfaceAttachment: object, into = server) => {
    const answer = await demo.post(`/compute/v2.1/servers/${into}/os-interface`, { interfaceAttachment })
    await plimsoll.settle()
    return answer
  }

  test('gets an interface on a network that has no segment there: one is made', async () => {
    const { id } = await newNetwork()
    const made = await plug({ net_id: id })
    const { port_id } = made.body.interfaceAttachment
    expect([made.status, (await demo.get(`${V2}/ports/${port_id}`)).body.port.status]).toEqual([200, 'ACTIVE'])
    const [{ ip_address }] = made.body.interfaceAttachment.fixed_ips
    const { cidrs, places, lying } = await whole(id)
    expect([cidrHolds(cidrs[0]!, ip_address), places, lying]).toEqual([true, ['home.a'], true])
    // The segment that is there by now does for the next, and one elsewhere is made where that one is.
    await plug({ net_id: id })
    const far = await boot((await newNetwork()).id, 'away.b')
    await plimsoll.settle()
    expect((await plug({ net_id: id }, far)).status).toBe(200)
    expect((await whole(id)).places).toEqual(['away.b', 'home.a'])
    expect(await of('ports', id)).toHaveLength(3)
  })

  test('takes a port that waits for its place, on a network that has no subnet yet', async () => {
    const { id } = await newNetwork()
    const { port } = (await demo.post(`${V2}/ports`, { port: { network_id: id } })).body
    expect([port.ip_allocation, port.fixed_ips]).toEqual(['deferred', []])
    expect((await plug({ port_id: port.id })).status).toBe(200)
    const [cidr] = (await whole(id)).cidrs
    const [{ ip_address }] = (await demo.get(`${V2}/ports/${port.id}`)).body.port.fixed_ips
    expect(cidrHolds(cidr!, ip_address)).toBe(true)
    const none = (await demo.post(`${V2}/ports`, { port: { network_id: id, fixed_ips: [] } })).body.port
    expect((await plug({ port_id: none.id })).status, 'one that was to have no address has none').toBe(400)
  })

  test('gets none where the address is elsewhere, the network does not grow, or the pool is used up', async () => {
    const still = await newNetwork({ 'plimsoll:routed': false })
    const segment = { network_id: still.id, network_type: 'flat', physical_network: 'away.a' }
    const { id: segment_id } = (await demo.post(`${V2}/segments`, { segment })).body.segment
    await demo.post(`${V2}/subnets`, {
      subnet: { network_id: still.id, ip_version: 4, cidr: '10.1.0.0/24', segment_id },
    })
    const refused = await plug({ net_id: still.id })
    expect([refused.status, refused.body.conflictingRequest.message]).toEqual([
      409,
      `Host a is not connected to any segments on routed provider network '${still.id}'.  It should be connected to one.`,
    ])
    const { id } = await newNetwork()
    await boot(id, 'away.a')
    const [{ cidr }] = await of('subnets', id)
    const ip_address = cidr.replace(/0\/24$/, '77')
    expect((await plug({ net_id: id, fixed_ips: [{ ip_address }] })).body.conflictingRequest.message).toMatch(
      /^Host a is not connected to any segments/,
    )
    await demo.put(plan, { plan: { ...PLAN, pool: '10.200.0.0/24', prefix_length: 24 } })
    expect((await plug({ net_id: (await newNetwork()).id })).status).toBe(200)
    const full = await plug({ net_id: (await newNetwork()).id })
    expect([full.status, full.body.conflictingRequest.message]).toEqual([
      409,
      'Failed to allocate subnet: Insufficient prefix space to allocate subnet size /24.',
    ])
  })

  test('and others at the same time: one segment is made, whoever is first', async () => {
    const { id } = await newNetwork()
    const other = await boot((await newNetwork()).id, 'home.a')
    await plimsoll.settle()
    const answers = await Promise.all([plug({ net_id: id }), plug({ net_id: id }, other)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect((await whole(id)).places).toEqual(['home.a'])
  })
})

describe('the hint plimsoll:reach', () => {
  const hinted = (network: string, reach: unknown, more: object = {}) =>
    demo.post('/compute/v2.1/servers', {
      server: { name: 's', imageRef: image, flavorRef: '1', networks: [{ uuid: network }], ...more },
      'os:scheduler_hints': { 'plimsoll:reach': reach },
    })
  const statusOf = async ({ body }: { body: { server: { id: string } } }) => {
    await plimsoll.settle()
    return (await demo.get(`/compute/v2.1/servers/${body.server.id}`)).body.server
  }

  test('keeps the servers of a network on clouds that reach each other', async () => {
    await demo.put(plan, { plan: PLAN })
    const { id } = await newNetwork()
    await boot(id, 'home.a')
    const away = { availability_zone: 'away.a' }
    const apart = await statusOf(await hinted(id, 'routed', away))
    expect([apart.status, apart.fault.message]).toEqual([
      'ERROR',
      `No valid host was found. No route is said to lead from away to home, where network ${id} is.`,
    ])
    const links = [{ clouds: ['home', 'away'], reach: 'routed' }]
    await plimsoll.as('admin').put('/broker/v1/links', { links })
    const made = await hinted(id, 'routed', away)
    expect((await statusOf(made)).status).toBe('ACTIVE')
    const placement = await demo.get(`/broker/v1/servers/${made.body.server.id}/placement`)
    expect(placement.body.placement.hints).toMatchObject([{ name: 'plimsoll:reach', value: 'routed', effect: 'kept' }])
  })

  test('means one thing, and has nothing against an empty network', async () => {
    await demo.put(plan, { plan: PLAN })
    const { id } = await newNetwork()
    expect((await hinted(id, 'public')).status).toBe(400)
    expect((await statusOf(await hinted(id, 'routed'))).status).toBe('ACTIVE')
  })
})
