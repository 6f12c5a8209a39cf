import type { RouterSpec } from '../../../adapters/contract.ts'
import { type Binding, bindingsOn } from '../../../db/queries/line/bindings.ts'
import { forgetLeft } from '../../../db/queries/network/floating-ips.ts'
import { isWayOut, type NetworkRow, networkById, networksById, zoneNames } from '../../../db/queries/network/network.ts'
import { forgetLingering } from '../../../db/queries/network/ports.ts'
import { noteRouter, type RouterView, routerById, subnetsOnRouter } from '../../../db/queries/network/routers.ts'
import { type SubnetRow, subnetsById } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { type Natives, steps } from '../line/steps.ts'
import { cidrHolds } from '../network/address.ts'
import { networkNeed } from './network.ts'
import { subnetNeed } from './subnet.ts'

interface Loaded {
  router: RouterView
  /** The subnets that can be realised by now, with their networks. */
  interfaces: { subnet: SubnetRow; network: NetworkRow }[]
  /** The external network that an administrator made, by which it leads out; null: the way out of its cloud, or none. */
  outside: { network: NetworkRow; subnets: SubnetRow[] } | null
}

/**
 * A router with the subnets that it joins. A subnet whose zone is still open is left out until a server decides it: to
 * choose one here would tie every later server to it.
 */
export const routerSteps = steps<Loaded, RouterSpec>({
  kind: 'router',
  realm: (cloud) => cloud.router,
  load: async (context, binding) => {
    const router = await routerById(context.db, everyProject, binding.resourceId)
    if (!router) return null
    const [interfaces, outside] = [await interfacesOf(context, router.id, binding), await outsideOf(context, router)]
    return { router, interfaces, outside }
  },
  needs: (_, { interfaces, outside }) => [
    ...(outside ? [networkNeed(outside.network), ...outside.subnets.map(subnetNeed)] : []),
    ...interfaces.flatMap(({ subnet, network }) => [networkNeed(network), subnetNeed(subnet)]),
  ],
  spec: (_, { router, interfaces, outside }, __, native) => ({
    name: router.name || router.id,
    gateway: router.externalNetworkId !== null,
    ...(outside ? { outside: outsideSpec(router, outside, native) } : {}),
    interfaces: interfaces.map(({ subnet, network }) => ({
      network: native(networkNeed(network)),
      subnet: native(subnetNeed(subnet)),
    })),
    routes: router.routes.filter(({ nexthop }) =>
      [...interfaces.map(({ subnet }) => subnet), ...(outside?.subnets ?? [])].some(({ cidr }) =>
        cidrHolds(cidr, nexthop),
      ),
    ),
  }),
  keeps: ({ outside }) =>
    outside
      ? [
          { kind: 'network', nativeId: outside.network },
          ...outside.addresses.map(({ subnet }) => ({ kind: 'subnet' as const, nativeId: subnet })),
        ]
      : [],
  gone: ({ db }, _, { resourceId, cloudId }) => [forgetLingering(db, resourceId, cloudId)],
  observe: ({ db }, { router }, { cloudId, applied, revision }, { health }) => [
    ...(router.status === 'ERROR' && health === 'ready' ? [noteRouter(db, router.id, 'ACTIVE')] : []),
    ...(applied >= revision ? [forgetLeft(db, router.id, cloudId)] : []),
  ],
  failed: ({ db }, { router }) => [noteRouter(db, router.id, 'ERROR')],
})

const outsideOf = async ({ db }: Context, router: RouterView): Promise<Loaded['outside']> => {
  const id = router.externalNetworkId
  const network = id === null ? null : await networkById(db, everyProject, id)
  if (!network || isWayOut(network)) return null
  return {
    network,
    subnets: await subnetsById(
      db,
      router.gatewayIps.map(({ subnet_id }) => subnet_id),
    ),
  }
}

const outsideSpec = (
  { gatewayIps }: RouterView,
  { network, subnets }: NonNullable<Loaded['outside']>,
  native: Natives,
): NonNullable<RouterSpec['outside']> => ({
  network: native(networkNeed(network)),
  addresses: gatewayIps.flatMap(({ subnet_id, ip_address }) => {
    const subnet = subnets.find(({ id }) => id === subnet_id)
    return subnet ? [{ subnet: native(subnetNeed(subnet)), address: ip_address }] : []
  }),
})

const interfacesOf = async ({ db }: Context, routerId: string, { cloudId }: Binding): Promise<Loaded['interfaces']> => {
  const subnets = await subnetsOnRouter(db, routerId)
  if (!subnets.length) return []
  const networks = await networksById(
    db,
    everyProject,
    subnets.map(({ networkId }) => networkId),
  )
  const bound = await bindingsOn(
    db,
    cloudId,
    subnets.map(({ id }) => id),
  )
  const [zone, ...more] = await zoneNames(db, cloudId)
  return subnets.flatMap((subnet) => {
    const network = networks.find(({ id }) => id === subnet.networkId)
    const here = bound.some(
      (binding) => binding.kind === 'subnet' && binding.resourceId === subnet.id && binding.want === 'present',
    )
    const decided = subnet.zone ?? (more.length === 0 ? (zone ?? null) : null)
    return network && (here || decided !== null) ? [{ subnet: { ...subnet, zone: decided }, network }] : []
  })
}
