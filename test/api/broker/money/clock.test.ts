import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { runCron } from '../../../../functions/cron.ts'
import { moneyFaults } from '../../../simulate/invariants.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const HOUR = 3_600_000
const SIZES = [{ name: 'small', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 1, idle_price: 0.5 }]

let w: World
beforeEach(async () => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes: SIZES } }] })
})

const pass = async (ms: number) => {
  w.plimsoll.clock.advance(ms)
  await w.plimsoll.db.run(sql`delete from leases`)
  await runCron(w.plimsoll.host)
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
