import { forgetGone } from '../../../db/queries/line/bindings.ts'
import { leaveOutside } from '../../../db/queries/network/floating-ips.ts'
import { isWayOut, type NetworkView, networkById } from '../../../db/queries/network/network.ts'
import { portsOfDevice } from '../../../db/queries/network/ports.ts'
import {
  deleteRouter,
  insertRouter,
  leaveOthers,
  type RouterRow,
  type RouterView,
  routerById,
  routerCarries,
  routerHasInterfaces,
  routerMoved,
  stillLeaving,
  subnetsOnRouter,
  updateRouter,
} from '../../../db/queries/network/routers.ts'
import { subnetsById, subnetsOn } from '../../../db/queries/network/subnets.ts'
import type { Context } from '../../context.ts'
import { charge, guard, type Write } from '../line/commit.ts'
import { bindTo, changed, unwanted } from '../line/resources.ts'
import type { FixedIpWish } from './fixed-ips.ts'
import { refuseBeyond } from './limits.ts'
import { pinNetworks, refuseUnmapped } from './network.ts'
import { badRequestFor, commitOr, conflicting, invalid, missing } from './network-refusal.ts'
import { gatewayAddresses, type Outside } from './outside/addresses.ts'
import { untilFree } from './port.ts'
import { segmentClouds, wayOutElsewhere } from './segments/segment-cloud.ts'
import { reachable } from './subnet-rules.ts'
import { homesNamed } from './zone-hints.ts'

interface Gateway {
  networkId: string
  enableSnat?: boolean | undefined
  /** Addresses on an external network that an administrator made; absent: any. */
  fixedIps?: FixedIpWish[] | undefined
}
export interface RouterWish {
  projectId: string
  name: string
  description: string
  adminStateUp: boolean
  gateway: Gateway | null
  /** Zones as zone lists name them. */
  availabilityZoneHints?: string[]
}

/** What guards of this file stand for. */
export const reasonsFor = (router: Pick<RouterRow, 'id' | 'externalNetworkId'>, subnetId = '') => ({
  'router-moved': () =>
    conflicting('RouterInUse', `Router ${router.id} is being changed by somebody else. Please try again.`),
  'router-in-use': () => conflicting('RouterInUse', `Router ${router.id} still has ports`),
  'network-elsewhere': () => elsewhere(router.id),
  'router-leaving': () =>
    conflicting('RouterInUse', `Router ${router.id} is still being removed from the cloud that it shall return to.`),
  'gateway-in-use': () =>
    conflicting(
      'RouterExternalGatewayInUseByFloatingIp',
      `Gateway cannot be updated for router ${router.id}, since a gateway to external network ${router.externalNetworkId} is required by one or more floating IPs.`,
    ),
  'interface-in-use': () =>
    conflicting(
      'RouterInterfaceInUseByFloatingIP',
      `Router interface for subnet ${subnetId} on router ${router.id} cannot be deleted, as it is required by one or more floating IPs.`,
    ),
  'port-in-use': () => conflicting('PortInUse', 'The port has an attached device already.'),
})

/** A router is on one cloud, and so is all that it joins. */
export const elsewhere = (id: string) =>
  conflicting('RouterInUse', `Router ${id} cannot join networks of different clouds: a router is on one cloud.`)

/** A router that a plan made serves one network, and goes with it. */
export const refuseOfPlan = ({ id, egressOf }: Pick<RouterRow, 'id' | 'egressOf'>): void => {
  if (egressOf !== null)
    throw conflicting(
      'RouterInUse',
      `Router ${id} is the way out of network ${egressOf} by the network plan of its project: it keeps its gateway, and joins nothing else.`,
    )
}

/** Where zones were named, a router joins nothing on other clouds. */
export const refuseUnhinted = async (
  context: Context,
  router: Pick<RouterRow, 'id' | 'projectId' | 'availabilityZoneHints'>,
  cloudId: string | null,
): Promise<void> => {
  const homes = await homesNamed(context, router.projectId, router.availabilityZoneHints)
  if (homes.length && cloudId !== null && !homes.some((home) => home.cloudId === cloudId))
    throw conflicting(
      'RouterInUse',
      `Router ${router.id} is for ${router.availabilityZoneHints.join(', ')}, and joins nothing on another cloud.`,
    )
}

/** A router within the scope; `NetworkRefused` (`RouterNotFound`) if there is none. */
export const ownRouter = async (context: Context, id: string): Promise<RouterView> => {
  const router = await routerById(context.db, context.scope, id)
  if (!router) throw missing('Router', id)
  return router
}

/** The external network of a gateway; refused where there is none, or not for this project. */
const gatewayNetwork = async (context: Context, projectId: string, gateway: Gateway): Promise<NetworkView> => {
  const network = await networkById(context.db, context.scope, gateway.networkId)
  if (!network) throw missing('Network', gateway.networkId)
  if (!network.external) throw badRequestFor('router', `Network ${network.id} is not an external network`)
  await refuseUnmapped(context, projectId, network)
  return network
}

/** Its addresses on the external network of its gateway; on the way out of a cloud those are for the cloud to know. */
const addressesAt = async (
  context: Context,
  network: NetworkView,
  routerId: string,
  wished: FixedIpWish[] | undefined,
  own: RouterView['gatewayIps'] = [],
): Promise<Outside> => {
  if (!isWayOut(network)) return gatewayAddresses(context, network, routerId, wished ?? null, own)
  if (wished)
    throw badRequestFor(
      'router',
      `The cloud chooses the addresses on network ${network.id}: external_fixed_ips cannot be given`,
    )
  return { fixedIps: [], writes: [] }
}

/** A router with a gateway is on the cloud of that gateway; without one it has no cloud until a network of its has. */
export const createRouter = (context: Context, wish: RouterWish): Promise<RouterView> =>
  untilFree(() => createOnce(context, wish))

const createOnce = async (context: Context, wish: RouterWish): Promise<RouterView> => {
  const { gateway, ...plain } = wish
  const network = gateway && (await gatewayNetwork(context, wish.projectId, gateway))
  const now = context.now()
  const router: RouterRow = {
    ...plain,
    availabilityZoneHints: plain.availabilityZoneHints ?? [],
    id: context.newId(),
    tags: [],
    revision: 1,
    externalNetworkId: network?.id ?? null,
    enableSnat: gateway?.enableSnat ?? true,
    egressOf: null,
    routes: [],
    status: 'ACTIVE',
    createdAt: now,
    updatedAt: now,
  }
  await refuseUnhinted(context, router, network?.cloudId ?? null)
  const outside = network ? await addressesAt(context, network, router.id, gateway?.fixedIps) : null
  const writes: Write[] = [
    charge(router.projectId, 'router', 1),
    insertRouter(context.db, router),
    ...(outside?.writes ?? []),
    ...(network?.cloudId ? [bindTo(context, 'router', router, { cloudId: network.cloudId })] : []),
  ]
  await commitOr(context, { action: 'create', kind: 'router', resourceId: router.id }, writes, {})
  return { ...router, zones: [], gatewayIps: outside?.fixedIps ?? [] }
}

export interface RouterChange {
  set: Partial<Pick<RouterRow, 'name' | 'description' | 'adminStateUp' | 'routes'>>
  /** Absent: as it is. Null: no way out. */
  gateway?: Gateway | null
}

/** Changes a router, its routes and its gateway (null: none), if it is as it was seen. Throws `NetworkRefused`. */
export const changeRouter = (context: Context, id: string, change: RouterChange): Promise<RouterView> =>
  untilFree(() => changeOnce(context, id, change))

const changeOnce = async (context: Context, id: string, change: RouterChange): Promise<RouterView> => {
  const { db } = context
  const router = await ownRouter(context, id)
  if (change.set.routes) await checkRoutes(context, router, change.set.routes)
  const { gateway } = change
  const writes: Write[] = [
    guard(context, 'router-moved', routerMoved(id, router.revision)),
    updateRouter(db, id, { ...change.set, updatedAt: context.now() }),
    ...(gateway === undefined ? [] : await gatewayWrites(context, router, gateway)),
    changed(context, 'router', id),
  ]
  await commitOr(context, { action: 'update', kind: 'router', resourceId: id }, writes, reasonsFor(router))
  return ownRouter(context, id)
}

const gatewayWrites = async (context: Context, router: RouterView, gateway: Gateway | null): Promise<Write[]> => {
  const { db } = context
  const network = gateway && (await gatewayNetwork(context, router.projectId, gateway))
  await refuseUnhinted(context, router, network?.cloudId ?? null)
  if (network?.id !== router.externalNetworkId) refuseOfPlan(router)
  const moves = (network?.id ?? null) !== router.externalNetworkId
  const set = updateRouter(db, router.id, {
    externalNetworkId: network?.id ?? null,
    enableSnat: gateway?.enableSnat ?? (moves ? true : router.enableSnat),
  })
  const anew = network && (moves || gateway?.fixedIps)
  const outside = anew
    ? (await addressesAt(context, network, router.id, gateway?.fixedIps, router.gatewayIps)).writes
    : []
  const keep = [
    ...(moves ? [guard(context, 'gateway-in-use', routerCarries(router.id))] : []),
    ...(moves || anew ? [leaveOutside(db, router.id)] : []),
  ]
  if (!network?.cloudId) return [...keep, set]
  const subnets = await subnetsOnRouter(db, router.id)
  const networkIds = [...new Set(subnets.map((subnet) => subnet.networkId))]
  const [there] = (
    await segmentClouds(
      context,
      subnets.map(({ id }) => id),
    )
  ).filter((id) => id !== network.cloudId)
  if (there)
    throw await wayOutElsewhere(context, 'RouterInUse', `Router ${router.id} joins subnets in segments on`, there)
  for (const networkId of networkIds)
    await refuseBeyond(context, network.cloudId, await subnetsOn(db, networkId, network.cloudId))
  return [
    ...keep,
    set,
    ...outside,
    guard(context, 'router-leaving', stillLeaving(router.id, network.cloudId)),
    forgetGone(db, { kind: 'router', resourceId: router.id, cloudId: network.cloudId, scope: '' }),
    leaveOthers(db, router.id, network.cloudId, context.now()),
    bindTo(context, 'router', router, { cloudId: network.cloudId }),
    ...pinNetworks(context, networkIds, { cloudId: network.cloudId, zone: null, filters: 'enforced' }),
  ]
}

/** https://docs.openstack.org/api-ref/network/v2/#extra-routes-extension */
const checkRoutes = async (context: Context, router: RouterView, routes: RouterRow['routes']): Promise<void> => {
  // Next hops are on the network of its gateway as well, where it has addresses.
  const outside = router.gatewayIps.map((ip) => ip.subnet_id)
  const beside = outside.length ? await subnetsById(context.db, outside) : []
  const cidrs = [...(await subnetsOnRouter(context.db, router.id)), ...beside].map(({ cidr }) => cidr)
  const feet = await portsOfDevice(context.db, context.scope, router.id)
  const own = [...feet.flatMap(({ fixedIps }) => fixedIps), ...router.gatewayIps].map((ip) => ip.ip_address)
  const refuse = (reason: string) =>
    invalid('InvalidRoutes', `Invalid format for routes: ${JSON.stringify(routes)}, ${reason}`)
  for (const { nexthop } of routes) {
    if (!reachable(nexthop, cidrs)) throw refuse('the nexthop is not connected with router')
    if (own.includes(nexthop)) throw refuse('the nexthop is used by router')
  }
}

/** Refused while it has interfaces. */
export const removeRouter = async (context: Context, id: string): Promise<void> => {
  const router = await ownRouter(context, id)
  const writes = [
    guard(context, 'router-in-use', routerHasInterfaces(id)),
    unwanted(context, 'router', id),
    ...deleteRouter(context.db, id),
  ]
  await commitOr(context, { action: 'delete', kind: 'router', resourceId: id }, writes, reasonsFor(router))
}
