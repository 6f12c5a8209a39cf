import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { plantFaults, reclaim, remembered } from '../../../../adapters/sandbox/backdoor.ts'
import { runCron } from '../../../../functions/cron.ts'
import { moneyFaults } from '../../../simulate/invariants.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const HOUR = 3_600_000
const SIZES = [{ name: 'small', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 1, idle_price: 0.5 }]

let w: World
beforeEach(async () => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes: SIZES } }] })
})

const look = async (ms: number) => {
  w.plimsoll.clock.advance(ms)
  await w.plimsoll.db.run(sql`delete from leases`)
  await runCron(w.plimsoll.host)
  await w.plimsoll.runDeferred()
}
const pass = async (ms: number) => {
  await look(ms)
  await w.plimsoll.settle()
}
const costs = async (group: string) => {
  const day = (offset: number) => new Date(w.plimsoll.clock.now + offset * 24 * HOUR).toISOString().slice(0, 10)
  return (await w.demo.get(`/broker/v1/costs?from=${day(-9)}&to=${day(9)}&group_by=${group}`)).body
}

test('hours that a clock which is set back shows twice are charged once, whatever becomes of a server in them', async () => {
  const id = await w.running({ networks: 'none' })
  await pass(2 * HOUR)
  await pass(-1.5 * HOUR)
  for (const action of ['os-stop', 'os-start']) {
    await w.act(id, { [action]: null })
    await w.plimsoll.settle()
  }
  await pass(3 * HOUR)
  await w.newest.delete(`${NOVA}/servers/${id}`)
  await w.plimsoll.settle()
  await pass(60_000)
  expect((await costs('server')).total.seconds / 3600).toBeCloseTo(3.5, 1)
  expect(await moneyFaults(w.plimsoll.host.d1)).toEqual([])
})

test('and where it is taken back after it was paid for, and made anew in them', async () => {
  const moving = { 'plimsoll:movable': 'true' }
  const policy = { spot: 'preferred' }
  const sizes = SIZES.map((size) => ({ ...size, spot_price: 0.25 }))
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
  await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
  const id = await w.running({ networks: 'none', metadata: moving })
  await pass(2 * HOUR)
  const { host, cloudId } = w.plimsoll
  const of = cloudId('sandbox')
  const [machine] = await remembered(host.cloudState, of, 'server')
  expect(await reclaim(host.cloudState, of, machine!.id, w.plimsoll.clock.now)).toBe(true)
  // The next one is not made yet when the last is in the books.
  await plantFaults(host.cloudState, of, [{ method: 'server.create', fault: 'throttled' }])
  for (let turn = 0; turn < 4; turn++) await look(61_000)
  expect((await w.server(id)).status).toBe('BUILD')
  w.plimsoll.clock.advance(-1.5 * HOUR)
  await plantFaults(host.cloudState, of, [])
  for (let turn = 0; turn < 3; turn++) await pass(61_000)
  expect((await w.server(id)).status).toBe('ACTIVE')
  await pass(3 * HOUR)
  await w.newest.delete(`${NOVA}/servers/${id}`)
  await w.plimsoll.settle()
  await pass(60_000)
  // Two hours until it was taken back, and those that came after these.
  const hours = (await costs('server')).total.seconds / 3600
  expect(hours).toBeGreaterThan(3.4)
  expect(hours).toBeLessThan(3.7)
  expect(await moneyFaults(w.plimsoll.host.d1)).toEqual([])
})

test('and of a volume that grows in them', async () => {
  const prices = { currency: 'USD', parts: { vcpu: '1', ram_gib: '1', disk_gib: '0.1' } }
  expect((await w.admin.put('/broker/v1/clouds/sandbox/prices', { prices })).status).toBe(200)
  const volume = { size: 10, availability_zone: 'sandbox.a' }
  const { id } = (await w.demo.post(`${w.cinder}/volumes`, { volume })).body.volume
  await w.plimsoll.settle()
  await pass(2 * HOUR)
  await pass(-1.5 * HOUR)
  const larger = w.demo.with({ 'OpenStack-API-Version': 'volume 3.70' })
  await larger.post(`${w.cinder}/volumes/${id}/action`, { 'os-extend': { new_size: 20 } })
  await w.plimsoll.settle()
  await pass(3 * HOUR)
  // Two hours of ten GiB, and what is not charged of 3.5 of twenty.
  expect(Number((await costs('server')).total.cost.amount)).toBeCloseTo(2 + 1.5 * 2, 1)
})
