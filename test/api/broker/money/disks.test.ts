import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { runCron } from '../../../../functions/cron.ts'
import { newWorld, type World } from '../../compute/servers/world.ts'

const SIZES = [
  { name: 'small', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 1, idle_price: 0 },
  { name: 'diskless', vcpus: 2, ram_mib: 2_048, disk_gib: 0, price: 2 },
]
const HOUR = 3_600_000

let w: World
beforeEach(async () => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes: SIZES } }] })
})

const priced = async (disk_gib: string) => {
  const prices = { currency: 'USD', parts: { vcpu: '1', ram_gib: '1', disk_gib }, idle: 0 }
  expect((await w.admin.put('/broker/v1/clouds/sandbox/prices', { prices })).status).toBe(200)
}
const pass = async (ms: number) => {
  w.plimsoll.clock.advance(ms)
  await runCron(w.plimsoll.host)
  await w.plimsoll.settle()
}
const volume = async (size: number): Promise<string> => {
  const { body } = await w.demo.post(`${w.cinder}/volumes`, { volume: { size, availability_zone: 'sandbox.a' } })
  await w.plimsoll.settle()
  return body.volume.id
}
const costs = async () => {
  const day = (offset: number) => new Date(w.plimsoll.clock.now + offset * 24 * HOUR).toISOString().slice(0, 10)
  return (await w.demo.get(`/broker/v1/costs?from=${day(-9)}&to=${day(9)}&group_by=server`)).body
}
const kept = async () => {
  const [row] = await w.plimsoll.db.all<Record<string, number>>(sql`select
    (select reserved from spend) as reserved, (select sum(reserved) from meters) as ofMeters,
    (select sum(settled) from spend_months) as months, (select sum(hourly * ms / 3600000) from costs) as ofCosts`)
  expect([row!.reserved, row!.months ?? 0]).toEqual([row!.ofMeters ?? 0, row!.ofCosts ?? 0])
}

test('a volume costs what its GiB do from when it is there until it is not, and has no hours of a server', async () => {
  await priced('0.1')
  const id = await volume(5)
  expect((await costs()).now.amount).toBe('0.5')
  await pass(2 * HOUR)
  const before = await costs()
  expect(Number(before.total.cost.amount)).toBeCloseTo(1, 2)
  expect(before.total.seconds).toBe(0)
  expect(before.costs).toMatchObject([{ server: null, seconds: 0, unpriced_seconds: 0 }])
  await w.demo.with({ 'OpenStack-API-Version': 'volume 3.70' }).post(`${w.cinder}/volumes/${id}/action`, {
    'os-extend': { new_size: 10 },
  })
  await w.plimsoll.settle()
  expect((await costs()).now.amount).toBe('1')
  await w.demo.delete(`${w.cinder}/volumes/${id}`)
  await w.plimsoll.settle()
  await pass(HOUR)
  const { total, now } = await costs()
  expect(now.amount).toBe('0')
  await pass(5 * HOUR)
  expect((await costs()).total).toEqual(total)
  await kept()
  expect(await w.plimsoll.db.all(sql`select * from meters`)).toEqual([])
})

test('the disks of a stopped server cost on, its own and its volumes', async () => {
  await priced('0.1')
  const id = await w.running({ networks: 'none', availability_zone: 'sandbox.a' })
  await volume(5)
  await w.act(id, { 'os-stop': null })
  await w.plimsoll.settle()
  // Ten GiB of its own, five of a volume.
  expect((await costs()).now.amount).toBe('1.5')
  await kept()
})

test('without a price it is listed; with one it costs from the next full hour', async () => {
  await volume(3)
  expect((await costs()).not_counted).toEqual([
    { what: 'gigabytes', now: 3 },
    { what: 'volumes', now: 1 },
    { what: 'traffic' },
  ])
  await priced('0.1')
  await pass(HOUR / 2)
  expect((await costs()).now.amount).toBe('0')
  await pass(HOUR)
  expect(await costs()).toMatchObject({ now: { amount: '0.3' }, not_counted: [{ what: 'traffic' }] })
  await kept()
})

test('what a server boots from whose size has no disk is listed', async () => {
  await w.running({ networks: 'none', flavorRef: '2' })
  expect((await costs()).not_counted).toEqual([{ what: 'root disks', now: 1 }, { what: 'traffic' }])
})
