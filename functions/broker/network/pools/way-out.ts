import type { Adapter } from '../../../../adapters/contract.ts'
import { externalNetworkOf } from '../../../../db/queries/clouds/inventory.ts'
import { type NetworkRow, ROUTER_INTERFACE } from '../../../../db/queries/network/network.ts'
import { deleteRouter, insertRouter, type RouterRow, updateRouter } from '../../../../db/queries/network/routers.ts'
import type { SubnetRow } from '../../../../db/queries/network/subnets.ts'
import {
  type RouterAt,
  routersAt,
  type WayOut,
  waysOutMoved,
  waysOutOf,
} from '../../../../db/queries/network/ways-out.ts'
import type { Context } from '../../../context.ts'
import { adapterOf } from '../../clouds/adapter.ts'
import { charge, guard, type Write } from '../../line/commit.ts'
import { bindTo, changed, unwanted } from '../../line/resources.ts'
import { planPorts, removePorts } from '../port.ts'
import type { Layout } from '../segments/sites.ts'

/*
 * A way out that a plan gives to a network on one cloud: a router of its project with the cloud's external network as gateway
 * and a foot in each subnet there. The plan made it, so it holds nothing: it goes with the subnets, and with the network.
 */

/** Why a cloud has no way out for what is on its networks, in its adapter's sentence; null: it has one. */
export const whyNoWayOut = ({ lacks }: Pick<Adapter, 'lacks'>): string | null =>
  lacks.router ?? lacks.floating_ip ?? null

/**
 * Writes by which subnets that come to lie on a cloud get its way out, after those that make them. None where the cloud has
 * none, for subnets without a gateway, and where a router of their owner is on the network there: then the way out is that
 * one's business. `layout` has the subnets.
 */
export const giveWayOut = async (
  context: Context,
  network: NetworkRow,
  subnets: SubnetRow[],
  cloudId: string,
  layout: Layout,
): Promise<Write[]> => {
  const { db } = context
  const cloud = await adapterOf(context, cloudId)
  if (!cloud || whyNoWayOut(cloud.adapter) !== null) return []
  const external = await externalNetworkOf(db, cloudId)
  const present = await routersAt(db, network.id, cloudId)
  const open = subnets.filter(({ gatewayIp }) => gatewayIp !== null)
  if (!external || !open.length || present.some(({ egressOf }) => egressOf !== network.id)) return []
  const { id, writes } = routerFor(context, network, { cloud: cloud.name, cloudId, externalId: external.id }, present)
  const feet = open.map(({ id: subnet_id, gatewayIp }) => ({
    ...{ projectId: network.projectId, networkId: network.id, deviceId: id, deviceOwner: ROUTER_INTERFACE },
    ...{ fixedIps: [{ subnet_id, ip_address: gatewayIp! }], securityGroupIds: [] },
    ...{ portSecurity: false, status: 'ACTIVE' as const },
  }))
  const planned = await planPorts(context, feet, { ...layout, clouds: [], terms: [], networks: [network] })
  return [...writes, ...planned.flatMap((port) => port.writes), changed(context, 'router', id)]
}

/** What the way out of a network on a cloud is called: by that it is known again where its row was lost. */
export const wayOutName = ({ id, name }: Pick<NetworkRow, 'id' | 'name'>, cloud: string): string =>
  `${name || id} ${cloud}`

/** The router of the plan that is there, or a new one. */
const routerFor = (
  context: Context,
  network: NetworkRow,
  { cloud, cloudId, externalId }: { cloud: string; cloudId: string; externalId: string },
  [present]: RouterAt[],
): { id: string; writes: Write[] } => {
  const { db } = context
  const { id: networkId, projectId } = network
  const now = context.now()
  if (present) return { id: present.id, writes: [updateRouter(db, present.id, { updatedAt: now })] }
  const router: RouterRow = {
    ...{ id: context.newId(), projectId, name: wayOutName(network, cloud), egressOf: networkId },
    description: `The way out of network ${networkId} on ${cloud}, by the network plan of its project. It goes with the network.`,
    ...{ tags: [], revision: 1, adminStateUp: true, availabilityZoneHints: [], routes: [], status: 'ACTIVE' },
    ...{ externalNetworkId: externalId, enableSnat: true, createdAt: now, updatedAt: now },
  }
  return {
    id: router.id,
    writes: [charge(projectId, 'router', 1), insertRouter(db, router), bindTo(context, 'router', router, { cloudId })],
  }
}

/** Guard of what takes ways out away: one was made meanwhile. */
export const WAYS_OUT_MOVED = 'ways-out-moved'

/** Writes by which the ways out of a network go that a plan made, or, of one subnet, what they have of it. */
export const dropWaysOut = async (context: Context, networkId: string, subnetId?: string): Promise<Write[]> => {
  const ways = await waysOutOf(context.db, networkId)
  return [
    guard(context, WAYS_OUT_MOVED, waysOutMoved(networkId, ways)),
    ...ways.flatMap((way) => drop(context, way, subnetId)),
  ]
}

const drop = (context: Context, { id, feet }: WayOut, subnetId: string | undefined): Write[] => {
  const leaving = feet.filter((foot) => subnetId === undefined || foot.subnetId === subnetId)
  if (subnetId !== undefined && !leaving.length) return []
  const gone = leaving.length === feet.length
  return [
    ...removePorts(
      context,
      leaving.map(({ portId }) => portId),
    ),
    ...(gone
      ? [unwanted(context, 'router', id), ...deleteRouter(context.db, id)]
      : [updateRouter(context.db, id, { updatedAt: context.now() }), changed(context, 'router', id)]),
  ]
}
