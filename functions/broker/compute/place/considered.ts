import type { Place } from '../server-facts.ts'
import type { Because, Considered } from './explanation.ts'
import { preferenceOf } from './group.ts'
import { marked } from './marked.ts'
import { LATELY, type Requirement, UNFIT, whyUnfit } from './rank.ts'
import { type Ground, isFree, type Mapped } from './rules.ts'

/* What is told of places that were weighed: why they were not taken, and what put one before another. */

/** A cloud, or a zone of it, that a rule refused. */
export const refusedAt = (cloud: string, zone: string | null, refused: Because): Considered => ({
  cloud,
  zone,
  size: null,
  refused,
})

/** Zones of the clouds that could have had it, and why they cannot; a cloud of which no zone was weighed sells no such size. */
export const unkept = (ground: Ground, required: Requirement, clouds: Mapped[], places: Place[]): Considered[] => {
  const { found, understood } = ground
  const isKept = (cloudId: string, zone: string) =>
    places.some((place) => place.cloudId === cloudId && place.zone === zone)
  return clouds.flatMap(({ id, name }) => {
    const offers = found.candidates.filter(({ cloudId }) => cloudId === id)
    if (!offers.length)
      return [refusedAt(name, null, { rule: 'flavor', reason: `It has no size for flavor ${understood.flavor.name}.` })]
    return unique(offers.map(({ zone }) => zone))
      .filter((zone) => !isKept(id, zone))
      .map((zone) => {
        const whys = offers.filter((offer) => offer.zone === zone).flatMap((offer) => whyUnfit(required, offer) ?? [])
        return refusedAt(name, zone, nearest(whys) ?? { rule: 'rank', reason: 'Enough places were better.' })
      })
      .filter(({ refused }) => refused?.rule !== LATELY)
  })
}

/** Offers that were refused lately, and would have done otherwise. */
export const refusedLately = ({ found }: Ground, required: Requirement): Considered[] =>
  found.candidates
    .filter(({ refused }) => refused !== null)
    .flatMap((offer) => {
      const why = whyUnfit(required, offer)
      return why?.rule === LATELY ? { cloud: offer.cloudName, zone: offer.zone, size: offer.native, refused: why } : []
    })

/** Of all that was refused, what is told to the one who asked; undefined: nothing that says more than that there is no place. */
export const tellingOf = (considered: Considered[]): string | undefined => {
  const reasons = (rule: string) => considered.flatMap(({ refused }) => (refused?.rule === rule ? refused.reason : []))
  // Clients look for the quota, and wait for it.
  const lately = reasons(LATELY).toSorted(
    (one, other) => Number(other.includes('quota')) - Number(one.includes('quota')),
  )
  return reasons('group')[0] ?? lately[0]
}

/** What the offer says that all but did: most sizes of a zone are no answer to a flavor. */
const nearest = (whys: Because[]): Because | undefined =>
  whys.toSorted((one, other) => UNFIT.indexOf(other.rule) - UNFIT.indexOf(one.rule))[0]

/** What `rank` sorts by, as far as it made a difference here. */
export const orderOf = (ground: Ground): Because[] => {
  const { wish, found } = ground
  const { home, clouds, group } = found
  const at = clouds.find(({ id }) => id === home?.cloudId)
  const whose = found.policy?.chain && isFree(wish, found) ? "the project's" : "the operator's"
  const order = clouds.length > 1 ? [{ rule: 'order', reason: `Then ${whose} order of clouds.` }] : []
  const ofGroup = group ? preferenceOf(group) : []
  const room = { rule: 'room', reason: 'Zones with room come first.' }
  const first = marked(ground).chained
    ? [{ rule: 'order', reason: "The project's order of clouds comes first." }, room]
    : [room]
  return [
    ...first,
    ...(group?.policy === 'soft-affinity' ? [...ofGroup, ...order] : [...order, ...ofGroup]),
    ...(home && at
      ? [{ rule: 'home', reason: `Then ${at.name}.${home.zone}, where the newest ${home.of} of the project is.` }]
      : []),
    { rule: 'load', reason: 'Then the zones that are used least.' },
  ]
}

const unique = <T>(values: T[]): T[] => [...new Set(values)]
