import { table } from '../../adapters/table.ts'
import { type AddressUse, addressUse, addressUses, type SubnetUse } from '../../db/queries/network/ip-availability.ts'
import { networkAttributes } from '../../db/queries/network/network.ts'
import type { Attributes } from '../../db/queries/network/network-listing.ts'
import { subnetAttributes } from '../../db/queries/network/subnets.ts'
import { readIp } from '../broker/network/address.ts'
import { missing } from '../broker/network/network-refusal.ts'
import { type Operation, operation } from '../http/operation.ts'
import { listingOf, onlyIn } from './listing.ts'

/* Network IP availability: https://docs.openstack.org/api-ref/network/v2/#network-ip-availability */

const size = ({ allocationPools }: SubnetUse): bigint =>
  allocationPools.reduce((sum, { start, end }) => sum + readIp(end)!.value - readIp(start)!.value + 1n, 0n)

const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown }

/** Numbers of IPv6 are beyond what is exact of JavaScript's: they are written into the JSON as they are. */
const exact = (value: bigint): unknown => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : rawJSON(String(value)))

const view = (network: AddressUse, versions: unknown[] = [4, 6]) => {
  const subnets = network.subnets.filter(({ ipVersion }) => versions.includes(ipVersion))
  const parts = subnets.map((subnet) => ({
    subnet_id: subnet.id,
    subnet_name: subnet.name,
    cidr: subnet.cidr,
    ip_version: subnet.ipVersion,
    total_ips: exact(size(subnet)),
    used_ips: subnet.used,
  }))
  return {
    network_id: network.id,
    network_name: network.name,
    project_id: network.projectId,
    tenant_id: network.projectId,
    total_ips: exact(subnets.reduce((sum, subnet) => sum + size(subnet), 0n)),
    used_ips: parts.reduce((sum, part) => sum + part.used_ips, 0),
    subnet_ip_availability: parts,
  }
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
      const found = await addressUses(context.db, context.scope, renamed)
      const only = onlyIn(queries)
      return { body: { network_ip_availabilities: found.map((network) => only(view(network, versions))) } }
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
      const network = await addressUse(context.db, context.scope, params.id!)
      if (!network) throw missing('Network', params.id!)
      return { body: { network_ip_availability: view(network) } }
    },
  }),
]
