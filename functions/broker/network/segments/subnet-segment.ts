import type { NetworkRow } from '../../../../db/queries/network/network.ts'
import { type SegmentRow, segmentById } from '../../../../db/queries/network/segments.ts'
import type { SubnetRow } from '../../../../db/queries/network/subnets.ts'
import type { Context } from '../../../context.ts'
import { refuseBeyond } from '../limits.ts'
import { invalid, missing } from '../network-refusal.ts'
import { wiredOn } from './wire.ts'

/* Which subnets lie in which segments: neutron/db/ipam_backend_mixin.py, `_validate_segment`. */

/** `SubnetsNotAllAssociatedWithSegments`. */
export const mixed = (networkId: string) =>
  invalid(
    'SubnetsNotAllAssociatedWithSegments',
    `All of the subnets on network '${networkId}' must either all be associated with segments or all not associated with any segment.`,
  )

const segmentNamed = async (
  { db, scope }: Context,
  segments: SegmentRow[],
  networkId: string,
  id: string,
): Promise<SegmentRow> => {
  const own = segments.find((each) => each.id === id)
  if (own) return own
  if (!(await segmentById(db, scope, id))) throw missing('Segment', id)
  throw invalid(
    'NetworkIdsDontMatch',
    `The subnet's network id, '${networkId}', doesn't match the network_id of segment '${id}'`,
  )
}

/**
 * The segment that a new subnet is to lie in, or the only one that its network has; null: it has none yet. `segments` and
 * `subnets` are all that the network has, the new one with them.
 */
export const segmentFor = async (
  context: Context,
  segments: SegmentRow[],
  subnets: SubnetRow[],
  { networkId, segmentId }: SubnetRow,
): Promise<SegmentRow | null> => {
  const segment = segmentId === null ? null : await segmentNamed(context, segments, networkId, segmentId)
  if (subnets.some((each) => (each.segmentId === null) !== (segmentId === null))) throw mixed(networkId)
  // In which of several segments a subnet is that is associated with none, no cloud could tell.
  if (segment === null && segments.length > 1) throw mixed(networkId)
  return segment ?? segments[0] ?? null
}

/** The segment with which a subnet is associated later: it has to be the only one of a network with one segment. */
export const segmentJoined = async (
  context: Context,
  segments: SegmentRow[],
  others: SubnetRow[],
  { networkId, segmentId: before }: SubnetRow,
  id: string | null,
): Promise<SegmentRow> => {
  if (others.length) throw mixed(networkId)
  if (before !== null || id === null)
    throw invalid(
      'SubnetSegmentAssociationChangeNotAllowed',
      'A subnet that is already associated with a segment cannot have its segment association changed.',
    )
  if (segments.length > 1)
    throw invalid(
      'NoUpdateSubnetWhenMultipleSegmentsOnNetwork',
      `The network '${networkId}' has multiple segments, it is only possible to associate an existing subnet with a segment on networks with a single segment.`,
    )
  return segmentNamed(context, segments, networkId, id)
}

/** Refuses what one of the clouds of a network cannot take of those subnets that are there. */
export const refuseBeyondSegments = async (
  context: Context,
  { cloudId }: Pick<NetworkRow, 'cloudId'>,
  segments: SegmentRow[],
  subnets: SubnetRow[],
): Promise<void> => {
  const homeOf = ({ segmentId }: SubnetRow) => segments.find(({ id }) => id === segmentId)?.cloudId ?? cloudId
  for (const [home, theirs] of Map.groupBy(subnets, homeOf)) {
    await refuseBeyond(context, home, theirs, wiredOn({ segments }, home))
  }
}
