import { heldAround } from '../../../../db/queries/network/held-ranges.ts'
import {
  bindRouters,
  elsewhere,
  type NetworkRow,
  networkMoved,
  pin,
  touchNetwork,
} from '../../../../db/queries/network/network.ts'
import type { NetworkPlanView } from '../../../../db/queries/network/network-plans.ts'
import { insertSegment, type SegmentRow, segmentThere } from '../../../../db/queries/network/segments.ts'
import { insertSubnet, type SubnetRow, updateSubnet } from '../../../../db/queries/network/subnets.ts'
import type { Context } from '../../../context.ts'
import { charge, guard, type Write } from '../../line/commit.ts'
import { epochOf } from '../../line/epoch.ts'
import { changed } from '../../line/resources.ts'
import { readCidr } from '../address.ts'
import { refuseBeyond } from '../limits.ts'
import { segmentIdAt } from '../segments/segment-id.ts'
import { isAt, type Layout, type Site, subnetsAt } from '../segments/sites.ts'
import { plannedSubnet } from '../subnet-rules.ts'
import { POOL_GUARDS, poolAllocator, stillFree, taking } from './allocation.ts'
import { isToGrow } from './growing.ts'
import { giveWayOut } from './way-out.ts'

/*
 * Networks that become routed by themselves: where a server of theirs goes and they have no segment, the batch that admits
 * the server makes one, with a subnet of the plan's pool or of the pool that the network's other subnets are of.
 */

/** Guards that say that a network did not grow because somebody else was faster: another look finds what that one made. */
export const GROWTH_GUARDS = [...POOL_GUARDS, 'network-moved', 'segment-there']

/** A plan is for the networks of its project. */
export type Plan = Pick<NetworkPlanView, 'projectId' | 'routed' | 'poolId' | 'prefixLength' | 'egress'>
type Growing = Pick<NetworkRow, 'id' | 'projectId' | 'grows' | 'external'>

const own = (layout: Pick<Layout, 'subnets'>, networkId: string): SubnetRow[] =>
  layout.subnets.filter((subnet) => subnet.networkId === networkId)

/** The pool of which the subnet of a new segment is; null: there is none. */
const poolOf = (subnets: SubnetRow[], plan: Plan | null): string | null =>
  plan?.poolId ?? subnets.find(({ subnetpoolId }) => subnetpoolId !== null)?.subnetpoolId ?? null

/**
 * Whether a network gets a segment wherever a server of it goes, as it says or its project's plan does. Not what is a way
 * out, has no pool to take a subnet from, or has several subnets that lie in no segment: only one could be associated.
 */
export const grows = (network: Growing, layout: Pick<Layout, 'subnets'>, plan: Plan | null): boolean => {
  if (!isToGrow(network, plan)) return false
  const subnets = own(layout, network.id)
  const open = subnets.filter(({ segmentId }) => segmentId === null)
  return poolOf(subnets, plan) !== null && (open.length === 0 || subnets.length === 1)
}

/** What a network has then, and the writes that make it so, before all others of their batch. */
interface Grown extends Pick<Layout, 'subnets'> {
  segments: SegmentRow[]
  writes: Write[]
}
type Rows = Pick<Grown, 'segments' | 'subnets'>

/** Where a server goes. `zonal`: subnets there are in zones. `before`: how often somebody else was faster. */
export interface Ground {
  at: Site
  zonal: boolean
  before: number
}

/**
 * What a network that grows lacks where a server goes, for the batch that places it there: its sole subnet is associated with
 * the segment that it is in, and where it has no segment, one is made with a subnet. Guards: `GROWTH_GUARDS`. Null: it
 * lacks nothing. Throws `NetworkRefused` where the pool has no room or the cloud takes no such subnet.
 */
export const growAt = async (
  context: Context,
  network: NetworkRow,
  layout: Rows,
  plan: Plan | null,
  ground: Ground,
): Promise<Grown | null> => {
  const rows = {
    segments: layout.segments.filter(({ networkId }) => networkId === network.id),
    subnets: own(layout, network.id),
  }
  const joined = joinSole(context, network, rows, ground)
  const there = subnetsAt(joined ?? rows, network.id, ground.at)
  const grown = there?.length ? joined : await widen(context, network, joined ?? rows, plan, ground)
  if (!grown) return null
  const moved = guard(context, 'network-moved', networkMoved(network.id, network.revision))
  const ways = plan?.egress ? await waysOut(context, network, rows, grown) : []
  const touched = [touchNetwork(context.db, network.id, context.now()), changed(context, 'network', network.id)]
  return { ...grown, writes: [moved, ...grown.writes, ...ways, ...touched] }
}

/** What is new in a segment gets the way out of the cloud there. */
const waysOut = async (context: Context, network: NetworkRow, before: Rows, { segments, subnets }: Rows) => {
  const lay = new Set(before.subnets.flatMap(({ id, segmentId }) => (segmentId === null ? [] : id)))
  const fresh = subnets.filter(({ id }) => !lay.has(id))
  const cloudOf = ({ segmentId }: SubnetRow) => segments.find(({ id }) => id === segmentId)!.cloudId
  const writes: Write[] = []
  for (const [cloudId, there] of Map.groupBy(fresh, cloudOf))
    writes.push(...(await giveWayOut(context, network, there, cloudId, { segments, subnets })))
  return writes
}

/** Where a segment is that is made for a place: in its zone if subnets are in zones, or segments of the network are there. */
const placeOf = ({ at, zonal }: Ground, segments: SegmentRow[]): Site => {
  const zoned = zonal || segments.some(({ cloudId, zone }) => cloudId === at.cloudId && zone !== null)
  return { cloudId: at.cloudId, zone: zoned ? at.zone : null }
}

const newSegment = (
  context: Context,
  { id, projectId }: NetworkRow,
  ground: Ground,
  segments: SegmentRow[] = [],
): SegmentRow => {
  const times = { createdAt: context.now(), updatedAt: context.now() }
  const place = placeOf(ground, segments)
  const names = {
    projectId,
    networkId: id,
    name: '',
    description: '',
    networkType: 'flat',
    segmentationId: null,
    wire: null,
    revision: 0,
  }
  return { ...names, ...place, ...times, id: segmentIdAt(id, place) }
}

/**
 * A sole subnet that lies in no segment lies from now on where its network is, or comes to, with all that routers join to it
 * (guard `network-elsewhere`); null: there is none.
 */
const joinSole = (context: Context, network: NetworkRow, { segments, subnets }: Rows, ground: Ground): Grown | null => {
  const { db } = context
  const [sole] = subnets
  if (sole?.segmentId !== null) return null
  const segment = segments[0] ?? newSegment(context, network, ground)
  const [{ cloudId }, ids, now] = [segment, [network.id], context.now()]
  return {
    segments: [segment],
    subnets: [{ ...sole, segmentId: segment.id }],
    writes: [
      ...(segments.length
        ? []
        : [
            guard(context, 'network-elsewhere', elsewhere(ids, cloudId)),
            insertSegment(db, segment),
            // Before it is routed: afterwards its routers join it no more.
            pin(db, ids, cloudId, now),
            bindRouters(db, ids, cloudId, epochOf(now), now),
          ]),
      updateSubnet(db, sole.id, { segmentId: segment.id, updatedAt: now }),
    ],
  }
}

/** A segment where the place is in which no subnet lies. */
const emptyAt = ({ segments, subnets }: Rows, place: Site): SegmentRow | undefined =>
  segments.find((segment) => isAt(segment, place) && !subnets.some(({ segmentId }) => segmentId === segment.id))

/** One more subnet, in the segment of its owner that is there and has none, or in one more segment. */
const widen = async (
  context: Context,
  network: NetworkRow,
  { segments, subnets, writes = [] }: Rows & { writes?: Write[] },
  plan: Plan | null,
  ground: Ground,
): Promise<Grown> => {
  const empty = emptyAt({ segments, subnets }, ground.at)
  const segment = empty ?? newSegment(context, network, ground, segments)
  const like = subnets[0]
  const held = await heldAround(context.db, network.projectId, segment.cloudId, true)
  const range = await poolAllocator(
    context,
    ground.before,
  )({
    projectId: network.projectId,
    id: poolOf(subnets, plan)!,
    prefixlen: plan?.prefixLength ?? (like && readCidr(like.cidr)!.prefix),
    avoid: [...subnets.map(({ cidr }) => cidr), ...held.cidrs],
  })
  const { ipVersion } = range.pool
  const wish = {
    ...{ projectId: network.projectId, networkId: network.id, name: '', description: '', segmentId: segment.id },
    ...{ ipVersion, cidr: range.cidr, enableDhcp: true, hostRoutes: [], ipv6AddressMode: null, ipv6RaMode: null },
    dnsNameservers: like?.ipVersion === ipVersion ? like.dnsNameservers : [],
  }
  const subnet = {
    ...plannedSubnet(context, wish, subnets),
    subnetpoolId: range.pool.id,
    zone: segment.zone ?? (ground.zonal ? ground.at.zone : null),
  }
  await refuseBeyond(context, segment.cloudId, [subnet])
  return {
    segments: empty ? segments : [...segments, segment],
    subnets: [...subnets, subnet],
    writes: [
      ...writes,
      ...(empty ? [] : [guard(context, 'segment-there', segmentThere(segment)), insertSegment(context.db, segment)]),
      charge(network.projectId, 'subnet', 1),
      stillFree(context, network.projectId, segment.cloudId, held),
      ...taking(context, range, subnet),
      insertSubnet(context.db, subnet),
    ],
  }
}
