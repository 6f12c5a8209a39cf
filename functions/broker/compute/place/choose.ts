import type { Capability } from '../../../../adapters/contract.ts'
import { adapterFor } from '../../../../adapters/registry.ts'
import type { Found, NetworkRow } from '../../../../db/queries/compute/places.ts'
import type { Context } from '../../../context.ts'
import { refuseReadOnly } from '../../clouds/read-only.ts'
import { whyNobodyTakes } from '../../image/image-takers.ts'
import { flavorSnapshot } from '../flavor.ts'
import type { Place } from '../server-facts.ts'
import { refuse } from '../server-refusal.ts'
import { cloudsWith, namesGroups, type ServerWish, type Understood } from '../server-wish.ts'
import { whyBeyond } from './limits.ts'
import { rank } from './rank.ts'

/* Where servers go: which clouds can have one, and in which order these are tried. */

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
