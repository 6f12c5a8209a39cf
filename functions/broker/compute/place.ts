import type { Home } from '../../../db/queries/compute/home.ts'
import type { CandidateRow as Candidate } from '../../../db/queries/compute/places.ts'
import type { FlavorSnapshot } from '../../../db/schema/index.ts'

export type { Candidate }

export interface Wish {
  flavor: FlavorSnapshot & { native: boolean }
  arch: string
  /** Cloud and, if named, zone that the user asked for. */
  zone: { cloud: string; zone: string | null } | null
  /** Clouds (by id) where everything else that the server needs can be; null: anywhere. */
  clouds: string[] | null
  /** Zone to which a cloud's subnets or volumes already tie the server, by cloud id. */
  tied: Record<string, string>
  /** The zone that is preferred on its cloud, because other things of the project are there; null: none is. */
  home: Home | null
}

export interface Place {
  cloudId: string
  zone: string
  native: string
  vcpus: number
  ramMib: number
  diskGib: number
}

/** More places than this are not tried. */
const MOST_PLACES = 8

/**
 * Where a server may go, best first: a pure function. A native flavor is met only by the offer of its name, a common
 * one by each zone's smallest offer that satisfies it. Zones with room come first, then the operator's order of clouds,
 * then the zone where the project is already.
 */
export const place = (wish: Wish, candidates: Candidate[]): Place[] => {
  const fitting = candidates.filter((c) => fits(wish, c))
  const smallest = new Map<string, Candidate>()
  for (const candidate of fitting.sort(bySize)) {
    const key = `${candidate.cloudId}/${candidate.zone}`
    if (!smallest.has(key)) smallest.set(key, candidate)
  }
  return [...smallest.values()]
    .sort(
      (a, b) =>
        room(b, wish) - room(a, wish) ||
        a.position - b.position ||
        isHome(wish, b) - isHome(wish, a) ||
        (a.load ?? 0) - (b.load ?? 0) ||
        a.zone.localeCompare(b.zone),
    )
    .slice(0, MOST_PLACES)
    .map(({ cloudId, zone, native, vcpus, ramMib, diskGib }) => ({ cloudId, zone, native, vcpus, ramMib, diskGib }))
}

const isHome = ({ home }: Wish, { cloudId, zone }: Candidate): number =>
  Number(home?.cloudId === cloudId && home.zone === zone)

const fits = (wish: Wish, c: Candidate): boolean => {
  const { flavor, zone, clouds, tied } = wish
  return (
    c.available &&
    c.arch === wish.arch &&
    (flavor.native
      ? c.native === flavor.name
      : c.vcpus >= flavor.vcpus &&
        c.ramMib >= flavor.ramMib &&
        (c.diskGib === 0 || c.diskGib >= flavor.diskGib) &&
        c.gpus === 0) &&
    (!zone || (c.cloudName === zone.cloud && (!zone.zone || c.zone === zone.zone))) &&
    (!clouds || clouds.includes(c.cloudId)) &&
    (!tied[c.cloudId] || tied[c.cloudId] === c.zone)
  )
}

/** Cheapest, else smallest, else by name, so that the same wish always gives the same place. */
const bySize = (a: Candidate, b: Candidate): number =>
  (a.price ?? 0) - (b.price ?? 0) ||
  a.vcpus - b.vcpus ||
  a.ramMib - b.ramMib ||
  a.diskGib - b.diskGib ||
  a.native.localeCompare(b.native)

/** 1: it is known or not denied to fit; 0: the zone says that it is full. */
const room = (c: Candidate, wish: Wish): number =>
  (c.freeVcpus ?? Number.POSITIVE_INFINITY) >= wish.flavor.vcpus &&
  (c.freeRamMib ?? Number.POSITIVE_INFINITY) >= wish.flavor.ramMib
    ? 1
    : 0
