import { table } from '../../adapters/table.ts'
import {
  listNetworks,
  type NetworkView,
  networkAttributes,
  networkById,
  usedAddresses,
} from '../../db/queries/network/network.ts'
import { type Attributes, everything } from '../../db/queries/network/network-listing.ts'
import { type SubnetRow, subnetAttributes, subnetsOf } from '../../db/queries/network/subnets.ts'
import { readIp } from '../broker/network/address.ts'
import { missing } from '../broker/network/network-refusal.ts'
import type { Context } from '../context.ts'
import { type Operation, operation } from '../http/operation.ts'
import { listingOf, only } from './listing.ts'

/* Network IP availability: https://docs.openstack.org/api-ref/network/v2/#network-ip-availability */

const size = ({ allocationPools }: SubnetRow): number =>
  allocationPools.reduce((sum, { start, end }) => sum + Number(readIp(end)!.value - readIp(start)!.value + 1n), 0)

const views = async ({ db }: Context, networks: NetworkView[], versions: unknown[] = [4, 6]) => {
  const subnets = await subnetsOf(
    db,
    networks.map(({ id }) => id),
  )
  const used = new Map((await usedAddresses(db)).map((row) => [row.subnetId, row.used]))
  return networks.map((network) => {
    const own = subnets.filter(({ networkId, ipVersion }) => networkId === network.id && versions.includes(ipVersion))
    const parts = own.map((subnet) => ({
      subnet_id: subnet.id,
      subnet_name: subnet.name,
      cidr: subnet.cidr,
      ip_version: subnet.ipVersion,
      total_ips: size(subnet),
      used_ips: used.get(subnet.id) ?? 0,
    }))
    return {
      network_id: network.id,
      network_name: network.name,
      project_id: network.projectId,
      tenant_id: network.projectId,
      total_ips: parts.reduce((sum, part) => sum + part.total_ips, 0),
      used_ips: parts.reduce((sum, part) => sum + part.used_ips, 0),
      subnet_ip_availability: parts,
    }
  })
}

/** The filters of this list, in the names of the list of networks. */
const attributes: Attributes = table({
  network_id: networkAttributes.id!,
  network_name: networkAttributes.name!,
  project_id: networkAttributes.project_id!,
  tenant_id: networkAttributes.tenant_id!,
  /** Of subnets; it decides which of them count. */
  ip_version: subnetAttributes.ip_version!,
})
const own: Record<string, string> = table({ network_id: 'id', network_name: 'name' })

export const ipAvailabilityOperations: Operation[] = [
  operation({
    name: 'network_ip_availability.list',
    method: 'GET',
    path: '/v2.0/network-ip-availabilities',
    who: 'admin',
    summary: 'Tells how many addresses of each network are in use.',
    status: 200,
    handle: async ({ context, queries }) => {
      const { filters } = listingOf(queries, attributes, false)
      const versions = filters.find(({ key }) => key === 'ip_version')?.values
      const renamed = filters.flatMap(({ key, values }) =>
        key === 'ip_version' ? [] : [{ key: own[key] ?? key, values }],
      )
      const networks = await listNetworks(context.db, context.scope, { ...everything, filters: renamed })
      const found = await views(context, networks, versions)
      return { body: { network_ip_availabilities: found.map((each) => only(each, queries)) } }
    },
  }),
  operation({
    name: 'network_ip_availability.get',
    method: 'GET',
    path: '/v2.0/network-ip-availabilities/:id',
    who: 'admin',
    summary: 'Tells how many addresses of a network are in use.',
    status: 200,
    handle: async ({ context, params }) => {
      const network = await networkById(context.db, context.scope, params.id!)
      if (!network) throw missing('Network', params.id!)
      return { body: { network_ip_availability: (await views(context, [network]))[0] } }
    },
  }),
]
