import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { runCron } from '../../../../functions/cron.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const GIB = { vcpus: 1, ram_mib: 1_024, disk_gib: 10 }
const SIZES = [
  { name: 'small', ...GIB, price: 0.36 },
  { name: 'large', ...GIB, ram_mib: 4_096, disk_gib: 40, price: 3.6 },
]
const HOUR = 3600
/** The clock goes on for some seconds while the broker is at work: they cost less than a cent here. */
const cents = (amount: string): string => Number(amount).toFixed(2)

let w: World
beforeEach(async () => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes: SIZES } }] })
})

/** So many seconds, with the cron once an hour, or as often as a story waits for. */
const pass = async (seconds: number) => {
  const step = Math.max(HOUR, Math.ceil(seconds / 8))
  for (let left = seconds; left > 0; left -= step) {
    w.plimsoll.clock.advance(Math.min(left, step) * 1000)
    await runCron(w.plimsoll.host)
    await w.plimsoll.settle()
  }
}
const remove = async (id: string) => {
  await w.newest.delete(`${NOVA}/servers/${id}`)
  await w.plimsoll.settle()
}
const day = (offset = 0): string => new Date(w.plimsoll.host.now() + offset * 86_400_000).toISOString().slice(0, 10)
const costs = async (query = '', client = w.demo) =>
  (await client.get(`/broker/v1/costs?from=${day(-40)}&to=${day(40)}${query}`)).body
/** Hours as Nova counts them. */
const usage = async (): Promise<number> => {
  const period = `start=${day(-40)}T00:00:00&end=${day(40)}T00:00:00`
  const { body } = await w.demo.get(`${NOVA}/os-simple-tenant-usage/${w.plimsoll.projectId('demo')}?${period}`)
  return body.tenant_usage.total_hours
}
/** What triggers count, and what they count from. */
const counters = async () => {
  const [row] = await w.plimsoll.db.all<Record<string, number>>(sql`select
    (select sum(hourly) from spend) as hourly, (select sum(places ->> '$.at.hourly') from servers where deleted_at is null) as ofRows,
    (select sum(reserved) from spend) as reserved, (select sum(reserved) from meters) as ofMeters,
    (select sum(settled) from spend_months) as months, (select sum(hourly * ms / 3600000) from costs) as ofCosts`)
  expect([row!.hourly ?? 0, row!.reserved ?? 0, row!.months ?? 0]).toEqual([
    row!.ofRows ?? 0,
    row!.ofMeters ?? 0,
    row!.ofCosts ?? 0,
  ])
  return row!
}

describe('what a server cost', () => {
  test('is its price times its life, to the second, as Nova counts the hours', async () => {
    const id = await w.running({ networks: 'none' })
    w.plimsoll.clock.advance(90_000)
    expect((await costs()).total).toEqual({ seconds: 90, cost: { amount: '0.009', currency: 'USD' } })
    await pass(49 * HOUR)
    const { seconds } = (await costs()).total
    expect(seconds).toBeGreaterThanOrEqual(49 * HOUR + 90)
    expect(await usage()).toBeCloseTo(seconds / HOUR, 9)
    await remove(id)
    const { total, now, projected } = await costs()
    expect(total.seconds / HOUR).toBeCloseTo(await usage(), 9)
    expect([now.amount, projected.amount]).toEqual(['0', total.cost.amount])
    await pass(3 * HOUR)
    expect((await costs()).total).toEqual(total)
    // A millionth is lost in each row at most.
    expect(Number(total.cost.amount)).toBeCloseTo((total.seconds * 0.36) / HOUR, 5)
    expect(await counters()).toMatchObject({
      hourly: 0,
      reserved: 0,
      months: Math.round(total.cost.amount * 1_000_000),
    })
    expect(await w.plimsoll.db.all(sql`select * from meters`)).toEqual([])
  })

  test('is kept by days, and told for some of them', async () => {
    await w.running({ networks: 'none' })
    await pass(72 * HOUR)
    const rows = await w.plimsoll.db.all<{ day: string; ms: number }>(sql`select day, ms from costs order by day`)
    expect(rows.slice(1, -1).map(({ ms }) => ms)).toEqual([86_400_000, 86_400_000])
    const one = (await w.demo.get(`/broker/v1/costs?from=${day(-1)}&to=${day()}`)).body.total
    expect(one).toEqual({ seconds: 86_400, cost: { amount: '8.64', currency: 'USD' } })
    await counters()
  })

  test('follows a resize, from when it is done', async () => {
    const id = await w.running({ networks: 'none' })
    w.plimsoll.clock.advance(1_000_000)
    await w.act(id, { resize: { flavorRef: '2' } })
    await w.plimsoll.settle()
    await w.act(id, { confirmResize: null })
    w.plimsoll.clock.advance(1_000_000)
    const { total, now } = await costs()
    expect([cents(total.cost.amount), now.amount]).toEqual(['1.10', '3.6'])
    await pass(HOUR)
    expect(cents((await costs()).total.cost.amount)).toBe('4.70')
    await counters()
  })

  test('is told apart by day, to the second, also what is not settled yet', async () => {
    await w.running({ networks: 'none' })
    const began = w.plimsoll.clock.now
    w.plimsoll.clock.advance(30 * HOUR * 1000)
    const { costs: days, total } = await costs('&group_by=day')
    const [first, second, ...rest] = days
    expect(rest).toEqual([])
    expect([first.day, second.day]).toEqual([day(-1), day(0)])
    const midnight = Date.parse(`${second.day}T00:00:00Z`)
    expect(first.seconds).toBe((midnight - began) / 1000)
    expect(first.seconds + second.seconds).toBe(total.seconds)
    await pass(1)
    const settled = (await costs('&group_by=day')).costs
    expect(settled.map((row: { day: string }) => row.day)).toEqual([day(-1), day(0)])
    expect(settled[0]).toEqual(first)
  })

  test('is told apart by project, cloud, server and tag', async () => {
    const one = await w.running({ networks: 'none', tags: ['ci', 'night'] })
    const other = await w.running({ networks: 'none', tags: ['ci'] })
    await pass(10 * HOUR)
    await remove(other)
    await pass(HOUR)
    type Row = { project: string; cloud: string; server: string; tag: string; cost: { amount: string } }
    const by = async (grouping: string, nameOf: (row: Row) => string) =>
      Object.fromEntries(
        (await costs(`&group_by=${grouping}`)).costs.map((row: Row) => [nameOf(row), cents(row.cost.amount)]),
      )
    const project = w.plimsoll.projectId('demo')
    expect(await by('tag', ({ tag }) => tag)).toEqual({ ci: '7.56', night: '3.96' })
    expect(await by('project,cloud', (row) => `${row.project} ${row.cloud}`)).toEqual({
      [`${project} sandbox`]: '7.56',
    })
    expect(await by('server', ({ server }) => server)).toEqual({ [one]: '3.96', [other]: '3.60' })
    const csv = await w.demo.get(`/broker/v1/costs?from=${day(-1)}&to=${day(1)}&group_by=tag&format=csv`)
    expect(csv.headers.get('content-type')).toContain('text/csv')
    const [head, ...lines] = csv.body.split('\r\n')
    expect(head).toBe('tag,seconds,amount,currency,unpriced_seconds')
    expect(lines).toEqual([
      expect.stringMatching(/^ci,756\d\d(\.\d+)?,7\.56\d*,USD,0$/),
      expect.stringMatching(/^night,396\d\d(\.\d+)?,3\.96\d*,USD,0$/),
      '',
    ])
  })

  test('is seen by its project, and by administrators', async () => {
    await w.running({ networks: 'none' })
    await pass(HOUR)
    const mine = (await costs()).total
    expect(mine.seconds).toBeGreaterThan(HOUR - 1)
    expect((await costs('', w.admin)).total).toEqual(mine)
    await w.plimsoll.newProject('stranger', { clouds: ['sandbox'] })
    expect((await costs('', w.plimsoll.as('stranger'))).total.seconds).toBe(0)
  })

  test.each([
    'group_by=colour',
    'from=2026-1-1',
    'from=2026-02-30',
    'from=2026-03-02&to=2026-03-01',
    'from=2020-01-01&to=2026-01-01',
    'limit=0',
    'format=xml',
  ])('is not told for %s', async (query) => {
    expect((await w.demo.get(`/broker/v1/costs?${query}`)).status).toBe(400)
  })
})

describe('an hour of what runs', () => {
  const priced = async (amount: string, more: Record<string, unknown> = {}) => {
    const prices = { currency: 'USD', sizes: { small: amount }, ...more }
    expect((await w.admin.put('/broker/v1/clouds/sandbox/prices', { prices })).status).toBe(200)
  }
  const cost = async () => Number((await costs()).total.cost.amount)

  test('costs what it did when it began, and the next one what is asked for then', async () => {
    await w.running({ networks: 'none' })
    const from = w.plimsoll.clock.now
    await pass(HOUR / 2)
    await priced('3.6')
    await pass(HOUR / 4)
    expect((await costs()).now.amount).toBe('0.36')
    expect(await cost()).toBeCloseTo(0.27, 2)
    await pass(HOUR / 2)
    expect((await costs()).now.amount).toBe('3.6')
    // A quarter of an hour at the new price.
    expect(await cost()).toBeCloseTo(0.36 + (3.6 * ((w.plimsoll.clock.now - from) / 1000 - HOUR)) / HOUR, 1)
    await priced('0.36')
    await pass(5 * HOUR)
    expect((await costs()).now.amount).toBe('0.36')
    await counters()
  })

  test('is kept of a budget at the price that holds', async () => {
    const policy = { budget: { amount: '5', currency: 'USD', period: 'month' } }
    await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
    await w.running({ networks: 'none' })
    await priced('4')
    await pass(HOUR + 60)
    expect((await w.boot({ networks: 'none' })).status).toBe(403)
    await priced('0.1')
    expect((await w.boot({ networks: 'none' })).status).toBe(202)
    await counters()
  })
})

describe('a server that is stopped', () => {
  const stop = async (id: string) => {
    await w.act(id, { 'os-stop': null })
    await w.plimsoll.settle()
  }

  test('costs what a stopped one costs, and the cap counts what it costs when it runs', async () => {
    const sizes = [{ name: 'small', ...GIB, price: 3.6, idle_price: 0 }]
    w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
    const policy = { max_hourly_cost: { amount: '5', currency: 'USD' } }
    await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
    const id = await w.running({ networks: 'none' })
    await pass(HOUR)
    await stop(id)
    const { cost } = (await costs()).total
    await pass(5 * HOUR)
    const { total, now } = await costs()
    expect([total.cost, now.amount]).toEqual([cost, '0'])
    expect((await w.boot({ networks: 'none' })).status).toBe(403)
    await w.act(id, { 'os-start': null })
    await w.plimsoll.settle()
    await pass(HOUR)
    expect(Number((await costs()).total.cost.amount)).toBeCloseTo(Number(cost.amount) + 3.6, 1)
    await counters()
  })

  test('costs by the book of the operator a share of its size, and its disk', async () => {
    const parts = { vcpu: '1', ram_gib: '0.5', disk_gib: '0.1' }
    const prices = { currency: 'USD', parts, idle: 0.2 }
    const put = await w.admin.put('/broker/v1/clouds/sandbox/prices', { prices })
    expect(put.body.prices).toMatchObject({ idle: 0.2 })
    const id = await w.running({ networks: 'none' })
    // A vCPU, a GiB of memory, ten of disk.
    expect((await costs()).now.amount).toBe('2.5')
    await stop(id)
    expect((await costs()).now.amount).toBe('1.3')
    for (const idle of [-0.1, 1.1, '0'])
      expect((await w.admin.put('/broker/v1/clouds/sandbox/prices', { prices: { ...prices, idle } })).status).toBe(400)
  })
})

test('what has no price is listed as not counted, and its hours are', async () => {
  w = await newWorld({
    clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes: [{ name: 'nobody-knows', ...GIB }] } }],
  })
  await w.running({ networks: 'none' })
  await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 3 } })
  await pass(HOUR)
  const { total, not_counted } = await costs()
  expect(total.cost.amount).toBe('0')
  expect(not_counted).toEqual([
    { what: 'servers', seconds: total.seconds },
    { what: 'gigabytes', now: 3 },
    { what: 'volumes', now: 1 },
    { what: 'traffic' },
  ])
})
