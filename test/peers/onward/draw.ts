import { keyOf, REGIONS, type Sold } from './offers.ts'

/** What EC2 says, and for how many minutes that is remembered; null: until the cloud says anew what it sells. */
export const CODES: Record<string, number | null> = {
  InsufficientInstanceCapacity: 3,
  VcpuLimitExceeded: 15,
  Unsupported: null,
  SpotMaxPriceTooLow: 3,
}

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!

/**
 * Refusals, by offer, that leave one survivor: in the region, at the level and in the zone that are drawn. `region` beyond the
 * last: nothing is left of EC2.
 */
export const draw = (sold: Sold[], sizes: string[], region: number): Map<string, string> => {
  const level = Math.floor(Math.random() * sizes.length)
  const spared = region < REGIONS.length ? pick(REGIONS[region]!.zones) : null
  const refused = new Map<string, string>()
  for (const offer of sold) {
    const at = REGIONS.findIndex(({ cloud }) => cloud === offer.cloud)
    const below = sizes.indexOf(offer.size) - level
    const inWay = at < region || (at === region && (below < 0 || (below === 0 && offer.zone !== spared)))
    if (inWay) refused.set(keyOf(offer), pick(Object.keys(CODES)))
  }
  return refused
}
