import type { Capability } from '../../../adapters/contract.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import type { Home } from '../../../db/queries/compute/home.ts'
import {
  type CandidateRow as Candidate,
  candidatesFor,
  type Found,
  type NetworkRow,
} from '../../../db/queries/compute/places.ts'
import { portsOfServer, type ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import type { FlavorSnapshot } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { refuseReadOnly } from '../clouds/read-only.ts'
import { whyNobodyTakes } from '../image/image-takers.ts'
import { flavorSnapshot } from './flavor.ts'
import { whyBeyond } from './limits.ts'
import { type Place, type Places, placesOf } from './server-facts.ts'
import { refuse } from './server-refusal.ts'
import { cloudsWith, namesGroups, type ServerWish, type Understood } from './server-wish.ts'

/* Where servers go: which clouds can have one, which of their offers fit, and in which order these are tried. */

type Mapped = Found['clouds'][number]

/** Where a new server may go, best first, and what is particular to the first place. */
export interface Choice {
  places: Place[]
  /** Subnets there live in one zone. */
  zonal: boolean
  /** The cloud keeps to security groups; where it does not, ports are made without. */
  filters: boolean
  /** Why there is no place. */
  reason: string
}

/**
 * Decides where a server goes. Throws `ServerRefused` (`incapable`) when only clouds are left that lack something that
 * it needs, `Refused` (`read-only`) when only clouds are left that are connected to be looked at.
 */
export const choosePlaces = async (
  context: Context,
  wish: ServerWish,
  understood: Understood,
  found: Found,
): Promise<Choice> => {
  const adapters = new Map(
    await Promise.all(found.clouds.map(async ({ type }) => [type, await adapterFor(type)] as const)),
  )
  const typeOf = (place: Place | undefined) => found.clouds.find(({ id }) => id === place?.cloudId)?.type ?? ''
  const open = (type: string): boolean => adapters.get(type)?.lacks.security_group !== undefined
  const needed = neededOf(wish, understood, found)
  const whyNot = ({ type, name }: Mapped): string | undefined => {
    const adapter = adapters.get(type)
    if (!adapter) return undefined
    const lacking = needed.flatMap((capability) => adapter.lacks[capability] ?? [])[0]
    const beyond = whyBeyond(adapter, wish, understood, found)
    return lacking ?? (beyond === null ? undefined : `Cloud ${name} ${beyond}.`)
  }
  const placesBut = (refused: (cloud: Mapped) => boolean) => findPlaces(wish, understood, found, refused, open)
  const { places, reason } = placesBut((cloud) => whyNot(cloud) !== undefined)
  if (!places.length) {
    const otherwise = new Set(placesBut(() => false).places.map(({ cloudId }) => cloudId))
    const whys = found.clouds.filter(({ id }) => otherwise.has(id)).flatMap((cloud) => whyNot(cloud) ?? [])
    if (whys.length) refuse({ kind: 'incapable', reason: [...new Set(whys)].join(' ') })
    const all = found.clouds.map(({ id }) => id)
    const images = all.filter((id) => found.imageClouds.includes(id))
    const named = found.clouds.filter((each) => each.named).map(({ id }) => id)
    const networks = understood.nics.map(({ network }) => [network.cloudId ?? []].flat())
    await refuseReadOnly(context, [all, images, named, ...networks])
  }
  const asked = wish.zone === null ? found.clouds : found.clouds.filter(({ named }) => named)
  const untaken = places.length ? null : await whyNobodyTakes(understood.image, asked)
  const type = typeOf(places[0])
  return { places, reason: untaken ?? reason, zonal: adapters.get(type)?.zonalSubnets === true, filters: !open(type) }
}

/** What a cloud must be capable of to have it. */
const neededOf = (wish: ServerWish, { nics }: Understood, found: Found): Capability[] => {
  const filtered = ({ network, port }: Understood['nics'][number]) =>
    port?.portSecurity ?? (namesGroups(wish) && mayFilter(network))
  return [
    ...(wish.configDrive ? (['server.config_drive'] as const) : []),
    ...(nics.some(filtered) ? (['security_group'] as const) : []),
    ...(nics.some(({ network }) => found.routed.includes(network.id)) ? (['router'] as const) : []),
  ]
}

/** A network that is on no cloud yet knows best; on one it may be the cloud that keeps it from filtering. */
const mayFilter = ({ portSecurity, cloudId }: NetworkRow): boolean => portSecurity || cloudId !== null

/**
 * Where it may go: every cloud and zone to which its image, networks and volumes tie it. Empty: nowhere. Clouds that
 * filter no traffic come last, unless its networks want none filtered.
 */
const findPlaces = (
  wish: ServerWish,
  { flavor, image, nics }: Understood,
  found: Found,
  lacking: (cloud: Mapped) => boolean,
  unfiltered: (cloudType: string) => boolean,
): { places: Place[]; reason: string } => {
  if (!found.clouds.length) return { places: [], reason: 'The project has no access to any cloud.' }
  const networks = nics.map(({ network }) => network)
  const pinned = unique(networks.flatMap(({ cloudId }) => cloudId ?? []))
  const held = unique(found.volumes.map(({ cloudId }) => cloudId))
  const able = found.clouds.filter((cloud) => !lacking(cloud)).map(({ id }) => id)
  const clouds = cloudsWith(found).filter(
    (id) => able.includes(id) && [...pinned, ...held].every((other) => other === id),
  )
  if (!clouds.length)
    return { places: [], reason: 'No cloud of the project has its image, networks and volumes together.' }
  const ids = networks.map(({ id }) => id)
  const zones = unique([
    ...found.subnets.filter((s) => ids.includes(s.networkId)).flatMap(({ zone }) => zone ?? []),
    ...found.volumes.map(({ zone }) => zone),
  ])
  if (zones.length > 1)
    return { places: [], reason: `Its networks and volumes are in different zones: ${zones.join(', ')}.` }
  const tied = Object.fromEntries(zones.flatMap((zone) => clouds.map((id) => [id, zone] as const)))
  const zone = wish.zone === null ? null : zoneNamed(wish.zone, found)
  const places = rank(
    {
      flavor: { ...flavorSnapshot(flavor), native: flavor.native },
      arch: image.arch,
      zone,
      clouds,
      tied,
      home: found.home,
    },
    found.candidates,
  )
  const open = nics.some(({ network, port }) => port?.portSecurity ?? network.portSecurity)
    ? found.clouds.filter(({ type }) => unfiltered(type)).map(({ id }) => id)
    : []
  const sorted = [
    ...places.filter(({ cloudId }) => !open.includes(cloudId)),
    ...places.filter(({ cloudId }) => open.includes(cloudId)),
  ]
  return { places: sorted, reason: 'There are not enough hosts available.' }
}

const zoneNamed = (name: string, found: Found) => {
  const { name: cloud, zone } = found.clouds.find(({ named }) => named)!
  return { cloud, zone: name === cloud ? null : zone }
}

const unique = <T>(values: T[]): T[] => [...new Set(values)]

/** So many sizes are asked for before a server is given up. */
const MOST_TRIES = 8

const keyOf = ({ cloudId, zone, native }: Place): string => `${cloudId}/${zone}/${native}`

/**
 * Where to try next when a place has no room: the other places that were found at first, then the next larger size in
 * the same zone. The addresses of a server's ports tie it to its cloud, and where subnets have a zone to that zone.
 */
export const nextPlace = async (
  context: Context,
  server: ServerRow,
  binding: Binding,
): Promise<{ place: Place; places: Places } | null> => {
  const places = placesOf(server)
  const tried = [...(places.tried ?? []), ...(places.at ? [keyOf(places.at)] : [])]
  if (tried.length >= MOST_TRIES) return null
  const tied = (await portsOfServer(context.db, server.id)).length > 0
  const open = places.next.filter(({ cloudId }) => !tied || (cloudId === binding.cloudId && !places.zonal))
  const [chosen, ...next] = open.length ? open : await larger(context, server, places, tried)
  return chosen ? { place: chosen, places: { ...places, at: chosen, next: open.length ? next : [], tried } } : null
}

/** The smallest size in the same zone that meets the flavor and was not tried yet. */
const larger = async (context: Context, server: ServerRow, { at }: Places, tried: string[]): Promise<Place[]> => {
  if (!at) return []
  const { projectId, flavor } = server
  const { cloudId, zone } = at
  // What a flavor of that id is by now does not matter to a server that was admitted with it.
  const admitted = { ...flavor, native: flavor.native ?? flavor.name === at.native }
  const candidates = await candidatesFor(context.db, { projectId, flavorId: flavor.id, admitted, cloudId, zone })
  const arch = candidates.find(({ native }) => native === at.native)?.arch
  if (arch === undefined) return []
  const left = candidates.filter((each) => !tried.includes(keyOf(each))).map((each) => ({ ...each, available: true }))
  return rank({ flavor: { ...flavor, native: false }, arch, zone: null, clouds: null, tied: {}, home: null }, left)
}

/** What an offer has to be for a server to go there. */
export interface Requirement {
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

/** More places than this are not tried. */
const MOST_PLACES = 8

/**
 * Offers as places where a server may go, best first: a pure function. A native flavor is met only by the offer of its name, a common
 * one by each zone's smallest offer that satisfies it. Zones with room come first, then the operator's order of clouds,
 * then the zone where the project is already.
 */
export const rank = (required: Requirement, candidates: Candidate[]): Place[] => {
  const fitting = candidates.filter((c) => fits(required, c))
  const smallest = new Map<string, Candidate>()
  for (const candidate of fitting.sort(bySize)) {
    const key = `${candidate.cloudId}/${candidate.zone}`
    if (!smallest.has(key)) smallest.set(key, candidate)
  }
  return [...smallest.values()]
    .sort(
      (a, b) =>
        room(b, required) - room(a, required) ||
        a.position - b.position ||
        isHome(required, b) - isHome(required, a) ||
        (a.load ?? 0) - (b.load ?? 0) ||
        a.zone.localeCompare(b.zone),
    )
    .slice(0, MOST_PLACES)
    .map(({ cloudId, zone, native, vcpus, ramMib, diskGib }) => ({ cloudId, zone, native, vcpus, ramMib, diskGib }))
}

const isHome = ({ home }: Requirement, { cloudId, zone }: Candidate): number =>
  Number(home?.cloudId === cloudId && home.zone === zone)

const fits = (required: Requirement, c: Candidate): boolean => {
  const { flavor, zone, clouds, tied } = required
  return (
    c.available &&
    c.arch === required.arch &&
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
const room = (c: Candidate, required: Requirement): number =>
  (c.freeVcpus ?? Number.POSITIVE_INFINITY) >= required.flavor.vcpus &&
  (c.freeRamMib ?? Number.POSITIVE_INFINITY) >= required.flavor.ramMib
    ? 1
    : 0
