import type { Json } from '../../../adapters/contract.ts'
import { cloudById } from '../../../db/queries/clouds/clouds.ts'
import type { Policy } from '../../../db/schema/index.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { decreeForAll } from '../../../functions/broker/clouds/policy.ts'
import type { Stage } from '../stage.ts'
import { Strangers } from '../strangers.ts'
import type { Scenario } from './props.ts'

/** Home is the first cloud, with so many vCPUs, all of which are below its mark; the second has enough. `more`: options of both. */
export const home = async (
  stage: Stage,
  vcpus: number,
  policy: Partial<Policy> = {},
  more: Record<string, Json> = {},
) => {
  await stage.open({ profile: 'token', ...more }, [], true)
  const room = { vcpus, ram_mib: 1_000_000 }
  const options = JSON.stringify({ log_calls: 0, profile: 'token', ...more, mark: 1, room })
  const { d1, cloudId } = stage.world
  await d1.prepare('update clouds set options = ? where id = ?').bind(options, cloudId).run()
  await decreeForAll(stage.context(0), { chain: ['sandbox', 'other'], ...policy })
}

/** Where a server is: at home, out, or nowhere. */
export const placeOf = async ({ world: { d1, cloudId } }: Stage, id: string): Promise<'home' | 'out' | 'nowhere'> => {
  const at = await d1.prepare('select cloud_id as at from servers where id = ?').bind(id).first<string>('at')
  return at === null ? 'nowhere' : at === cloudId ? 'home' : 'out'
}

const made = async (stage: Stage, n: 0 | 1 = 0) => {
  const id = await stage.newServer(n)
  return { id, at: await placeOf(stage, id) }
}

/** Home first, and out above its mark. */
export const marks: Record<string, Scenario> = {
  /** Both have looked before one of them writes: one place is left. */
  async 'two at one mark'(stage) {
    await home(stage, 1)
    const held = stage.hold(0, /insert into "servers"/)
    const first = made(stage, 0)
    await held.reached
    const second = await made(stage, 1)
    held.release()
    const places = [(await first).at, second.at].sort()
    stage.expect(places.join() === 'home,out', `they are at ${places.join()}`)
    await stage.settle()
    return stage.judge()
  },

  /** As many at once as two processes take. */
  async 'thirty-two at one mark'(stage) {
    await home(stage, 20)
    const all = await Promise.all(Array.from({ length: 32 }, (_, i) => made(stage, (i % 2) as 0 | 1)))
    const count = (where: string) => all.filter(({ at }) => at === where).length
    stage.expect(count('home') === 20 && count('out') === 12, `${count('home')} at home, ${count('out')} out`)
    await stage.settle()
    return stage.judge()
  },

  /** Two want the last place of what may be out. */
  async 'two at one cap'(stage) {
    await home(stage, 0, { spill_cap: { instances: 1 } })
    const held = stage.hold(0, /insert into "servers"/)
    const first = made(stage, 0)
    await held.reached
    const second = await made(stage, 1)
    held.release()
    const places = [(await first).at, second.at].sort()
    stage.expect(places.join() === 'nowhere,out', `they are at ${places.join()}`)
    return stage.judge({ settled: false })
  },

  /** One leaves home when that is full: the next would take its place, the one after it go out, and so on. */
  async 'one leaves a full home'(stage) {
    await home(stage, 4, { hysteresis: 0.5 })
    const all = []
    for (let i = 0; i < 5; i++) all.push(await made(stage))
    await stage.settle()
    const leave = async (id: string) => {
      await stage.send(0, 'DELETE', `/compute/v2.1/servers/${id}`)
      await stage.settle()
    }
    await leave(all[0]!.id)
    const soon = (await made(stage)).at
    await leave(all[1]!.id)
    const later = (await made(stage)).at
    const places = [...all.map(({ at }) => at), soon, later].join()
    stage.expect(places === 'home,home,home,home,out,out,home', `they are at ${places}`)
    await stage.settle()
    return stage.judge()
  },

  /** Nothing is out yet, and home is full: the cap of what is out has room for one. */
  async 'a cap below what is at home'(stage) {
    await home(stage, 2, { spill_cap: { instances: 1 } })
    const all = []
    for (let i = 0; i < 4; i++) all.push((await made(stage)).at)
    stage.expect(all.join() === 'home,home,out,nowhere', `they are at ${all.join()}`)
    return stage.judge({ settled: false })
  },

  /** What is out is no part of how full home is: one that leaves makes room for one. */
  async 'home with much outside'(stage) {
    await home(stage, 2, { hysteresis: 0 })
    const all = []
    for (let i = 0; i < 6; i++) all.push(await made(stage))
    await stage.settle()
    await stage.send(0, 'DELETE', `/compute/v2.1/servers/${all[0]!.id}`)
    await stage.settle()
    const places = [...all.map(({ at }) => at), (await made(stage)).at].join()
    stage.expect(places === 'home,home,out,out,out,out,home', `they are at ${places}`)
    await stage.settle()
    return stage.judge()
  },

  /** Somebody else has a machine at home. The inventory is taken while one of ours is on its way, and not there yet. */
  async 'an inventory while one is on its way'(stage) {
    await home(stage, 3, { hysteresis: 0 })
    await new Strangers(stage.memory, stage.world.cloudId, stage.scheduler).machine()
    const first = await made(stage)
    const row = (await cloudById(stage.context(0).db, stage.world.cloudId))!
    await refreshInventory(stage.context(0), row)
    const places = [first.at, (await made(stage)).at, (await made(stage)).at].join()
    stage.expect(places === 'home,home,out', `they are at ${places}`)
    await stage.settle()
    return stage.judge()
  },
}
