import { eq } from 'drizzle-orm'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bindings } from '../../../db/schema/index.ts'
import { createServer } from '../../support/builders.ts'
import { rawDisk } from '../../support/disks.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { openCloudType, WHY_UNROUTED } from '../../support/open-cloud.ts'

const V2 = '/network/v2.0'
const PLAN = { routed: true, pool: '10.64.0.0/12', prefix_length: 24, egress: true }

let plimsoll: Plimsoll
let demo: Client
let plan: string
let image: string

const start = async (clouds: NonNullable<Parameters<typeof startPlimsoll>[0]>['clouds']) => {
  plimsoll = await startPlimsoll({ clouds })
  demo = plimsoll.as('demo')
  plan = `/broker/v1/projects/${plimsoll.projectId('demo')}/network-plan`
  const described = { name: 'i', disk_format: 'raw', container_format: 'bare' }
  image = (await demo.post('/image/v2/images', described)).body.id
  await demo.put(`/image/v2/images/${image}/file`, rawDisk(), { 'Content-Type': 'application/octet-stream' })
}

const newNetwork = async (body: object = {}) => (await demo.post(`${V2}/networks`, { network: body })).body.network
const of = async (collection: string, query: string) =>
  (await demo.get(`${V2}/${collection}?${query}`)).body[collection]
const boot = (network: string, zone: string) =>
  createServer(plimsoll, demo, { imageRef: image, networks: [{ uuid: network }], availability_zone: zone })
const remove = async (...servers: string[]) => {
  for (const server of servers) await demo.delete(`/compute/v2.1/servers/${server}`)
  await plimsoll.settle()
}
const feetOf = async (router: string) =>
  (await of('ports', `device_id=${router}`))
    .map((port: { fixed_ips: { ip_address: string }[] }) => port.fixed_ips[0]!.ip_address)
    .sort()
/** Routers that some cloud has, under the names that they were given. */
const onClouds = async () => {
  const rows = await plimsoll.db.select().from(bindings).where(eq(bindings.kind, 'router'))
  return rows.filter(({ phase }) => phase === 'bound').length
}
const used = async (word: string) =>
  (await demo.get(`${V2}/quotas/${plimsoll.projectId('demo')}/details.json`)).body.quota[word].used

describe('a network plan with a way out', () => {
  beforeEach(() =>
    start([
      { name: 'home', type: 'sandbox' },
      { name: 'away', type: 'sandbox' },
    ]),
  )

  test('gives each segment the router of its cloud, and the network takes them along', async () => {
    const set = await demo.put(plan, { plan: PLAN })
    expect([set.status, set.body.plan.egress, set.body.ways_out]).toEqual([
      200,
      true,
      [
        { cloud: 'away', by: 'router', reason: null },
        { cloud: 'home', by: 'router', reason: null },
      ],
    ])
    const { id } = await newNetwork({ name: 'n' })
    const servers = [await boot(id, 'home.a'), await boot(id, 'away.b'), await boot(id, 'home.b')]
    await plimsoll.settle()
    const routers = await of('routers', 'sort_key=name')
    expect(routers).toMatchObject([
      { name: 'n away', status: 'ACTIVE', 'plimsoll:egress_of': id, availability_zones: ['away.a', 'away.b'] },
      { name: 'n home', status: 'ACTIVE', 'plimsoll:egress_of': id, availability_zones: ['home.a', 'home.b'] },
    ])
    expect(routers[0].description).toMatch(`The way out of network ${id} on away, by the network plan of its project.`)
    const externals = await of('networks', 'router:external=true')
    for (const { external_gateway_info: gateway, name } of routers) {
      const { availability_zones: zones } = externals.find((each: { id: string }) => each.id === gateway.network_id)
      expect(zones[0], 'the gateway is of its own cloud').toMatch(new RegExp(`^${name.slice(2)}\\.`))
    }
    const subnets = await of('subnets', `network_id=${id}`)
    expect([await feetOf(routers[0].id), await feetOf(routers[1].id)]).toEqual([
      ['10.64.1.1'],
      ['10.64.0.1', '10.64.2.1'],
    ])
    expect(subnets).toHaveLength(3)
    expect(await onClouds()).toBe(2)

    const [port] = await of('ports', `device_id=${servers[2]}`)
    const floating = { floating_network_id: routers[1].external_gateway_info.network_id, port_id: port.id }
    const led = await demo.post(`${V2}/floatingips`, { floatingip: floating })
    expect([led.status, led.body.floatingip.router_id]).toEqual([201, routers[1].id])
    await plimsoll.settle()
    expect((await of('floatingips', `port_id=${port.id}`))[0].status).toBe('ACTIVE')

    await demo.delete(`${V2}/floatingips/${led.body.floatingip.id}`)
    const inUse = await demo.delete(`${V2}/networks/${id}`)
    expect([inUse.status, inUse.body.NeutronError.type], 'servers still hold it').toEqual([409, 'NetworkInUse'])
    await remove(...servers)
    expect((await demo.delete(`${V2}/networks/${id}`)).status).toBe(204)
    await plimsoll.settle()
    expect([await of('routers', ''), await of('ports', ''), await onClouds()]).toEqual([[], [], 0])
    expect([await used('router'), await used('port'), await used('subnet')]).toEqual([0, 0, 0])
  })

  test('lets go of a subnet by itself, and goes with the last', async () => {
    await demo.put(plan, { plan: PLAN })
    const { id } = await newNetwork()
    await remove(await boot(id, 'home.a'), await boot(id, 'home.b'))
    const [router] = await of('routers', '')
    const [first, second] = await of('subnets', `network_id=${id}`)
    expect((await demo.delete(`${V2}/subnets/${first.id}`)).status).toBe(204)
    await plimsoll.settle()
    expect(await feetOf(router.id)).toEqual([second.gateway_ip])
    expect((await demo.delete(`${V2}/subnets/${second.id}`)).status).toBe(204)
    await plimsoll.settle()
    expect([await of('routers', ''), await onClouds()]).toEqual([[], 0])
  })

  test('is for its network alone, and its owner may do without it', async () => {
    await demo.put(plan, { plan: PLAN })
    const { id } = await newNetwork()
    const server = await boot(id, 'home.a')
    const [router] = await of('routers', '')
    const other = await newNetwork({ 'plimsoll:routed': false })
    const plain = { network_id: other.id, ip_version: 4, cidr: '10.1.0.0/24' }
    const subnet_id = (await demo.post(`${V2}/subnets`, { subnet: plain })).body.subnet.id
    const refused = [
      409,
      `Router ${router.id} is the way out of network ${id} by the network plan of its project: it keeps its gateway, and joins nothing else.`,
    ]
    const joined = await demo.put(`${V2}/routers/${router.id}/add_router_interface`, { subnet_id })
    expect([joined.status, joined.body.NeutronError.message]).toEqual(refused)
    const closed = await demo.put(`${V2}/routers/${router.id}`, { router: { external_gateway_info: null } })
    expect([closed.status, closed.body.NeutronError.message]).toEqual(refused)
    const renamed = await demo.put(`${V2}/routers/${router.id}`, { router: { name: 'mine' } })
    expect(renamed.body.router.name).toBe('mine')
    expect((await demo.delete(`${V2}/routers/${router.id}`)).status, 'it has a foot').toBe(409)
    const [own] = await of('subnets', `network_id=${id}`)
    await demo.put(`${V2}/routers/${router.id}/remove_router_interface`, { subnet_id: own.id })
    expect((await demo.delete(`${V2}/routers/${router.id}`)).status).toBe(204)
    const mine = (await demo.post(`${V2}/routers`, { router: {} })).body.router.id
    const taken = await demo.put(`${V2}/routers/${mine}/add_router_interface`, { subnet_id: own.id })
    expect(taken.status, 'its owner puts a router of his own there').toBe(200)
    // Wherever a router of his is, the way out is his business.
    await boot(id, 'home.b')
    expect((await of('routers', '')).map((each: { id: string }) => each.id)).toEqual([mine])
    await remove(server)
    expect((await demo.delete(`${V2}/networks/${id}`)).status, 'what he made holds it, as ever').toBe(409)
  })

  test('is made once for a cloud, however many servers come at once', async () => {
    await demo.put(plan, { plan: PLAN })
    const { id } = await newNetwork()
    const asked = ['home.a', 'away.a', 'home.b', 'away.a'].map((availability_zone) =>
      demo.post('/compute/v2.1/servers', {
        server: { name: 's', imageRef: image, flavorRef: '1', networks: [{ uuid: id }], availability_zone },
      }),
    )
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([202, 202, 202, 202])
    await plimsoll.settle()
    expect((await of('routers', '')).map(({ status }: { status: string }) => status)).toEqual(['ACTIVE', 'ACTIVE'])
  })

  test('is given to the sole subnet of its owner too', async () => {
    await demo.put(plan, { plan: PLAN })
    const { id } = await newNetwork()
    await demo.post(`${V2}/subnets`, { subnet: { network_id: id, ip_version: 4, cidr: '10.9.0.0/24' } })
    await boot(id, 'away.a')
    const [router] = await of('routers', '')
    expect(await feetOf(router.id)).toEqual(['10.9.0.1'])
  })

  test('counts as what it is: a server that may have no router is not made', async () => {
    await demo.put(plan, { plan: PLAN })
    await plimsoll.as('admin').put(`${V2}/quotas/${plimsoll.projectId('demo')}`, { quota: { router: 0 } })
    const { id } = await newNetwork()
    const server = { name: 's', imageRef: image, flavorRef: '1', networks: [{ uuid: id }], availability_zone: 'home.a' }
    const { status, body } = await demo.post('/compute/v2.1/servers', { server })
    expect([status, JSON.stringify(body)]).toEqual([403, expect.stringContaining('router')])
    expect([await of('routers', ''), await of('subnets', '')]).toEqual([[], []])
  })
})

test('a server that goes on to another cloud finds its way out there', async () => {
  const faults = [{ method: 'server.create', fault: 'capacity' }]
  await start([
    { name: 'home', type: 'sandbox', options: { faults } },
    { name: 'away', type: 'sandbox' },
  ])
  await plimsoll.as('admin').patch('/broker/v1/clouds/away', { cloud: { position: 1 } })
  await demo.put(plan, { plan: PLAN })
  const { id } = await newNetwork({ name: 'n' })
  const asked = { name: 's', imageRef: image, flavorRef: '1', networks: [{ uuid: id }] }
  const server = (await demo.post('/compute/v2.1/servers', { server: asked })).body.server.id
  await plimsoll.settle()
  const [port] = await of('ports', `device_id=${server}`)
  const { gateway_ip } = (await demo.get(`${V2}/subnets/${port.fixed_ips[0].subnet_id}`)).body.subnet
  const there = (await of('routers', 'name=n+away'))[0]
  expect(await feetOf(there.id)).toContain(gateway_ip)
  await remove(server)
  expect((await demo.delete(`${V2}/networks/${id}`)).status).toBe(204)
  await plimsoll.settle()
  expect([await of('routers', ''), await onClouds()]).toEqual([[], 0])
})

describe('a cloud that routes nothing', () => {
  beforeAll(openCloudType)

  test('says so in the plan and in the explanation, and has the server all the same', async () => {
    await start([
      { name: 'dc1', type: 'open' },
      { name: 'away', type: 'sandbox' },
    ])
    const set = await demo.put(plan, { plan: PLAN })
    const reason = WHY_UNROUTED
    expect(set.body.ways_out).toEqual([
      { cloud: 'away', by: 'router', reason: null },
      { cloud: 'dc1', by: null, reason },
    ])
    const { id } = await newNetwork({ port_security_enabled: false })
    const server = await boot(id, 'dc1.a')
    const { placement } = (await demo.get(`/broker/v1/servers/${server}/placement`)).body
    expect(placement.preferences).toContainEqual({
      rule: 'egress',
      reason: `dc1 gives its networks no way out: ${reason}`,
    })
    expect(await of('routers', '')).toEqual([])
    await plimsoll.settle()
    expect((await demo.get(`/compute/v2.1/servers/${server}`)).body.server.status).toBe('ACTIVE')
  })

  test('is no cloud to ask it of', async () => {
    await start([{ name: 'dc1', type: 'open' }])
    const refused = await demo.put(plan, { plan: PLAN })
    expect([refused.status, refused.body.error.message]).toEqual([
      409,
      `No cloud of the project gives a network a way out. dc1: ${WHY_UNROUTED}`,
    ])
    expect((await demo.get(plan)).body.plan).toBe(null)
  })
})
