import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import { runCron } from '../../../../functions/cron.ts'
import { createServer, imageNamed } from '../../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../../support/harness.ts'

const NOVA = '/compute/v2.1'
const V96 = { 'OpenStack-API-Version': 'compute 2.96' }
const CHAIN = ['dc1', 'outside']
const NOTHING = { max_hourly_cost: { micros: 0, currency: 'USD' } }

let plimsoll: Plimsoll
let demo: Client
let imageRef: string
const begin = async (more: object = {}) => {
  const options = { 'images.as': { linux: 'sandbox-linux' }, ...more }
  plimsoll = await startPlimsoll({ clouds: CHAIN.map((name) => ({ name, type: 'sandbox', options })) })
  demo = plimsoll.as('demo')
  imageRef = await imageNamed(demo, 'linux')
}
beforeEach(() => begin())

/** Asks for something while something else is said after it was looked up what holds, and before it is written. */
const askedWhile = async <Answered>(say: () => Promise<unknown>, ask: () => Promise<Answered>): Promise<Answered> => {
  const { d1 } = plimsoll.host
  const [batch, prepare] = [d1.batch.bind(d1), d1.prepare.bind(d1)]
  let [guarded, writes] = [false, 0]
  d1.prepare = (text) => {
    guarded ||= text.includes('json(policy) is not')
    return prepare(text)
  }
  d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
    if (guarded && ++writes === 1) await say()
    guarded = false
    return batch(statements)
  }) as typeof d1.batch
  const answer = await ask()
  await plimsoll.settle()
  Object.assign(d1, { batch, prepare })
  expect(writes, 'something was written').toBeGreaterThan(0)
  return answer
}
const server = (more: object = {}) =>
  demo.post(`${NOVA}/servers`, { server: { name: 's', flavorRef: '1', imageRef, networks: 'none', ...more } }, V96)
const act = (id: string, action: object) => demo.post(`${NOVA}/servers/${id}/action`, action, V96)
const ofProject = (policy: object) => () =>
  plimsoll.db.run(sql`update projects set policy = ${JSON.stringify(policy)} where id = ${plimsoll.projectId('demo')}`)
const ofAll = (policy: object) => () =>
  plimsoll.db.run(
    sql`insert into settings (key, value) values ('policy', ${JSON.stringify(policy)}) on conflict do update set value = excluded.value`,
  )
const where = async (id: string): Promise<string> =>
  (await demo.get(`${NOVA}/servers/${id}`, V96)).body.server['OS-EXT-AZ:availability_zone'].split('.')[0]

test.each([
  ['the project', ofProject],
  ['all projects', ofAll],
])('what is said of %s while a server is asked for holds for it', async (_, say) => {
  expect((await askedWhile(say(NOTHING), server)).status).toBe(403)
  await say({})()
  const answer = await askedWhile(say({ chain: ['outside'] }), server)
  expect([answer.status, await where(answer.body.server.id)]).toEqual([202, 'outside'])
})

test('where nothing else is said nobody looks again', async () => {
  await ofProject({ chain: CHAIN, never_spill: { tags: ['ä"\\'], metadata: { 7: 'x', a: 'y' } } })()
  const { d1 } = plimsoll.host
  const batch = d1.batch.bind(d1)
  let batches = 0
  d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
    batches += 1
    return batch(statements)
  }) as typeof d1.batch
  expect((await server()).status).toBe(202)
  expect(batches).toBe(2)
})

describe('what is said meanwhile holds for', () => {
  beforeEach(() => ofProject({ chain: CHAIN, zones: 'policy', zone_name: 'any' })())

  test('a larger size', async () => {
    const id = await createServer(plimsoll, demo, { imageRef })
    const answer = await askedWhile(ofProject({ chain: CHAIN, ...NOTHING }), () =>
      act(id, { resize: { flavorRef: '2' } }),
    )
    expect(answer.status, JSON.stringify(answer.body)).toBe(403)
    expect((await demo.get(`${NOVA}/servers/${id}`, V96)).body.server.status).toBe('ACTIVE')
  })

  test('a server that goes on because its cloud has no room', async () => {
    await begin({
      sizes: [{ name: 'one', vcpus: 1, ram_mib: 1_024, disk_gib: 10 }],
      zones: [{ name: 'a', vcpus: 8, ram_mib: 65_536, disk_gib: 4_000 }],
    })
    await ofProject({ chain: CHAIN })()
    const full = [{ method: 'server.create', fault: 'capacity' as const }]
    await plantFaults(plimsoll.host.cloudState, plimsoll.cloudId('dc1'), full)
    const { id } = (await server()).body.server
    await askedWhile(ofProject({ chain: ['dc1'] }), async () => {})
    expect((await demo.get(`${NOVA}/servers/${id}`, V96)).body.server).toMatchObject({
      status: 'ERROR',
      fault: { message: expect.stringMatching(/^No valid host was found/) },
    })
  })

  test('a volume, and one that is made where it is copied first', async () => {
    const cinder = `/volume/v3/${plimsoll.projectId('demo')}`
    const make = async (wish: object) =>
      (await demo.post(`${cinder}/volumes`, { volume: { size: 1, ...wish } })).body.volume.id
    const zoneOf = async (id: string) => (await demo.get(`${cinder}/volumes/${id}`)).body.volume.availability_zone
    const away = ofProject({ chain: ['outside'], zones: 'policy', zone_name: 'any' })
    const cloudOf = async (id: string) => {
      const [row] = await plimsoll.db.all<{ name: string }>(
        sql`select c.name from volumes v join clouds c on c.id = v.cloud_id where v.id = ${id}`,
      )
      return row?.name ?? null
    }
    const unplaced = await make({ availability_zone: 'any' })
    expect([await zoneOf(unplaced), await cloudOf(unplaced)]).toEqual(['any', null])
    const snapshot = { volume_id: unplaced, name: 's' }
    const copied = await askedWhile(away, () => demo.post(`${cinder}/snapshots`, { snapshot }))
    expect([copied.status, await cloudOf(unplaced)]).toEqual([202, 'outside'])
    await ofProject({ chain: CHAIN })()
    expect(await cloudOf(await askedWhile(away, () => make({})))).toBe('outside')
  })

  test('a lease that is to be longer', async () => {
    const prices = { currency: 'USD', parts: { vcpu: '1', ram_gib: '1', disk_gib: '0' } }
    for (const cloud of CHAIN)
      expect((await plimsoll.as('admin').put(`/broker/v1/clouds/${cloud}/prices`, { prices })).status).toBe(200)
    const id = await createServer(plimsoll, demo, { imageRef, metadata: { 'plimsoll:lease': '5m' } })
    const lease = (length: string) =>
      demo.post(`${NOVA}/servers/${id}/metadata`, { metadata: { 'plimsoll:lease': length } })
    const none = { budget: { micros: 1, currency: 'USD', period: 'month', at_100: 'refuse' } }
    expect((await askedWhile(ofProject({ chain: CHAIN, ...none }), () => lease('2h'))).status).toBe(403)
  })

  test('members of a burst, as what is said of that does', async () => {
    const fill = async () => {
      plimsoll.clock.advance(61_000)
      await plimsoll.db.run(sql`delete from leases`)
      await runCron(plimsoll.host)
    }
    const wish = { name: 'b', count: { min: 1, max: 2 }, flavor: '1', image: imageRef, networks: 'none' }
    const deadline = new Date(plimsoll.clock.now + 3_600_000).toISOString()
    const asked = await demo.post('/broker/v1/bursts', { ...wish, deadline })
    expect(asked.status, JSON.stringify(asked.body)).toBe(202)
    const { id } = asked.body.burst
    const dearer = () =>
      plimsoll.db.run(
        sql`update bursts set max_hourly_cost = ${JSON.stringify(NOTHING.max_hourly_cost)} where id = ${id}`,
      )
    await askedWhile(dearer, fill)
    expect(await plimsoll.db.all(sql`select * from burst_members where burst_id = ${id}`)).toEqual([])
  })
})
