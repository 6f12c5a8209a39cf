import { beforeEach, describe, expect, test } from 'vitest'
import { AFTER, type Away, awayFromHome, GRACE, MOVABLE } from './world.ts'

let world: Away
beforeEach(async () => {
  world = await awayFromHome()
})

/** Home full, one out that may come back and one that may not, and home freed again. */
const freed = async (wish: object = {}) => {
  const { boot, fill, remove, cloudOf, known } = world
  const home = await fill()
  const user_data = Buffer.from('#!/bin/sh\ntrue\n').toString('base64')
  const movable = await boot({ name: 'm', metadata: { ...MOVABLE, a: 'b' }, tags: ['t'], user_data, ...wish })
  const other = await boot({ name: 'o' })
  expect([await cloudOf(movable), await cloudOf(other)]).toEqual(['outside', 'outside'])
  await remove(home.slice(0, 3))
  await known()
  return { movable, other, home: home.slice(3) }
}

describe('a server that may come home', () => {
  test('comes when home has been below its mark for a while: another machine under the same id, ready first', async () => {
    const { later, server, addressOf, machines, homecoming, reportPath, plimsoll, events, cloudOf } = world
    const { movable, other } = await freed()
    const before = await server(movable)
    const address = await addressOf(movable)
    await later(AFTER / 2)
    expect(await machines('dc1')).toHaveLength(3)
    await later(AFTER)
    await later(30_000)
    expect(await machines('dc1')).toHaveLength(4)
    expect(await homecoming(movable)).toMatchObject({ state: 'arriving', beside: { cloud: 'dc1' }, ready_at: null })
    expect(await server(movable), 'nothing of it is shown').toEqual(before)
    expect(await addressOf(movable)).toEqual(address)
    expect(await homecoming(other)).toBeNull()

    const told = await plimsoll.nobody.post(await reportPath(movable), undefined)
    expect(told.status).toBe(204)
    await plimsoll.runDeferred()
    expect(await cloudOf(movable)).toBe('dc1')
    const after = await server(movable)
    for (const same of [
      'id',
      'name',
      'metadata',
      'tags',
      'created',
      'status',
      'flavor',
      'image',
      'OS-SRV-USG:launched_at',
    ])
      expect(after[same], same).toEqual(before[same])
    expect(await addressOf(movable)).toMatchObject({ lies: 'dc1', ports: 1 })
    expect(await events(movable)).toContain('homecoming')
    expect(await homecoming(movable)).toMatchObject({ state: 'leaving', beside: { cloud: 'outside' } })

    await later(1_000)
    const old = (await machines('outside')).find(({ mark }) => mark?.resource === movable)
    expect(old?.power, 'it was shut down, and is there for its grace').toBe('stopped')
    await later(GRACE)
    await plimsoll.settle()
    expect((await machines('outside')).map(({ mark }) => mark?.resource)).toEqual([other])
    expect((await machines('dc1')).filter(({ mark }) => mark?.resource === movable)).toHaveLength(1)
    expect(await homecoming(movable)).toBeNull()
    expect(await cloudOf(other)).toBe('outside')
    expect(plimsoll.logged.filter(({ level }) => level === 'error')).toEqual([])
  })
})
