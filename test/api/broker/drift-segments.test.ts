import { sql } from 'drizzle-orm'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { vanish } from '../../../adapters/sandbox/backdoor.ts'
import { loops } from '../../../functions/cron.ts'
import { createServer, imageNamed } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { openCloudType, renumber } from '../../support/open-cloud.ts'

beforeAll(openCloudType)

/* A network over several clouds: what somebody does to a part of it there is told of that part. */

const V2 = '/network/v2.0'
const MINUTE = 60_000
let plimsoll: Plimsoll
let demo: Client
let network: string
let segments: { id: string; physical_network: string; segmentation_id: number | null }[]
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'open' },
      { name: 'away', type: 'open' },
    ],
    loops: loops.filter(({ name }) => name === 'converge'),
  })
  demo = plimsoll.as('demo')
  network = (await demo.post(`${V2}/networks`, { network: { port_security_enabled: false } })).body.network.id
  for (const [n, cloud] of ['home', 'away'].entries()) {
    const segment = { network_id: network, network_type: 'vlan', physical_network: `${cloud}.a` }
    const { id } = (await demo.post(`${V2}/segments`, { segment })).body.segment
    const subnet = { network_id: network, ip_version: 4, cidr: `10.${n}.0.0/24`, segment_id: id }
    await demo.post(`${V2}/subnets`, { subnet })
    const image = await imageFor(cloud)
    const asked = { networks: [{ uuid: network }], availability_zone: `${cloud}.a`, imageRef: image }
    await createServer(plimsoll, demo, asked)
  }
  await plimsoll.settle()
  await sweep()
  segments = (await demo.get(`${V2}/segments?network_id=${network}`)).body.segments
})

const imageFor = async (cloud: string): Promise<string> => {
  const { images } = (await demo.get('/image/v2/images')).body
  const found = images.find((each: Record<string, string>) => each['plimsoll:clouds']?.split(',').includes(cloud))
  return found?.id ?? imageNamed(demo, 'sandbox-linux')
}
const drift = async () => (await demo.get('/broker/v1/drift')).body.drift
const sweep = async () => {
  plimsoll.clock.advance(MINUTE)
  expect((await plimsoll.as('admin').post('/broker/v1/reconcile')).status).toBe(200)
  await plimsoll.settle()
}
const nativeOf = async (kind: string, id: string, cloud: string): Promise<string> =>
  (
    await plimsoll.db.get<{ id: string }>(sql`select native_id as id from bindings
      where kind = ${kind} and resource_id = ${id} and cloud_id = ${plimsoll.cloudId(cloud)}`)
  ).id
const part = (cloud: string) => {
  const { id, physical_network } = segments.find((each) => each.physical_network.startsWith(cloud))!
  return { id, physical_network }
}

test('a network that vanished from one cloud is told with its segment there, and one that vanished from another besides', async () => {
  for (const cloud of ['home', 'away']) {
    await vanish(
      plimsoll.host.cloudState,
      plimsoll.cloudId(cloud),
      'network',
      await nativeOf('network', network, cloud),
    )
    plimsoll.clock.advance(10 * MINUTE)
    for (let i = 0; i < 4; i++) await sweep()
    const told = (await drift()).filter(({ kind }: { kind: string }) => kind === 'network')
    expect(told.at(-1)).toMatchObject({
      ...{ resource_id: network, cloud, what: 'missing', intent: 'there', observed: 'gone' },
      segments: [part(cloud)],
    })
    expect(told).toHaveLength(cloud === 'home' ? 1 : 2)
  }
})

test('a subnet that vanished is told with the segment in which it lies', async () => {
  const [subnet] = (await demo.get(`${V2}/subnets?segment_id=${part('away').id}`)).body.subnets
  await vanish(
    plimsoll.host.cloudState,
    plimsoll.cloudId('away'),
    'subnet',
    await nativeOf('subnet', subnet.id, 'away'),
  )
  plimsoll.clock.advance(10 * MINUTE)
  for (let i = 0; i < 4; i++) await sweep()
  expect(await drift()).toMatchObject([
    { kind: 'subnet', resource_id: subnet.id, cloud: 'away', what: 'missing', segments: [part('away')] },
  ])
})

test('a network that somebody gave another VLAN is told with its segment, until it has the first again', async () => {
  const events = async () =>
    (await demo.get('/broker/v1/events?types=drift.found,drift.settled')).body.events.map(
      ({ type, data }: { type: string; data: Record<string, string> }) => [type, data.what, data.cloud, data.intent],
    )
  await events()
  const { segmentation_id: vlan } = segments.find(({ id }) => id === part('home').id)!
  const native = await nativeOf('network', network, 'home')
  for (const other of [7, 8]) {
    renumber(native, other)
    await sweep()
    expect(await drift()).toMatchObject([
      {
        ...{ kind: 'network', resource_id: network, cloud: 'home', what: 'segmentation' },
        ...{ intent: String(vlan), observed: String(other), segments: [part('home')] },
      },
    ])
    // What it is there is what is shown.
    const { segment } = (await demo.get(`${V2}/segments/${part('home').id}`)).body
    expect(segment.segmentation_id).toBe(other)
  }
  renumber(native, vlan!)
  await sweep()
  expect(await drift()).toEqual([])
  expect(await events()).toEqual(
    ['drift.found', 'drift.settled'].map((type) => [type, 'segmentation', 'home', String(vlan)]),
  )
})
