import { forgetGone } from '../../../db/queries/line/bindings.ts'
import { cloudsOf, networkById, ROUTER_INTERFACE } from '../../../db/queries/network/network.ts'
import { notFree, type PortView, portsOfDevice, updatePorts } from '../../../db/queries/network/ports.ts'
import {
  type RouterRow,
  routerMoved,
  subnetCarries,
  subnetsOnRouter,
  updateRouter,
} from '../../../db/queries/network/routers.ts'
import { type SubnetRow, subnetById, subnetsById, subnetsOf, subnetsOn } from '../../../db/queries/network/subnets.ts'
import type { Context } from '../../context.ts'
import { whyLacking } from '../clouds/lacking.ts'
import { guard, type Write } from '../line/commit.ts'
import { bindTo, changed } from '../line/resources.ts'
import { overlap, readCidr } from './address.ts'
import { refuseBeyond } from './limits.ts'
import { pinNetworks } from './network.ts'
import { badRequestFor, commitOr, conflicting, missing, NetworkRefused } from './network-refusal.ts'
import { ownPort, planPort, removePorts } from './port.ts'
import { elsewhere, ownRouter, reasonsFor, refuseOfPlan, refuseUnhinted } from './router.ts'
import { routerElsewhere, segmentClouds } from './segments/segment-cloud.ts'
import { reachable } from './subnet-rules.ts'

export interface Interface {
  port: PortView
  subnet: SubnetRow
}

/** Joins a subnet by its gateway address, or by a port that is there. */
export const addInterface = async (
  context: Context,
  id: string,
  by: { subnetId: string } | { portId: string },
): Promise<Interface> => {
  const { db } = context
  const router = await ownRouter(context, id)
  refuseOfPlan(router)
  const made =
    'subnetId' in by ? await gatewayPort(context, router, by.subnetId) : await givenPort(context, router, by.portId)
  const present = await subnetsOnRouter(db, id)
  for (const subnet of made.subnets) refuseOverlap(subnet, present)
  const external = router.externalNetworkId ? await networkById(db, context.scope, router.externalNetworkId) : null
  const joined = [...made.subnets, ...present]
  const networkIds = [...new Set(joined.map((subnet) => subnet.networkId))]
  const lying = joined.flatMap(({ id: subnetId, segmentId }) => (segmentId === null ? [] : subnetId))
  const clouds = [
    ...new Set([...(await cloudsOf(db, networkIds, lying)), ...(external?.cloudId ? [external.cloudId] : [])]),
  ]
  if (clouds.length > 1) throw await apart(context, id, made.subnets, clouds)
  const [cloudId] = clouds
  await refuseUnhinted(context, router, cloudId ?? null)
  const all = await (cloudId ? subnetsOn(db, made.port.networkId, cloudId) : subnetsOf(db, [made.port.networkId]))
  await refuseBeyond(context, cloudId ?? null, all)
  const why = await whyLacking(context, cloudId ?? null, 'router')
  if (why !== null) throw conflicting('RouterInterfaceNotSupported', why)
  const writes: Write[] = [
    guard(context, 'router-moved', routerMoved(id, router.revision)),
    ...made.writes,
    updateRouter(db, id, { updatedAt: context.now() }),
    ...(cloudId ? pinNetworks(context, networkIds, { cloudId, zone: null, filters: 'enforced' }) : []),
    ...(cloudId && lying.length ? bindRouter(context, router, cloudId) : []),
    changed(context, 'router', id),
  ]
  await commitOr(context, { action: 'add_interface', kind: 'router', resourceId: id }, writes, reasonsFor(router))
  return { port: made.port, subnet: made.subnets[0]! }
}

/** Routed networks bring no router along: this one is on the cloud of the segment that it joins. */
const bindRouter = (context: Context, router: RouterRow, cloudId: string): Write[] => [
  forgetGone(context.db, { kind: 'router', resourceId: router.id, cloudId, scope: '' }),
  bindTo(context, 'router', router, { cloudId }),
]

/** What it joins is on several clouds: told by the new subnet, where that lies in a segment. */
const apart = async (context: Context, id: string, subnets: SubnetRow[], clouds: string[]) => {
  const [subnet] = subnets
  const own = subnet ? await segmentClouds(context, [subnet.id]) : []
  const here = clouds.find((cloudId) => !own.includes(cloudId))
  return own.length && here ? routerElsewhere(context, id, subnet!, here) : elsewhere(id)
}

interface Made {
  port: PortView
  subnets: SubnetRow[]
  writes: Write[]
}

const gatewayPort = async (context: Context, router: RouterRow, subnetId: string): Promise<Made> => {
  const subnet = await subnetById(context.db, context.scope, subnetId)
  if (!subnet) throw missing('Subnet', subnetId)
  if (subnet.gatewayIp === null) throw badRequestFor('router', 'Subnet for router interface must have a gateway IP')
  const { port, writes } = await planPort(context, {
    projectId: router.projectId,
    networkId: subnet.networkId,
    fixedIps: [{ subnet_id: subnet.id, ip_address: subnet.gatewayIp }],
    securityGroupIds: [],
    portSecurity: false,
    deviceId: router.id,
    deviceOwner: ROUTER_INTERFACE,
    status: 'ACTIVE',
  })
  return { port, subnets: [subnet], writes }
}

const givenPort = async (context: Context, router: RouterRow, portId: string): Promise<Made> => {
  const port = await ownPort(context, portId)
  if (port.deviceId)
    throw conflicting(
      'PortInUse',
      `Unable to complete operation on port ${portId} for network ${port.networkId}. Port already has an attached device ${port.deviceId}.`,
    )
  if (!port.fixedIps.length) throw badRequestFor('router', 'Router port must have at least one fixed IP')
  const set = { deviceId: router.id, deviceOwner: ROUTER_INTERFACE, status: 'ACTIVE' as const }
  const subnets = await subnetsById(
    context.db,
    port.fixedIps.map((ip) => ip.subnet_id),
  )
  const writes = [
    guard(context, 'port-in-use', notFree([portId])),
    updatePorts(context.db, [portId], { ...set, updatedAt: context.now() }),
  ]
  return { port: { ...port, ...set }, subnets, writes }
}

const refuseOverlap = (subnet: SubnetRow, present: SubnetRow[]): void => {
  for (const other of present) {
    if (other.id === subnet.id) throw badRequestFor('router', `Router already has a port on subnet ${subnet.id}`)
    if (overlap(readCidr(subnet.cidr)!, readCidr(other.cidr)!))
      throw badRequestFor(
        'router',
        `Cidr ${subnet.cidr} of subnet ${subnet.id} overlaps with cidr ${other.cidr} of subnet ${other.id}`,
      )
  }
}

/** The interface's port goes, however it came. */
export const removeInterface = async (
  context: Context,
  id: string,
  by: { subnetId?: string | undefined; portId?: string | undefined },
): Promise<Interface> => {
  const { db } = context
  const router = await ownRouter(context, id)
  const found = await interfaceBy(context, id, by)
  const goes = (subnet: SubnetRow) => found.port.fixedIps.some((ip) => ip.subnet_id === subnet.id)
  const present = await subnetsOnRouter(db, id)
  const going = present.filter(goes).map(({ cidr }) => cidr)
  const left = present.filter((subnet) => !goes(subnet)).map(({ cidr }) => cidr)
  // Next hops on the network of its gateway need no interface (neutron/db/extraroute_db.py).
  if (router.routes.some(({ nexthop }) => reachable(nexthop, going) && !reachable(nexthop, left)))
    throw conflicting(
      'RouterInterfaceInUseByRoute',
      `Router interface for subnet ${found.subnet.id} on router ${id} cannot be deleted, as it is required by one or more routes.`,
    )
  const writes: Write[] = [
    guard(context, 'router-moved', routerMoved(id, router.revision)),
    ...found.port.fixedIps.map((ip) => guard(context, 'interface-in-use', subnetCarries(id, ip.subnet_id))),
    ...removePorts(context, [found.port.id]),
    updateRouter(db, id, { updatedAt: context.now() }),
    changed(context, 'router', id),
  ]
  const entry = { action: 'remove_interface', kind: 'router', resourceId: id }
  await commitOr(context, entry, writes, reasonsFor(router, found.subnet.id))
  return found
}

const interfaceBy = async (
  context: Context,
  id: string,
  { subnetId, portId }: { subnetId?: string | undefined; portId?: string | undefined },
): Promise<Interface> => {
  const own = (await portsOfDevice(context.db, context.scope, id)).filter(
    (port) => port.deviceOwner === ROUTER_INTERFACE,
  )
  const port = own.find((each) =>
    portId !== undefined ? each.id === portId : each.fixedIps.some((ip) => ip.subnet_id === subnetId),
  )
  if (!port)
    throw portId !== undefined
      ? new NetworkRefused({
          kind: 'missing',
          type: 'RouterInterfaceNotFound',
          reason: `Router ${id} does not have an interface with id ${portId}`,
        })
      : new NetworkRefused({
          kind: 'missing',
          type: 'RouterInterfaceNotFoundForSubnet',
          reason: `Router ${id} has no interface on subnet ${subnetId}`,
        })
  const wanted = subnetId ?? port.fixedIps[0]?.subnet_id
  if (!port.fixedIps.some((ip) => ip.subnet_id === wanted))
    throw conflicting(
      'SubnetMismatchForPort',
      `Subnet on port ${portId} does not match the requested subnet ${subnetId}`,
    )
  const subnet = (await subnetsById(context.db, [wanted!]))[0]
  if (!subnet) throw missing('Subnet', wanted!)
  return { port, subnet }
}
