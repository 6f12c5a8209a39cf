import * as z from 'zod'
import { listNetworks, type NetworkView, networkAttributes, networkById } from '../../db/queries/network/network.ts'
import { changeNetwork, createNetworks, ownNetwork, removeNetwork } from '../broker/network/network.ts'
import { missing } from '../broker/network/network-refusal.ts'
import type { Context } from '../context.ts'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import { flag, flagOrNull, hints, ownership, text, textOrNone } from './attributes.ts'
import { changeOf, given, oneOrMany, ownerOf } from './body.ts'
import { reading, standardView } from './listing.ts'
import { disallowed } from './refusals.ts'

/* Networks: https://docs.openstack.org/api-ref/network/v2/#networks */

const changeable = {
  name: text().optional(),
  description: textOrNone().optional(),
  admin_state_up: flag().optional(),
  shared: flag().optional(),
  'router:external': flag().optional(),
  port_security_enabled: flag().optional(),
  'plimsoll:routed': flagOrNull().optional(),
}
const create = z.strictObject({ ...changeable, ...ownership, availability_zone_hints: hints().optional() })
const update = z.strictObject(changeable)
const fixed = [
  'id',
  'status',
  'subnets',
  'mtu',
  'project_id',
  'tenant_id',
  'created_at',
  'updated_at',
  'revision_number',
  'availability_zones',
  'availability_zone_hints',
  'l2_adjacency',
  'segments',
]

/** Sharing is for admins; ways out belong to clouds. `external` is what the network is. */
const checkPolicy = (
  verb: string,
  context: Context,
  body: z.infer<typeof update>,
  external: boolean,
  shared: boolean,
): void => {
  const admin = context.caller?.isAdmin
  if (body.shared !== undefined && body.shared !== shared && !admin) throw disallowed(`${verb}_network:shared`)
  if (body['router:external'] === undefined || body['router:external'] === external) return
  if (!admin) throw disallowed(`${verb}_network:router:external`)
  throw badRequest(
    'Invalid input for operation: an external network is the way out of a cloud and comes with it.',
    'InvalidInput',
  )
}

const view = (network: NetworkView, { caller }: Context) => ({
  ...standardView(network),
  name: network.name,
  admin_state_up: network.adminStateUp,
  status: network.status,
  shared: network.shared,
  'router:external': network.external,
  is_default: network.isDefault,
  mtu: network.mtu,
  port_security_enabled: network.portSecurity,
  subnets: network.subnetIds,
  'plimsoll:routed': network.grows,
  'plimsoll:reach': network.reach,
  ipv4_address_scope: network.addressScopes[4] ?? null,
  ipv6_address_scope: network.addressScopes[6] ?? null,
  availability_zones: network.zones,
  availability_zone_hints: network.availabilityZoneHints,
  l2_adjacency: !network.routed,
  // What Neutron shows of a network's providers is for administrators; its segments are for its owner too.
  ...(caller?.isAdmin && network.segments.length > 1
    ? {
        segments: network.segments.map(({ type, physicalNetwork }) => ({
          'provider:network_type': type,
          'provider:physical_network': physicalNetwork,
          'provider:segmentation_id': null,
        })),
      }
    : {}),
})

const find = async (context: Context, id: string): Promise<NetworkView> => {
  const network = await networkById(context.db, context.scope, id)
  if (!network) throw missing('Network', id)
  return network
}

export const networkOperations: Operation[] = [
  ...reading({
    resource: 'network',
    collection: 'networks',
    attributes: networkAttributes,
    list: listNetworks,
    find,
    view,
  }),
  operation({
    name: 'network.create',
    method: 'POST',
    path: '/v2.0/networks',
    who: 'member',
    summary: 'Creates a network, or several. A cloud makes it real when something on it needs that.',
    status: 201,
    body: oneOrMany('network', 'networks', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      for (const wish of wishes) checkPolicy('create', context, wish, false, false)
      const made = await createNetworks(
        context,
        wishes.map((wish) => ({
          projectId: ownerOf(context, wish),
          name: wish.name ?? '',
          description: wish.description ?? '',
          adminStateUp: wish.admin_state_up ?? true,
          shared: wish.shared ?? false,
          portSecurity: wish.port_security_enabled ?? true,
          availabilityZoneHints: wish.availability_zone_hints ?? [],
          grows: wish['plimsoll:routed'] ?? null,
        })),
      )
      const views = made.map((network) => view(network, context))
      return { body: bulk ? { networks: views } : { network: views[0] } }
    },
  }),
  operation({
    name: 'network.update',
    method: 'PUT',
    path: '/v2.0/networks/:id',
    who: 'member',
    summary: 'Changes a network.',
    status: 200,
    body: changeOf('network', update, fixed),
    handle: async ({ context, params, body }) => {
      const network = await ownNetwork(context, params.id!)
      checkPolicy('update', context, body, network.external, network.shared)
      const {
        name,
        description,
        admin_state_up: adminStateUp,
        shared,
        port_security_enabled: portSecurity,
        'plimsoll:routed': grows,
      } = body
      const changed = await changeNetwork(
        context,
        network.id,
        given({ name, description, adminStateUp, shared, portSecurity, grows }),
      )
      return { body: { network: view(changed, context) } }
    },
  }),
  operation({
    name: 'network.delete',
    method: 'DELETE',
    path: '/v2.0/networks/:id',
    who: 'member',
    summary: 'Deletes a network and its subnets; refused while it has ports.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeNetwork(context, params.id!)
      return {}
    },
  }),
]
