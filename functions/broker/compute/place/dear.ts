import type { Found } from '../../../../db/queries/compute/places.ts'
import type { FlavorSnapshot } from '../../../../db/schema/index.ts'
import { type Allowance, affordable, allowanceOf, whyOverspent, whyTooDear } from '../../money/allowance.ts'
import { LEASE, lengthOf, MAX_HOURLY_COST, priceOf } from '../metadata-rules.ts'
import type { Place } from '../server-facts.ts'
import { refuse } from '../server-refusal.ts'
import type { ServerWish, Understood } from '../server-wish.ts'
import { type Ground, nameOf } from './rules.ts'

type Metadata = Record<string, string>

/** What an hour of a server may cost by its metadata and its flavor, the lower of both; null: neither says. */
export const limitOfEach = (metadata: Metadata, { extraSpecs }: Pick<FlavorSnapshot, 'extraSpecs'>) =>
  [metadata, extraSpecs].flatMap((said) => priceOf(said[MAX_HOURLY_COST] ?? '') ?? [])

/** What may be spent on a new server; null: it has no limit. */
export const allowanceFor = (wish: ServerWish, { flavor }: Understood, found: Found): Allowance | null =>
  allowanceOf(found.policy, found.spending, {
    each: limitOfEach(wish.metadata, flavor),
    leaseMs: lengthOf(wish.metadata[LEASE] ?? ''),
    burst: found.burst,
  })

/** Throws `ServerRefused` (`cost`) with the cheapest place, if there is one for more money than may be spent. */
export const refuseDear = (ground: Ground, placesIn: (ground: Ground) => Place[]): void => {
  const { allowance, found, wish } = ground
  if (!allowance) return
  const places = placesIn({ ...ground, allowance: null })
  const [cheapest] = places.toSorted((a, b) => (a.hourly ?? Number.MAX_VALUE) - (b.hourly ?? Number.MAX_VALUE))
  const why = cheapest && whyTooDear(allowance, cheapest, wish.minCount)
  if (why) {
    const where = `${nameOf(found, cheapest.cloudId)}.${cheapest.zone}`
    refuse({ kind: 'cost', reason: `The cheapest that fits is size ${cheapest.native} in ${where}. ${why.reason}` })
  }
}

/**
 * How many servers can be paid for together with the volumes that are made with each. Throws `ServerRefused` (`cost`) where
 * these are less than `least`.
 */
export const payDisks = (allowance: Allowance, { native, hourly }: Place, disks: number, least: number): number => {
  // What one server may cost is said of the server alone.
  const all = { ...allowance, each: null }
  const whole = hourly === null ? null : hourly + disks
  const words =
    least > 1 ? `${least} of size ${native} with their volumes cost` : `Size ${native} with its volumes costs`
  const why = whyTooDear(all, { native, hourly: whole, words }, least)
  if (why) refuse({ kind: 'cost', reason: why.reason })
  return affordable(all, whole)
}

/** What others were faster to spend, so often that nobody looks again, is too dear. */
export const withinMeans = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const reason = whyOverspent(error)
    if (reason === null) throw error
    return refuse({ kind: 'cost', reason })
  }
}
