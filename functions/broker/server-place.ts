import type { Binding } from '../../db/queries/bindings.ts'
import { candidatesFor } from '../../db/queries/places.ts'
import { portsOfServer, type ServerRow } from '../../db/queries/servers.ts'
import type { Context } from '../context.ts'
import { type Place, place } from './place.ts'
import { type Places, placesOf } from './server-facts.ts'

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
  const candidates = await candidatesFor(context.db, { projectId, flavorId: flavor.id, cloudId, zone })
  const arch = candidates.find(({ native }) => native === at.native)?.arch
  if (arch === undefined) return []
  const left = candidates.filter((each) => !tried.includes(keyOf(each))).map((each) => ({ ...each, available: true }))
  return place({ flavor: { ...flavor, native: false }, arch, zone: null, clouds: null, tied: {} }, left)
}
