import { expect, test } from 'vitest'
import { freeLeases } from '../../db/queries/line/leases.ts'
import { convergeDue } from '../../functions/broker/converge/converge.ts'
import type { Context } from '../../functions/context.ts'
import { startPlimsoll } from '../support/harness.ts'
import { mortal } from '../support/mortal.ts'

test('what a killed process held is free for the one that starts in its place, without waiting for its leases', async () => {
  const plimsoll = await startPlimsoll()
  const demo = plimsoll.as('demo')
  const volumes = `/volume/v3/${plimsoll.projectId('demo')}/volumes`
  const { id } = (await demo.post(volumes, { volume: { size: 1 } })).body.volume
  const statusOf = async () => (await demo.get(`${volumes}/${id}`)).body.volume.status

  // It dies with the claim in its hand, before the cloud has heard of anything.
  const { host, life } = mortal(plimsoll.host, 6)
  const dying: Context = { ...host, requestId: 'req-mortal', caller: null, scope: { every: true } }
  await convergeDue(dying, 60_000).catch(() => undefined)
  expect(life.dead).toBe(true)
  const died = plimsoll.clock.now
  await convergeDue(plimsoll.context(), 1_000)
  expect(await statusOf(), 'its lease is still running').toBe('creating')

  await freeLeases(plimsoll.db, plimsoll.clock.now)
  for (let round = 0; round < 10; round++) {
    await convergeDue(plimsoll.context(), 1_000)
    plimsoll.clock.advance(1_000)
  }
  expect(await statusOf()).toBe('available')
  expect(plimsoll.clock.now - died).toBeLessThan(60_000)
})

/** A cloud that would make another object, asked for a volume by a process that was not answered and has died. */
const unanswered = async () => {
  const options = { profile: 'none', faults: [{ method: 'volume.create', fault: 'ambiguous_before', count: 1 }] }
  const plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', options }] })
  const demo = plimsoll.as('demo')
  const volumes = `/volume/v3/${plimsoll.projectId('demo')}/volumes`
  const { id } = (await demo.post(volumes, { volume: { size: 1 } })).body.volume
  await convergeDue(plimsoll.context(), 1_000)
  /** Works until it is so long after the death; what is the volume then? */
  const at = async (context: Context, ms: number): Promise<string> => {
    while (plimsoll.clock.now < died + ms) {
      plimsoll.clock.advance(500)
      await convergeDue(context, 1_000)
    }
    return (await demo.get(`${volumes}/${id}`)).body.volume.status
  }
  const died = plimsoll.clock.now
  return { plimsoll, at }
}

test('a process that has the database to itself waits for calls of the one before no longer than they may take', async () => {
  const { plimsoll, at } = await unanswered()
  await at(plimsoll.context(), 5_000)
  const aloneSince = plimsoll.clock.now
  const next: Context = { ...plimsoll.context(), aloneSince }
  await freeLeases(plimsoll.db, aloneSince)
  expect(await at(next, 34_000), 'what the dead one asked for may still come').toBe('creating')
  expect(await at(next, 40_000)).toBe('available')
})

test('one among others waits until none of them can call any more', async () => {
  const { plimsoll, at } = await unanswered()
  expect(await at(plimsoll.context(), 59_000)).toBe('creating')
  expect(await at(plimsoll.context(), 66_000)).toBe('available')
})

test('what is asked by the new process itself is waited for as ever', async () => {
  const { plimsoll, at } = await unanswered()
  const next: Context = { ...plimsoll.context(), aloneSince: plimsoll.clock.now - 1_000 }
  expect(await at(next, 59_000)).toBe('creating')
  expect(await at(next, 66_000)).toBe('available')
})
