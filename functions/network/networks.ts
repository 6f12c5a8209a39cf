import * as z from 'zod'
import { own } from '../../adapters/table.ts'
import {
  isWayOut,
  listNetworks,
  type NetworkRow,
  type NetworkView,
  networkAttributes,
  networkById,
} from '../../db/queries/network/network.ts'
import { changeNetwork, ownNetwork, removeNetwork } from '../broker/network/network.ts'
import { invalidInput, missing } from '../broker/network/network-refusal.ts'
import { createNetworks, type ProvidedNetwork } from '../broker/network/segments/multi-provider.ts'
import type { Context } from '../context.ts'
import { badRequest } from '../http/fault.ts'
import { type Operation, operation } from '../http/operation.ts'
import {
  count,
  countOrNull,
  flag,
  flagOrNull,
  hints,
  ownership,
  text,
  textOrNone,
  textOrNull,
  uuidOrNull,
} from './attributes.ts'
import { changeOf, given, oneOrMany, ownerOf } from './body.ts'
import { isLent, reading, standardView } from './listing.ts'
import { disallowed } from './refusals.ts'

/* Networks: https://docs.openstack.org/api-ref/network/v2/#networks */

/** Segments that one request gives a network. */
const MOST_SEGMENTS = 100

const changeable = {
  name: text().optional(),
  description: textOrNone().optional(),
  admin_state_up: flag().optional(),
  shared: flag().optional(),
  'router:external': flag().optional(),
  is_default: flag().optional(),
  port_security_enabled: flag().optional(),
  mtu: count().optional(),
  qos_policy_id: uuidOrNull().optional(),
  'plimsoll:routed': flagOrNull().optional(),
}
const provider = {
  'provider:network_type': text(32).optional(),
  'provider:physical_network': textOrNull(128).optional(),
  'provider:segmentation_id': countOrNull().optional(),
}
const create = z.strictObject({
  ...changeable,
  ...ownership,
  availability_zone_hints: hints().optional(),
  ...provider,
  segments: z.array(z.strictObject(provider)).optional(),
})
const update = z.strictObject(changeable)
const fixed = [
  'id',
  'status',
  'subnets',
  'project_id',
  'tenant_id',
  'created_at',
  'updated_at',
  'revision_number',
  'availability_zones',
  'availability_zone_hints',
  'l2_adjacency',
  'segments',
  ...Object.keys(provider),
]

/** Sharing is for admins, and so is what leads outside. `is` is what the network is. */
const checkPolicy = (
  verb: string,
  { caller }: Context,
  body: z.infer<typeof update>,
  is: Pick<NetworkRow, 'external' | 'shared' | 'isDefault' | 'projectId'>,
): void => {
  const { shared, 'router:external': external, is_default: isDefault } = body
  if (!caller?.isAdmin) {
    if (shared !== undefined && shared !== is.shared) throw disallowed(`${verb}_network:shared`)
    if (external !== undefined && external !== is.external) throw disallowed(`${verb}_network:router:external`)
    if (isDefault !== undefined && isDefault !== is.isDefault) throw disallowed(`${verb}_network:is_default`)
  }
  if (external === false && isWayOut(is)) throw invalidInput('this network is the way out of a cloud and comes with it')
}

/** Of Ethernet, which is what networks of all clouds carry at least; none is made that would promise more. */
const MOST_MTU = 1500
/** Bytes of a packet that guests are told of; 0 is the most (neutron/plugins/ml2/plugin.py, `_get_network_mtu`). */
const mtuOf = (asked: number | undefined): number | undefined => {
  if (asked === undefined) return undefined
  if (asked > MOST_MTU) throw invalidInput(`Requested MTU is too big, maximum is ${MOST_MTU}`)
  return asked || MOST_MTU
}

/** One segment is the network's own, several are a list (neutron/plugins/ml2/managers.py, `_extend_network_dict_provider`). */
const providerView = (segments: NetworkView['segments']) => {
  const views = segments.map(({ type, physicalNetwork, segmentationId }) => ({
    'provider:network_type': type,
    'provider:physical_network': physicalNetwork,
    'provider:segmentation_id': segmentationId,
  }))
  if (views.length > 1) return { segments: views }
  const none = { 'provider:network_type': null, 'provider:physical_network': null, 'provider:segmentation_id': null }
  return views[0] ?? none
}

/** The segments that a network is to have (neutron/plugins/ml2/managers.py, `process_provider_segment`). */
const segmentsOf = ({ segments, ...single }: z.infer<typeof create>): ProvidedNetwork['segments'] => {
  const isSingle = Object.keys(provider).some((key) => own(single, key) !== undefined)
  if (isSingle && segments !== undefined)
    throw badRequest('Segments and provider values cannot both be set.', 'SegmentsSetInConjunctionWithProviders')
  return (segments ?? (isSingle ? [single] : [])).map((each) => ({
    networkType: each['provider:network_type'] ?? required('network_type required'),
    physicalNetwork: each['provider:physical_network'] ?? null,
    segmentationId: each['provider:segmentation_id'] ?? null,
  }))
}

const required = (reason: string): never => {
  throw invalidInput(reason)
}

const view = (network: NetworkView, context: Context) => ({
  ...standardView(network),
  name: network.name,
  admin_state_up: network.adminStateUp,
  status: network.status,
  shared: network.shared || (!network.external && isLent(network, context)),
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
  qos_policy_id: network.qosPolicyId,
  // What Neutron shows of a network's providers is for administrators; its segments are for its owner too.
  ...(context.caller?.isAdmin ? providerView(network.segments) : {}),
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
      const none = { external: false, shared: false, isDefault: false, projectId: '' }
      for (const wish of wishes) checkPolicy('create', context, wish, none)
      const asked = wishes.map((wish) => ({
        projectId: ownerOf(context, wish),
        name: wish.name ?? '',
        description: wish.description ?? '',
        adminStateUp: wish.admin_state_up ?? true,
        shared: wish.shared ?? false,
        external: wish['router:external'] ?? false,
        isDefault: wish.is_default ?? false,
        portSecurity: wish.port_security_enabled ?? true,
        availabilityZoneHints: wish.availability_zone_hints ?? [],
        grows: wish['plimsoll:routed'] ?? null,
        mtu: mtuOf(wish.mtu) ?? MOST_MTU,
        segments: segmentsOf(wish),
        qosPolicyId: wish.qos_policy_id ?? null,
      }))
      if (asked.flatMap(({ segments }) => segments).length > MOST_SEGMENTS)
        throw badRequest(`At most ${MOST_SEGMENTS} segments are made in one request`)
      const made = await createNetworks(context, asked)
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
      checkPolicy('update', context, body, network)
      const {
        name,
        description,
        admin_state_up: adminStateUp,
        shared,
        port_security_enabled: portSecurity,
        'router:external': external,
        is_default: isDefault,
        'plimsoll:routed': grows,
      } = body
      const changed = await changeNetwork(
        context,
        network.id,
        given({
          ...{ name, description, adminStateUp, shared, external, isDefault, portSecurity, grows },
          mtu: mtuOf(body.mtu),
          qosPolicyId: body.qos_policy_id,
        }),
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
