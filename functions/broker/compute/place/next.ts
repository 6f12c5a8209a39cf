import { attachmentsOf } from '../../../../db/queries/block-storage/attachments.ts'
import { candidatesFor, candidatesIn } from '../../../../db/queries/compute/candidates.ts'
import { placementOf } from '../../../../db/queries/compute/placements.ts'
import { groupPlaces, type MemberRow } from '../../../../db/queries/compute/server-groups.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Binding } from '../../../../db/queries/line/bindings.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { filteringAt, mayMove } from '../../clouds/filters.ts'
import { policyFor } from '../../clouds/policy.ts'
import type { Write } from '../../line/commit.ts'
import { NetworkRefused } from '../../network/network-refusal.ts'
import { type Place, type Places, placesJson, placesOf } from '../server-facts.ts'
import { type CarriedPorts, canGo, carriedPorts, carryPorts } from './carried-ports.ts'
import { REACH } from './hints.ts'
import { type Marks, marksFor } from './marks-elsewhere.ts'
import { type Means, meansOf } from './means.ts'
import { bySize, rank, spotLike } from './rank.ts'
import { type Reach, reachAround, stillReached, unreached } from './reach.ts'
import { refusedLately } from './refusals.ts'

/** So often is asked before a server is given up, and before a cloud is. */
const MOST_TRIES = 24
const MOST_ON_A_CLOUD = 12

const keyOf = ({ cloudId, zone, native, option }: Pick<Place, 'cloudId' | 'zone' | 'native' | 'option'>): string =>
  `${cloudId}/${zone}/${native}${option === 'spot' ? '/spot' : ''}`

interface Next {
  place: Place
  places: Places
  filters: Filters
  spilled: boolean
  /** For the end of the batch: what is said, marks, and the cap of what spills. */
  guards: Write[]
  carried: CarriedPorts
  /** Null: it may be where it does not reach what else is on its networks. */
  reach: Reach | null
}

const networksOf = ({ ports }: CarriedPorts): string[] => ports.map(({ networkId }) => networkId)

/** What was hinted when it was made holds wherever it goes. */
const reachFor = async (context: Context, { id }: ServerRow, carried: CarriedPorts): Promise<Reach | null> =>
  (await placementOf(context.db, id))?.hints[REACH] ? reachAround(context, networksOf(carried), id) : null

/**
 * Where to try next when a place has no room: on the same cloud its other zones, then larger sizes in them, then the other clouds, of
 * which the next region of the same provider is one. What clouds refused lately is passed over. What was named of a server's ports
 * ties it, as its networks do that are not routed; others of a group that is on one host tie it to theirs.
 */
const nextPlace = async (
  context: Context,
  server: ServerRow,
  member: MemberRow | null,
  { marks, anew }: Pick<Known, 'marks'> & How,
): Promise<Next | null> => {
  const places = placesOf(server)
  const { at } = places
  const tried = [...(places.tried ?? []), ...(at ? [keyOf(at)] : [])]
  if (!at || tried.length >= MOST_TRIES) return null
  const carried = await carriedPorts(context, server)
  // Its volumes are in its zone, or are being made there.
  const held = (await attachmentsOf(context.db, everyProject, server.id)).length > 0
  const group = member?.policy === 'affinity' ? await groupPlaces(context.db, member.groupId, server.id) : []
  const together = (place: Place) =>
    group.every(({ cloudId, zone }) => cloudId === place.cloudId && zone === place.zone)
  const reach = await reachFor(context, server, carried)
  const reaches = (place: Place) => !reach || unreached(reach, place.cloudId) === null
  const stays = ({ cloudId, zone }: Place) => cloudId === at.cloudId && zone === at.zone
  const canBe = (place: Place) =>
    marks.why(place) === null && (stays(place) || (!held && canGo(carried, place) && together(place) && reaches(place)))
  const reachable = places.next.filter((place) => canBe(place) && !tried.includes(keyOf(place)))
  const filters = await filtersWherever(context, server, [at, ...reachable])
  const open = reachable.filter(({ cloudId }) => filters.has(cloudId))
  const chosen = anew ? open[0] : await firstOf(context, server, { at, open, tried, canBe })
  if (!chosen) return null
  return {
    place: chosen,
    places: { ...places, at: chosen, next: open.filter((place) => keyOf(place) !== keyOf(chosen)), tried },
    filters: filters.get(chosen.cloudId) ?? server.filters ?? 'enforced',
    spilled: marks.spilled(chosen),
    guards: marks.guards(chosen),
    carried,
    reach,
  }
}

interface Left {
  at: Place
  /** Places that were found at first, and are still open to it. */
  open: Place[]
  tried: string[]
  canBe(place: Place): boolean
}

/** Cloud by cloud, beginning with the one where it is: a zone, else a larger size in one. */
const firstOf = async (context: Context, server: ServerRow, left: Left): Promise<Place | null> => {
  const { at, open, tried } = left
  const clouds = [...new Set([at, ...open].map(({ cloudId }) => cloudId))]
  const isRefused = await refusedLately(context, clouds, server.projectId)
  for (const cloudId of clouds) {
    if (tried.filter((key) => key.startsWith(`${cloudId}/`)).length >= MOST_ON_A_CLOUD) continue
    const zone = open.find((place) => place.cloudId === cloudId && !isRefused(place))
    const chosen = zone ?? (await larger(context, server, cloudId, left))
    if (chosen) return chosen
  }
  return null
}

interface Known {
  means: Means
  marks: Marks
}

interface How {
  /** The next places were weighed just now, with all that clouds sell: the first that can have it is taken, and none is looked for besides. */
  anew?: boolean
}

/**
 * The next place that can have a server, and the writes that take its ports there; one whose segments have no address left
 * is passed over, and one that costs more than may be spent. Null: nowhere is left.
 */
export const moveOn = async (
  context: Context,
  server: ServerRow,
  binding: Binding,
  member: MemberRow | null,
  { known, anew = false }: How & { known?: Known } = {},
): Promise<(Pick<Next, 'place' | 'places' | 'filters' | 'spilled'> & { writes: Write[] }) | null> => {
  const marks = known?.marks ?? (await marksFor(context, server))
  const next = await nextPlace(context, server, member, { marks, anew })
  if (!next) return null
  const means = known?.means ?? (await meansOf(context, server))
  const { place, places, filters, spilled, guards, carried, reach } = next
  // What it has is where it is, not where it was thought of last.
  const further = () =>
    moveOn(context, { ...server, places: placesJson(places) }, binding, member, { known: { means, marks }, anew })
  if (means.why(place) !== null) return further()
  const reached = reach ? [stillReached(context, reach, networksOf(carried), server.id, place.cloudId)] : []
  try {
    const writes = await carryPorts(context, carried, binding, { ...place, filters })
    return { place, places, filters, spilled, writes: [...reached, ...writes, ...guards, ...means.guards(place)] }
  } catch (error) {
    if (!(error instanceof NetworkRefused)) throw error
    return further()
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
  const { policy } = await policyFor(context, projectId)
  for (const cloudId of new Set(places.map((place) => place.cloudId))) {
    const to = cloudId === here ? from : (await filteringAt(context, cloudId, projectId))?.filters
    if (to !== undefined && mayMove(from, to, policy.min_filters)) may.set(cloudId, to)
  }
  return may
}

/** The cheapest size of a cloud that meets the flavor and was not tried yet, in one of the zones that it was weighed for. */
const larger = async (
  context: Context,
  { projectId, flavor }: ServerRow,
  cloudId: string,
  { at, open, tried, canBe }: Left,
): Promise<Place | undefined> => {
  // What a flavor of that id is by now does not matter to a server that was admitted with it.
  const admitted = { ...flavor, native: flavor.native ?? flavor.name === at.native }
  const ask = { now: context.now(), projectId, flavorId: flavor.id, admitted, cloudId, option: at.option }
  const candidates = candidatesIn(await candidatesFor(context.db, ask))
  const known = [at, ...open].find((place) => place.cloudId === cloudId)
  const arch = candidates.find(({ native }) => native === known?.native)?.arch
  if (arch === undefined) return undefined
  const weighed = ({ zone }: Place) =>
    [at, ...open].some((place) => place.cloudId === cloudId && place.zone === zone) ||
    tried.some((key) => key.startsWith(`${cloudId}/${zone}/`))
  const left = candidates.filter((each) => !tried.includes(keyOf(each)) && weighed(each) && canBe(each))
  const untied = { zone: null, clouds: null, tied: {}, home: null, converting: [] }
  const required = { flavor: { ...flavor, native: false }, arch, ...untied, spot: spotLike(at.option) }
  // Of zones that have less left another size is the next: no larger one while a smaller one was not asked for everywhere.
  return rank(required, left).toSorted(bySize)[0]
}
