import type { CandidateRow as Candidate } from '../../../../db/queries/compute/candidates.ts'
import type { Home } from '../../../../db/queries/compute/home.ts'
import type { FlavorSnapshot } from '../../../../db/schema/index.ts'
import type { Place } from '../server-facts.ts'
import type { Because } from './explanation.ts'

/** What an offer has to be for a server to go there. */
export interface Requirement {
  flavor: FlavorSnapshot & { native: boolean }
  arch: string
  /** Cloud and, if named, zone that the user asked for. */
  zone: { cloud: string; zone: string | null } | null
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
  /** How much a server group draws it to a zone: before the operator's order of clouds, or after it. */
  drawn?: { to(candidate: Candidate): number; firstOfAll: boolean }
  /** Clouds for which the image's data has to be converted first. */
  converting: string[]
}

/** More places than this are not tried. */
const MOST_PLACES = 8

/**
 * Offers as places where a server may go, best first: a pure function. A native flavor is met only by the offer of its name, a common
 * one by each zone's smallest offer that satisfies it. Zones with room come first, then the operator's order of clouds,
 * then those that take the image as it is, then the zone where the project is already.
 */
export const rank = (required: Requirement, candidates: Candidate[]): Place[] => {
  const fitting = candidates.filter((c) => whyUnfit(required, c) === null)
  const smallest = new Map<string, Candidate>()
  for (const candidate of fitting.sort(bySize)) {
    const key = `${candidate.cloudId}/${candidate.zone}`
    if (!smallest.has(key)) smallest.set(key, candidate)
  }
  return [...smallest.values()]
    .sort(
      (a, b) =>
        room(b, required) - room(a, required) ||
        (required.drawn?.firstOfAll ? draw(required, b) - draw(required, a) : 0) ||
        a.position - b.position ||
        draw(required, b) - draw(required, a) ||
        converts(a, required) - converts(b, required) ||
        isHome(required, b) - isHome(required, a) ||
        (a.load ?? 0) - (b.load ?? 0) ||
        a.zone.localeCompare(b.zone),
    )
    .slice(0, MOST_PLACES)
    .map(({ cloudId, zone, native, vcpus, ramMib, diskGib }) => ({ cloudId, zone, native, vcpus, ramMib, diskGib }))
}

const draw = ({ drawn }: Requirement, candidate: Candidate): number => drawn?.to(candidate) ?? 0
const converts = ({ cloudId }: Candidate, { converting }: Requirement): number => Number(converting.includes(cloudId))

const isHome = ({ home }: Requirement, { cloudId, zone }: Candidate): number =>
  Number(home?.cloudId === cloudId && home.zone === zone)

/** Rules about offers, in the order in which they are asked. */
export const UNFIT = ['available', 'architecture', 'flavor', 'named', 'cloud', 'zone', 'volume-type', 'group']

/** Why an offer will not do, and the rule that says so; null: it does. */
export const whyUnfit = (required: Requirement, c: Candidate): Because | null => {
  const { flavor, arch, zone, clouds, tied } = required
  const refused = (rule: string, reason: string): Because => ({ rule, reason })
  if (!c.available) return refused('available', 'The zone takes nothing new.')
  if (c.arch !== arch) return refused('architecture', `Size ${c.native} is ${c.arch}, and the image is ${arch}.`)
  if (!meets(flavor, c)) return refused('flavor', `Size ${c.native} does not meet flavor ${flavor.name}.`)
  if (zone && (c.cloudName !== zone.cloud || (zone.zone && c.zone !== zone.zone)))
    return refused('named', `${zone.zone ? `${zone.cloud}.${zone.zone}` : zone.cloud} was named.`)
  if (clouds && !clouds.includes(c.cloudId)) return refused('cloud', 'Something else that it needs cannot be there.')
  const at = tied[c.cloudId]
  if (at && !at.includes(c.zone)) {
    const zones = at.length > 1 ? `zones ${at.join(', ')}` : at.length ? `zone ${at[0]}` : 'no zone together'
    return refused('zone', `Its networks and volumes are in ${zones}.`)
  }
  const untyped = required.volumes?.(c) ?? null
  return untyped === null ? (required.barred?.(c) ?? null) : refused('volume-type', untyped)
}

const meets = (flavor: Requirement['flavor'], c: Candidate): boolean =>
  flavor.native
    ? c.native === flavor.name
    : c.vcpus >= flavor.vcpus &&
      c.ramMib >= flavor.ramMib &&
      (c.diskGib === 0 || c.diskGib >= flavor.diskGib) &&
      c.gpus === 0

/** Cheapest, else smallest, else by name, so that the same wish always gives the same place. */
const bySize = (a: Candidate, b: Candidate): number =>
  (a.price ?? 0) - (b.price ?? 0) ||
  a.vcpus - b.vcpus ||
  a.ramMib - b.ramMib ||
  a.diskGib - b.diskGib ||
  a.native.localeCompare(b.native)

/** 1: it is known or not denied to fit; 0: the zone says that it is full. */
const room = (c: Candidate, required: Requirement): number =>
  (c.freeVcpus ?? Number.POSITIVE_INFINITY) >= required.flavor.vcpus &&
  (c.freeRamMib ?? Number.POSITIVE_INFINITY) >= required.flavor.ramMib
    ? 1
    : 0
