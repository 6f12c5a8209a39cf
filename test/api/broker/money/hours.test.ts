import { beforeEach, expect, test } from 'vitest'
import { runCron } from '../../../../functions/cron.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const GIB = { vcpus: 1, ram_mib: 1_024, disk_gib: 10 }
const SIZES = [
  { name: 'small', ...GIB, price: 0.36, idle_price: 0 },
  { name: 'large', ...GIB, ram_mib: 4_096, disk_gib: 40, price: 3.6 },
]
const HOUR = 3_600_000
const DAY = 24 * HOUR
const drawn = (most: number): number => 1 + Math.floor(Math.random() * most)

let w: World
beforeEach(async () => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes: SIZES } }] })
})

const pass = async (ms: number) => {
  w.plimsoll.clock.advance(ms)
  await runCron(w.plimsoll.host)
  await w.plimsoll.settle()
}
const act = async (id: string, action: Record<string, unknown>) => {
  await w.act(id, action)
  await w.plimsoll.settle()
}
const day = (offset: number): string => new Date(w.plimsoll.clock.now + offset * DAY).toISOString().slice(0, 10)

/** What may become of a server besides its end. */
const TURNS: ((id: string) => Promise<unknown>)[] = [
  (id) => act(id, { 'os-stop': null }),
  (id) => act(id, { 'os-start': null }),
  async (id) => {
    await act(id, { resize: { flavorRef: '2' } })
    await act(id, { confirmResize: null })
  },
]

test('costs and os-simple-tenant-usage agree on the hours of drawn lives, and of drawn days of them', async () => {
  const started = w.plimsoll.clock.now
  const ids: string[] = []
  for (let n = 0; n < 5; n++) {
    ids.push(await w.running({ networks: 'none' }))
    await pass(drawn(5 * HOUR))
  }
  for (const id of ids) {
    if (drawn(4) > 1) await TURNS[drawn(TURNS.length) - 1]!(id)
    await pass(drawn(9 * HOUR))
    if (drawn(3) > 1) {
      await w.newest.delete(`${NOVA}/servers/${id}`)
      await w.plimsoll.settle()
    }
  }
  const project = w.plimsoll.projectId('demo')
  for (const [from, to] of [
    [-9, 9],
    [-1, 0],
    [0, 1],
  ] as const) {
    const period = `start=${day(from)}T00:00:00&end=${day(to)}T00:00:00`
    const { tenant_usage } = (await w.demo.get(`${NOVA}/os-simple-tenant-usage/${project}?${period}`)).body
    const { total } = (await w.demo.get(`/broker/v1/costs?from=${day(from)}&to=${day(to)}`)).body
    expect(total.seconds / 3600, `${day(from)} to ${day(to)}`).toBeCloseTo(tenant_usage.total_hours ?? 0, 6)
    if (from === -9) expect(total.seconds).toBeGreaterThan(0)
  }
  expect(w.plimsoll.clock.now).toBeGreaterThan(started)
})
