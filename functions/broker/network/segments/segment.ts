import { adapterFor } from '../../../../adapters/registry.ts'
import { table } from '../../../../adapters/table.ts'
import { refuseChange } from '../../../../db/queries/line/adopt.ts'
import { type NetworkRow, networkMoved, touchNetwork } from '../../../../db/queries/network/network.ts'
import {
  deleteSegment,
  groundsOf,
  insertSegment,
  leaveCloud,
  type SegmentRow,
  type SegmentView,
  segmentById,
  segmentHasSubnets,
  segmentRealised,
  segmentThere,
  subnetsOpen,
  updateSegment,
  wireTaken,
} from '../../../../db/queries/network/segments.ts'
import { subnetsOf } from '../../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { commit, guard, type Write } from '../../line/commit.ts'
import { changed } from '../../line/resources.ts'
import { untilStill } from '../../line/until-still.ts'
import { ownNetwork } from '../network.ts'
import { commitOr, conflicting, invalidInput, type NetworkRefused, owned } from '../network-refusal.ts'
import { refuseUnshaped } from '../qos/binding.ts'
import { segmentIdAt } from './segment-id.ts'
import { mixed } from './subnet-segment.ts'
import { tagOn, wireInUse, wireNamed } from './wire.ts'

export interface SegmentWish {
  networkId: string
  networkType: string
  /** `<cloud>` or `<cloud>.<zone>`, and `/<wire>` behind it; null: it was not said. */
  physicalNetwork: string | null
  /** A VLAN, on a wire; absent or null: it was not said. */
  segmentationId?: number | null
  name: string | null
  description: string
}

/** Segments that are told by the place that they are on (neutron/plugins/ml2/drivers/type_vlan.py and type_flat.py). */
const TYPES = ['vlan', 'flat']

/** Makes segments, all or none, on clouds that the owner of their network is mapped to. Throws `NetworkRefused`. */
export const createSegments = (context: Context, wishes: SegmentWish[]): Promise<SegmentView[]> =>
  untilStill('network-moved', async () => {
    const { db } = context
    const planned: SegmentRow[] = []
    const writes: Write[] = []
    const reasons = table<() => NetworkRefused>()
    for (const [networkId, theirs] of Map.groupBy(wishes, (wish) => wish.networkId)) {
      const network = await ownNetwork(context, networkId)
      if (network.external) throw invalidInput(`network ${networkId} is the way out of a cloud and has one segment`)
      writes.push(guard(context, 'network-moved', networkMoved(networkId, network.revision)), refuseChange([networkId]))
      for (const [i, wish] of theirs.entries()) {
        const place = await placeNamed(context, network, wish)
        // Every port in it would go by the policy of the network.
        if (network.qosPolicyId !== null)
          await refuseUnshaped(context, place.cloudId, { kind: 'network', id: networkId })
        const row = plannedSegment(context, network, wish, place)
        planned.push(row)
        reasons[`subnets-open.${networkId}`] = () => mixed(networkId)
        reasons[`segment-there.${networkId}.${i}`] = () => connectedTwice(wish)
        reasons[`wire-taken.${networkId}.${i}`] = () => wireInUse(row, wish)
        writes.push(
          guard(context, `subnets-open.${networkId}`, subnetsOpen(networkId)),
          guard(context, `segment-there.${networkId}.${i}`, segmentThere(row)),
          ...(row.wire === null ? [] : [guard(context, `wire-taken.${networkId}.${i}`, wireTaken(row))]),
          insertSegment(db, row),
        )
      }
      writes.push(touchNetwork(db, networkId, context.now()))
    }
    const entry = { action: 'create', kind: 'segment', resourceId: planned[0]!.id }
    await commitOr(context, entry, writes, reasons)
    const made = await Promise.all(planned.map(({ id }) => segmentById(db, everyProject, id)))
    return made.map((segment) => segment!)
  })

/** A row of a segment in a place. */
export const plannedSegment = (
  context: Context,
  { id, projectId }: Pick<NetworkRow, 'id' | 'projectId'>,
  { name, description, networkType }: SegmentWish,
  place: PlaceNamed,
): SegmentRow => {
  const now = context.now()
  return {
    id: segmentIdAt(id, place),
    projectId,
    name,
    description,
    revision: 0,
    networkId: id,
    ...place,
    networkType,
    createdAt: now,
    updatedAt: now,
  }
}

/** A place has one segment of a network. */
export const connectedTwice = ({ networkId, physicalNetwork }: Pick<SegmentWish, 'networkId' | 'physicalNetwork'>) =>
  conflicting(
    'HostConnectedToMultipleSegments',
    `Host ${physicalNetwork} is connected to multiple segments on routed provider network '${networkId}'.  It should be connected to one.`,
  )

/** Where a segment is, and on what. */
type PlaceNamed = Pick<SegmentRow, 'cloudId' | 'zone' | 'wire' | 'segmentationId'>

/**
 * What a physical network stands for. Throws `InvalidInput` where the project cannot use it, or it says too much or too little,
 * and `PolicyNotAuthorized` where it is a wire that is for administrators.
 */
export const placeNamed = async (
  context: Context,
  network: Pick<NetworkRow, 'projectId' | 'portSecurity'>,
  wish: Pick<SegmentWish, 'physicalNetwork' | 'networkType' | 'segmentationId'>,
): Promise<PlaceNamed> => {
  const { db } = context
  const { physicalNetwork: said, networkType, segmentationId = null } = wish
  if (!TYPES.includes(networkType)) throw invalidInput(`network_type value '${networkType}' not supported`)
  if (said === null) throw invalidInput(`physical_network required for ${networkType} provider network`)
  const [name = '', ...rest] = said.split('/')
  const grounds = await groundsOf(db, network.projectId)
  const found = grounds.filter(({ cloudName, zone }) => name === cloudName || name === `${cloudName}.${zone}`)
  const unknown = () => invalidInput(`physical_network '${said}' unknown for ${networkType} provider network`)
  const [ground] = found
  if (!ground) throw unknown()
  const { cloudId, cloudName, type, zone } = ground
  const zonal = (await adapterFor(type))?.zonalSubnets === true
  if (zonal && name === cloudName)
    throw invalidInput(
      `subnets of cloud ${cloudName} are in zones: physical_network is one of ${found.map((each) => `${cloudName}.${each.zone}`).join(', ')}`,
    )
  if (!zonal && name !== cloudName)
    throw invalidInput(`subnets of cloud ${cloudName} are in all of its zones: physical_network is ${cloudName}`)
  const place = { cloudId, zone: zonal ? zone : null }
  if (rest.length) {
    const wire = rest.length === 1 ? await wireNamed(context, cloudId, rest[0]!) : null
    if (!wire) throw unknown()
    return { ...place, wire: wire.name, segmentationId: tagOn(wire, network, { ...wish, physicalNetwork: said }) }
  }
  if (segmentationId !== null) throw invalidInput(`segmentation_id is what cloud ${cloudName} gives, but on a wire`)
  return { ...place, wire: null, segmentationId: null }
}

/** The segment, if the caller may change it. */
const ownSegment = async (context: Context, id: string): Promise<SegmentView> =>
  owned(context, 'Segment', id, await segmentById(context.db, context.scope, id))

/** Changes what a segment is called. */
export const changeSegment = async (
  context: Context,
  id: string,
  set: Partial<Pick<SegmentRow, 'name' | 'description'>>,
): Promise<SegmentView> => {
  await ownSegment(context, id)
  await commit(context, { action: 'update', kind: 'segment', resourceId: id }, [
    updateSegment(context.db, id, { ...set, updatedAt: context.now() }),
  ])
  return ownSegment(context, id)
}

/** Refused while subnets lie in it, or while its network is realised there without being routed. */
export const removeSegment = async (context: Context, id: string): Promise<void> => {
  const { db } = context
  const segment = await ownSegment(context, id)
  const { networkId, cloudId } = segment
  const inUse = (reason: string) => conflicting('SegmentInUse', `Segment '${id}' cannot be deleted: ${reason}.`)
  const within = (await subnetsOf(db, [networkId])).filter(({ segmentId }) => segmentId === id)
  const held = () => inUse(`The segment is still associated with subnet(s) ${within.map((each) => each.id).join(', ')}`)
  if (within.length) throw held()
  await commitOr(
    context,
    { action: 'delete', kind: 'segment', resourceId: id },
    [
      guard(context, 'segment-in-use', segmentHasSubnets(id)),
      guard(context, 'segment-realised', segmentRealised(segment)),
      deleteSegment(db, id),
      leaveCloud(db, networkId, cloudId, context.now()),
      touchNetwork(db, networkId, context.now()),
      changed(context, 'network', networkId),
    ],
    {
      'segment-in-use': () => held(),
      'segment-realised': () =>
        inUse(`Network ${networkId} is not routed, and has ports or is realised on ${segment.physicalNetwork}`),
    },
  )
}
