import type { NetworkSpec, SubnetSpec } from '../../../adapters/contract.ts'
import { adapterFor } from '../../../adapters/registry.ts'
import { insertNetwork, networkById, networkGone, pin } from '../../../db/queries/network/network.ts'
import { insertSegment, segmentsOf } from '../../../db/queries/network/segments.ts'
import { insertSubnet, subnetsOf } from '../../../db/queries/network/subnets.ts'
import { everyProject } from '../../../db/scope.ts'
import { guard } from '../line/commit.ts'
import { readCidr } from '../network/address.ts'
import { NetworkRefused } from '../network/network-refusal.ts'
import { plannedSubnet } from '../network/subnet-rules.ts'
import { type Adopter, type Item, NotAdoptable, type Plan } from './plan.ts'

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

/** Plans the rows of a network that is on a cloud already. */
export const takeNetwork: Adopter = async (plan, item, _, read) => {
  const { context, row } = plan
  const { name } = read.spec as NetworkSpec
  const now = context.now()
  await plan.admit(item, { network: 1 }, () => [
    insertNetwork(context.db, {
      id: item.resourceId,
      projectId: item.projectId,
      name,
      status: 'ACTIVE',
      revision: 1,
      createdAt: now,
      updatedAt: now,
    }),
  ])
  plan.write(pin(context.db, [item.resourceId], row.id, now))
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
    name: spec.name,
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
  const others = network.fresh ? [] : await subnetsOf(context.db, [network.resourceId])
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
  const segmentId = network.fresh ? null : await segmentAt(plan, network.resourceId, zone)
  const subnet = { ...planned(), id: item.resourceId, zone, segmentId }
  await plan.admit(item, { subnet: 1 }, () => [insertSubnet(context.db, subnet)])
}

/** The segment of a routed network in which a subnet lies that is found on this cloud, made if there is none; null: it is not routed. */
const segmentAt = async (plan: Plan, networkId: string, zone: string): Promise<string | null> => {
  const { context, row } = plan
  const { db } = context
  const others = await subnetsOf(db, [networkId])
  const [some] = others.filter(({ segmentId }) => segmentId !== null)
  if (!some) return null
  const zonal = (await adapterFor(row.type))?.zonalSubnets === true
  const there = (await segmentsOf(db, [networkId])).filter(({ cloudId }) => cloudId === row.id)
  const found = there.find((segment) => segment.zone === null || segment.zone === zone)
  if (found) return found.id
  const now = context.now()
  const segment = {
    id: context.newId(),
    projectId: some.projectId,
    name: null,
    description: '',
    revision: 0,
    networkId,
    cloudId: row.id,
    zone: zonal ? zone : null,
    networkType: 'flat',
    createdAt: now,
    updatedAt: now,
  }
  plan.write(insertSegment(db, segment))
  return segment.id
}
