import { networkById, networkMoved, touchNetwork } from '../../../db/queries/network/network.ts'
import { segmentsOf } from '../../../db/queries/network/segments.ts'
import {
  deleteSubnets,
  insertSubnet,
  type SubnetRow,
  subnetById,
  subnetInUse,
  subnetMoved,
  subnetsOf,
  updateSubnet,
} from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { charge, commit, guard, type Write } from '../line/commit.ts'
import { changed, unwanted } from '../line/resources.ts'
import { ownNetwork } from './network.ts'
import { commitOr, conflicting, missing, NetworkRefused, refuseOthers } from './network-refusal.ts'
import { checkSubnet, plannedSubnet, type SubnetWish } from './subnet-rules.ts'
import { refuseBeyondSegments, segmentFor, segmentJoined } from './subnet-segment.ts'
import { untilStill } from './until-still.ts'
import { homesNamed, type NamedHome } from './zone-hints.ts'

/** All or none. Overlaps are found by looking, so the networks must not change between the look and the batch. */
export const createSubnets = (context: Context, wishes: SubnetWish[]): Promise<SubnetRow[]> =>
  untilStill('network-moved', async () => {
    const { db } = context
    const planned: SubnetRow[] = []
    const guards: Write[] = []
    const touched: Write[] = []
    for (const networkId of new Set(wishes.map((wish) => wish.networkId))) {
      const network = await ownNetwork(context, networkId)
      const others = await subnetsOf(db, [networkId])
      const segments = await segmentsOf(db, [networkId])
      const [home] = await homesNamed(context, network.projectId, network.availabilityZoneHints).catch(noZoneAnyMore)
      for (const wish of wishes.filter((each) => each.networkId === networkId)) {
        const row = plannedSubnet(context, wish, others)
        const segment = await segmentFor(context, segments, [...others, row], row)
        row.zone = segment?.zone ?? home?.zone ?? null
        others.push(row)
        planned.push(row)
      }
      await refuseBeyondSegments(context, network, segments, others)
      guards.push(guard(context, 'network-moved', networkMoved(networkId, network.revision)))
      touched.push(touchNetwork(db, networkId, context.now()), changed(context, 'network', networkId))
    }
    await commit(context, { action: 'create', kind: 'subnet', resourceId: planned[0]!.id }, [
      ...guards,
      ...planned.flatMap((row) => [charge(context, row.projectId, 'subnet', 1), insertSubnet(db, row)]),
      ...touched,
    ])
    return wishes.map(
      (wish) =>
        planned.splice(
          planned.findIndex((row) => row.networkId === wish.networkId),
          1,
        )[0]!,
    )
  })

/** A zone that was named when the network was made may have gone since: then it says nothing. */
const noZoneAnyMore = (error: unknown): NamedHome[] => {
  if (error instanceof NetworkRefused) return []
  throw error
}

/** The subnet, if the caller may change it. */
const ownSubnet = async (context: Context, id: string): Promise<SubnetRow> => {
  const subnet = await subnetById(context.db, context.scope, id)
  if (!subnet) throw missing('Subnet', id)
  refuseOthers(context, 'Subnet', subnet)
  return subnet
}

export type SubnetChange = Partial<
  Pick<
    SubnetRow,
    | 'name'
    | 'description'
    | 'gatewayIp'
    | 'enableDhcp'
    | 'allocationPools'
    | 'dnsNameservers'
    | 'hostRoutes'
    | 'segmentId'
  >
>

/** Changes a subnet, checked as a new one is, if it is as it was seen. Throws `NetworkRefused`. */
export const changeSubnet = (context: Context, id: string, set: SubnetChange): Promise<SubnetRow> =>
  untilStill('subnet-moved', async () => {
    const subnet = await ownSubnet(context, id)
    const next = checkSubnet({ ...subnet, ...set })
    const { db } = context
    const network = (await networkById(db, everyProject, subnet.networkId))!
    const others = (await subnetsOf(db, [subnet.networkId])).filter((other) => other.id !== id)
    const segments = await segmentsOf(db, [subnet.networkId])
    const joins = set.segmentId !== undefined && set.segmentId !== subnet.segmentId
    const zone = joins ? (await segmentJoined(context, segments, others, subnet, set.segmentId!)).zone : null
    await refuseBeyondSegments(context, network, segments, [...others, next])
    await commit(context, { action: 'update', kind: 'subnet', resourceId: id }, [
      guard(context, 'subnet-moved', subnetMoved(id, subnet.revision)),
      ...(joins
        ? [
            guard(context, 'subnet-moved', networkMoved(network.id, network.revision)),
            touchNetwork(db, network.id, context.now()),
          ]
        : []),
      updateSubnet(db, id, {
        ...set,
        ...(zone === null ? {} : { zone }),
        allocationPools: next.allocationPools,
        updatedAt: context.now(),
      }),
      changed(context, 'subnet', id),
    ])
    return ownSubnet(context, id)
  })

/** Refused while an address of it is in use. */
export const removeSubnet = async (context: Context, id: string): Promise<void> => {
  const { db } = context
  const subnet = await ownSubnet(context, id)
  const writes = [
    guard(context, 'subnet-in-use', subnetInUse(id)),
    unwanted(context, 'subnet', id),
    ...deleteSubnets(db, [id]),
    touchNetwork(db, subnet.networkId, context.now()),
  ]
  await commitOr(context, { action: 'delete', kind: 'subnet', resourceId: id }, writes, {
    'subnet-in-use': () =>
      conflicting(
        'SubnetInUse',
        `Unable to complete operation on subnet ${id}: One or more ports have an IP allocation from this subnet.`,
      ),
  })
}
