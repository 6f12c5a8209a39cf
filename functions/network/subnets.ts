import * as z from 'zod'
import { defaultSubnetPool } from '../../db/queries/network/subnet-pools.ts'
import { listSubnets, type SubnetRow, subnetAttributes, subnetById } from '../../db/queries/network/subnets.ts'
import { badRequestFor, missing } from '../broker/network/network-refusal.ts'
import { changeSubnet, createSubnets, removeSubnet } from '../broker/network/subnet.ts'
import type { SubnetSource, SubnetWish } from '../broker/network/subnet-rules.ts'
import type { Context } from '../context.ts'
import { type Operation, operation } from '../http/operation.ts'
import {
  cidr,
  count,
  flag,
  ipOrNull,
  nameservers,
  oneOf,
  oneOfOrNull,
  ownership,
  pools,
  routes,
  serviceTypes,
  text,
  textOrNone,
  uuid,
  uuidOrNull,
} from './attributes.ts'
import { changeOf, given, oneOrMany, ownerOf } from './body.ts'
import { reading, standardView } from './listing.ts'

/* Subnets: https://docs.openstack.org/api-ref/network/v2/#subnets */

const changeable = {
  name: text().optional(),
  description: textOrNone().optional(),
  gateway_ip: ipOrNull().optional(),
  enable_dhcp: flag().optional(),
  allocation_pools: pools().optional(),
  dns_nameservers: nameservers().optional(),
  host_routes: routes().optional(),
  segment_id: uuidOrNull().optional(),
  service_types: serviceTypes().optional(),
}
const modes = ['dhcpv6-stateful', 'dhcpv6-stateless', 'slaac'] as const
const create = z.strictObject({
  ...changeable,
  ...ownership,
  network_id: uuid(),
  ip_version: oneOf(4, 6),
  cidr: cidr().optional(),
  ipv6_address_mode: oneOfOrNull(...modes).optional(),
  ipv6_ra_mode: oneOfOrNull(...modes).optional(),
  subnetpool_id: uuidOrNull().optional(),
  use_default_subnetpool: flag().optional(),
  prefixlen: count().optional(),
})
const update = z.strictObject(changeable)
const fixed = [
  'id',
  'network_id',
  'ip_version',
  'cidr',
  'subnetpool_id',
  'ipv6_address_mode',
  'ipv6_ra_mode',
  'project_id',
  'tenant_id',
  'created_at',
  'updated_at',
  'revision_number',
]

const view = (subnet: SubnetRow) => ({
  ...standardView(subnet),
  name: subnet.name,
  network_id: subnet.networkId,
  ip_version: subnet.ipVersion,
  cidr: subnet.cidr,
  gateway_ip: subnet.gatewayIp,
  enable_dhcp: subnet.enableDhcp,
  allocation_pools: subnet.allocationPools,
  dns_nameservers: subnet.dnsNameservers,
  host_routes: subnet.hostRoutes,
  ipv6_address_mode: subnet.ipv6AddressMode,
  ipv6_ra_mode: subnet.ipv6RaMode,
  subnetpool_id: subnet.subnetpoolId,
  segment_id: subnet.segmentId,
  service_types: subnet.serviceTypes,
})

const find = async (context: Context, id: string): Promise<SubnetRow> => {
  const subnet = await subnetById(context.db, context.scope, id)
  if (!subnet) throw missing('Subnet', id)
  return subnet
}

const refused = (reason: string) => badRequestFor('subnets', reason)

/** The pool that a subnet is to be of; null: none (neutron/db/db_base_plugin_v2.py, `_get_subnetpool_id`). */
const poolOf = async (context: Context, wish: z.infer<typeof create>): Promise<string | null> => {
  const { subnetpool_id: named = null, use_default_subnetpool: byDefault = false } = wish
  if (byDefault && named !== null) throw refused('subnetpool_id and use_default_subnetpool cannot both be specified')
  if (!byDefault) return named
  const found = await defaultSubnetPool(context.db, context.scope, wish.ip_version)
  if (found === null) throw refused(`No default subnetpool found for IPv${wish.ip_version}`)
  return found
}

/** Where its range comes from. */
const sourceOf = async (context: Context, wish: z.infer<typeof create>): Promise<SubnetSource> => {
  const { cidr, prefixlen, allocation_pools: pools } = wish
  if (cidr !== undefined && prefixlen !== undefined) throw refused('cidr and prefixlen must not be supplied together')
  const id = await poolOf(context, wish)
  if (id !== null) {
    if (cidr === undefined && pools !== undefined)
      throw refused('allocation_pools allowed only for specific subnet requests.')
    return given({ cidr, pool: given({ id, prefixlen }) })
  }
  if (cidr === undefined) throw refused('a subnetpool must be specified in the absence of a cidr')
  return { cidr }
}

export const subnetOperations: Operation[] = [
  ...reading({
    resource: 'subnet',
    collection: 'subnets',
    attributes: subnetAttributes,
    list: listSubnets,
    find,
    view,
  }),
  operation({
    name: 'subnet.create',
    method: 'POST',
    path: '/v2.0/subnets',
    who: 'member',
    summary: 'Creates a subnet of a network, or several.',
    status: 201,
    body: oneOrMany('subnet', 'subnets', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      const asked: SubnetWish[] = []
      for (const wish of wishes)
        asked.push({
          projectId: ownerOf(context, wish),
          networkId: wish.network_id,
          name: wish.name ?? '',
          description: wish.description ?? '',
          ipVersion: wish.ip_version,
          enableDhcp: wish.enable_dhcp ?? true,
          dnsNameservers: wish.dns_nameservers ?? [],
          hostRoutes: wish.host_routes ?? [],
          ipv6AddressMode: wish.ipv6_address_mode ?? null,
          ipv6RaMode: wish.ipv6_ra_mode ?? null,
          segmentId: wish.segment_id ?? null,
          ...given({
            gatewayIp: wish.gateway_ip,
            allocationPools: wish.allocation_pools,
            serviceTypes: wish.service_types,
          }),
          ...(await sourceOf(context, wish)),
        })
      const made = await createSubnets(context, asked)
      return { body: bulk ? { subnets: made.map(view) } : { subnet: view(made[0]!) } }
    },
  }),
  operation({
    name: 'subnet.update',
    method: 'PUT',
    path: '/v2.0/subnets/:id',
    who: 'member',
    summary: 'Changes a subnet; its network and its address range stay.',
    status: 200,
    body: changeOf('subnet', update, fixed),
    handle: async ({ context, params, body }) => {
      const set = given({
        name: body.name,
        description: body.description,
        gatewayIp: body.gateway_ip,
        enableDhcp: body.enable_dhcp,
        allocationPools: body.allocation_pools,
        dnsNameservers: body.dns_nameservers,
        hostRoutes: body.host_routes,
        segmentId: body.segment_id,
        serviceTypes: body.service_types,
      })
      return { body: { subnet: view(await changeSubnet(context, params.id!, set)) } }
    },
  }),
  operation({
    name: 'subnet.delete',
    method: 'DELETE',
    path: '/v2.0/subnets/:id',
    who: 'member',
    summary: 'Deletes a subnet; refused while an address of it is in use.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeSubnet(context, params.id!)
      return {}
    },
  }),
]
