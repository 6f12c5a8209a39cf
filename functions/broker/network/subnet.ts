import { heldAround } from '../../../db/queries/network/held-ranges.ts'
import { networkById, networkMoved, touchNetwork, zoneElsewhere } from '../../../db/queries/network/network.ts'
import { segmentsOf } from '../../../db/queries/network/segments.ts'
import {
  deleteSubnets,
  footAt,
  footThere,
  insertSubnet,
  type SubnetRow,
  subnetById,
  subnetInUse,
  subnetMoved,
  subnetsById,
  subnetsOf,
  updateSubnet,
} from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { charge, commit, guard, type Write } from '../line/commit.ts'
import { changed, unwanted } from '../line/resources.ts'
import { untilStill } from '../line/until-still.ts'
import { dropAutoAddresses } from './auto-addresses.ts'
import { ownNetwork } from './network.ts'
import { commitOr, conflicting, missing, NetworkRefused, owned } from './network-refusal.ts'
import { POOL_GUARDS, poolAllocator, refuseUnlike, stillFree, taking } from './pools/allocation.ts'
import { overPool } from './pools/pool-rules.ts'
import { dropWaysOut, WAYS_OUT_MOVED } from './pools/way-out.ts'
import { refuseBeyondSegments, segmentFor, segmentJoined } from './segments/subnet-segment.ts'
import { checkSubnet, plannedSubnet, refuseSmallMtu, type SubnetWish } from './subnet-rules.ts'
import { homesNamed, type NamedHome } from './zone-hints.ts'

/** Contention for the ranges of one pool is left by chance, which takes a few more tries. */
const TRIES = 8

/**
 * All or none. Overlaps are found by looking, so neither the networks nor what is free in pools must change between the look
 * and the batch.
 */
export const createSubnets = async (context: Context, wishes: SubnetWish[]): Promise<SubnetRow[]> => {
  const ids = wishes.map(() => context.newId())
  const attempt = (before: number) => createOnce(context, wishes, ids, before)
  const rows = await untilStill(['network-moved', ...POOL_GUARDS], attempt, TRIES)
  return context.once?.replay ? madeBefore(context, ids) : rows
}

const madeBefore = async (context: Context, ids: string[]): Promise<SubnetRow[]> => {
  const rows = new Map((await subnetsById(context.db, ids)).map((row) => [row.id, row]))
  return ids.map((id) => {
    const row = rows.get(id)
    if (!row) throw missing('Subnet', id)
    return row
  })
}

const createOnce = async (
  context: Context,
  wishes: SubnetWish[],
  ids: string[],
  before: number,
): Promise<SubnetRow[]> => {
  const entry = { action: 'create', kind: 'subnet', resourceId: ids[0]! }
  const plan = context.once?.replay ? { rows: [], writes: [] } : await planned(context, wishes, ids, before)
  await commitOr(context, entry, plan.writes, { 'pool-quota': overPool })
  return plan.rows
}

const planned = async (
  context: Context,
  wishes: SubnetWish[],
  ids: string[],
  before: number,
): Promise<{ rows: SubnetRow[]; writes: Write[] }> => {
  const { db } = context
  const allocate = poolAllocator(context, before)
  const rows = new Map<SubnetWish, SubnetRow>()
  const guards: Write[] = []
  const made: Write[] = []
  const touched: Write[] = []
  for (const networkId of new Set(wishes.map((wish) => wish.networkId))) {
    const network = await ownNetwork(context, networkId)
    const others = await subnetsOf(db, [networkId])
    const segments = await segmentsOf(db, [networkId])
    const [home] = await homesNamed(context, network.projectId, network.availabilityZoneHints).catch(noZoneAnyMore)
    for (const [i, wish] of wishes.entries()) {
      if (wish.networkId !== networkId) continue
      const { pool, cidr, ...more } = wish
      // Where the network will be nobody knows before its first use.
      const there =
        segments.find(({ id }) => id === wish.segmentId) ?? (segments.length === 1 ? segments[0] : undefined)
      const held = pool && there && !cidr ? await heldAround(db, network.projectId, there.cloudId, false) : null
      const allocation = pool ? await allocate({ ...more, ...pool, cidr, avoid: held?.cidrs ?? [] }) : null
      const row = {
        ...plannedSubnet(context, { ...more, cidr: allocation?.cidr ?? cidr! }, others),
        id: ids[i]!,
        subnetpoolId: pool?.id ?? null,
      }
      refuseSmallMtu(network, [row])
      const segment = await segmentFor(context, segments, [...others, row], row)
      row.zone = segment?.zone ?? home?.zone ?? null
      await refuseUnlike(context, row.ipVersion, allocation?.pool ?? null, others)
      others.push(row)
      rows.set(wish, row)
      made.push(
        charge(row.projectId, 'subnet', 1),
        ...(there && held ? [stillFree(context, network.projectId, there.cloudId, held)] : []),
        ...(allocation ? taking(context, allocation, row) : []),
        insertSubnet(db, row),
      )
    }
    await refuseBeyondSegments(context, network, segments, others)
    guards.push(guard(context, 'network-moved', networkMoved(networkId, network.revision)))
    touched.push(touchNetwork(db, networkId, context.now()), changed(context, 'network', networkId))
  }
  return { rows: wishes.map((wish) => rows.get(wish)!), writes: [...guards, ...made, ...touched] }
}

/** A zone that was named when the network was made may have gone since: then it says nothing. */
const noZoneAnyMore = (error: unknown): NamedHome[] => {
  if (error instanceof NetworkRefused) return []
  throw error
}

/** The subnet, if the caller may change it. */
const ownSubnet = async (context: Context, id: string): Promise<SubnetRow> =>
  owned(context, 'Subnet', id, await subnetById(context.db, context.scope, id))

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
    | 'serviceTypes'
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
    if (zone !== null && subnet.zone !== null && subnet.zone !== zone) throw liesElsewhere(subnet, zone)
    await refuseBeyondSegments(context, network, segments, [...others, next])
    const leaves = set.gatewayIp !== undefined && set.gatewayIp !== subnet.gatewayIp ? subnet.gatewayIp : null
    const foot = leaves === null ? null : await footAt(db, id, leaves)
    if (foot !== null)
      throw conflicting(
        'GatewayIpInUse',
        `Current gateway ip ${leaves} already in use by port ${foot}. Unable to update.`,
      )
    await commit(context, { action: 'update', kind: 'subnet', resourceId: id }, [
      guard(context, 'subnet-moved', subnetMoved(id, subnet.revision)),
      ...(leaves === null ? [] : [guard(context, 'subnet-moved', footThere(id, leaves))]),
      ...(joins
        ? [
            guard(context, 'subnet-moved', networkMoved(network.id, network.revision)),
            touchNetwork(db, network.id, context.now()),
          ]
        : []),
      // It may have come to a zone with a server since.
      ...(zone === null ? [] : [guard(context, 'subnet-moved', zoneElsewhere([], [id], zone))]),
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

/** Clouds do not move what is there to another zone. */
const liesElsewhere = ({ id, zone }: SubnetRow, there: string) =>
  conflicting(
    'SubnetInUse',
    `Unable to complete operation on subnet ${id}: It lies in zone ${zone}, and the segment is in zone ${there}.`,
  )

/**
 * Refused while an address of it is in use, other than by the way out that a plan made, which goes along, and those that hosts
 * make by themselves.
 */
export const removeSubnet = (context: Context, id: string): Promise<void> =>
  untilStill([WAYS_OUT_MOVED, 'port-moved'], async () => {
    const { db } = context
    const subnet = await ownSubnet(context, id)
    const { networkId } = subnet
    const writes = [
      // They are no reason to keep it, so they go first.
      ...(await dropWaysOut(context, networkId, id)),
      ...(await dropAutoAddresses(context, subnet)),
      guard(context, 'subnet-in-use', subnetInUse(id)),
      unwanted(context, 'subnet', id),
      ...deleteSubnets(db, [id]),
      touchNetwork(db, networkId, context.now()),
    ]
    await commitOr(context, { action: 'delete', kind: 'subnet', resourceId: id }, writes, {
      'subnet-in-use': () =>
        conflicting(
          'SubnetInUse',
          `Unable to complete operation on subnet ${id}: One or more ports have an IP allocation from this subnet.`,
        ),
    })
  })
