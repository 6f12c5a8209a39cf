import { type NetworkRow, networkMoved, touchNetwork } from '../../../../db/queries/network/network.ts'
import type { NetworkPlanView } from '../../../../db/queries/network/network-plans.ts'
import { insertSegment, type SegmentRow, segmentThere } from '../../../../db/queries/network/segments.ts'
import { insertSubnet, type SubnetRow, updateSubnet } from '../../../../db/queries/network/subnets.ts'
import type { Context } from '../../../context.ts'
import { charge, guard, type Write } from '../../line/commit.ts'
import { changed } from '../../line/resources.ts'
import { readCidr } from '../address.ts'
import { refuseBeyond } from '../limits.ts'
import { type Layout, type Site, subnetsAt } from '../segments/sites.ts'
import { plannedSubnet } from '../subnet-rules.ts'
import { POOL_GUARDS, poolAllocator, taking } from './allocation.ts'

/*
 * Networks that become routed by themselves: where a server of theirs goes and they have no segment, the batch that admits
 * the server makes one, with a subnet of the plan's pool or of the pool that the network's other subnets are of.
 */

/** Guards that say that a network did not grow because somebody else was faster: another look finds what that one made. */
export const GROWTH_GUARDS = [...POOL_GUARDS, 'network-moved', 'segment-there']

type Plan = Pick<NetworkPlanView, 'routed' | 'poolId' | 'prefixLength'>
type Growing = Pick<NetworkRow, 'id' | 'grows' | 'external' | 'cloudId'>

const own = (layout: Pick<Layout, 'subnets'>, networkId: string): SubnetRow[] =>
  layout.subnets.filter((subnet) => subnet.networkId === networkId)

/** The pool of which the subnet of a new segment is; null: there is none. */
const poolOf = (subnets: SubnetRow[], plan: Plan | null): string | null =>
  plan?.poolId ?? subnets.find(({ subnetpoolId }) => subnetpoolId !== null)?.subnetpoolId ?? null

/**
 * Whether a network gets a segment wherever a server of it goes, as it says or its project's plan does. Not what is a way
 * out, has no pool to take a subnet from, or has several subnets that lie in no segment: only one could be associated.
 */
export const grows = (network: Growing, layout: Layout, plan: Plan | null): boolean => {
  if (network.external || !(network.grows ?? plan?.routed ?? false)) return false
  const subnets = own(layout, network.id)
  const open = subnets.filter(({ segmentId }) => segmentId === null)
  return poolOf(subnets, plan) !== null && (open.length === 0 || subnets.length === 1)
}

/** Whether a network that grows has nothing yet where a server goes. `zonal`: subnets there are in zones. */
export const isMissingAt = (network: Growing, layout: Layout, at: Site, zonal: boolean): boolean => {
  const subnets = own(layout, network.id)
  if (!subnets.length) return true
  const there = subnetsAt(layout, network.id, at)
  if (there) return there.length === 0
  const elsewhere = network.cloudId !== null && network.cloudId !== at.cloudId
  return elsewhere || (zonal && subnets.some(({ zone }) => zone !== null && zone !== at.zone))
}

/** What a network has then, and the writes that make it so, before all others of their batch. */
export interface Growth extends Pick<Layout, 'subnets'> {
  segments: SegmentRow[]
  writes: Write[]
}

/**
 * A segment with a subnet, for the batch that places the first server there. Guards: `GROWTH_GUARDS`. `before`: how often
 * somebody else was faster. Throws `NetworkRefused` where the pool has no room or the cloud takes no such subnet.
 */
export const growAt = async (
  context: Context,
  network: NetworkRow,
  layout: Pick<Layout, 'subnets'> & { segments: SegmentRow[] },
  plan: Plan | null,
  { at, zonal, before }: { at: Site; zonal: boolean; before: number },
): Promise<Growth> => {
  const { db } = context
  const now = context.now()
  const subnets = own(layout, network.id)
  const segments = layout.segments.filter(({ networkId }) => networkId === network.id)
  const place = { cloudId: at.cloudId, zone: zonal ? at.zone : null }
  const names = { projectId: network.projectId, networkId: network.id, name: '', description: '' }
  const segment: SegmentRow = {
    ...{ ...names, ...place, id: context.newId(), networkType: 'flat', revision: 0, createdAt: now, updatedAt: now },
  }
  const like = subnets[0]
  const pool = await poolAllocator(
    context,
    before,
  )({
    projectId: network.projectId,
    id: poolOf(subnets, plan)!,
    prefixlen: plan?.prefixLength ?? (like && readCidr(like.cidr)!.prefix),
    avoid: subnets.map(({ cidr }) => cidr),
  })
  const wish = {
    ...{ ...names, segmentId: segment.id, ipVersion: pool.pool.ipVersion, cidr: pool.cidr, enableDhcp: true },
    ...{ dnsNameservers: like?.ipVersion === pool.pool.ipVersion ? like.dnsNameservers : [], hostRoutes: [] },
    ...{ ipv6AddressMode: null, ipv6RaMode: null },
  }
  const subnet = { ...plannedSubnet(context, wish, subnets), subnetpoolId: pool.pool.id, zone: place.zone }
  await refuseBeyond(context, at.cloudId, [subnet])
  const joined = like && like.segmentId === null ? { ...like, segmentId: segments[0]!.id } : null
  return {
    segments: [...segments, segment],
    subnets: [...(joined ? [joined] : subnets), subnet],
    writes: [
      guard(context, 'network-moved', networkMoved(network.id, network.revision)),
      guard(context, 'segment-there', segmentThere(segment)),
      ...(joined ? [updateSubnet(db, joined.id, { segmentId: joined.segmentId, updatedAt: now })] : []),
      insertSegment(db, segment),
      charge(context, network.projectId, 'subnet', 1),
      ...taking(context, pool, subnet),
      insertSubnet(db, subnet),
      touchNetwork(db, network.id, now),
      changed(context, 'network', network.id),
    ],
  }
}
