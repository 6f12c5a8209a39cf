import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import { NOVA } from '../../compute/servers/world.ts'
import { type Bursting, newBursting, usd } from './world.ts'

const BURSTS = '/broker/v1/bursts'

const GIB = { vcpus: 1, ram_mib: 1_024, disk_gib: 10 }
const priced = [{ name: 'small', ...GIB, price: 0.3 }]
const sandbox = (name: string, options: object = {}) => ({
  name,
  type: 'sandbox',
  options: { sizes: priced, 'images.as': { 'sandbox-linux': 'sandbox-linux' }, ...options },
})
const none = { networks: 'none' }

describe('where there is room for some of it', () => {
  const zone = (vcpus: number) => ({ zones: [{ name: 'a', vcpus, ram_mib: 262_144, disk_gib: 4_000 }] })
  /** Home has room for ten, of which the mark leaves five; the rest is outside. */
  const twoClouds = async (): Promise<Bursting> => {
    const w = await newBursting({ clouds: [sandbox('out', zone(100)), sandbox('home', zone(10))] })
    await w.decree({ chain: ['home', 'out'], marks: { home: 0.5 } })
    return w
  }

  test('home is filled up to its mark, and the rest goes outside', async () => {
    const w = await twoClouds()
    const id = await w.burst({ count: { min: 8, max: 8 }, ...none })
    expect(await w.show(id)).toMatchObject({ state: 'running', members: { total: 8, clouds: { home: 5, out: 3 } } })
  })

  test('what is elsewhere than at home goes first when there are too many', async () => {
    const w = await twoClouds()
    const id = await w.burst({ count: { min: 1, max: 8 }, ...none })
    await w.demo.patch(`${BURSTS}/${id}`, { count: { min: 1, max: 4 } })
    await w.pass(0, 2)
    expect((await w.show(id)).members.clouds).toEqual({ home: 4 })
  })

  test('fewer than the least are none: it fails, and says why', async () => {
    const w = await twoClouds()
    await w.decree({ chain: ['home', 'out'], marks: { home: 0.5 }, spill_cap: { instances: 2 } })
    const id = await w.burst({ count: { min: 8, max: 9 }, ...none })
    expect(await w.show(id)).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/^No valid host was found\. .* 7 of 8 would fit\.$/),
      members: { total: 0 },
    })
    expect(await w.servers()).toEqual({})
    expect(await w.members(id)).toEqual([])
    const some = await w.burst({ count: { min: 7, max: 9 }, ...none })
    expect(await w.show(some)).toMatchObject({
      state: 'running',
      members: { total: 7 },
      reason: expect.stringContaining('No more than 2 instances of the project may be elsewhere than at home.'),
    })
  })

  test('with a deadline it waits for room until then', async () => {
    const w = await twoClouds()
    const policy = { chain: ['home', 'out'], marks: { home: 0.5 } }
    await w.decree({ ...policy, spill: 'never' })
    const deadline = (hours: number) => new Date(w.plimsoll.clock.now + hours * 3_600_000).toISOString()
    const waits = await w.burst({ count: { min: 6, max: 7 }, deadline: deadline(2), ...none })
    const never = await w.burst({ count: { min: 6, max: 7 }, deadline: deadline(1), ...none })
    await w.pass(60)
    expect(await w.show(waits)).toMatchObject({
      state: 'pending',
      reason: expect.stringContaining('5 of 6 would fit.'),
    })
    await w.pass(3_600, 2)
    expect(await w.show(never)).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/^Its deadline passed, and it had no members\. No valid host/),
    })
    await w.decree(policy)
    await w.pass()
    expect(await w.show(waits)).toMatchObject({ state: 'running', reason: null, members: { total: 7 } })
  })

  test('after a time of which the database knows nothing it waits until clouds were listed', async () => {
    const w = await newBursting()
    await w.pass()
    w.plimsoll.clock.advance(3 * 3_600_000)
    const { id } = (await w.ask()).body.burst
    await w.plimsoll.runDeferred()
    expect(await w.show(id)).toMatchObject({
      state: 'pending',
      reason: expect.stringContaining('Until then nothing is bought'),
    })
    await w.pass(120, 6)
    expect(await w.show(id)).toMatchObject({ state: 'running', reason: null, members: { total: 3 } })
  })

  test('a quota is told as servers are told of it, and more is made when it is larger', async () => {
    const w = await newBursting()
    const quota = (instances: number) =>
      w.admin.put(`${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}`, { quota_set: { instances } })
    await quota(2)
    const id = await w.burst({ count: { min: 1, max: 4 } })
    expect(await w.show(id)).toMatchObject({
      state: 'running',
      members: { total: 2 },
      reason: 'Quota exceeded for instances: Requested 1, but already used 2 of 2 instances',
    })
    const none = await w.burst({ count: { min: 3, max: 3 } })
    expect(await w.show(none)).toMatchObject({
      state: 'failed',
      reason: 'Quota exceeded for instances: Requested 3, but already used 2 of 2 instances',
    })
    await quota(10)
    await w.pass()
    expect(await w.show(id)).toMatchObject({ members: { total: 4 }, reason: null })
  })
})

describe('the money of a burst', () => {
  const newPriced = () => newBursting({ clouds: [sandbox('sandbox')] })

  test('caps what an hour of its members costs', async () => {
    const w = await newPriced()
    const id = await w.burst({ count: { min: 1, max: 9 }, max_hourly_cost: usd('1'), ...none })
    expect(await w.show(id)).toMatchObject({
      state: 'running',
      members: { total: 3 },
      reason: expect.stringContaining('of 1 an hour 0.1 are left to the burst.'),
      cost: { hourly: { amount: '0.9', currency: 'USD' } },
    })
    const dear = await w.burst({ count: { min: 4, max: 9 }, max_hourly_cost: usd('1'), ...none })
    expect(await w.show(dear)).toMatchObject({ state: 'failed', members: { total: 0 } })
    expect((await w.boot(none)).status).toBe(202)
  })

  test('is kept for what runs, an hour ahead, and drains it when it is spent', async () => {
    const w = await newPriced()
    const id = await w.burst({ count: { min: 1, max: 9 }, budget: usd('1'), ...none })
    expect(await w.show(id)).toMatchObject({
      members: { total: 3 },
      reason: expect.stringContaining('of 1 0.1 are left to the burst.'),
      cost: { projected: null },
    })
    for (let minutes = 0; minutes < 70; minutes += 5) await w.pass(270)
    await w.pass(0, 2)
    const over = await w.show(id)
    expect(over).toMatchObject({ state: 'done', reason: 'Its budget is spent.', members: { total: 0 } })
    expect(Number(over.cost.so_far.amount)).toBeGreaterThan(0.85)
    expect(Number(over.cost.so_far.amount)).toBeLessThanOrEqual(1)
  })

  test('buys more when there is more of it', async () => {
    const w = await newPriced()
    const id = await w.burst({ count: { min: 1, max: 9 }, budget: usd('0.4'), ...none })
    expect((await w.show(id)).members.total).toBe(1)
    await w.demo.patch(`${BURSTS}/${id}`, { budget: usd('0.7') })
    await w.pass()
    expect((await w.show(id)).members.total).toBe(2)
    await w.demo.patch(`${BURSTS}/${id}`, { budget: null })
    await w.pass()
    expect(await w.show(id)).toMatchObject({ budget: null, members: { total: 9 } })
  })

  test('is told of each burst when its members are long gone', async () => {
    const w = await newPriced()
    const deadline = new Date(w.plimsoll.clock.now + 2 * 3_600_000).toISOString()
    const id = await w.burst({ count: { min: 2, max: 2 }, deadline, ...none })
    await w.boot(none)
    await w.plimsoll.settle()
    const begun = await w.show(id)
    expect(Number(begun.cost.projected.amount)).toBeCloseTo(1.2, 1)
    await w.pass(2 * 3_600, 3)
    await w.pass(9 * 86_400, 2)
    const over = await w.show(id)
    expect(over.state).toBe('done')
    const { costs } = (await w.demo.get('/broker/v1/costs?group_by=burst')).body
    expect(costs).toMatchObject([{ burst: null }, { burst: id }])
    expect(costs[1].cost).toEqual(over.cost.so_far)
    expect(Number(costs[1].cost.amount)).toBeGreaterThan(1.2)
    await w.pass(401 * 86_400, 3)
    expect((await w.demo.get(`${BURSTS}/${id}`)).status).toBe(404)
    for (const table of ['bursts', 'burst_members', 'burst_use'])
      expect(await w.plimsoll.db.all(sql.raw(`select * from ${table}`))).toEqual([])
  })

  test('holds for a member that finds no room and goes on to a dearer size', async () => {
    const w = await newBursting({
      clouds: [sandbox('sandbox', { sizes: [...priced, { name: 'large', ...GIB, vcpus: 4, price: 0.9 }] })],
    })
    await plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), [
      { method: 'server.create', fault: 'capacity', message: 'There is no room.', count: 1 },
    ])
    const id = await w.burst({ count: { min: 1, max: 3 }, max_hourly_cost: usd('1'), ...none })
    for (let turn = 0; turn < 6; turn++) {
      await w.pass(60)
      expect(Number((await w.show(id)).cost.hourly.amount)).toBeLessThanOrEqual(1)
    }
  })
})

describe('members that end in ERROR', () => {
  test('are made again in their position, a few times, and then the burst has failed', async () => {
    const w = await newBursting()
    const cloudId = w.plimsoll.cloudId('sandbox')
    await plantFaults(w.plimsoll.host.cloudState, cloudId, [
      { method: 'server.create', fault: 'definitive', message: 'The image is broken.', count: 2 },
    ])
    const id = await w.burst({ count: { min: 3, max: 3 } })
    await w.pass(0, 4)
    expect(await w.show(id)).toMatchObject({ state: 'running', members: { total: 3, statuses: { ACTIVE: 3 } } })
    const members = await w.members(id)
    expect(members.filter(({ leaving }) => leaving === 'replaced')).toHaveLength(2)
    await plantFaults(w.plimsoll.host.cloudState, cloudId, [
      { method: 'server.create', fault: 'definitive', message: 'The image is broken.' },
    ])
    const broken = await w.burst({ name: 'broken', count: { min: 2, max: 2 } })
    await w.pass(0, 12)
    expect(await w.show(broken)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('The image is broken.'),
      members: { total: 0 },
    })
    expect(await w.members(broken)).toHaveLength(8)
  })
})
