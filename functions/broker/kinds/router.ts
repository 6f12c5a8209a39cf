import type { RouterSpec } from '../../../adapters/contract.ts'
import { type Binding, bindingsOn } from '../../../db/queries/line/bindings.ts'
import { type NetworkRow, networksById, zoneNames } from '../../../db/queries/network/network.ts'
import { noteRouter, type RouterRow, routerById, subnetsOnRouter } from '../../../db/queries/network/routers.ts'
import type { SubnetRow } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { steps } from '../line/steps.ts'
import { cidrHolds } from '../network/address.ts'
import { networkNeed } from './network.ts'
import { subnetNeed } from './subnet.ts'

interface Loaded {
  router: RouterRow
  /** The subnets that can be realised by now, with their networks. */
  interfaces: { subnet: SubnetRow; network: NetworkRow }[]
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
    return router && { router, interfaces: await interfacesOf(context, router.id, binding) }
  },
  needs: (_, { interfaces }) => interfaces.flatMap(({ subnet, network }) => [networkNeed(network), subnetNeed(subnet)]),
  spec: (_, { router, interfaces }, __, native) => ({
    name: router.name || router.id,
    gateway: router.externalNetworkId !== null,
    interfaces: interfaces.map(({ subnet, network }) => ({
      network: native(networkNeed(network)),
      subnet: native(subnetNeed(subnet)),
    })),
    routes: router.routes.filter(({ nexthop }) => interfaces.some(({ subnet }) => cidrHolds(subnet.cidr, nexthop))),
  }),
  observe: ({ db }, { router }, _, { health }) =>
    router.status === 'ERROR' && health === 'ready' ? [noteRouter(db, router.id, 'ACTIVE')] : [],
  failed: ({ db }, { router }) => [noteRouter(db, router.id, 'ERROR')],
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
