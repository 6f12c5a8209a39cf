import type { RouterSpec } from '../../../adapters/contract.ts'
import { externalNetworkOf } from '../../../db/queries/clouds/inventory.ts'
import { networkById, ROUTER_INTERFACE } from '../../../db/queries/network/network.ts'
import { networkPlanOf } from '../../../db/queries/network/network-plans.ts'
import { allocate, insertPort } from '../../../db/queries/network/ports.ts'
import { insertRouter } from '../../../db/queries/network/routers.ts'
import { subnetsById } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import { uuid5 } from '../line/uuid.ts'
import { randomMac } from '../network/mac.ts'
import { wayOutName } from '../network/pools/way-out.ts'
import { networkFor } from './network.ts'
import type { Adopter, Plan } from './plan.ts'

/** A router of ours with its interfaces; ports of routers are rows alone. */
export const takeRouter: Adopter = async (plan, item, _, read) => {
  const { context, row } = plan
  const spec = read.spec as RouterSpec
  const now = context.now()
  const external = spec.gateway ? await externalNetworkOf(context.db, row.id) : null
  const router = {
    id: item.resourceId,
    projectId: item.projectId,
    name: spec.name,
    description: '',
    tags: [],
    revision: 1,
    adminStateUp: true,
    externalNetworkId: external?.id ?? null,
    enableSnat: true,
    egressOf: await wayOutOf(plan, spec),
    availabilityZoneHints: [],
    routes: spec.routes,
    status: 'ACTIVE',
    createdAt: now,
    updatedAt: now,
  }
  if (!(await plan.admit(item, { router: 1 }, () => [insertRouter(context.db, router)]))) return
  for (const each of spec.interfaces) await takeInterface(plan, router, each)
}

/** The network of which a router of a lost row was the way out by its project's plan; null: of none. */
const wayOutOf = async (plan: Plan, { name, gateway, interfaces }: RouterSpec): Promise<string | null> => {
  const { context, row, options } = plan
  const [first, ...others] = interfaces
  if (!options.byMark || !gateway || !first || others.some(({ network }) => network !== first.network)) return null
  const { resourceId, projectId } = await networkFor(plan, first.network)
  const network = await networkById(context.db, everyProject, resourceId)
  const planned = (await networkPlanOf(context.db, projectId))?.egress === true
  return planned && network && name === wayOutName(network, row.name) ? network.id : null
}

const takeInterface = async (
  plan: Plan,
  router: { id: string; projectId: string },
  { network: nativeNetwork, subnet: nativeSubnet }: RouterSpec['interfaces'][number],
): Promise<void> => {
  const { context } = plan
  const network = await networkFor(plan, nativeNetwork)
  const subnet = await plan.take('subnet', nativeSubnet)
  const [known] = await subnetsById(context.db, [subnet.resourceId])
  if (!known) return
  const now = context.now()
  const id = uuid5(`adopted/${router.id}/${subnet.resourceId}`)
  const fixedIps = known.gatewayIp ? [{ subnet_id: known.id, ip_address: known.gatewayIp }] : []
  plan.count('port', 1)
  plan.write(
    insertPort(context.db, {
      id,
      projectId: router.projectId,
      networkId: network.resourceId,
      name: '',
      description: '',
      tags: [],
      revision: 1,
      macAddress: randomMac(context),
      macNamed: false,
      ipAllocation: 'immediate',
      fixedIps,
      adminStateUp: true,
      deviceId: router.id,
      deviceOwner: ROUTER_INTERFACE,
      dnsName: '',
      qosPolicyId: null,
      dhcpOptions: [],
      portSecurity: false,
      filters: null,
      bindingHost: '',
      bindingProfile: {},
      status: 'ACTIVE',
      createdAt: now,
      updatedAt: now,
    }),
    ...(fixedIps.length ? [allocate(context.db, id, fixedIps)] : []),
  )
}
