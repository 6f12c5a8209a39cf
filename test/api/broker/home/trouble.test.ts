import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import { bringHome } from '../../../../functions/broker/compute/home/homecoming.ts'
import { cronContext } from '../../../../functions/cron.ts'
import { addressFaults, besideFaults, markFaults, moneyFaults } from '../../../simulate/invariants.ts'
import { outOfStep } from '../../../support/in-step.ts'
import { AFTER, AGAIN, type Away, awayFromHome, GRACE, MOVABLE, READY } from './world.ts'

let world: Away
let movable: string
beforeEach(async () => {
  world = await awayFromHome()
  const { boot, fill, remove, known } = world
  const home = await fill()
  movable = await boot({ name: 'm', metadata: MOVABLE })
  await remove(home.slice(0, 3))
  await known()
})

/** What of a server is where, and whether all that is counted is so. */
const whole = async () => {
  const { plimsoll } = world
  const { d1 } = plimsoll.host
  for (const faults of [addressFaults, besideFaults, markFaults, moneyFaults]) expect(await faults(d1)).toEqual([])
}
const inStep = async () => {
  await whole()
  for (const cloud of ['dc1', 'outside']) expect(await outOfStep(world.plimsoll, cloud), cloud).toEqual([])
}
const arrive = async () => {
  await world.later(AFTER)
  await world.later(30_000)
  expect(await world.homecoming(movable)).toMatchObject({ state: 'arriving' })
  await whole()
}
const report = async (path: string) => {
  const { status } = await world.plimsoll.nobody.post(path, undefined)
  await world.plimsoll.runDeferred()
  return status
}
const machinesOf = async (id: string) => ({
  dc1: (await world.machines('dc1')).filter(({ mark }) => mark?.resource === id).length,
  outside: (await world.machines('outside')).filter(({ mark }) => mark?.resource === id).length,
})

describe('an arrival', () => {
  test('at what is no home any more goes again, and its server stays', async () => {
    const { later, plimsoll, homecoming, policy } = world
    await arrive()
    const said = await world.admin.put(world.path, { policy: { ...policy, chain: ['outside', 'dc1'] } })
    expect(said.status, JSON.stringify(said.body)).toBe(200)
    expect(await report(await world.reportPath(movable))).toBe(204)
    await plimsoll.settle()
    await later(30_000)
    await plimsoll.settle()
    expect(await machinesOf(movable)).toEqual({ dc1: 0, outside: 1 })
    expect(await homecoming(movable)).toMatchObject({ state: 'staying', reason: 'Home is another cloud by now.' })
    await inStep()
  })

  test('that two processes begin at once is begun by one, and the other says nothing of it', async () => {
    const { plimsoll, later, homecoming } = world
    await later(AFTER)
    plimsoll.clock.advance(30_000)
    const bring = () => bringHome(cronContext(plimsoll.host), 25_000)
    await Promise.all([bring(), bring()])
    await plimsoll.settle()
    expect(await homecoming(movable)).toMatchObject({ state: 'arriving' })
    await inStep()
  })

  test('that is not ready in time goes again, and its server was never disturbed; it is tried again much later', async () => {
    const { server, later, plimsoll, homecoming, events, addressOf } = world
    const before = await server(movable)
    const address = await addressOf(movable)
    await arrive()
    const path = await world.reportPath(movable)
    await later(READY)
    await plimsoll.settle()
    expect(await machinesOf(movable)).toEqual({ dc1: 0, outside: 1 })
    expect(await server(movable)).toEqual(before)
    expect(await addressOf(movable)).toEqual(address)
    expect(await homecoming(movable)).toMatchObject({
      state: 'staying',
      reason: 'It was not ready in time.',
      beside: null,
    })
    expect(await events(movable)).toContain('homecoming_failed')
    expect(await report(path), 'too late').toBe(404)
    await inStep()
    await later(AGAIN - 60_000)
    expect(await machinesOf(movable)).toEqual({ dc1: 0, outside: 1 })
    await later(60_000)
    expect(await machinesOf(movable)).toEqual({ dc1: 1, outside: 1 })
  })

  test('is reported with its word alone, as often as it is said', async () => {
    const { later, plimsoll, cloudOf } = world
    await arrive()
    const path = await world.reportPath(movable)
    expect(await report(`${path.slice(0, -1)}${path.endsWith('A') ? 'B' : 'A'}`)).toBe(404)
    expect(await report(`/broker/v1/arrivals/${movable}`)).toBe(404)
    expect(await cloudOf(movable)).toBe('outside')
    expect(await report(path)).toBe(204)
    expect(await report(path)).toBe(204)
    expect(await cloudOf(movable)).toBe('dc1')
    await whole()
    await later(GRACE)
    await plimsoll.settle()
    expect(await report(path)).toBe(404)
    expect(await machinesOf(movable)).toEqual({ dc1: 1, outside: 0 })
    await inStep()
  })

  test('waits while its server is busy, and ends with its time', async () => {
    const { later, tell, cloudOf, homecoming, plimsoll } = world
    await arrive()
    await tell(movable, { 'plimsoll:busy': 'true' })
    await report(await world.reportPath(movable))
    expect(await cloudOf(movable)).toBe('outside')
    await tell(movable, { 'plimsoll:busy': 'false' })
    await later(30_000)
    expect(await cloudOf(movable)).toBe('dc1')
    await later(GRACE)
    await plimsoll.settle()
    expect(await homecoming(movable)).toBeNull()
    await inStep()
  })

  test.each<[string, (id: string) => Promise<unknown>]>([
    ['a reboot', (id) => world.act(id, { reboot: { type: 'SOFT' } })],
    ['a stop', (id) => world.act(id, { 'os-stop': null })],
    ['another size', (id) => world.act(id, { resize: { flavorRef: '2' } })],
  ])('ends with %s of its server', async (_, act) => {
    const { later, plimsoll, cloudOf, homecoming } = world
    await arrive()
    const path = await world.reportPath(movable)
    await act(movable)
    expect(await report(path)).toBe(404)
    await plimsoll.settle()
    await later(30_000)
    await plimsoll.settle()
    expect(await cloudOf(movable)).toBe('outside')
    expect(await machinesOf(movable)).toEqual({ dc1: 0, outside: 1 })
    expect(await homecoming(movable)).toMatchObject({
      state: 'staying',
      reason: 'Something else was asked of the server.',
    })
    await inStep()
  })

  test.each(['before it is ready', 'after it came'])('goes with a server that is deleted %s', async (when) => {
    const { remove, plimsoll } = world
    await arrive()
    if (when !== 'before it is ready') await report(await world.reportPath(movable))
    await remove([movable])
    expect((await world.demo.get(`/compute/v2.1/servers/${movable}`)).status).toBe(404)
    expect(await machinesOf(movable)).toEqual({ dc1: 0, outside: 0 })
    await inStep()
    expect(await plimsoll.db.all(sql`select * from server_moves`)).toEqual([])
    expect(await plimsoll.db.all(sql`select * from lingering_addresses`)).toEqual([])
  })

  test('that its cloud has no room for is none, and nothing is asked of it again for a while', async () => {
    const { plimsoll, later, homecoming, events, cloudOf } = world
    const { cloudState } = plimsoll.host
    await plantFaults(cloudState, plimsoll.cloudId('dc1'), [{ method: 'server.create', fault: 'capacity', count: 9 }])
    await later(AFTER)
    await later(30_000)
    await plimsoll.settle()
    expect(await cloudOf(movable)).toBe('outside')
    expect(await homecoming(movable)).toMatchObject({
      state: 'staying',
      reason: expect.stringMatching(/^No machine could be made at home: /),
    })
    expect(await events(movable)).toEqual(expect.arrayContaining(['homecoming_failed', 'place_refused']))
    expect(await machinesOf(movable)).toEqual({ dc1: 0, outside: 1 })
    await inStep()
  })

  test('keeps its server from being handed back', async () => {
    await arrive()
    const answer = await world.admin.post('/broker/v1/release', { resource_ids: [movable] })
    expect(JSON.stringify(answer.body)).toContain('Something is under way with it')
  })
})
