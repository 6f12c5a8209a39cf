import { table } from '../../../../adapters/table.ts'
import type { NetworkView } from '../../../../db/queries/network/network.ts'
import { insertSegment, segmentThere, wireTaken } from '../../../../db/queries/network/segments.ts'
import type { Context } from '../../../context.ts'
import { guard } from '../../line/commit.ts'
import { type NetworkWish, networksMade, plannedNetworks } from '../network.ts'
import { commitOr, invalidInput, type NetworkRefused } from '../network-refusal.ts'
import { refuseNoOutside } from '../outside/external-network.ts'
import { refuseUnshaped } from '../qos/binding.ts'
import { connectedTwice, placeNamed, plannedSegment, type SegmentWish } from './segment.ts'
import { wireInUse } from './wire.ts'

/** A network, and the segments that it has from the beginning. */
export interface ProvidedNetwork extends NetworkWish {
  segments: Pick<SegmentWish, 'networkType' | 'physicalNetwork' | 'segmentationId'>[]
}

/**
 * Makes networks with their segments, all or none; without segments a network has none before its first use. Throws
 * `NetworkRefused`.
 */
export const createNetworks = async (context: Context, wishes: ProvidedNetwork[]): Promise<NetworkView[]> => {
  const plain = wishes.map(({ segments, ...wish }) => ({ ...wish, placed: segments.length > 0 }))
  const { ids, writes, shaped } = await plannedNetworks(context, plain)
  const reasons = table<() => NetworkRefused>()
  for (const [i, { projectId, portSecurity, segments, external }] of wishes.entries()) {
    if (external && segments.length > 1) throw invalidInput('an external network has one segment')
    for (const [n, segment] of segments.entries()) {
      const wish = { ...segment, networkId: ids[i]!, name: null, description: '' }
      const place = await placeNamed(context, { projectId, portSecurity }, wish)
      if (external) await refuseNoOutside(context, place.cloudId)
      if (shaped[i]) await refuseUnshaped(context, place.cloudId, { kind: 'network', id: ids[i]! })
      const row = plannedSegment(context, { id: ids[i]!, projectId }, wish, place)
      const twice = `segment-there.${i}.${n}`
      reasons[twice] = () => connectedTwice(wish)
      // One after the other, in the order in which they were named.
      const taken = `wire-taken.${i}.${n}`
      reasons[taken] = () => wireInUse(row, wish)
      writes.push(
        guard(context, twice, segmentThere(row)),
        ...(row.wire === null ? [] : [guard(context, taken, wireTaken(row))]),
        insertSegment(context.db, { ...row, createdAt: row.createdAt + n }),
      )
    }
  }
  await commitOr(context, { action: 'create', kind: 'network', resourceId: ids[0]!, detail: { ids } }, writes, reasons)
  return networksMade(context, ids)
}
