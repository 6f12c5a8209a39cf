import * as z from 'zod'
import { networkById } from '../../db/queries/network/network.ts'
import { listPorts, type PortView, portAttributes } from '../../db/queries/network/ports.ts'
import { hasRole } from '../auth/policy.ts'
import { ownPort, seenPort } from '../broker/network/port.ts'
import { changePort, createPorts, deletePort } from '../broker/network/port-life.ts'
import type { Context } from '../context.ts'
import { type Operation, operation } from '../http/operation.ts'
import {
  addressPairs,
  dhcpOptions,
  fixedIps,
  flag,
  mac,
  nothingBut,
  object,
  ownership,
  text,
  textOrNone,
  uuid,
  uuidOrNull,
  uuids,
} from './attributes.ts'
import { changeOf, given, oneOrMany, ownerOf } from './body.ts'
import { reading, standardView } from './listing.ts'
import { disallowed } from './refusals.ts'

/* Ports: https://docs.openstack.org/api-ref/network/v2/#ports */

const changeable = {
  name: text().optional(),
  description: textOrNone().optional(),
  admin_state_up: flag().optional(),
  device_id: textOrNone().optional(),
  device_owner: textOrNone().optional(),
  fixed_ips: fixedIps().optional(),
  security_groups: uuids().optional(),
  allowed_address_pairs: addressPairs().optional(),
  qos_policy_id: uuidOrNull().optional(),
  extra_dhcp_opts: dhcpOptions().optional(),
  port_security_enabled: flag().optional(),
  mac_address: mac().optional(),
  'binding:vnic_type': nothingBut('normal').optional(),
  'binding:host_id': textOrNone().optional(),
  'binding:profile': object().optional(),
}
const create = z.strictObject({ ...changeable, ...ownership, network_id: uuid() })
const update = z.strictObject(changeable)
const fixed = [
  'id',
  'network_id',
  'status',
  'project_id',
  'tenant_id',
  'created_at',
  'updated_at',
  'revision_number',
  'ip_allocation',
  'qos_network_policy_id',
]

/** What routers and clouds own is not for users to claim. */
const checkPolicy = (verb: string, context: Context, body: Partial<z.infer<typeof update>>): void => {
  if (context.caller?.isAdmin) return
  if (verb === 'update' && body.mac_address !== undefined) throw disallowed('update_port:mac_address')
  for (const key of ['binding:host_id', 'binding:profile'] as const)
    if (body[key] !== undefined) throw disallowed(`${verb}_port:${key}`)
  if (body.device_owner?.startsWith('network:')) throw disallowed(`${verb}_port:device_owner`)
}

/** Whether its caller manages the project of a port's network, which is enough to give it another MAC address (neutron/conf/policies/port.py, `NET_OWNER_MANAGER`). */
const managesNetwork = async (context: Context, portId: string): Promise<boolean> => {
  const { caller, db, scope } = context
  if (!caller || !hasRole(caller, 'manager')) return false
  const { networkId } = await ownPort(context, portId)
  return (await networkById(db, scope, networkId))?.projectId === caller.projectId
}

/** Clouds plug in what they have; a host that an administrator names is none of theirs. */
const vifType = ({ host, bindingHost, deviceOwner }: PortView): string =>
  host === '' ? 'unbound' : bindingHost === host && !deviceOwner.startsWith('compute:') ? 'binding_failed' : 'other'

/** By address as text, as Neutron's model orders them. Which comes first to a cloud is another thing. */
const inOrder = (fixedIps: PortView['fixedIps']): PortView['fixedIps'] =>
  fixedIps.toSorted((a, b) => compare(a.ip_address, b.ip_address) || compare(a.subnet_id, b.subnet_id))
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const view = (port: PortView, { caller }: Context) => ({
  ...standardView(port),
  name: port.name,
  network_id: port.networkId,
  mac_address: port.macAddress,
  admin_state_up: port.adminStateUp,
  status: port.status,
  device_id: port.deviceId,
  device_owner: port.deviceOwner,
  fixed_ips: inOrder(port.fixedIps),
  security_groups: port.securityGroupIds,
  port_security_enabled: port.portSecurity,
  allowed_address_pairs: port.addressPairs.map(({ address, mac }) => ({
    ip_address: address,
    mac_address: mac || port.macAddress,
  })),
  ip_allocation: port.ipAllocation,
  qos_policy_id: port.qosPolicyId,
  extra_dhcp_opts: port.dhcpOptions.map(({ name, value, family }) => ({
    opt_name: name,
    opt_value: value,
    ip_version: family,
  })),
  qos_network_policy_id: port.qosNetworkPolicyId,
  'plimsoll:filters': port.filters,
  'plimsoll:reach': port.reach,
  'binding:vnic_type': 'normal',
  ...(caller?.isAdmin
    ? {
        'binding:host_id': port.host,
        'binding:profile': port.bindingProfile,
        'binding:vif_type': vifType(port),
        'binding:vif_details': {},
      }
    : {}),
})

export const portOperations: Operation[] = [
  ...reading({
    resource: 'port',
    collection: 'ports',
    attributes: portAttributes,
    list: listPorts,
    find: seenPort,
    view,
  }),
  operation({
    name: 'port.create',
    method: 'POST',
    path: '/v2.0/ports',
    who: 'member',
    summary: 'Reserves addresses for a port, or several ports, until a server takes them.',
    status: 201,
    body: oneOrMany('port', 'ports', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      for (const wish of wishes) checkPolicy('create', context, wish)
      const made = await createPorts(
        context,
        wishes.map((wish) => ({
          projectId: ownerOf(context, wish),
          networkId: wish.network_id,
          ...given({
            name: wish.name,
            description: wish.description,
            adminStateUp: wish.admin_state_up,
            deviceId: wish.device_id,
            deviceOwner: wish.device_owner,
            fixedIps: wish.fixed_ips,
            securityGroupIds: wish.security_groups,
            portSecurity: wish.port_security_enabled,
            addressPairs: wish.allowed_address_pairs,
            qosPolicyId: wish.qos_policy_id,
            dhcpOptions: wish.extra_dhcp_opts,
            macAddress: wish.mac_address,
            bindingHost: wish['binding:host_id'],
            bindingProfile: wish['binding:profile'],
          }),
        })),
      )
      const views = made.map((port) => view(port, context))
      return { body: bulk ? { ports: views } : { port: views[0] } }
    },
  }),
  operation({
    name: 'port.update',
    method: 'PUT',
    path: '/v2.0/ports/:id',
    who: 'member',
    summary: 'Changes a port, above the line and on the cloud that has it.',
    status: 200,
    body: changeOf('port', update, fixed),
    handle: async ({ context, params, body }) => {
      const { mac_address, ...others } = body
      const managed = mac_address !== undefined && (await managesNetwork(context, params.id!))
      checkPolicy('update', context, managed ? others : body)
      const set = given({
        name: body.name,
        description: body.description,
        adminStateUp: body.admin_state_up,
        deviceId: body.device_id,
        deviceOwner: body.device_owner,
        portSecurity: body.port_security_enabled,
        macAddress: body.mac_address,
        bindingHost: body['binding:host_id'],
        bindingProfile: body['binding:profile'],
      })
      const more = given({
        fixedIps: body.fixed_ips,
        securityGroupIds: body.security_groups,
        addressPairs: body.allowed_address_pairs,
        qosPolicyId: body.qos_policy_id,
        dhcpOptions: body.extra_dhcp_opts,
      })
      return { body: { port: view(await changePort(context, params.id!, { set, ...more }), context) } }
    },
  }),
  operation({
    name: 'port.delete',
    method: 'DELETE',
    path: '/v2.0/ports/:id',
    who: 'member',
    summary: 'Deletes a port and gives its addresses back; refused while a server or a router holds it.',
    status: 204,
    handle: async ({ context, params }) => {
      await deletePort(context, params.id!)
      return {}
    },
  }),
]
