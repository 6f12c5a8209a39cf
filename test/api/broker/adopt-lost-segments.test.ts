import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { reconcile } from '../../../functions/broker/reconcile/reconcile.ts'
import { loops } from '../../../functions/cron.ts'
import { createServer } from '../../support/builders.ts'
import { rawDisk } from '../../support/disks.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { quotaDrift } from '../../support/in-step.ts'

/* A network over two clouds, after its rows were lost with an older database: segments and ranges come back with what is there. */

const V2 = '/network/v2.0'
let plimsoll: Plimsoll
let demo: Client
let network: string
let imageRef: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'sandbox' },
      { name: 'away', type: 'sandbox' },
    ],
    loops: loops.filter(({ name }) => name === 'converge'),
  })
  demo = plimsoll.as('demo')
  await plimsoll.db.run(sql`update clouds set created_at = 0`)
  plimsoll.clock.advance(61_000)
  await reconcile(plimsoll.context(), 60_000)
  plimsoll.clock.advance(20 * 60_000)
  const described = { name: 'i', disk_format: 'raw', container_format: 'bare' }
  imageRef = (await demo.post('/image/v2/images', described)).body.id
  await demo.put(`/image/v2/images/${imageRef}/file`, rawDisk(), { 'Content-Type': 'application/octet-stream' })
  const plan = { routed: true, pool: '10.64.0.0/12', prefix_length: 24, egress: true }
  await demo.put(`/broker/v1/projects/${plimsoll.projectId('demo')}/network-plan`, { plan })
  network = (await demo.post(`${V2}/networks`, { network: { name: 'n' } })).body.network.id
  for (const availability_zone of ['home.a', 'home.b', 'away.a'])
    await createServer(plimsoll, demo, { imageRef, networks: [{ uuid: network }], availability_zone })
  await plimsoll.settle()
})

const TABLES = [
  ...['servers', 'server_ports', 'server_actions', 'ports', 'ip_allocations', 'port_security_groups', 'networks'],
  ...['segments', 'subnets', 'routers', 'subnet_pool_ranges', 'quotas', 'journal', 'security_groups'],
  'security_group_rules',
]
const OLDER: Record<string, string> = {
  networks: ' where not external',
  segments: " where project_id <> ''",
  quotas: " where resource not in ('subnetpool', 'address_scope')",
}
/** The database is as it was when there was a pool, and nothing of it. */
const forget = async () => {
  for (const table of TABLES) await plimsoll.db.run(sql.raw(`delete from ${table}${OLDER[table] ?? ''}`))
  await plimsoll.db.run(sql`delete from bindings where project_id <> ''`)
}
const listed = async (path: string) =>
  Object.values((await demo.get(`${V2}/${path}`)).body)[0] as Record<string, unknown>[]
const pick = (rows: Record<string, unknown>[], ...names: string[]) =>
  rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name]])))
/** What users see of it, but for times and revisions. */
const seen = async () => ({
  subnets: pick(
    await listed(`subnets?network_id=${network}&sort_key=id&sort_dir=asc`),
    ...['id', 'name', 'cidr', 'gateway_ip', 'segment_id', 'subnetpool_id', 'allocation_pools'],
  ),
  segments: pick(
    await listed(`segments?network_id=${network}&sort_key=id&sort_dir=asc`),
    ...['id', 'physical_network', 'network_type', 'segmentation_id'],
  ),
  ports: pick(
    (await listed(`ports?network_id=${network}&sort_key=id&sort_dir=asc`)).filter(
      ({ device_owner }) => device_owner === 'compute:nova',
    ),
    ...['id', 'fixed_ips', 'device_id', 'status'],
  ),
  adjacent: (await demo.get(`${V2}/networks/${network}`)).body.network.l2_adjacency,
})
const cameBack = async () => {
  for (let round = 0; round < 15; round++) {
    plimsoll.clock.advance(61_000)
    await reconcile(plimsoll.context(), 60_000)
    await plimsoll.settle()
  }
  expect(await plimsoll.db.all(sql`select kind, native_id from orphans`)).toEqual([])
}

test('it is divided as it was: segments by their ids, subnets in them, ranges of the pool, addresses of ports', async () => {
  const before = await seen()
  expect([before.segments.length, before.subnets.length, before.ports.length, before.adjacent]).toEqual([
    3,
    3,
    3,
    false,
  ])
  await forget()
  await cameBack()
  expect(await seen()).toEqual(before)
  expect(await quotaDrift(plimsoll)).toEqual([])
  // What came back is nobody else's: the next range is another one.
  const next = (await demo.post(`${V2}/networks`, { network: {} })).body.network.id
  await createServer(plimsoll, demo, { imageRef, networks: [{ uuid: next }], availability_zone: 'away.b' })
  expect(pick(await listed(`subnets?network_id=${next}`), 'cidr')).toEqual([{ cidr: '10.64.3.0/24' }])
})

test('it goes as a network does that was never lost, with its ways out', async () => {
  await forget()
  await cameBack()
  const { servers } = (await demo.get('/compute/v2.1/servers')).body
  for (const { id } of servers) expect((await demo.delete(`/compute/v2.1/servers/${id}`)).status).toBe(204)
  await plimsoll.settle()
  // Whose ports they were nobody knows any more: they stay, as those do that a user made.
  for (const { id, device_owner } of await listed(`ports?network_id=${network}`))
    if (!device_owner) expect((await demo.delete(`${V2}/ports/${id}`)).status).toBe(204)
  await plimsoll.settle()
  const gone = await demo.delete(`${V2}/networks/${network}`)
  expect(gone.status, JSON.stringify(gone.body)).toBe(204)
  await plimsoll.settle()
  for (const path of ['segments', 'subnets', 'routers']) expect(await listed(path), path).toEqual([])
  expect(await plimsoll.db.all(sql`select * from subnet_pool_ranges`)).toEqual([])
  for (const cloud of ['home', 'away'])
    for (const kind of ['network', 'subnet', 'router', 'server', 'port'] as const) {
      const there = await remembered(plimsoll.host.cloudState, plimsoll.cloudId(cloud), kind)
      expect(
        there.filter(({ goneAt }) => goneAt === null),
        kind,
      ).toEqual([])
    }
})

test('a network that was never divided is not divided when a subnet of it comes back', async () => {
  const whole = (await demo.post(`${V2}/networks`, { network: { 'plimsoll:routed': false } })).body.network.id
  const subnet = async (cidr: string): Promise<string> =>
    (await demo.post(`${V2}/subnets`, { subnet: { network_id: whole, ip_version: 4, cidr } })).body.subnet.id
  const lost = await subnet('10.1.0.0/24')
  await createServer(plimsoll, demo, { imageRef, networks: [{ uuid: whole }], availability_zone: 'home.b' })
  await plimsoll.settle()
  const servers = (await demo.get('/compute/v2.1/servers')).body.servers.length
  expect(servers).toBe(4)
  // Another of it is nowhere yet.
  await subnet('10.1.1.0/24')
  for (const [table, column] of [
    ['subnets', 'id'],
    ['bindings', 'resource_id'],
    ['journal', 'resource_id'],
  ] as const)
    await plimsoll.db.run(sql`delete from ${sql.raw(table)} where ${sql.raw(column)} = ${lost}`)
  const orphan = async () => (await plimsoll.as('admin').get('/broker/v1/orphans')).body.orphans
  for (let round = 0; round < 3; round++) {
    plimsoll.clock.advance(61_000)
    await reconcile(plimsoll.context(), 60_000)
  }
  const found = (await orphan()).find(({ resource_id }: { resource_id: string }) => resource_id === lost)
  if (found) expect((await plimsoll.as('admin').post(`/broker/v1/orphans/${found.id}/adopt`)).status).toBe(200)
  const subnets = await listed(`subnets?network_id=${whole}`)
  expect(subnets.map(({ cidr, segment_id }) => [cidr, segment_id]).sort()).toEqual([
    ['10.1.0.0/24', null],
    ['10.1.1.0/24', null],
  ])
})
