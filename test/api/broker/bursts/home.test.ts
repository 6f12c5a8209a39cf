import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { burstFaults, markFaults, moneyFaults } from '../../../simulate/invariants.ts'
import { AFTER, type Away, awayFromHome, GRACE, MOVABLE } from '../home/world.ts'
import { usd } from './world.ts'

const BURSTS = '/broker/v1/bursts'
const sizes = [{ name: 'small', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 0.3 }]

/** A burst of two that may come home, both out, under a limit; home has had room for both of them for long enough. */
const outside = async (limit: object, before: (world: Away) => void = () => undefined) => {
  const world = await awayFromHome({ options: { sizes } })
  const { plimsoll, demo, imageRef: image, network } = world
  const home = await world.fill()
  const wish = { flavor: '1', image, networks: [network], metadata: MOVABLE, ...limit }
  const asked = await demo.post(BURSTS, { name: 'farm', count: { min: 2, max: 2 }, ...wish })
  expect(asked.status, JSON.stringify(asked.body)).toBe(202)
  await plimsoll.settle()
  const path = `${BURSTS}/${asked.body.burst.id}`
  const ids: string[] = (await demo.get(`${path}/members`)).body.members.map(
    (each: { server_id: string }) => each.server_id,
  )
  await world.remove(home.slice(0, 3))
  await world.known()
  before(world)
  await world.later(AFTER)
  await world.later(30_000)
  return { world, ids, show: async () => (await demo.get(path)).body.burst }
}

const whole = async ({ plimsoll }: Away) => {
  for (const faults of [burstFaults, markFaults, moneyFaults]) expect(await faults(plimsoll.host.d1)).toEqual([])
}

describe('members of a burst that may come home', () => {
  test('come while an hour of both their machines is within what the burst may cost', async () => {
    const { world, ids, show } = await outside({ max_hourly_cost: usd('1') })
    const { plimsoll, homecoming, later, cloudOf } = world
    const states = async () => Promise.all(ids.map(async (id) => (await homecoming(id)).state))
    expect((await states()).toSorted()).toEqual(['arriving', 'staying'])
    const [coming, staying] = (await states())[0] === 'arriving' ? ids : ids.toReversed()
    expect((await homecoming(staying!)).reason).toMatch(
      /^For a while there are two machines\. .* of 1 an hour 0\.1 are left to the burst\.$/,
    )
    expect((await show()).cost.hourly).toMatchObject({ amount: '0.9' })
    expect((await show()).members.total, 'it is one member').toBe(2)
    await whole(world)

    expect((await plimsoll.nobody.post(await world.reportPath(coming!), undefined)).status).toBe(204)
    await plimsoll.settle()
    await whole(world)
    await later(GRACE)
    await plimsoll.settle()
    expect((await show()).cost.hourly).toMatchObject({ amount: '0.6' })
    await later(300_000)
    await plimsoll.settle()
    expect([await cloudOf(coming!), (await homecoming(staying!)).state]).toEqual(['dc1', 'arriving'])
    await whole(world)
  })

  test('stay where the burst may cost less by the time that one of them would begin', async () => {
    const { world, ids } = await outside({ max_hourly_cost: usd('1') }, ({ plimsoll }) => {
      const { d1 } = plimsoll.host
      const [batch, prepare] = [d1.batch.bind(d1), d1.prepare.bind(d1)]
      let begins = false
      d1.prepare = (text) => {
        begins ||= text.startsWith('insert into "server_moves"')
        return prepare(text)
      }
      d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
        if (begins) {
          Object.assign(d1, { batch, prepare })
          await plimsoll.db.run(sql`update bursts set max_hourly_cost = json_set(max_hourly_cost, '$.micros', 700000)`)
        }
        return batch(statements)
      }) as typeof batch
    })
    const found = await Promise.all(ids.map((id) => world.homecoming(id)))
    expect(found.map((each) => each?.state)).not.toContain('arriving')
    expect(found.map((each) => each?.reason)).toContain('Others were faster (burst-moved).')
    await whole(world)
  })

  test.each([
    ['an hour', { max_hourly_cost: usd('0.7') }, / of 0\.7 an hour 0\.1 are left to the burst\.$/],
    ['all of it', { budget: usd('0.8') }, / of 0\.8 0\.2 are left to the burst\.$/],
  ])('stay where %s may not cost one machine more', async (_, limit, why) => {
    const { world, ids } = await outside(limit)
    for (const id of ids) {
      const { state, reason } = await world.homecoming(id)
      expect(state).toBe('staying')
      expect(reason).toMatch(why)
    }
    await whole(world)
  })
})
