import type { CandidateRow } from '../../../db/queries/compute/candidates.ts'
import { NO_POLICY } from '../../../functions/broker/clouds/policy.ts'
import { amountAt, type Filled, whyAbove } from '../../../functions/broker/compute/place/marks.ts'
import { type Requirement, rank } from '../../../functions/broker/compute/place/rank.ts'
import type { Arrival } from './arrivals.ts'
import { type PlayedCloud, SOLD } from './clouds.ts'

/** A cloud in the middle of the play. */
export interface Standing {
  cloud: PlayedCloud
  used: number
}

/**
 * A way to choose clouds for what arrives: their names, best first; what has no room there waits for the first of them.
 * `refused` is told of each that had none to sell.
 */
export interface Way {
  name: string
  words: string
  choose(arrival: Arrival, clouds: Standing[], now: number): string[]
  refused?(cloud: string, arrival: Arrival, now: number): void
}

const GIB_A_VCPU = 2_048
/** As `adapters/errors.ts` has it of what is short: so long it is not asked for again, in minutes. */
const REMEMBERED = 3

const POLICY = { ...NO_POLICY, chain: ['home', 'near', 'far'], marks: { home: 0.9 }, hysteresis: 0.1 }

const flavorOf = (vcpus: number): Requirement['flavor'] => ({
  id: `f${vcpus}`,
  name: `f${vcpus}`,
  vcpus,
  ramMib: vcpus * GIB_A_VCPU,
  diskGib: 0,
  ephemeralGib: 0,
  swapMib: 0,
  extraSpecs: {},
  native: false,
})

const fillOf = ({ cloud, used }: Standing, passed: boolean): Filled => ({
  id: cloud.name,
  name: cloud.name,
  cloudMark: null,
  roomVcpus: cloud.room,
  roomRamMib: cloud.room * GIB_A_VCPU,
  takenVcpus: used,
  takenRamMib: used * GIB_A_VCPU,
  ownRoomVcpus: null,
  ownRoomRamMib: null,
  ownVcpus: used,
  ownRamMib: used * GIB_A_VCPU,
  passed: Number(passed),
})

const offersOf = ({ cloud, used }: Standing, position: number, until: (size: number) => number | null) =>
  SOLD.map((vcpus): CandidateRow => {
    const short = until(vcpus)
    return {
      cloudId: cloud.name,
      cloudName: cloud.name,
      zone: 'a',
      position,
      available: true,
      load: null,
      freeVcpus: cloud.room - used,
      freeRamMib: (cloud.room - used) * GIB_A_VCPU,
      native: `s${vcpus}`,
      vcpus,
      ramMib: vcpus * GIB_A_VCPU,
      diskGib: 0,
      arch: 'x86_64',
      gpus: 0,
      option: 'on-demand',
      hourly: vcpus * cloud.hourly,
      idle: null,
      priceSource: 'operator',
      priceAsOf: 0,
      refused: short === null ? null : ({ until: short, words: 'There is none.' } as CandidateRow['refused']),
    }
  })

/** What the broker does: its own ranking of offers, its own rule of the mark, its own memory of what was refused. */
const brokered = (): Way => {
  const memory = new Map<string, number>()
  let passed = false
  return {
    name: 'the broker',
    words: 'home first up to a mark of 90 %, then near, then far; what was refused is left alone for 3 minutes',
    choose({ vcpus }, clouds, now) {
      const flavor = flavorOf(vcpus)
      let above = false
      const required: Requirement = {
        flavor,
        arch: 'x86_64',
        zone: null,
        clouds: null,
        tied: {},
        home: null,
        converting: [],
        spot: 'never',
        chained: true,
        above: (candidate) => {
          const standing = clouds.find(({ cloud }) => cloud.name === candidate.cloudId)!
          const reason = whyAbove(
            POLICY,
            fillOf(standing, passed && candidate.cloudId === 'home'),
            amountAt(candidate, flavor, 1),
          )
          if (reason !== null && candidate.cloudId === 'home') above = true
          return reason === null ? null : { rule: 'mark', reason }
        },
      }
      const remembered = (name: string) => (size: number) => {
        const until = memory.get(`${name}/s${size}`)
        return until !== undefined && until > now ? until : null
      }
      const offers = clouds.flatMap((each, n) => offersOf(each, n, remembered(each.cloud.name)))
      const places = rank(required, offers)
      if (places[0]?.cloudId === 'home') passed = false
      else if (above) passed = true
      return [...new Set(places.map(({ cloudId }) => cloudId))]
    },
    refused: (cloud, { vcpus }, now) => void memory.set(`${cloud}/s${vcpus}`, now + REMEMBERED),
  }
}

const turning = (): Way => {
  let turn = 0
  return {
    name: 'by turns',
    words: 'each cloud in its turn, and what does not fit there waits',
    choose: (_, clouds) => [clouds[turn++ % clouds.length]!.cloud.name],
  }
}

const always = (name: string, words: string, chosen: string[]): Way => ({ name, words, choose: () => chosen })

/** The ways that are compared; each is played by itself. */
export const WAYS: (() => Way)[] = [
  brokered,
  () => always('all at home', 'what does not fit waits', ['home']),
  () => always('all public', 'near, else far; no hardware of one’s own', ['near', 'far']),
  turning,
]
