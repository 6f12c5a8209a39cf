import type { PurchaseOption } from '../../../../adapters/contract.ts'
import type { CandidateRow as Candidate } from '../../../../db/queries/compute/candidates.ts'
import type { Home } from '../../../../db/queries/compute/home.ts'
import type { FlavorSnapshot, Policy } from '../../../../db/schema/index.ts'
import type { Place } from '../server-facts.ts'
import type { Because } from './explanation.ts'

/** What an offer has to be for a server to go there. */
export interface Requirement {
  flavor: FlavorSnapshot & { native: boolean }
  arch: string
  /** What the user asked for by name: clouds, and their zones if it means some of these. */
  zone: { name: string; clouds: { cloud: string; zones: string[] | null }[] } | null
  /** Clouds (by id) where everything else that the server needs can be; null: anywhere. */
  clouds: string[] | null
  /** Zones to which a cloud's subnets or volumes tie the server, by cloud id; absent: any of it. */
  tied: Record<string, string[]>
  /** The zone that is preferred on its cloud, because other things of the project are there; null: none is. */
  home: Home | null
  /** Why the volumes that are made with it cannot be in a place; null: they can. */
  volumes?: (place: Pick<Candidate, 'cloudId' | 'zone'>) => string | null
  /** Why a server group keeps it off a zone; null: it does not. */
  barred?: (candidate: Candidate) => Because | null
  /** Why it costs more than may be spent; null: it does not. */
  dear?: (candidate: Candidate) => Because | null
  /** How much a server group draws it to a zone: before the operator's order of clouds, or after it. */
  drawn?: { to(candidate: Candidate): number; firstOfAll: boolean }
  /** Why its cloud may not have it because of its mark, or of the cap of what spills; null: it may. */
  above?: (candidate: Candidate) => Because | null
  /** The chain of its project comes before all else: what is full up to its mark is known, and is not there. */
  chained?: boolean
  /** Clouds for which the image's data has to be converted first. */
  converting: string[]
  /** Whether its cloud may take it back: as it comes, where it cannot be had for good, or wherever it can. */
  spot: Spot
}

export type Spot = Policy['spot']

/** More places than this are not tried, and not more than this on one cloud, so that zones of the first leave room for others. */
const MOST_PLACES = 24
const MOST_ON_A_CLOUD = 8

/**
 * Offers as places where a server may go, best first: a pure function. A native flavor is met only by the offer of its name, a common
 * one by each zone's cheapest offer that satisfies it, of each purchase option. Zones with room come first, then the
 * operator's order of clouds, on each those whose
 * cheapest offer was not refused lately, then those that take the image as it is, then the preferred purchase option, then the zone
 * where the project is already, then what costs less. What is unpriced is not cheap: it comes last.
 */
export const rank = (required: Requirement, candidates: Candidate[]): Place[] => {
  const smallest = smallestOf(required, candidates)
  const cloudsOf = new Map<string, number>()
  return smallest
    .sort(
      (a, b) =>
        (required.chained ? a.position - b.position : 0) ||
        room(b, required) - room(a, required) ||
        (required.drawn?.firstOfAll ? draw(required, b) - draw(required, a) : 0) ||
        a.position - b.position ||
        enlarged(a) - enlarged(b) ||
        (a.instead && b.instead ? bought(a, required) - bought(b, required) || bySize(a, b) : 0) ||
        draw(required, b) - draw(required, a) ||
        converts(a, required) - converts(b, required) ||
        bought(a, required) - bought(b, required) ||
        isHome(required, b) - isHome(required, a) ||
        byPrice(a, b) ||
        (a.load ?? 0) - (b.load ?? 0) ||
        a.zone.localeCompare(b.zone),
    )
    .filter(({ cloudId }) => {
      const before = cloudsOf.get(cloudId) ?? 0
      cloudsOf.set(cloudId, before + 1)
      return before < MOST_ON_A_CLOUD
    })
    .slice(0, MOST_PLACES)
    .map(placeAt)
}

/** Of each zone the cheapest that may be asked for; `instead`: a cheaper one would do, and was refused lately. */
const smallestOf = (required: Requirement, candidates: Candidate[]) => {
  const smallest = new Map<string, Candidate>()
  const refused = new Map<string, Candidate>()
  const keep = (kept: Map<string, Candidate>, candidate: Candidate) => {
    const key = `${candidate.cloudId}/${candidate.zone}/${candidate.option}`
    const other = kept.get(key)
    if (!other || bySize(candidate, other) < 0) kept.set(key, candidate)
  }
  for (const candidate of candidates) {
    const why = whyUnfit(required, candidate)
    if (why === null) keep(smallest, candidate)
    else if (why.rule === LATELY) keep(refused, candidate)
  }
  return [...smallest].map(([key, candidate]) => {
    const cheaper = refused.get(key)
    return { ...candidate, instead: cheaper !== undefined && bySize(cheaper, candidate) < 0 }
  })
}

const enlarged = ({ instead }: { instead: boolean }): number => Number(instead)

const placeAt = ({ cloudId, zone, native, vcpus, ramMib, diskGib, option, hourly, idle }: Candidate): Place => ({
  cloudId,
  zone,
  native,
  vcpus,
  ramMib,
  diskGib,
  option,
  hourly,
  ...(idle === null ? {} : { idle }),
})

/** As something else that was bought. */
export const spotLike = (option: PurchaseOption): Spot => (option === 'spot' ? 'preferred' : 'never')

const PREFERRED: Record<Spot, PurchaseOption> = { never: 'on-demand', allowed: 'on-demand', preferred: 'spot' }
const bought = ({ option }: Candidate, { spot }: Requirement): number => Number(option !== PREFERRED[spot])

const draw = ({ drawn }: Requirement, candidate: Candidate): number => drawn?.to(candidate) ?? 0
const converts = ({ cloudId }: Candidate, { converting }: Requirement): number => Number(converting.includes(cloudId))

const isHome = ({ home }: Requirement, { cloudId, zone }: Candidate): number =>
  Number(home?.cloudId === cloudId && home.zone === zone)

/** Those of what may be spent. */
const DEAR = ['unpriced', 'max-hourly-cost', 'budget']

/** Rules about offers, in the order in which they are asked. */
export const LATELY = 'refused-lately'
export const UNFIT = [
  ...[
    'available',
    'architecture',
    'flavor',
    'spot',
    'named',
    'cloud',
    'zone',
    'volume-type',
    'group',
    'spill-cap',
    'mark',
  ],
  LATELY,
  ...DEAR,
]

/** Why an offer will not do, and the rule that says so; null: it does. */
export const whyUnfit = (required: Requirement, c: Candidate): Because | null => {
  const { flavor, arch, zone, clouds, tied } = required
  const refused = (rule: string, reason: string): Because => ({ rule, reason })
  if (!c.available) return refused('available', 'The zone takes nothing new.')
  if (c.arch !== arch) return refused('architecture', `Size ${c.native} is ${c.arch}, and the image is ${arch}.`)
  if (!meets(flavor, c)) return refused('flavor', `Size ${c.native} does not meet flavor ${flavor.name}.`)
  if (c.option === 'spot' && required.spot === 'never')
    return refused('spot', `Its cloud may take size ${c.native} back there, and it is to stay.`)
  if (zone && !zone.clouds.some(({ cloud, zones }) => c.cloudName === cloud && (zones?.includes(c.zone) ?? true)))
    return refused('named', `${zone.name} was named.`)
  if (clouds && !clouds.includes(c.cloudId)) return refused('cloud', 'Something else that it needs cannot be there.')
  const at = tied[c.cloudId]
  if (at && !at.includes(c.zone)) {
    const zones = at.length > 1 ? `zones ${at.join(', ')}` : at.length ? `zone ${at[0]}` : 'no zone together'
    return refused('zone', `Its networks and volumes are in ${zones}.`)
  }
  const untyped = required.volumes?.(c) ?? null
  if (untyped !== null) return refused('volume-type', untyped)
  const barred = required.barred?.(c) ?? required.above?.(c) ?? required.dear?.(c) ?? null
  if (barred !== null || c.refused === null) return barred
  const until = new Date(c.refused.until).toISOString()
  return refused(
    LATELY,
    `Size ${c.native} was refused there lately: ${c.refused.words} It is asked for again after ${until}.`,
  )
}

const meets = (flavor: Requirement['flavor'], c: Candidate): boolean =>
  flavor.native
    ? c.native === flavor.name
    : c.vcpus >= flavor.vcpus &&
      c.ramMib >= flavor.ramMib &&
      (c.diskGib === 0 || c.diskGib >= flavor.diskGib) &&
      c.gpus === 0

/** Cheapest, and last what is unpriced. */
const byPrice = (a: Sized, b: Sized): number =>
  Number(a.hourly === null) - Number(b.hourly === null) || (a.hourly ?? 0) - (b.hourly ?? 0)

type Sized = Pick<Candidate, 'hourly' | 'vcpus' | 'ramMib' | 'diskGib' | 'native'>

/** Cheapest, else smallest, else by name, so that the same wish always gives the same place. */
export const bySize = (a: Sized, b: Sized): number =>
  byPrice(a, b) || a.vcpus - b.vcpus || a.ramMib - b.ramMib || a.diskGib - b.diskGib || a.native.localeCompare(b.native)

/** 1: it is known or not denied to fit; 0: the zone says that it is full. */
const room = (c: Candidate, required: Requirement): number =>
  (c.freeVcpus ?? Number.POSITIVE_INFINITY) >= required.flavor.vcpus &&
  (c.freeRamMib ?? Number.POSITIVE_INFINITY) >= required.flavor.ramMib
    ? 1
    : 0
