import type { SegmentRow } from '../../../../db/queries/network/segments.ts'
import type { SubnetRow } from '../../../../db/queries/network/subnets.ts'
import { cidrHolds } from '../address.ts'

/* Where the subnets of a routed network lie, and so where its ports can be. Pure. */

/** A cloud, and one zone of it or all (null). */
export interface Site {
  cloudId: string
  zone: string | null
}

export interface Layout {
  segments: Pick<SegmentRow, 'id' | 'networkId' | 'cloudId' | 'zone' | 'wire'>[]
  subnets: SubnetRow[]
}

/** Subnets of a routed network, each with its site; null: the network is not routed, so that it is where its first user is. */
const sited = ({ segments, subnets }: Layout, networkId: string): { subnet: SubnetRow; site: Site }[] | null => {
  const own = subnets.filter((subnet) => subnet.networkId === networkId)
  if (!own.some(({ segmentId }) => segmentId !== null)) return null
  return own.flatMap((subnet) => {
    const segment = segments.find(({ id }) => id === subnet.segmentId)
    return segment ? [{ subnet, site: { cloudId: segment.cloudId, zone: subnet.zone ?? segment.zone } }] : []
  })
}

/** Whether subnets of the network lie in segments. */
export const isRouted = (layout: Layout, networkId: string): boolean => sited(layout, networkId) !== null

/** What of a port says where it can be: subnets or addresses that it has, or is to have. */
export interface PortTie {
  subnetIds?: string[]
  address?: string | null
}

/** Where a port of a routed network can be; null: the network is not routed. */
export const sitesFor = (layout: Layout, networkId: string, { subnetIds, address }: PortTie): Site[] | null => {
  const all = sited(layout, networkId)
  return (
    all
      ?.filter(({ subnet }) => !subnetIds?.length || subnetIds.includes(subnet.id))
      .filter(({ subnet }) => address === undefined || address === null || cidrHolds(subnet.cidr, address))
      .map(({ site }) => site) ?? null
  )
}

/** Whether a site is, or holds, the zone of a cloud. */
export const isAt = (site: Site, { cloudId, zone }: Site): boolean =>
  site.cloudId === cloudId && (site.zone === null || zone === null || site.zone === zone)

/** Ids of the subnets of a routed network from which a port in a place has its addresses; undefined: from all that it has. */
export const subnetsAt = (layout: Layout, networkId: string, place: Site): string[] | undefined =>
  sited(layout, networkId)
    ?.filter(({ site }) => isAt(site, place))
    .map(({ subnet }) => subnet.id)

/** The cloud of a subnet: that of its segment, else the one that its network is on. */
export const cloudOf = (
  { segments, subnets }: Layout,
  network: { cloudId: string | null },
  subnetId: string | undefined,
): string | null => {
  const segmentId = subnets.find(({ id }) => id === subnetId)?.segmentId ?? null
  return segments.find(({ id }) => id === segmentId)?.cloudId ?? network.cloudId
}
