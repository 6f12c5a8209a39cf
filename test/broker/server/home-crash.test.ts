import { expect, test } from 'vitest'
import { createApp } from '../../../functions/app.ts'
import { bringHome } from '../../../functions/broker/compute/home/homecoming.ts'
import { convergeDue } from '../../../functions/broker/converge/converge.ts'
import { reconcile } from '../../../functions/broker/reconcile/reconcile.ts'
import type { Context } from '../../../functions/context.ts'
import { AFTER, type Away, awayFromHome, GRACE, MOVABLE } from '../../api/broker/home/world.ts'
import { addressFaults, besideFaults, markFaults, moneyFaults } from '../../simulate/invariants.ts'
import { endDatabases } from '../../support/databases/lent.ts'
import type { Plimsoll } from '../../support/harness.ts'
import { outOfStep } from '../../support/in-step.ts'
import { mortal } from '../../support/mortal.ts'
import { long, turn } from '../../support/rounds.ts'
import { runtime } from '../../support/runtime.ts'

/** Every few steps, fewer where rounds are short, from another one on each day: on workerd each death costs ten times as much. */
const STRIDE = runtime === 'workerd' ? 211 : long ? 7 : 29
const FIRST = 1 + turn(Math.min(STRIDE, 29))

const quick = { build_ms: 200, boot_ms: 200, delete_ms: 200, log_calls: 0 }

/** A server that may come, out; home below its mark for long enough. */
const about = async () => {
  const world = await awayFromHome({ options: quick })
  const home = await world.fill()
  const id = await world.boot({ name: 'm', metadata: MOVABLE })
  await world.remove(home.slice(0, 3))
  await world.known()
  world.plimsoll.clock.advance(AFTER)
  await world.plimsoll.settle()
  const { imageRef, network, subnets } = world
  return { id, laid: { imageRef, network, subnets }, like: await world.plimsoll.keep() }
}

/** What is so at every committed state. */
const whole = async ({ host: { d1 } }: Plimsoll, when: string) => {
  for (const faults of [addressFaults, besideFaults, markFaults, moneyFaults])
    expect(await faults(d1), when).toEqual([])
}

/** A process that brings the server home, reports, and removes the old machine, until it dies at its n-th step. */
const liveAndDie = async (world: Away, id: string, dieAt: number) => {
  const { plimsoll } = world
  const { host, life } = mortal(plimsoll.host, dieAt)
  const context: Context = { ...host, requestId: 'req-mortal', caller: null, scope: { every: true } }
  const quietly = (work: () => Promise<unknown>) => work().catch(() => undefined)
  const drain = async () => {
    for (let work = life.deferred.shift(); work && !life.dead; work = life.deferred.shift()) await quietly(work)
  }
  const rounds = async (count: number) => {
    for (let round = 0; round < count && !life.dead; round++) {
      await drain()
      plimsoll.clock.advance(1_000)
      await quietly(() => convergeDue(context, 60_000))
    }
  }
  await quietly(() => bringHome(context, 60_000))
  await rounds(4)
  if (!life.dead) {
    const path = await world.reportPath(id)
    await quietly(async () => createApp(host).fetch(new Request(`http://plimsoll.test${path}`, { method: 'POST' })))
    await rounds(4)
  }
  if (!life.dead) {
    plimsoll.clock.advance(GRACE)
    await rounds(8)
  }
  return life
}

test('a server comes home, or stays, and is one, whenever the process dies that brings it', {
  timeout: 240_000,
}, async () => {
  const { id, ...kept } = await about()
  let deaths = 0
  const ended = new Set<string>()
  for (let dieAt = FIRST; ; dieAt += STRIDE) {
    endDatabases()
    const world = await awayFromHome({ options: quick, ...kept })
    const { plimsoll } = world
    const life = await liveAndDie(world, id, dieAt)
    await whole(plimsoll, `dead at step ${dieAt}`)
    if (life.dead) {
      deaths++
      // Whoever comes next finds the claims of the dead run out.
      await world.later(61_000)
      await plimsoll.settle()
      const { state } = (await world.homecoming(id)) ?? {}
      if (state === 'arriving') {
        await plimsoll.nobody.post(await world.reportPath(id), undefined)
        await plimsoll.settle()
      }
      await world.later(GRACE)
      await plimsoll.settle()
      await reconcile(plimsoll.context(), 60_000)
      await plimsoll.settle()
    }
    await whole(plimsoll, `after a death at step ${dieAt}`)
    const { status } = await world.server(id)
    ended.add(`${status} on ${await world.cloudOf(id)}`)
    for (const cloud of ['dc1', 'outside'])
      expect(await outOfStep(plimsoll, cloud), `${cloud}, dead at step ${dieAt}`).toEqual([])
    if (!life.dead) break
  }
  expect(deaths).toBeGreaterThan(runtime === 'workerd' ? 1 : long ? 20 : 5)
  expect([...ended]).toEqual(['ACTIVE on dc1'])
})
