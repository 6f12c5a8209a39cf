import { eq, sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { plant, vanish } from '../../../adapters/sandbox/backdoor.ts'
import type { Entities } from '../../../adapters/sandbox/records/entities.ts'
import { clouds } from '../../../db/schema/index.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { createServer } from '../../support/builders.ts'
import { rawDisk } from '../../support/disks.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const V2 = '/network/v2.0'

let plimsoll: Plimsoll
let demo: Client
let image: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'sandbox' },
      { name: 'away', type: 'sandbox' },
    ],
  })
  demo = plimsoll.as('demo')
  const described = { name: 'i', disk_format: 'raw', container_format: 'bare' }
  image = (await demo.post('/image/v2/images', described)).body.id
  await demo.put(`/image/v2/images/${image}/file`, rawDisk(), { 'Content-Type': 'application/octet-stream' })
  const plan = { routed: true, pool: '10.64.0.0/22', prefix_length: 24 }
  await demo.put(`/broker/v1/projects/${plimsoll.projectId('demo')}/network-plan`, { plan })
})

/** Somebody else has a subnet on a cloud. */
const plantSubnet = async (cloud: string, id: string, cidr: string) => {
  const spec = { name: id, network: 'net-theirs', cidr, gateway: null, zone: 'a', dhcp: true, dnsServers: [] }
  const times = { createdAt: 0, readyAt: 0, goneAt: null }
  const theirs: Entities['subnet'] = {
    kind: 'subnet',
    id,
    name: id,
    mark: null,
    asked: '',
    zone: 'a',
    fault: null,
    ...times,
    spec,
  }
  await plant(plimsoll.host.cloudState, plimsoll.cloudId(cloud), theirs)
}
const takeInventory = async (cloud: string) => {
  const [row] = await plimsoll.db.select().from(clouds).where(eq(clouds.name, cloud))
  await refreshInventory(plimsoll.context(), row!)
}
const newNetwork = async () => (await demo.post(`${V2}/networks`, { network: {} })).body.network.id
const boot = (network: string, zone: string) =>
  createServer(plimsoll, demo, { imageRef: image, networks: [{ uuid: network }], availability_zone: zone })
const cidrsOf = async (network: string) =>
  (await demo.get(`${V2}/subnets?network_id=${network}`)).body.subnets.map(({ cidr }: { cidr: string }) => cidr).sort()

test('a network that grows takes nothing of what others hold on the cloud', async () => {
  await plantSubnet('home', 'sub-1', '10.64.0.0/25')
  await plantSubnet('home', 'sub-2', '10.64.2.128/28')
  await plantSubnet('home', 'sub-3', '192.168.0.0/16')
  await takeInventory('home')
  const id = await newNetwork()
  await boot(id, 'home.a')
  expect(await cidrsOf(id), 'and it grows past two of them').toEqual(['10.64.1.0/24'])
  await boot(id, 'home.b')
  expect(await cidrsOf(id)).toEqual(['10.64.1.0/24', '10.64.3.0/24'])
  const server = { name: 's', imageRef: image, flavorRef: '1', availability_zone: 'home.a' }
  const full = await demo.post('/compute/v2.1/servers', {
    server: { ...server, networks: [{ uuid: await newNetwork() }] },
  })
  expect([full.status, full.body.conflictingRequest.message]).toEqual([
    409,
    'Failed to allocate subnet: Insufficient prefix space to allocate subnet size /24.',
  ])
  expect(await cidrsOf(id)).toHaveLength(2)
  // What nobody holds any more is free with the next inventory.
  await vanish(plimsoll.host.cloudState, plimsoll.cloudId('home'), 'subnet', 'sub-1')
  await takeInventory('home')
  const next = await newNetwork()
  await boot(next, 'home.a')
  expect(await cidrsOf(next)).toEqual(['10.64.0.0/24'])
})

test('what others hold on another cloud is nothing to it, unless routes lead there', async () => {
  await plantSubnet('away', 'sub-1', '10.64.0.0/23')
  await takeInventory('away')
  const apart = await newNetwork()
  await boot(apart, 'home.a')
  expect(await cidrsOf(apart)).toEqual(['10.64.0.0/24'])
  await plimsoll.as('admin').put('/broker/v1/links', { links: [{ clouds: ['away', 'home'], reach: 'routed' }] })
  const near = await newNetwork()
  await boot(near, 'home.a')
  expect(await cidrsOf(near)).toEqual(['10.64.2.0/24'])
})

test('a subnet of a pool stays away too, where it is known on which cloud it will be', async () => {
  await plantSubnet('home', 'sub-1', '10.9.0.0/24')
  await takeInventory('home')
  const pool = { name: 'p', prefixes: ['10.9.0.0/16'], default_prefixlen: 24 }
  const { id: subnetpool_id } = (await demo.post(`${V2}/subnetpools`, { subnetpool: pool })).body.subnetpool
  const network = { availability_zone_hints: ['home.a'], 'plimsoll:routed': false }
  const network_id = (await demo.post(`${V2}/networks`, { network })).body.network.id
  const asked = { network_id, ip_version: 4, subnetpool_id }
  expect((await demo.post(`${V2}/subnets`, { subnet: asked })).body.subnet.cidr).toBe('10.9.1.0/24')
  // Who names a range has it: to put a subnet of one's own beside others is a wish like any.
  const named = await demo.post(`${V2}/subnets`, { subnet: { ...asked, cidr: '10.9.0.0/24' } })
  expect([named.status, named.body.subnet.cidr]).toEqual([201, '10.9.0.0/24'])
})

test('a range that somebody takes in the very moment is chosen anew', async () => {
  const id = await newNetwork()
  const { d1 } = plimsoll.host
  const [prepare, batch] = [d1.prepare.bind(d1), d1.batch.bind(d1)]
  let looked = 0
  d1.prepare = (query: string) => {
    if (query.includes('union all select h.cidr')) looked++
    return prepare(query)
  }
  d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
    if (looked === 1) {
      looked++
      await plimsoll.db.run(sql`insert into held_ranges (cloud_id, network, whole, cidr)
        values (${plimsoll.cloudId('home')}, 'theirs', 1, '10.64.0.0/24')`)
    }
    return batch(statements)
  }) as typeof d1.batch
  await boot(id, 'home.a')
  // Whoever looks again steps aside by chance, so that those who look at the same time do not meet again.
  const [cidr, ...others] = await cidrsOf(id)
  expect([looked, others]).toEqual([3, []])
  expect(cidr).toMatch(/^10\.64\.[1-9]\d*\.0\/24$/)
})

test('of what is lent to a project it has its part', async () => {
  const held = sql`insert into held_ranges (cloud_id, network, whole, cidr) values
    (${plimsoll.cloudId('home')}, 'vpc-1', 1, '10.64.0.0/22'), (${plimsoll.cloudId('home')}, 'vpc-1', 0, '10.64.0.0/24')`
  await plimsoll.db.run(held)
  await plimsoll.db.run(
    sql`update mappings set mapping = '{"vpc": "vpc-1"}' where cloud_id = ${plimsoll.cloudId('home')}`,
  )
  const id = await newNetwork()
  await boot(id, 'home.a')
  expect(await cidrsOf(id), 'beside the subnets of others in it').toEqual(['10.64.1.0/24'])
})
