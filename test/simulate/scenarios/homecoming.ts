import type { Json } from '../../../adapters/contract.ts'
import { plantFaults, reclaim } from '../../../adapters/sandbox/backdoor.ts'
import type { FaultRule } from '../../../adapters/sandbox/faults.ts'
import { allClouds } from '../../../db/queries/clouds/clouds.ts'
import { driveBursts } from '../../../functions/broker/burst/turn.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { wordOf } from '../../../functions/broker/compute/home/arrive.ts'
import { bringHome } from '../../../functions/broker/compute/home/homecoming.ts'
import { Killed } from '../../support/mortal.ts'
import { Stage } from '../stage.ts'
import { HOMECOMING } from '../world.ts'
import { home, placeOf } from './marks.ts'
import type { Scenario } from './props.ts'

const { afterMs: AFTER, graceMs: GRACE } = HOMECOMING
/** So many steps after its cloud showed it, and every so many of them, a process is killed. */
const [LAST, STRIDE] = [33, 4]
const MOVABLE = { 'plimsoll:movable': 'true' }

const turn = async (stage: Stage) => {
  await bringHome(stage.context(0), 25_000)
  await stage.settle(30_000)
}
/** Bought outside as spot, which its cloud may take back. */
const SPOT = { sizes: [{ name: 'one', vcpus: 1, ram_mib: 1024, disk_gib: 20, price: 0.02, spot_price: 0.01 }] }

const tell = (stage: Stage, id: string, metadata: Record<string, string>) =>
  stage.send(1, 'POST', `/compute/v2.1/servers/${id}/metadata`, { metadata })

/** One is out that may come home, where there has been room for one for long enough. */
const mayCome = async (stage: Stage, sold: Record<string, Json> = {}): Promise<string> => {
  await home(stage, 1, { hysteresis: 0, spot: 'preferred' }, sold)
  if (sold.sizes) await sell(stage)
  const first = await stage.newServer()
  const id = await stage.newServer()
  await stage.settle()
  await tell(stage, id, MOVABLE)
  stage.expect((await placeOf(stage, id)) === 'out', 'it is not out')
  await stage.send(0, 'DELETE', `/compute/v2.1/servers/${first}`)
  await stage.settle()
  await turn(stage)
  stage.scheduler.pass(AFTER)
  return id
}

/** Another machine is made for it there. */
const arriving = async (stage: Stage, sold: Record<string, Json> = {}, faults: FaultRule[] = []): Promise<string> => {
  const id = await mayCome(stage, sold)
  await plantFaults(stage.memory, stage.world.cloudId, faults)
  await turn(stage)
  if (faults.length) return id
  stage.expect((await stage.live('server')).length === 2, 'no machine was made at home')
  return id
}

/** What both clouds sell is read, and the image is what it was on both. */
const sell = async (stage: Stage): Promise<void> => {
  const context = stage.context(0)
  for (const cloud of await allClouds(context.db)) await refreshInventory(context, cloud)
  const { d1, image, otherId } = stage.world
  await d1
    .prepare(
      "update bindings set phase = 'bound', want = 'present', named = 1 where kind = 'image' and resource_id = ? and cloud_id = ?",
    )
    .bind(image, otherId)
    .run()
}

/** The cloud outside takes the one that is there back, and shows that. */
const takeBack = async (stage: Stage): Promise<void> => {
  const { d1, otherId } = stage.world
  const machine = await d1
    .prepare("select native_id as id from bindings where kind = 'server' and cloud_id = ? and phase = 'bound'")
    .bind(otherId)
    .first<string>('id')
  const taken = machine !== null && (await reclaim(stage.memory, otherId, machine, stage.scheduler.now))
  stage.expect(taken, 'the cloud outside has none to take back')
  stage.scheduler.pass(1_000)
  await stage.sweep(1)
}

/** Its guest says that it is ready. */
const report = async (stage: Stage, id: string) => {
  const seed = await stage.world.d1
    .prepare('select seed from server_moves where server_id = ?')
    .bind(id)
    .first<string>('seed')
  await stage.send(1, 'POST', `/broker/v1/arrivals/${wordOf(stage.context(0), id, seed ?? '')}`)
}

/** The old machine has had its time. */
const leave = async (stage: Stage, id: string) => {
  stage.expect((await placeOf(stage, id)) === 'home', 'it did not come home')
  stage.scheduler.pass(GRACE)
  await turn(stage)
  await stage.settle(90_000)
  stage.expect((await stage.live('server')).length === 1, 'it has two machines')
  return stage.judge()
}

export const homecoming: Record<string, Scenario> = {
  async 'a machine that is not ready'(stage) {
    const id = await arriving(stage)
    await turn(stage)
    stage.expect((await placeOf(stage, id)) === 'out', 'it came before it was ready')
    await report(stage, id)
    await stage.settle(30_000)
    return leave(stage, id)
  },

  /** A process is about to make a machine for it, and another is faster. */
  async 'two bring one home'(stage) {
    const id = await mayCome(stage)
    const held = stage.hold(0, /insert into "server_moves"/)
    const late = bringHome(stage.context(0), 25_000)
    await held.reached
    await bringHome(stage.context(1), 25_000)
    held.release()
    await late
    await stage.settle(30_000)
    await report(stage, id)
    await stage.settle(30_000)
    return leave(stage, id)
  },

  /** It is ready, and the process is about to write that it is the server: that is busy by then. */
  async 'busy at the last moment'(stage) {
    const id = await arriving(stage)
    await report(stage, id)
    const held = stage.hold(0, /update "server_moves" set/)
    const coming = stage.settle(1_000)
    await held.reached
    await tell(stage, id, { 'plimsoll:busy': 'true' })
    held.release()
    await coming
    await stage.settle(90_000)
    stage.expect((await placeOf(stage, id)) === 'out', 'it came while it was busy')
    await tell(stage, id, { 'plimsoll:busy': 'false' })
    await turn(stage)
    await stage.settle(90_000)
    return leave(stage, id)
  },

  /** It is ready at home and busy, when its cloud takes the other machine back: there is no moment without the one that is ready. */
  async 'taken back while another is ready'(stage) {
    const id = await arriving(stage, SPOT)
    await tell(stage, id, { 'plimsoll:busy': 'true' })
    await report(stage, id)
    await stage.settle(1_000)
    await takeBack(stage)
    const [ready] = await stage.live('server')
    await stage.settle()
    await stage.minutes(3)
    const there = (await stage.live('server')).map((each) => each.id).join()
    stage.expect(there === ready?.id, `not the machine that was ready, but ${there || 'none'}`)
    stage.expect((await placeOf(stage, id)) === 'home', 'it is not the one that was ready')
    return stage.judge()
  },

  /** Home has no room for what arrives; before a process has said so another finds that the machine outside was taken back. */
  async 'taken back while another is refused'(stage) {
    const id = await arriving(stage, SPOT, [{ method: 'server.create', fault: 'throttled' }])
    await plantFaults(stage.memory, stage.world.cloudId, [{ method: 'server.create', fault: 'capacity', count: 1 }])
    stage.scheduler.pass(30_000)
    const held = stage.hold(0, /update "server_moves" set/)
    const refused = stage.work(0)
    await held.reached
    await takeBack(stage)
    await stage.work(1)
    held.release()
    await refused
    await stage.settle()
    await stage.minutes(3)
    stage.expect((await stage.live('server')).length === 1, 'it is not one machine')
    stage.expect((await placeOf(stage, id)) !== 'nowhere', 'it is nowhere')
    return stage.judge()
  },

  /** There is money for two machines of a burst. A process is about to make the second of its member, at home; another admits a member. */
  async 'another member of a burst, and one that comes home'(stage) {
    await home(stage, 2, { hysteresis: 0 }, { sizes: [{ ...SPOT.sizes[0]!, price: 0.01 }] })
    await sell(stage)
    const fillers = [await stage.newServer(), await stage.newServer()]
    const farm = { name: 'farm', flavor: '1', image: stage.world.image, networks: 'none' }
    const wish = { ...farm, max_hourly_cost: { amount: '0.025', currency: 'USD' }, metadata: MOVABLE }
    const { burst } = await stage.send(0, 'POST', '/broker/v1/bursts', { ...wish, count: { min: 1, max: 1 } })
    await driveBursts(stage.context(0), 25_000)
    await stage.settle()
    for (const id of fillers) await stage.send(0, 'DELETE', `/compute/v2.1/servers/${id}`)
    await stage.settle()
    await turn(stage)
    stage.scheduler.pass(AFTER)
    const held = stage.hold(0, /insert into "server_moves"/)
    const coming = bringHome(stage.context(0), 25_000)
    await held.reached
    await stage.send(1, 'PATCH', `/broker/v1/bursts/${burst.id}`, { count: { min: 1, max: 2 } })
    await driveBursts(stage.context(1), 25_000)
    held.release()
    await coming
    await stage.settle()
    const machines = (await stage.live('server')).length
    stage.expect(machines === 2, `the burst has ${machines} machines, and money for two`)
    return stage.judge()
  },

  /** A process is killed, step by step, while it lets what arrives stand in for what its cloud took back; another goes on. */
  async 'taken back while another arrives, and killed'({ world }) {
    for (let dieAt = 1; dieAt <= LAST; dieAt += STRIDE) {
      const stage = new Stage(world)
      const id = await arriving(stage, SPOT)
      await takeBack(stage)
      const { life } = stage.slot(0)
      let steps = 0
      stage.scheduler.before = (who) => {
        if (who === life && ++steps >= dieAt) throw new Killed()
      }
      await stage.settle().catch(() => null)
      stage.scheduler.before = null
      stage.expect(steps >= dieAt, `there is no step ${dieAt}`)
      world.restart(stage.slot(0))
      stage.scheduler.pass(61_000)
      await stage.settle()
      await stage.minutes(2)
      const at = `killed at ${dieAt}`
      stage.expect((await placeOf(stage, id)) === 'home', `${at}: it is not at home`)
      stage.expect((await stage.live('server')).length === 1, `${at}: it is not one machine`)
      stage.expect(
        (await stage.count("select count(*) as n from servers where status = 'ACTIVE'")) === 1,
        `${at}: it does not run`,
      )
      const found = await stage.judge()
      if (found.length) return found
    }
    return []
  },
}
