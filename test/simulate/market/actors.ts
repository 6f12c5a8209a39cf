import { reclaim } from '../../../adapters/sandbox/backdoor.ts'
import { allClouds } from '../../../db/queries/clouds/clouds.ts'
import { refreshInventory, takeInventory } from '../../../functions/broker/clouds/inventory.ts'
import { wordOf } from '../../../functions/broker/compute/home/arrive.ts'
import { bringHome } from '../../../functions/broker/compute/home/homecoming.ts'
import { spendDue } from '../../../functions/broker/compute/lease/budget-end.ts'
import { endLeases } from '../../../functions/broker/compute/lease/lease-end.ts'
import type { Considered } from '../../../functions/broker/compute/place/explanation.ts'
import { LATELY } from '../../../functions/broker/compute/place/rank.ts'
import { beat } from '../../../functions/broker/line/epoch.ts'
import { settleDue } from '../../../functions/broker/money/settle.ts'
import type { Context } from '../../../functions/context.ts'
import type { Client } from '../client.ts'
import type { Dice } from '../dice.ts'
import { BROKER, newServer } from '../stories/talk.ts'
import type { Auditor } from './auditor.ts'

const BUDGET = 25_000

/** What comes round in a process besides: each now and then, so that they meet in any order. */
export const loops = async (context: Context, dice: Dice): Promise<void> => {
  await beat(context)
  if (dice.chance(0.8)) await bringHome(context, BUDGET)
  for (const loop of [spendDue, takeInventory, endLeases]) if (dice.chance(0.3)) await loop(context, BUDGET)
}

const ARRIVING = "select server_id as id, seed from server_moves where state = 'arriving' and ready_at is null"

/** Guests of machines that arrive say that they are ready: one after the other, late, or never. */
export const guests = async (c: Client, over: () => boolean): Promise<void> => {
  const { scheduler } = c.scene
  while (!over()) {
    await scheduler.sleep(null, c.dice.between(2_000, 40_000))
    if (over() || !c.dice.chance(0.7)) continue
    await reportAll(c)
  }
}

const reportAll = async (c: Client): Promise<void> => {
  const { d1, slots, context } = c.world
  const read = () => d1.prepare(ARRIVING).all<{ id: string; seed: string }>()
  const { results } = await c.scene.scheduler.step(null, read, null, ARRIVING)
  for (const { id, seed } of results) await c.post(`${BROKER}/arrivals/${wordOf(context(slots[0]!), id, seed)}`, {})
}

/** Clouds take back what they sold as spot, one machine after the other. */
export const takers = async (c: Client, auditor: Auditor, longest: number, over: () => boolean): Promise<void> => {
  const { scheduler } = c.scene
  while (!over()) {
    await scheduler.sleep(null, c.dice.between(1_000, longest))
    const now = scheduler.now
    const sold = auditor.wire.running(now).filter(({ spec, readyAt }) => spec.option === 'spot' && readyAt <= now)
    if (over() || !sold.length) continue
    const machine = c.dice.pick(sold)
    const take = () => reclaim(auditor.wire, machine.cloud, machine.id, scheduler.now)
    if (await scheduler.step(null, take, null, 'take back')) auditor.took(machine, scheduler.now)
  }
}

/** The least time between two looks at what is on its way home, in milliseconds. */
const LOOK = 10_000
const NEXT = `select min(due) as due from (select min(due_at) as due from server_moves where state <> 'staying'
  union all select min(lease_due_at) from servers where deleted_at is null and locked = 0 and lease_due_at is not null and lease_due_at <= ?
    and (lease_end = 'delete' or vm_state <> 'stopped' and launched_at is not null))`

/** One look, in a world at rest, at what is on its way home and whose time is over; false: nothing is, and none is `asked` for. */
export const lookRound = async (c: Client, context: Context, asked: boolean): Promise<boolean> => {
  const { scheduler, world } = c.scene
  const due = await world.d1.prepare(NEXT).bind(scheduler.now).first<number>('due')
  if (due === null && !asked) return false
  scheduler.reach(Math.max(Math.min(due ?? Number.POSITIVE_INFINITY, scheduler.now + LOOK), scheduler.now + 1))
  await reportAll(c)
  for (const loop of [bringHome, spendDue, endLeases]) await loop(context, BUDGET)
  return true
}

/** All that ran is in the books. */
export const settleAll = async (context: Context): Promise<void> => {
  await settleDue(context, BUDGET)
}

/** So long nobody asks again for what was refused, at most, in milliseconds; and for what is not sold before the next inventory. */
const LONGEST_REFUSAL = 15 * 60_000
const CONSIDERED = `select explanation ->> '$.considered' as considered from server_placements where server_id = ?`

/** When the time of all that clouds refused is over, a new server is weighed as if nothing had been refused. */
export const asksAgain = async (c: Client, auditor: Auditor, context: Context): Promise<void> => {
  const { scheduler, world } = c.scene
  if (!auditor.scarce) return
  scheduler.pass(LONGEST_REFUSAL + 1)
  for (const cloud of await allClouds(context.db)) await refreshInventory(context, cloud)
  const id = await newServer(c, 'none', { availability_zone: undefined })
  if (!id) return
  const considered = await world.d1.prepare(CONSIDERED).bind(id).first<string>('considered')
  for (const { cloud, size, refused } of JSON.parse(considered ?? '[]') as Considered[])
    if (refused?.rule === LATELY) c.scene.fault(`size ${size} of ${cloud} is never asked for again`)
}
