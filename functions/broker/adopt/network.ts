import type { NetworkSeen, NetworkSpec, SubnetSpec } from '../../../adapters/contract.ts'
import { insertNetwork, networkById, networkGone, pin } from '../../../db/queries/network/network.ts'
import { noteSegmentation } from '../../../db/queries/network/segments.ts'
import { insertSubnet, subnetsById, subnetsOf } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import { guard } from '../line/commit.ts'
import { readCidr } from '../network/address.ts'
import { NetworkRefused } from '../network/network-refusal.ts'
import { plannedSubnet } from '../network/subnet-rules.ts'
import { type Adopter, type Item, NotAdoptable, type Plan } from './plan.ts'
import { holding, rangeOfPool } from './ranges.ts'
import { segmentFor } from './segments.ts'

/** The network of something else; one of another project's only if that project shares it. */
export const networkFor = async (plan: Plan, nativeId: string): Promise<Item> => {
  const network = await plan.take('network', nativeId)
  if (network.fresh) return network
  const { db } = plan.context
  const row = await networkById(db, everyProject, network.resourceId)
  if (row && row.projectId !== plan.options.projectId && !row.shared)
    throw new NotAdoptable(`Network ${nativeId} is project ${row.projectId}'s, which does not share it.`)
  plan.write(guard(plan.context, 'network-gone', networkGone(network.resourceId)))
  return network
}

/** What has no name of its owner's is called by its id on clouds. */
const named = (name: string, { resourceId }: Item): string => (name === resourceId ? '' : name)

/** Plans the rows of a network that is on a cloud already. */
export const takeNetwork: Adopter = async (plan, item, seen, read) => {
  const { context, row } = plan
  const { name } = read.spec as NetworkSpec
  const now = context.now()
  await plan.admit(item, { network: 1 }, () => [
    insertNetwork(context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      name: named(name, item),
      status: 'ACTIVE',
      revision: 1,
      createdAt: now,
      updatedAt: now,
    }),
  ])
  plan.write(pin(context.db, [item.resourceId], row.id, now))
  const { segmentationId } = seen as NetworkSeen
  if (segmentationId !== undefined) plan.write(noteSegmentation(context.db, item.resourceId, row.id, segmentationId))
}

/** Plans the rows of a subnet with the addresses that its cloud hands out. */
export const takeSubnet: Adopter = async (plan, item, seen, read) => {
  const { context } = plan
  const spec = read.spec as SubnetSpec
  const network = await networkFor(plan, spec.network)
  if (network.projectId !== item.projectId)
    throw new NotAdoptable(`Its network is project ${network.projectId}'s; that project has to adopt the subnet.`)
  const block = readCidr(spec.cidr)
  if (!block) throw new NotAdoptable(`Subnet ${item.nativeId} has no address range.`)
  const wish = {
    projectId: network.projectId,
    networkId: network.resourceId,
    name: named(spec.name, item),
    description: '',
    ipVersion: block.version,
    cidr: spec.cidr,
    gatewayIp: spec.gateway,
    enableDhcp: spec.dhcp,
    dnsNameservers: spec.dnsServers,
    hostRoutes: [],
    ipv6AddressMode: null,
    ipv6RaMode: null,
    segmentId: null,
  }
  // A network that this plan binds on one cloud may be there already, by what it has on another.
  const others = await subnetsOf(context.db, [network.resourceId])
  const planned = () => {
    try {
      return plannedSubnet(
        context,
        wish,
        others.filter(({ id }) => id !== item.resourceId),
      )
    } catch (error) {
      throw error instanceof NetworkRefused ? new NotAdoptable(error.message) : error
    }
  }
  const zone = seen.zone ?? spec.zone
  const range = await rangeOfPool(plan, network.projectId, spec.cidr)
  const subnet = { ...planned(), id: item.resourceId, zone, subnetpoolId: range?.pool.id ?? null }
  const known = await subnetsById(context.db, [item.resourceId])
  const { segmentId, writes } = known.length ? { segmentId: null, writes: [] } : await segmentFor(plan, network, subnet)
  await plan.admit(item, { subnet: 1 }, () => [
    ...writes,
    insertSubnet(context.db, { ...subnet, segmentId }),
    ...(range ? holding(context, range, subnet) : []),
  ])
}
