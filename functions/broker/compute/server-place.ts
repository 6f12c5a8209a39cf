import { adapterFor } from '../../../adapters/registry.ts'
import { candidatesFor, type Found } from '../../../db/queries/compute/places.ts'
import { portsOfServer, type ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { refuseReadOnly } from '../clouds/read-only.ts'
import { whyNobodyTakes } from '../image/image-place.ts'
import { type Place, place } from './place.ts'
import { type Places, placesOf } from './server-facts.ts'
import { refuse } from './server-refusal.ts'
import { findPlaces, neededOf, type ServerWish, type Understood } from './server-wish.ts'
import { whyBeyond } from './within-limits.ts'

type Mapped = Found['places'][number]

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
    await Promise.all(found.places.map(async ({ type }) => [type, await adapterFor(type)] as const)),
  )
  const typeOf = (place: Place | undefined) => found.places.find(({ id }) => id === place?.cloudId)?.type ?? ''
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
    const whys = found.places.filter(({ id }) => otherwise.has(id)).flatMap((cloud) => whyNot(cloud) ?? [])
    if (whys.length) refuse({ kind: 'incapable', reason: [...new Set(whys)].join(' ') })
    const all = found.places.map(({ id }) => id)
    const images = all.filter((id) => found.imageClouds.includes(id))
    const named = found.places.filter((each) => each.named).map(({ id }) => id)
    const networks = understood.nics.map(({ network }) => [network.cloudId ?? []].flat())
    await refuseReadOnly(context, [all, images, named, ...networks])
  }
  const asked = wish.zone === null ? found.places : found.places.filter(({ named }) => named)
  const untaken = places.length ? null : await whyNobodyTakes(understood.image, asked)
  const type = typeOf(places[0])
  return { places, reason: untaken ?? reason, zonal: adapters.get(type)?.zonalSubnets === true, filters: !open(type) }
}

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
  return place({ flavor: { ...flavor, native: false }, arch, zone: null, clouds: null, tied: {}, home: null }, left)
}
