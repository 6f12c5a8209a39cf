import type { FaultRule } from '../../../adapters/sandbox/faults.ts'
import type { SizeSetting } from '../../../adapters/sandbox/options.ts'
import { allClouds } from '../../../db/queries/clouds/clouds.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { decree } from '../../../functions/broker/clouds/policy.ts'
import { type PolicyGiven, policyIn } from '../../../functions/broker-api/policy-shape.ts'
import type { Dice } from '../dice.ts'
import type { World } from '../world.ts'

export type Said = PolicyGiven['policy']

/** A cloud has nothing left of a size in a zone, from one turn of the run to another. */
export interface Scarcity {
  cloud: 'sandbox' | 'other'
  rule: FaultRule
  from: number
  until: number
}

/** What there is to buy in a run where servers may go home and out, be taken back, and cost something. */
export interface Market {
  sizes: SizeSetting[]
  /** vCPUs that home has. */
  room: number
  /** What is said of the project at first. */
  said: Said
  scarcities: Scarcity[]
  /** Longest between two servers that clouds take back, in milliseconds. */
  takesBack: number
}

const SIZES = ['one', 'two', 'four']
const ZONES = ['a', 'b']
const HOME = 'sandbox'

const usd = (micros: number) => ({ amount: micros / 1e6, currency: 'USD' })

/** Some of a chance, and otherwise nothing. */
const perhaps = <T>(dice: Dice, chance: number, some: () => T): T | undefined =>
  dice.chance(chance) ? some() : undefined

const sizesOf = (dice: Dice): SizeSetting[] =>
  SIZES.map((name, i) => {
    const vcpus = 2 ** i
    const price = perhaps(dice, 0.9, () => (dice.between(8, 12) * vcpus) / 1000)
    const spot = perhaps(dice, 0.7, () => (dice.between(2, 4) * vcpus) / 1000)
    return {
      ...{ name, vcpus, ram_mib: vcpus * 2048, disk_gib: 20 },
      ...(price === undefined ? {} : { price }),
      ...(spot === undefined ? {} : { spot_price: spot }),
    }
  })

/** What an administrator says of the project: home first, up to a mark, and never more than that money. */
export const policyOf = (dice: Dice): Said => ({
  chain: [HOME, 'other'],
  marks: { [HOME]: dice.pick([0.5, 0.75, 1]) },
  hysteresis: dice.pick([0, 0, 0.25]),
  spot: dice.pick(['never', 'allowed', 'preferred', 'preferred'] as const),
  spill_cap: perhaps(dice, 0.3, () => ({ instances: dice.between(1, 4) })) ?? null,
  max_hourly_cost: perhaps(dice, 0.5, () => usd(dice.between(10, 60) * 1_000)) ?? null,
  budget:
    perhaps(dice, 0.4, () => ({
      ...usd(dice.between(10, 60) * 1_000),
      at_100: dice.pick(['refuse', 'stop-marked'] as const),
    })) ?? null,
  lease: perhaps(dice, 0.05, () => '5m') ?? null,
})

/** What an operator asks for an hour of each size. */
export const bookOf = (dice: Dice) => ({
  currency: 'USD',
  sizes: Object.fromEntries(SIZES.map((name, i) => [name, (dice.between(5, 20) * 2 ** i) / 1000])),
})

const scarcityOf = (dice: Dice): Scarcity => {
  const from = dice.chance(0.5) ? 0 : dice.below(100)
  const [size, zone] = [
    perhaps(dice, 0.8, () => dice.pick(['one', ...SIZES])),
    perhaps(dice, 0.3, () => dice.pick(ZONES)),
  ]
  const rule: FaultRule = {
    method: 'server.create',
    fault: 'capacity',
    shortage: dice.pick(['no-capacity', 'no-capacity', 'account-limit', 'unsupported']),
    ...(size === undefined ? {} : { size }),
    ...(zone === undefined ? {} : { zone }),
  }
  return { cloud: dice.pick(['sandbox', 'other', 'other']), rule, from, until: from + dice.between(20, 200) }
}

/** Draws what there is to buy. */
export const drawMarket = (dice: Dice): Market => ({
  sizes: sizesOf(dice),
  room: dice.pick([2, 2, 4]),
  said: policyOf(dice),
  scarcities: Array.from({ length: dice.chance(0.3) ? 0 : dice.between(1, 5) }, () => scarcityOf(dice)),
  takesBack: dice.pick([20_000, 60_000, 400_000]),
})

/** The books of the broker say what both clouds sell, what home has room for, and what the project may do. Nobody else moves. */
export const openMarket = async (
  { d1, slots, cloudId, otherId, image, projectId, context }: World,
  { room, said }: Market,
): Promise<void> => {
  const broker = context(slots[0]!)
  const options = JSON.stringify({ room: { vcpus: room, ram_mib: 1_000_000 } })
  await d1.prepare('update clouds set options = json_patch(options, ?) where id = ?').bind(options, cloudId).run()
  for (const cloud of await allClouds(broker.db)) await refreshInventory(broker, cloud)
  // Somebody said that the other cloud has the image, too.
  const named = `update bindings set phase = 'bound', want = 'present', named = 1
    where kind = 'image' and resource_id = ? and cloud_id = ?`
  await d1.prepare(named).bind(image, otherId).run()
  await decree(broker, projectId, policyIn({ policy: said }))
}
