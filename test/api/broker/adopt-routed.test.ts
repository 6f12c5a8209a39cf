import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { clouds } from '../../../db/schema/index.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { createServer } from '../../support/builders.ts'
import { rawDisk } from '../../support/disks.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { quotaDrift } from '../../support/in-step.ts'

/* A network that grew over two clouds, with a way out on each, is handed back and taken over like any other. */

const V2 = '/network/v2.0'
let plimsoll: Plimsoll
let demo: Client
let admin: Client
let network: string
let servers: string[]
let imageRef: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'sandbox' },
      { name: 'away', type: 'sandbox' },
    ],
  })
  demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
  const described = { name: 'i', disk_format: 'raw', container_format: 'bare' }
  imageRef = (await demo.post('/image/v2/images', described)).body.id
  await demo.put(`/image/v2/images/${imageRef}/file`, rawDisk(), { 'Content-Type': 'application/octet-stream' })
  const plan = { routed: true, pool: '10.64.0.0/12', prefix_length: 24, egress: true }
  await demo.put(`/broker/v1/projects/${plimsoll.projectId('demo')}/network-plan`, { plan })
  network = (await demo.post(`${V2}/networks`, { network: { name: 'n' } })).body.network.id
  servers = []
  for (const availability_zone of ['home.a', 'away.a'])
    servers.push(await createServer(plimsoll, demo, { imageRef, networks: [{ uuid: network }], availability_zone }))
  await plimsoll.settle()
})

const count = async (table: string, where = sql`true`) =>
  (await plimsoll.db.get<{ n: number }>(sql`select count(*) as n from ${sql.raw(table)} where ${where}`)).n
const below = async (cloud: string, kind: 'network' | 'subnet' | 'router' | 'server' | 'port') =>
  (await remembered(plimsoll.host.cloudState, plimsoll.cloudId(cloud), kind)).filter(({ goneAt }) => goneAt === null)

test('released, it leaves what is on the clouds as it is, with the ways out, and no row, range or count here', async () => {
  const groups = (await demo.get(`${V2}/security-groups`)).body.security_groups.map(({ id }: { id: string }) => id)
  const { body } = await admin.post('/broker/v1/release', { resource_ids: [...servers, network, ...groups] })
  expect([body.refused, body.waiting]).toEqual([[], []])
  expect(body.released.filter(({ kind }: { kind: string }) => kind === 'router')).toHaveLength(2)
  await plimsoll.settle()
  for (const cloud of ['home', 'away'])
    for (const kind of ['network', 'subnet', 'router', 'server', 'port'] as const)
      expect([cloud, kind, (await below(cloud, kind)).map(({ mark }) => mark)]).toEqual([cloud, kind, [null]])
  for (const table of ['segments', 'subnets', 'routers', 'ip_allocations', 'subnet_pool_ranges'])
    expect([table, await count(table, table === 'segments' ? sql`project_id <> ''` : sql`true`)]).toEqual([table, 0])
  expect(await quotaDrift(plimsoll)).toEqual([])
  // Its ranges are somebody else's now: the next inventory sees them, and the next network stays away.
  for (const row of await plimsoll.db.select().from(clouds)) await refreshInventory(plimsoll.context(), row)
  const next = (await demo.post(`${V2}/networks`, { network: {} })).body.network.id
  await createServer(plimsoll, demo, { imageRef, networks: [{ uuid: next }], availability_zone: 'home.a' })
  const [subnet] = (await demo.get(`${V2}/subnets?network_id=${next}`)).body.subnets
  expect(subnet.cidr).toBe('10.64.1.0/24')
})

test('is not released while a router of its owner stands on it', async () => {
  const router = (await demo.post(`${V2}/routers`, { router: {} })).body.router.id
  const port = (await demo.post(`${V2}/ports`, { port: { network_id: network } })).body.port
  const [subnet] = (await demo.get(`${V2}/subnets?network_id=${network}`)).body.subnets
  const address = { fixed_ips: [{ subnet_id: subnet.id }] }
  await demo.put(`${V2}/ports/${port.id}`, { port: address })
  await demo.put(`${V2}/routers/${router}/add_router_interface`, { port_id: port.id })
  const { body } = await admin.post('/broker/v1/release', { resource_ids: [...servers, network] })
  expect(body.released).toEqual([])
  expect(body.refused).toContainEqual({ resource_id: network, reason: `The port ${port.id} still needs it.` })
  expect(await count('segments', sql`project_id <> ''`)).toBe(2)
})

test('what a restored database does not know of it is found as orphans, on each of its clouds', async () => {
  await plimsoll.db.run(sql`delete from bindings where kind = 'subnet'`)
  plimsoll.clock.advance(61_000)
  const { body } = await admin.post('/broker/v1/reconcile', { kinds: ['subnet'] })
  expect(JSON.stringify(body)).toContain('subnet')
  const found = (await admin.get('/broker/v1/orphans')).body.orphans
  expect(found.map(({ kind, cloud }: { kind: string; cloud: string }) => `${kind} ${cloud}`).sort()).toEqual([
    'subnet away',
    'subnet home',
  ])
})
