import type { Json } from '../../adapters/contract.ts'
import type { Fault, FaultRule } from '../../adapters/sandbox/faults.ts'
import type { Dice } from './dice.ts'
import type { Market } from './market/market.ts'

export const PROFILES = ['token', 'unique', 'none'] as const
export type Profile = (typeof PROFILES)[number]

/** How rough one run is. */
export interface Weather {
  profile: Profile
  options: Record<string, Json>
  faults: FaultRule[]
  /** Longest that a call to the cloud is under way. Beyond a lease, an answer may come after another process took over. */
  longestCall: number
  /** Of the calls that change something: given up by their callers, and happening all the same. */
  givenUp: number
  /** Of each step. */
  kill: number
  most: { kills: number; steps: number }
  /** Longest between two rounds of a process, in milliseconds. */
  roundMs: number
  /** Of each step: the clock passes the end of a lease. */
  jump: number
  stories: number
  /** Two clouds take part, and the faults strike one. */
  both: boolean
  /** From which step to which the other cloud is away. */
  outage: { from: number; until: number } | null
  /** What there is to buy, where servers cost something, go home and out, and are taken back; null: nothing of that. */
  market: Market | null
}

const TROUBLE: [method: string, fault: Fault][] = [
  ['*.create', 'lost_answer'],
  ['*.create', 'lost_answer'],
  ['*.create', 'ambiguous_before'],
  ['*.create', 'throttled'],
  ['*.create', 'capacity'],
  ['*.create', 'conflict'],
  ['*.create', 'definitive'],
  ['*.create', 'denied'],
  ['*.create', 'fails_later'],
  ['*.create', 'slow'],
  ['*.find', 'ambiguous_before'],
  ['*.find', 'throttled'],
  ['*.get', 'ambiguous_before'],
  ['*.get', 'throttled'],
  ['*.update', 'lost_answer'],
  ['*.update', 'definitive'],
  ['*.remove', 'lost_answer'],
  ['*.remove', 'ambiguous_before'],
  ['*.remove', 'conflict'],
  ['*.list', 'truncated_list'],
  ['*.list', 'lying_list'],
  ['*.list', 'throttled'],
  ['server.*', 'lost_answer'],
  ['*', 'slow'],
]

/** Where a cloud has no room it sells one size, so that what finds none in its zones soon comes to the other cloud. */
const ONE_SIZE = [{ name: 'sb.medium', vcpus: 2, ram_mib: 4_096, disk_gib: 20 }]

const PROBABILITIES = [0.3, 0.6, 1]

/** Draws the weather of a run. */
export const forecast = (dice: Dice, profile: Profile, market: Market | null): Weather => {
  const late = dice.chance(0.08)
  const visibility = dice.chance(0.5) ? 0 : dice.between(500, 8_000)
  const faults = Array.from({ length: dice.chance(0.3) ? 0 : dice.between(1, 3) }, (): FaultRule => {
    const [method, fault] = dice.pick(TROUBLE)
    return {
      method,
      fault,
      probability: dice.pick(PROBABILITIES),
      count: dice.between(1, 3),
      seed: dice.below(1e6),
      ...(fault === 'slow' ? { delay_ms: dice.pick([3_000, 25_000]) } : {}),
    }
  })
  const calm = dice.chance(0.15)
  const both = dice.chance(0.08)
  const full = both && dice.chance(0.9)
  if (full) faults.push({ method: 'server.create', fault: 'capacity', count: dice.between(2, 9) })
  const from = both && dice.chance(0.6) ? dice.below(80) : null
  const weather: Weather = {
    profile,
    options: {
      profile,
      log_calls: 0,
      visibility_delay_ms: visibility,
      latency_ms: dice.chance(0.2) ? 400 : 0,
      ...(full ? { sizes: ONE_SIZE } : {}),
    },
    faults,
    longestCall: late ? Number.POSITIVE_INFINITY : 28_000,
    givenUp: dice.chance(0.2) ? 0.15 : 0,
    kill: calm ? 0 : dice.pick([0.01, 0.02, 0.05]),
    most: { kills: 8, steps: dice.between(40, 260) },
    roundMs: 5_000,
    jump: late ? 0.04 : 0.008,
    stories: both || dice.chance(0.15) ? 2 : 1,
    both,
    outage: from === null ? null : { from, until: from + dice.between(20, 120) },
    market: null,
  }
  return market ? traded(weather, market, dice) : weather
}

/** There is another cloud, more to buy, and more time: what comes home does so after minutes. */
const traded = (weather: Weather, market: Market, dice: Dice): Weather => ({
  ...weather,
  options: { ...weather.options, sizes: market.sizes as unknown as Json },
  most: { kills: 8, steps: dice.between(300, 800) },
  roundMs: 40_000,
  jump: 0.02,
  stories: dice.between(1, 3),
  both: true,
  market,
})
