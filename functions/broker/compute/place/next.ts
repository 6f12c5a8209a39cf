import { attachmentsOf } from '../../../../db/queries/block-storage/attachments.ts'
import { policyOf } from '../../../../db/queries/clouds/policies.ts'
import { candidatesFor } from '../../../../db/queries/compute/candidates.ts'
import { placementOf } from '../../../../db/queries/compute/placements.ts'
import { groupPlaces, type MemberRow } from '../../../../db/queries/compute/server-groups.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Binding } from '../../../../db/queries/line/bindings.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { filteringAt, mayMove } from '../../clouds/filters.ts'
import { NO_POLICY } from '../../clouds/policy.ts'
import type { Write } from '../../line/commit.ts'
import { NetworkRefused } from '../../network/network-refusal.ts'
import { type Place, type Places, placesJson, placesOf } from '../server-facts.ts'
import { type CarriedPorts, canGo, carriedPorts, carryPorts } from './carried-ports.ts'
import { REACH } from './hints.ts'
import { rank } from './rank.ts'
import { type Reach, reachAround, stillReached, unreached } from './reach.ts'

/** So many sizes are asked for before a server is given up. */
const MOST_TRIES = 8

const keyOf = ({ cloudId, zone, native }: Place): string => `${cloudId}/${zone}/${native}`

interface Next {
  place: Place
  places: Places
  filters: Filters
  carried: CarriedPorts
  /** Null: it may be where it does not reach what else is on its networks. */
  reach: Reach | null
}

const networksOf = ({ ports }: CarriedPorts): string[] => ports.map(({ networkId }) => networkId)

/** What was hinted when it was made holds wherever it goes. */
const reachFor = async (context: Context, { id }: ServerRow, carried: CarriedPorts): Promise<Reach | null> =>
  (await placementOf(context.db, id))?.hints[REACH] ? reachAround(context, networksOf(carried), id) : null

/**
 * Where to try next when a place has no room: the other places that were found at first, then the next larger size in
 * the same zone. What was named of a server's ports ties it, as its networks do that are not routed; others of a group that is
 * on one host tie it to theirs.
 */
const nextPlace = async (context: Context, server: ServerRow, member: MemberRow | null): Promise<Next | null> => {
  const places = placesOf(server)
  const tried = [...(places.tried ?? []), ...(places.at ? [keyOf(places.at)] : [])]
  if (tried.length >= MOST_TRIES) return null
  const carried = await carriedPorts(context, server)
  // Its volumes are in its zone, or are being made there.
  const held = (await attachmentsOf(context.db, everyProject, server.id)).length > 0
  const others = member?.policy === 'affinity' ? await groupPlaces(context.db, member.groupId, server.id) : []
  const together = (place: Place) =>
    others.every(({ cloudId, zone }) => cloudId === place.cloudId && zone === place.zone)
  const reach = await reachFor(context, server, carried)
  const reaches = (place: Place) => !reach || unreached(reach, place.cloudId) === null
  const reachable = places.next.filter((place) => !held && canGo(carried, place) && together(place) && reaches(place))
  const filters = await filtersWherever(context, server, reachable)
  const open = reachable.filter(({ cloudId }) => filters.has(cloudId))
  const [chosen, ...next] = open.length ? open : await larger(context, server, places, tried)
  if (!chosen) return null
  const to = filters.get(chosen.cloudId) ?? server.filters ?? 'enforced'
  return {
    place: chosen,
    places: { ...places, at: chosen, next: open.length ? next : [], tried },
    filters: to,
    carried,
    reach,
  }
}

/**
 * The next place that can have a server, and the writes that take its ports there; one whose segments have no address left
 * is passed over. Null: nowhere is left.
 */
export const moveOn = async (
  context: Context,
  server: ServerRow,
  binding: Binding,
  member: MemberRow | null,
): Promise<{ place: Place; places: Places; filters: Filters; writes: Write[] } | null> => {
  const next = await nextPlace(context, server, member)
  if (!next) return null
  const { place, places, filters, carried, reach } = next
  const reached = reach ? [stillReached(context, reach, networksOf(carried), server.id, place.cloudId)] : []
  try {
    const writes = await carryPorts(context, carried, binding, { ...place, filters })
    return { place, places, filters, writes: [...reached, ...writes] }
  } catch (error) {
    if (!(error instanceof NetworkRefused)) throw error
    return moveOn(context, { ...server, places: placesJson(places) }, binding, member)
  }
}

/** What clouds do with security groups, of those that may have the server: none that filters less than it was promised. */
const filtersWherever = async (
  context: Context,
  { projectId, filters, cloudId: here }: ServerRow,
  places: Place[],
): Promise<Map<string, Filters>> => {
  const from = filters ?? 'enforced'
  const may = new Map<string, Filters>()
  if (!places.length) return may
  const policy = (await policyOf(context.db, projectId))[0]?.policy ?? NO_POLICY
  for (const cloudId of new Set(places.map((place) => place.cloudId))) {
    const to = cloudId === here ? from : (await filteringAt(context, cloudId, projectId))?.filters
    if (to !== undefined && mayMove(from, to, policy.min_filters)) may.set(cloudId, to)
  }
  return may
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
  return rank(
    { flavor: { ...flavor, native: false }, arch, zone: null, clouds: null, tied: {}, home: null, converting: [] },
    left,
  )
}
