import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { vanish } from '../../../adapters/sandbox/backdoor.ts'
import { reconcile } from '../../../functions/broker/reconcile/reconcile.ts'
import { outOfStep } from '../../support/in-step.ts'
import { type Estate, newEstate } from './foreign.ts'

const NOVA = '/compute/v2.1'
const NEUTRON = '/network/v2.0'

interface Row {
  kind: string
  native_id: string
  resource_id: string
  ownership: string
  remarks: string[]
}

let estate: Estate
let theirs: Awaited<ReturnType<Estate['server']>>
const admin = () => estate.plimsoll.as('admin')
const demo = () => estate.plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.96' })
const adopt = async (ids: string[], more: object = {}): Promise<{ adopted: Row[]; refused: { reason: string }[] }> => {
  const project_id = estate.plimsoll.projectId('demo')
  return (await admin().post('/broker/v1/adopt', { cloud: 'sandbox', project_id, native_ids: ids, ...more })).body
}
const of = (rows: Row[], native: string) => rows.find(({ native_id }) => native_id === native)!
const sweep = async () => {
  estate.plimsoll.clock.advance(61_000)
  await reconcile(estate.plimsoll.context(), 60_000)
  await estate.plimsoll.settle()
}
const spare = async (address: string, mac: string) => {
  const { net, subnet, web } = theirs
  const addresses = [{ subnet, address }]
  const wish = { name: 'theirs', network: net, addresses, mac, securityGroups: [web], portSecurity: true }
  const port = await estate.make('port', wish)
  await estate.strip('port', port)
  return port
}

beforeEach(async () => {
  estate = await newEstate()
  theirs = await estate.server(await estate.network())
})

describe('public addresses', () => {
  let router: string
  let floating: string
  beforeEach(async () => {
    const interfaces = [{ network: theirs.net, subnet: theirs.subnet }]
    router = await estate.make('router', { name: 'out', gateway: true, interfaces, routes: [] })
    floating = await estate.make('floating_ip', { target: { port: theirs.port, address: theirs.address } })
    await estate.strip('router', router)
    await estate.strip('floating_ip', floating)
  })
  const address = async () => (await estate.recall('floating_ip', floating))!.address

  it('come with the server that they lead to, and nothing but their marks changes', async () => {
    const before = await estate.last()
    const { adopted, refused } = await adopt([theirs.machine])
    expect(refused).toEqual([])
    expect(of(adopted, floating)).toMatchObject({ kind: 'floating_ip', ownership: 'ours' })
    const { floatingip } = (await demo().get(`${NEUTRON}/floatingips/${of(adopted, floating).resource_id}`)).body
    expect(floatingip).toMatchObject({
      floating_ip_address: await address(),
      port_id: of(adopted, theirs.port).resource_id,
      fixed_ip_address: theirs.address,
      status: 'ACTIVE',
    })
    const { server } = (await demo().get(`${NOVA}/servers/${of(adopted, theirs.machine).resource_id}`)).body
    expect(JSON.stringify(server.addresses)).toContain(await address())
    for (let i = 0; i < 3; i++) await sweep()
    expect((await estate.changesSince(before)).every((call) => call.endsWith('.mark'))).toBe(true)
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it('are their project’s from then on: let go of, led back, given up', async () => {
    const { adopted } = await adopt([theirs.machine])
    const path = `${NEUTRON}/floatingips/${of(adopted, floating).resource_id}`
    expect((await demo().put(path, { floatingip: { port_id: null } })).status).toBe(200)
    await estate.plimsoll.settle()
    expect((await estate.recall('floating_ip', floating))!.spec).toEqual({ target: null })
    expect((await demo().delete(path)).status).toBe(204)
    await estate.plimsoll.settle()
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it('come later with a server that is there already, and go back with it', async () => {
    await vanish(estate.plimsoll.host.cloudState, estate.plimsoll.cloudId('sandbox'), 'floating_ip', floating)
    const { adopted } = await adopt([theirs.machine])
    floating = await estate.make('floating_ip', { target: { port: theirs.port, address: theirs.address } })
    await estate.strip('floating_ip', floating)
    expect(of((await adopt([theirs.machine])).adopted, floating).ownership).toBe('ours')
    const server = of(adopted, theirs.machine).resource_id
    const { body } = await admin().post('/broker/v1/release', { resource_ids: [server] })
    expect([body.refused, body.waiting]).toEqual([[], []])
    expect(await estate.recall('floating_ip', floating)).toMatchObject({ mark: null, goneAt: null })
    expect((await demo().get(`${NEUTRON}/floatingips`)).body.floatingips).toEqual([])
  })

  it('are only looked at without a tag, and taken over with one later', async () => {
    const before = await estate.last()
    const { adopted } = await adopt([theirs.machine], { tag: false })
    const path = `${NEUTRON}/floatingips/${of(adopted, floating).resource_id}`
    expect((await demo().get(path)).status).toBe(200)
    expect((await demo().put(path, { floatingip: { port_id: null } })).status).toBe(403)
    expect((await demo().delete(path)).status).toBe(403)
    await sweep()
    expect(await estate.changesSince(before)).toEqual([])
    expect(of((await adopt([theirs.machine])).adopted, floating).ownership).toBe('ours')
  })

  it('are listed and adopted by themselves, but not away from the port of somebody else', async () => {
    const { body } = await admin().get('/broker/v1/adoptable?cloud=sandbox&kind=floating_ip')
    expect(body.adoptable).toMatchObject([{ native_id: floating, address: await address(), port: theirs.port }])
    expect((await adopt([floating])).refused).toMatchObject([
      { reason: `It leads to port ${theirs.port}, which is not managed here.` },
    ])
    const loose = await estate.make('floating_ip', { target: null })
    await estate.strip('floating_ip', loose)
    expect(of((await adopt([loose])).adopted, loose)).toMatchObject({ kind: 'floating_ip', ownership: 'ours' })
    expect((await admin().get('/broker/v1/adoptable?cloud=sandbox&kind=floating_ip')).body.adoptable).toHaveLength(1)
  })

  it('of a port can be had from us when their router is adopted, too', async () => {
    const { adopted } = await adopt([theirs.machine])
    const external = (await demo().get(`${NEUTRON}/networks?router:external=true`)).body.networks[0].id
    const subnet = of(adopted, theirs.subnet).resource_id
    expect((await admin().get('/broker/v1/adoptable?cloud=sandbox&kind=router')).body.adoptable).toMatchObject([
      { native_id: router, name: 'out' },
    ])
    const before = await estate.last()
    const taken = of((await adopt([router])).adopted, router)
    expect([taken.kind, taken.ownership]).toEqual(['router', 'ours'])
    expect(await estate.changesSince(before)).toEqual(['router.mark'])
    const shown = (await demo().get(`${NEUTRON}/routers/${taken.resource_id}`)).body.router
    expect(shown).toMatchObject({ name: 'out', external_gateway_info: { network_id: external } })
    const { ports } = (await demo().get(`${NEUTRON}/ports?device_id=${taken.resource_id}`)).body
    expect(ports[0].fixed_ips[0].subnet_id).toBe(subnet)
    const port = (await demo().post(`${NEUTRON}/ports`, { port: { network_id: of(adopted, theirs.net).resource_id } }))
      .body.port.id
    const made = await demo().post(`${NEUTRON}/floatingips`, {
      floatingip: { floating_network_id: external, port_id: port },
    })
    expect(made.status).toBe(201)
    await sweep()
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })
})

describe('addresses on an adopted subnet that something else on the cloud has', () => {
  /** All those from which an address is chosen while nobody has one. */
  const CHOSEN = Array.from({ length: 16 }, (_, n) => `10.9.0.${n + 4}`)
  let holders: string[]
  let network: string
  let rows: Row[]
  beforeEach(async () => {
    holders = []
    for (const [n, address] of CHOSEN.entries())
      holders.push(await spare(address, `02:00:00:00:01:${n.toString(16).padStart(2, '0')}`))
    rows = (await adopt([theirs.machine])).adopted
    network = of(rows, theirs.net).resource_id
  })
  const newPort = (more: object = {}) => demo().post(`${NEUTRON}/ports`, { port: { network_id: network, ...more } })
  const fixed = (address: string) => ({
    fixed_ips: [{ subnet_id: of(rows, theirs.subnet).resource_id, ip_address: address }],
  })

  it('are given to nobody: a server gets one that is free', async () => {
    const image = (await demo().get('/image/v2/images?name=sandbox-linux')).body.images[0].id
    const server = { name: 'new', flavorRef: '1', imageRef: image, networks: [{ uuid: network }] }
    const { id } = (await demo().post(`${NOVA}/servers`, { server })).body.server
    await estate.plimsoll.settle()
    const made = (await demo().get(`${NOVA}/servers/${id}`)).body.server
    expect(made.status).toBe('ACTIVE')
    const [[first]] = Object.values(made.addresses) as [[{ addr: string }]]
    expect(CHOSEN).not.toContain(first.addr)
    expect(await outOfStep(estate.plimsoll)).toEqual([])
  })

  it('are refused to who names one', async () => {
    const { status, body } = await newPort(fixed('10.9.0.5'))
    expect([status, body.NeutronError.type]).toEqual([409, 'IpAddressAlreadyAllocated'])
  })

  it('are free when a sweep has not seen them any more, and taken when it has seen others', async () => {
    const { host, cloudId, db } = estate.plimsoll
    await vanish(host.cloudState, cloudId('sandbox'), 'port', holders[1]!)
    await spare('10.9.0.77', '02:00:00:00:02:01')
    await sweep()
    expect((await newPort(fixed('10.9.0.5'))).status).toBe(201)
    expect((await newPort(fixed('10.9.0.77'))).status).toBe(409)
    const noted = () => db.all(sql`select * from lingering_addresses order by address`)
    const before = await noted()
    expect(before).toHaveLength(CHOSEN.length)
    await sweep()
    expect(await noted()).toEqual(before)
  })

  it('become those of a port that is adopted, and are forgotten with the subnet', async () => {
    const [first] = (await adopt([holders[0]!])).adopted.filter(({ kind }) => kind === 'port')
    expect((await demo().get(`${NEUTRON}/ports/${first!.resource_id}`)).body.port.fixed_ips).toMatchObject([
      { ip_address: '10.9.0.4' },
    ])
    await sweep()
    const left = () => estate.plimsoll.db.all(sql`select * from lingering_addresses`)
    expect(await left()).toHaveLength(CHOSEN.length - 1)
    const project_id = estate.plimsoll.projectId('demo')
    expect((await admin().post('/broker/v1/release', { project_id })).body.refused).toEqual([])
    await sweep()
    expect(await left()).toEqual([])
  })
})

describe('a subnet of a network that is routed by now', () => {
  it('lies in the segment of its cloud, as the others do', async () => {
    const { adopted } = await adopt([theirs.subnet])
    await sweep()
    const [network, subnet] = [theirs.net, theirs.subnet].map((native) => of(adopted, native).resource_id)
    const [segment] = (await demo().get(`${NEUTRON}/segments?network_id=${network}`)).body.segments
    expect(segment.physical_network).toBe('sandbox')
    const put = await demo().put(`${NEUTRON}/subnets/${subnet}`, { subnet: { segment_id: segment.id } })
    expect([put.status, put.body.subnet?.segment_id]).toEqual([200, segment.id])
    await estate.plimsoll.settle()
    const wish = { name: 'more', network: theirs.net, cidr: '10.9.1.0/24', gateway: '10.9.1.1', zone: 'a' }
    const more = await estate.make('subnet', { ...wish, dhcp: true, dnsServers: [] })
    await estate.strip('subnet', more)
    const { resource_id } = of((await adopt([more])).adopted, more)
    expect((await demo().get(`${NEUTRON}/subnets/${resource_id}`)).body.subnet).toMatchObject({
      network_id: network,
      cidr: '10.9.1.0/24',
      segment_id: segment.id,
    })
  })
})
