import type { SegmentRow } from '../../../../db/queries/network/segments.ts'
import { uuid5 } from '../../line/uuid.ts'

/**
 * Of the segment of a network in a place: the same whenever it is made, so that a database that lost it has it again under
 * the id that users know. (The first that a network gets by its first use has the network's id.)
 */
export const segmentIdAt = (networkId: string, { cloudId, zone }: Pick<SegmentRow, 'cloudId' | 'zone'>): string =>
  uuid5(`segment/${networkId}/${cloudId}/${zone ?? ''}`)
