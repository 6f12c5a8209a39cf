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

  await freeLeases(plimsoll.db)
  for (let round = 0; round < 10; round++) {
    await convergeDue(plimsoll.context(), 1_000)
    plimsoll.clock.advance(1_000)
  }
  expect(await statusOf()).toBe('available')
  expect(plimsoll.clock.now - died).toBeLessThan(60_000)
})
