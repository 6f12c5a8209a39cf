import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../../adapters/contract.ts'
import { callLog, plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import type { Answer } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const GIB = { vcpus: 1, ram_mib: 1_024, disk_gib: 10 }
const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message

let w: World
const worldOf = async (sizes: Record<string, Json>[], policy: Record<string, Json>) => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
  await decree(policy)
}
const decree = async (policy: Record<string, Json>) => {
  const answer = await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
const usd = (amount: string) => ({ amount, currency: 'USD' })
const boot = (more: Record<string, unknown> = {}) => w.boot({ networks: 'none', ...more })
/** What an hour of all costs, by the rows themselves. */
const hourly = async (): Promise<number> => {
  const [row] = await w.plimsoll.db.all<{ sum: number | null }>(
    sql`select sum(places ->> '$.at.hourly') as sum from servers where deleted_at is null`,
  )
  return row!.sum ?? 0
}

describe('what all of a project may cost an hour', () => {
  beforeEach(() => worldOf([{ name: 'small', ...GIB, price: 0.3 }], { max_hourly_cost: usd('1') }))

  test('is not passed by the next server, and a server that goes makes room', async () => {
    const ids = [
      await w.running({ networks: 'none' }),
      await w.running({ networks: 'none' }),
      await w.running({ networks: 'none' }),
    ]
    const fourth = await boot()
    expect([fourth.status, message(fourth)]).toEqual([
      403,
      expect.stringMatching(
        /^The cheapest that fits is size small in sandbox\.\S+\. Size small costs 0\.3 an hour: of 1 an hour 0\.1 are left\.$/,
      ),
    ])
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(3)
    await w.newest.delete(`${NOVA}/servers/${ids[0]}`)
    await w.plimsoll.settle()
    expect((await boot()).status).toBe(202)
  })

  test('does not refuse a request that is repeated because its answer was lost', async () => {
    const wish = { server: { name: 'last', flavorRef: '1', imageRef: w.image, networks: 'none' } }
    const key = { 'Idempotency-Key': 'the-last-that-fits' }
    await w.running({ networks: 'none' })
    await w.running({ networks: 'none' })
    const first = await w.newest.post(`${NOVA}/servers`, wish, key)
    expect(first.status).toBe(202)
    await w.plimsoll.db.run(sql`update repeatables set answer = null`)
    const again = await w.newest.post(`${NOVA}/servers`, wish, key)
    expect([again.status, again.body.server?.id]).toEqual([202, first.body.server.id])
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(3)
  })

  test('is not passed by many at once', async () => {
    const answers = await Promise.all(Array.from({ length: 32 }, () => boot()))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 202, 202, ...Array(29).fill(403)])
    expect(await hourly()).toBe(900_000)
  })

  test('is not passed by one request for several: as many are made as may be, or none', async () => {
    const some = await boot({ min_count: 2, max_count: 10 })
    expect(some.status).toBe(202)
    expect(await hourly()).toBe(900_000)
    const none = await boot({ min_count: 2, max_count: 2 })
    expect([none.status, message(none)]).toEqual([403, expect.stringContaining('2 of size small cost 0.6 an hour')])
  })

  test('counts what is stopped, which may be started at any time', async () => {
    for (let i = 0; i < 3; i++) await w.act(await w.running({ networks: 'none' }), { 'os-stop': null })
    await w.plimsoll.settle()
    expect((await boot()).status).toBe(403)
  })

  test('in a currency of which nobody knows what it is worth is a limit that nothing is within', async () => {
    await decree({ max_hourly_cost: { amount: '1000', currency: 'XAU' } })
    expect((await boot()).status).toBe(403)
  })
})

describe('where a server costs more afterwards', () => {
  const sizes = [
    { name: 'small', ...GIB, price: 0.3 },
    { name: 'large', ...GIB, ram_mib: 4_096, disk_gib: 40, price: 0.9 },
  ]
  const spent = async () =>
    (await w.plimsoll.db.all<{ hourly: number }>(sql`select hourly from spend where hourly > 0`)).map(
      ({ hourly }) => hourly,
    )

  test('a resize is paid for from when it is asked for, and the dearer of both until it is confirmed', async () => {
    await worldOf(sizes, { max_hourly_cost: usd('1') })
    const id = await w.running({ networks: 'none' })
    expect((await w.act(id, { resize: { flavorRef: '2' } })).status).toBe(202)
    expect(await spent()).toEqual([900_000])
    expect((await boot()).status).toBe(403)
    await w.plimsoll.settle()
    expect((await w.act(id, { revertResize: null })).status).toBe(202)
    expect(await spent()).toEqual([900_000])
    await w.plimsoll.settle()
    expect(await spent()).toEqual([300_000])
    expect((await boot()).status).toBe(202)
    const dear = await w.act(id, { resize: { flavorRef: '2' } })
    expect([dear.status, message(dear)]).toEqual([403, 'Size large costs 0.9 an hour: of 1 an hour 0.7 are left.'])
    await decree({})
    await w.act(id, { resize: { flavorRef: '2' } })
    await w.plimsoll.settle()
    await w.act(id, { confirmResize: null })
    expect(await spent()).toEqual([1_200_000])
    await decree({ max_hourly_cost: usd('0.1') })
    expect((await w.act(id, { resize: { flavorRef: '1' } })).status).toBe(202)
    await w.plimsoll.settle()
    await w.act(id, { confirmResize: null })
    expect(await spent()).toEqual([600_000])
  })

  test('one that finds no room goes on to what can be paid for, and no further', async () => {
    const triesWithin = async (cap: string): Promise<number> => {
      await worldOf([sizes[0]!, { name: 'larger', ...GIB, vcpus: 4, price: 0.9 }], { max_hourly_cost: usd(cap) })
      const cloudId = w.plimsoll.cloudId('sandbox')
      const told = expect.stringContaining('There is no room.')
      await plantFaults(w.plimsoll.host.cloudState, cloudId, [
        { method: 'server.create', fault: 'capacity', message: 'There is no room.' },
      ])
      const id = await w.running({ networks: 'none' })
      expect(await w.server(id)).toMatchObject({ status: 'ERROR', fault: { message: told } })
      return (await callLog(w.plimsoll.host.cloudState, cloudId)).filter(({ method }) => method === 'server.create')
        .length
    }
    const within = await triesWithin('0.8')
    expect(within).toBeGreaterThan(0)
    expect(await triesWithin('10')).toBeGreaterThan(within)
  })
})

describe('a size of which nobody knows the price', () => {
  const sizes = [{ name: 'nobody-knows', ...GIB }]

  test('is not bought where money has a limit', async () => {
    await worldOf(sizes, { max_hourly_cost: usd('1000') })
    const answer = await boot()
    expect([answer.status, message(answer)]).toEqual([
      403,
      expect.stringContaining('Nobody knows what size nobody-knows costs, and there is a limit of what may be spent.'),
    ])
    await decree({ budget: { ...usd('1000'), period: 'month' } })
    expect((await boot()).status).toBe(403)
    await decree({})
    expect((await boot({ metadata: { 'plimsoll:max_hourly_cost': '5' } })).status).toBe(403)
    expect((await boot()).status).toBe(202)
  })
})

describe('what one server may cost an hour', () => {
  beforeEach(() =>
    worldOf(
      [
        { name: 'small', ...GIB, price: 0.3 },
        { name: 'large', ...GIB, ram_mib: 4_096, disk_gib: 40, price: 0.9 },
      ],
      {},
    ),
  )

  test('is said in its metadata', async () => {
    const metadata = { 'plimsoll:max_hourly_cost': '0.5' }
    expect((await boot({ metadata })).status).toBe(202)
    const dear = await boot({ metadata, flavorRef: '2' })
    expect([dear.status, message(dear)]).toEqual([
      403,
      expect.stringContaining('Size large costs 0.9 an hour, and one server may cost 0.5.'),
    ])
    expect((await boot({ metadata: { 'plimsoll:max_hourly_cost': '0.9 USD' }, flavorRef: '2' })).status).toBe(202)
  })

  test('is not said afterwards of one that costs more', async () => {
    const id = await w.running({ networks: 'none' })
    const say = (amount: string) =>
      w.newest.post(`${NOVA}/servers/${id}/metadata`, { metadata: { 'plimsoll:max_hourly_cost': amount } })
    const below = await say('0.2')
    expect([below.status, message(below)]).toEqual([403, 'Size small costs 0.3 an hour, and one server may cost 0.2.'])
    expect((await say('0.4')).status).toBe(200)
    const dear = await w.act(id, { resize: { flavorRef: '2' } })
    expect([dear.status, message(dear)]).toEqual([403, 'Size large costs 0.9 an hour, and one server may cost 0.4.'])
  })

  test.each(['', '1,5', '-1', 'cheap', '1 usd', '0.1234567', '1e3'])('%j is refused', async (words) => {
    const answer = await boot({ metadata: { 'plimsoll:max_hourly_cost': words } })
    expect([answer.status, message(answer)]).toEqual([
      400,
      'Metadata item plimsoll:max_hourly_cost must be an amount of money like 0.10 or 0.10 EUR, with at most six decimals.',
    ])
  })
})
