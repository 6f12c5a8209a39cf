import { beforeEach, expect, test } from 'vitest'
import { besideFaults, markFaults, moneyFaults } from '../../../simulate/invariants.ts'
import type { Beginning } from '../../../support/databases/beginnings.ts'
import { outOfStep } from '../../../support/in-step.ts'
import { AFTER, type Away, awayFromHome, GRACE, MOVABLE, READY } from './world.ts'

const MINUTE = 60_000

let world: Away
let id: string
beforeEach(async () => {
  world = await awayFromHome()
  const home = await world.fill()
  id = await world.boot({ name: 'm', metadata: MOVABLE })
  await world.remove(home.slice(0, 3))
  await world.known()
  await world.later(AFTER)
  await world.later(30_000)
  expect(await world.homecoming(id)).toMatchObject({ state: 'arriving' })
})

const report = async () => {
  expect((await world.plimsoll.nobody.post(await world.reportPath(id), undefined)).status).toBe(204)
  await world.plimsoll.runDeferred()
  expect(await world.cloudOf(id)).toBe('dc1')
}
/** The old machine has had its grace, and is gone. */
const leave = async () => {
  await world.later(GRACE)
  await world.plimsoll.settle()
  expect(await machinesOf()).toEqual([expect.stringMatching(/^dc1 /)])
}
const machinesOf = async () => {
  const of = async (cloud: 'dc1' | 'outside') =>
    (await world.machines(cloud)).filter(({ mark }) => mark?.resource === id).map((machine) => `${cloud} ${machine.id}`)
  return [...(await of('dc1')), ...(await of('outside'))]
}
/** The same broker with a database of an earlier time, over the clouds as they are now, some minutes later. */
const restore = async (backup: Beginning, minutes: number) => {
  const { plimsoll, imageRef, network, subnets } = world
  const cloudState = plimsoll.host.cloudState as Beginning['cloudState']
  const now = plimsoll.clock.now + minutes * MINUTE
  world = await awayFromHome({
    like: { ...backup, cloudState: cloudState.copy() },
    laid: { imageRef, network, subnets },
  })
  world.plimsoll.clock.now = now
}
const minutes = async (count: number) => {
  for (let minute = 0; minute < count; minute++) {
    await world.later(MINUTE)
    await world.plimsoll.settle()
  }
}
/** It is the machine that it was, at home, and no other is left. */
const found = async (current: string) => {
  expect(await machinesOf()).toEqual([current])
  expect([await world.cloudOf(id), (await world.server(id)).status]).toEqual(['dc1', 'ACTIVE'])
  expect((await world.server(id)).fault).toBeUndefined()
  expect(await world.homecoming(id)).toBeNull()
  for (const faults of [besideFaults, markFaults, moneyFaults]) expect(await faults(world.plimsoll.host.d1)).toEqual([])
  for (const cloud of ['dc1', 'outside']) expect(await outOfStep(world.plimsoll, cloud), cloud).toEqual([])
}

test('a database of when an old machine was leaving finds the current one again, and that the other is gone', async () => {
  await report()
  const backup = await world.plimsoll.keep()
  await leave()
  const [current] = await machinesOf()
  await restore(backup, 12)
  await minutes(15)
  await found(current!)
})

test('a database of when the new machine was arriving takes it for no failure: the old one is gone, so it is the server', async () => {
  const backup = await world.plimsoll.keep()
  await report()
  await leave()
  const [current] = await machinesOf()
  await restore(backup, READY / MINUTE + 1)
  await minutes(20)
  await found(current!)
})
