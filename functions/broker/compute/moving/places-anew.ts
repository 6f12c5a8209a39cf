import { ReadOnly } from '../../../../adapters/errors.ts'
import { candidatesFor, candidatesIn } from '../../../../db/queries/compute/candidates.ts'
import { placementOf } from '../../../../db/queries/compute/placements.ts'
import { type Found, lookUpReferences } from '../../../../db/queries/compute/places.ts'
import { groupPlaces, type MemberRow } from '../../../../db/queries/compute/server-groups.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { withTakers } from '../../image/image-takers.ts'
import { type CarriedPorts, carriedPorts, isFree } from '../place/carried-ports.ts'
import { choosePlaces } from '../place/choose.ts'
import { REACH } from '../place/hints.ts'
import { amountAt } from '../place/marks.ts'
import { reachAround } from '../place/reach.ts'
import { understand } from '../place/understand.ts'
import { type Place, placesOf } from '../server-facts.ts'
import { ServerRefused } from '../server-refusal.ts'
import { NO_SERVER, type ServerWish } from '../server-wish.ts'
import { openUserData } from '../user-data.ts'

/** What is not as it was when the server was made. */
interface Besides {
  group: MemberRow | null
  /** Of its metadata. */
  metadata?: Record<string, string>
  /** What its cloud said of the offer that it had, which is none now; null: it may have the same again. */
  without: string | null
}

/** Where a server could go, best first, and why there is nowhere. */
interface Anew {
  places: Place[]
  reason: string
}

/**
 * Where a server that is made of an image would go if it were asked for now, by the same rules as a new one: as if what it
 * holds were free, of the flavor that it was admitted with, with its ports.
 */
export const placesAnew = async (context: Context, server: ServerRow, besides: Besides): Promise<Anew> => {
  const carried = await carriedPorts(context, server)
  const wish = wishOf(context, server, carried, besides)
  const found = await foundFor(context, server, wish, carried, besides)
  try {
    const plain = understand(wish, found, server.projectId, [])
    const networkIds = plain.nics.map(({ network }) => network.id)
    const reached = (await placementOf(context.db, server.id))?.hints[REACH]
    const understood = reached ? { ...plain, reach: await reachAround(context, networkIds, server.id) } : plain
    const { places, reason } = await choosePlaces(context, wish, understood, found)
    return { places, reason }
  } catch (error) {
    if (error instanceof ServerRefused) return { places: [], reason: saidIn(error) }
    if (error instanceof ReadOnly) return { places: [], reason: error.message }
    throw error
  }
}

const saidIn = ({ refusal }: ServerRefused): string => ('reason' in refusal ? refusal.reason : '')

const wishOf = (
  context: Context,
  server: ServerRow,
  { ports }: CarriedPorts,
  { group, metadata = server.metadata }: Besides,
): ServerWish => ({
  ...NO_SERVER,
  name: server.name,
  flavorId: server.flavor.id,
  imageId: server.imageId ?? '',
  nics: ports.map(({ id }) => ({ portId: id })),
  keyName: server.keypair && server.keyName,
  metadata,
  tags: server.tags,
  userData: openUserData(context, server.id, server.userData),
  configDrive: server.configDrive,
  zone: server.pinnedZone,
  groupId: group?.groupId ?? null,
})

const foundFor = async (
  context: Context,
  server: ServerRow,
  wish: ServerWish,
  carried: CarriedPorts,
  { group, without }: Besides,
): Promise<Found> => {
  const { db } = context
  const { projectId, flavor, keypair } = server
  const { at } = placesOf(server)
  const now = context.now()
  const found = await lookUpReferences(db, {
    now,
    projectId,
    userId: server.userId,
    scope: everyProject,
    flavorId: flavor.id,
    imageId: wish.imageId,
    keyName: wish.keyName,
    networkIds: [],
    anyNetwork: false,
    portIds: carried.ports.map(({ id }) => id),
    securityGroups: [],
    volumeIds: [],
    sources: null,
    groupId: wish.groupId,
    place: wish.zone,
  })
  // What a flavor of that id, or a key of that name, is by now does not matter to a server that was admitted with it.
  const native = flavor.native ?? flavor.name === at?.native
  const admitted = { ...flavor, native }
  const ask = { now, projectId, flavorId: flavor.id, admitted, place: wish.zone }
  const candidates = candidatesIn(await candidatesFor(db, ask))
  const others = group ? await groupPlaces(db, group.groupId, server.id) : []
  const moving = new Set(carried.ports.filter((port) => isFree(carried, port)).map(({ id }) => id))
  const isHeld = (c: (typeof candidates)[number]) =>
    c.cloudId === at?.cloudId && c.zone === at.zone && c.native === at.native && c.option === at.option
  const refused = without === null ? null : { shortage: 'no-capacity' as const, words: without, until: now }
  return withTakers(context, {
    ...found,
    ...withoutIt(found, server),
    flavor: {
      ...admitted,
      ...{ isPublic: false, description: null, rxtxFactor: 1, retired: true, createdAt: server.createdAt },
    },
    keypair: keypair && { ...keypair, userId: server.userId, name: server.keyName ?? '', type: 'ssh', createdAt: 0 },
    candidates: candidates.map((each) => (refused && isHeld(each) ? { ...each, refused } : each)),
    ports: found.ports.map((port) => ({
      ...port,
      deviceId: '',
      fixedIps: moving.has(port.id) ? [] : port.fixedIps,
    })),
    group: found.group && { ...found.group, places: others },
  })
}

/** What is counted, as if what the server takes were free. */
const withoutIt = (found: Found, server: ServerRow): Pick<Found, 'clouds' | 'spending' | 'spilled'> => {
  const { at } = placesOf(server)
  if (!at) return found
  const { clouds, spending, spilled } = found
  const its = amountAt(at, server.flavor, 1)
  const freed = (cloud: (typeof clouds)[number]) => ({
    ...cloud,
    takenVcpus: cloud.takenVcpus - its.vcpus,
    takenRamMib: cloud.takenRamMib - its.ramMib,
    ownVcpus: cloud.ownVcpus - its.vcpus,
    ownRamMib: cloud.ownRamMib - its.ramMib,
  })
  return {
    clouds: clouds.map((cloud) => (cloud.id === at.cloudId ? freed(cloud) : cloud)),
    spending: { ...spending, hourly: spending.hourly - (at.hourly ?? 0) },
    spilled: server.spilled ? { servers: spilled.servers - 1, vcpus: spilled.vcpus - its.vcpus } : spilled,
  }
}
