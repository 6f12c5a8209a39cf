import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { plantFaults, reclaim } from '../../../../adapters/sandbox/backdoor.ts'
import { addressFaults, besideFaults, markFaults, moneyFaults } from '../../../simulate/invariants.ts'
import { outOfStep } from '../../../support/in-step.ts'
import { AFTER, type Away, awayFromHome, GRACE, MOVABLE } from './world.ts'

const sizes = [{ name: 'small', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 4, spot_price: 1 }]

let world: Away
let id: string
beforeEach(async () => {
  world = await awayFromHome({ options: { sizes } })
  const { admin, path, policy, fill, boot, remove, known } = world
  expect((await admin.put(path, { policy: { ...policy, spot: 'preferred' } })).status).toBe(200)
  const home = await fill()
  id = await boot({ name: 'm', metadata: MOVABLE })
  await remove(home.slice(0, 3))
  await known()
})

/** Another machine begins at home; `why` not, if that is wanted. */
const arrive = async (fault?: 'capacity' | 'throttled') => {
  await refuseAtHome(fault)
  await world.later(AFTER)
  await world.later(30_000)
}
const refuseAtHome = (fault?: 'capacity' | 'throttled') =>
  plantFaults(
    world.plimsoll.host.cloudState,
    world.plimsoll.cloudId('dc1'),
    fault ? [{ method: 'server.create', fault, message: 'There is no room.' }] : [],
  )
/** The cloud outside takes the server back, and the next listing shows it. */
const takeBack = async () => {
  const { plimsoll, machines } = world
  const machine = (await machines('outside')).find(({ mark }) => mark?.resource === id)!
  expect(machine.spec.option).toBe('spot')
  expect(await reclaim(plimsoll.host.cloudState, plimsoll.cloudId('outside'), machine.id, plimsoll.clock.now)).toBe(
    true,
  )
  for (const ms of [61_000, 1_000]) await world.later(ms)
}
/** The machines that there are of it: on which cloud, by which id. */
const machinesOf = async () => {
  const of = async (cloud: 'dc1' | 'outside') =>
    (await world.machines(cloud)).filter(({ mark }) => mark?.resource === id).map((machine) => `${cloud} ${machine.id}`)
  return [...(await of('dc1')), ...(await of('outside'))]
}
const whole = async () => {
  const { d1 } = world.plimsoll.host
  for (const faults of [addressFaults, besideFaults, markFaults, moneyFaults]) expect(await faults(d1)).toEqual([])
}
const atRest = async () => {
  await whole()
  for (const cloud of ['dc1', 'outside']) expect(await outOfStep(world.plimsoll, cloud), cloud).toEqual([])
  expect(
    await world.plimsoll.db.all(sql`select * from server_moves where state <> 'staying' or cloud_id is not null`),
  ).toEqual([])
  const running = await world.plimsoll.db.all(
    sql`select beside from meters where server_id = ${id} and ended_at is null`,
  )
  expect(running).toEqual([{ beside: 0 }])
}

describe('a server that its cloud takes back while another machine of it arrives at home', () => {
  test('is that one from then on, and its guest is heard, though nothing follows from that', async () => {
    const { plimsoll, server, addressOf, events, homecoming } = world
    await arrive()
    const [coming] = await machinesOf()
    const path = await world.reportPath(id)
    await takeBack()
    await plimsoll.settle()
    expect(await machinesOf()).toEqual([coming])
    expect(coming).toMatch(/^dc1 /)
    expect(await server(id)).toMatchObject({ id, name: 'm', status: 'ACTIVE', metadata: MOVABLE })
    expect(await addressOf(id)).toMatchObject({ lies: 'dc1', ports: 1 })
    expect((await events(id)).toReversed()).toEqual(['create', 'reclaimed', 'replaced'])
    expect(await homecoming(id)).toBeNull()
    for (let time = 0; time < 2; time++) expect((await plimsoll.nobody.post(path, undefined)).status).toBe(204)
    await plimsoll.settle()
    expect(await machinesOf()).toEqual([coming])
    expect(await homecoming(id)).toBeNull()
    await atRest()
    await world.demo.delete(`/compute/v2.1/servers/${id}`)
    await plimsoll.settle()
    expect((await plimsoll.nobody.post(path, undefined)).status).toBe(404)
  })

  test('has the one that is ready at once, though it was busy until then', async () => {
    const { plimsoll, tell, cloudOf, server } = world
    await arrive()
    await tell(id, { 'plimsoll:busy': 'true' })
    expect((await plimsoll.nobody.post(await world.reportPath(id), undefined)).status).toBe(204)
    await plimsoll.runDeferred()
    expect(await cloudOf(id)).toBe('outside')
    const [ready] = await machinesOf()
    await takeBack()
    expect([await cloudOf(id), (await server(id)).status]).toEqual(['dc1', 'ACTIVE'])
    expect(await machinesOf()).toEqual([ready])
    await plimsoll.settle()
    await atRest()
  })

  test.each<[string, () => Promise<unknown>]>([
    [
      'before',
      async () => {
        await arrive('capacity')
        await takeBack()
      },
    ],
    [
      'afterwards',
      async () => {
        await arrive('throttled')
        await takeBack()
        expect(await world.cloudOf(id)).toBe('dc1')
        await refuseAtHome('capacity')
      },
    ],
  ])('is elsewhere, and one, where the one at home failed %s', async (_, both) => {
    const { plimsoll, later, cloudOf, server } = world
    await both()
    for (let turn = 0; turn < 3; turn++) {
      await later(61_000)
      await plimsoll.settle()
    }
    expect([await cloudOf(id), (await server(id)).status]).toEqual(['outside', 'ACTIVE'])
    expect(await machinesOf()).toEqual([expect.stringMatching(/^outside /)])
    await whole()
  })

  test('begins again where home is by now, not where it was', async () => {
    const { admin, path, policy, plimsoll, later, cloudOf, server } = world
    await arrive()
    const said = { ...policy, spot: 'preferred', chain: ['outside', 'dc1'], marks: {} }
    expect((await admin.put(path, { policy: said })).status).toBe(200)
    await takeBack()
    for (let turn = 0; turn < 3; turn++) {
      await later(61_000)
      await plimsoll.settle()
    }
    expect([await cloudOf(id), (await server(id)).status]).toEqual(['outside', 'ACTIVE'])
    expect(await machinesOf()).toEqual([expect.stringMatching(/^outside /)])
    await whole()
  })

  test('is not made anew where its user took his word back', async () => {
    const { plimsoll, later, tell, server } = world
    await arrive()
    await tell(id, { 'plimsoll:movable': 'false' })
    await takeBack()
    for (let turn = 0; turn < 3; turn++) {
      await later(61_000)
      await plimsoll.settle()
    }
    expect((await server(id)).status).toBe('ERROR')
    expect(await machinesOf()).toEqual([])
    await whole()
  })
})

test('an old machine that its cloud takes back while it leaves is gone, and nothing else changes', async () => {
  const { plimsoll, cloudOf, events, homecoming, later } = world
  await arrive()
  expect((await plimsoll.nobody.post(await world.reportPath(id), undefined)).status).toBe(204)
  await plimsoll.runDeferred()
  expect(await cloudOf(id)).toBe('dc1')
  const [current] = await machinesOf()
  await takeBack()
  await later(GRACE)
  await plimsoll.settle()
  expect(await machinesOf()).toEqual([current])
  expect(await homecoming(id)).toBeNull()
  expect(await events(id)).not.toContain('reclaimed')
  await atRest()
})
