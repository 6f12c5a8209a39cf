import * as z from 'zod'
import { type FloatingIpView, floatingIpAttributes, listFloatingIps } from '../../db/queries/network/floating-ips.ts'
import { changeFloatingIp, createFloatingIp, ownFloatingIp, removeFloatingIp } from '../broker/network/floating-ip.ts'
import { badRequestFor } from '../broker/network/network-refusal.ts'
import { type Operation, operation } from '../http/operation.ts'
import { ip, ipOrNull, ownership, textOrNone, uuid, uuidOrNull } from './attributes.ts'
import { changeOf, given, oneOrMany, ownerOf } from './body.ts'
import { reading, standardView } from './listing.ts'
import { disallowed } from './refusals.ts'

/* Floating IPs: https://docs.openstack.org/api-ref/network/v2/#floating-ips-floatingips */

const changeable = {
  description: textOrNone().optional(),
  port_id: uuidOrNull().optional(),
  fixed_ip_address: ipOrNull().optional(),
}
const create = z.strictObject({
  ...changeable,
  ...ownership,
  floating_network_id: uuid(),
  floating_ip_address: ip().optional(),
  subnet_id: uuid().optional(),
})
const update = z.strictObject(changeable)
const fixed = [
  'id',
  'floating_network_id',
  'floating_ip_address',
  'router_id',
  'status',
  'project_id',
  'tenant_id',
  'created_at',
  'updated_at',
  'revision_number',
]

const view = (address: FloatingIpView) => ({
  ...standardView(address),
  floating_network_id: address.floatingNetworkId,
  floating_ip_address: address.floatingIpAddress,
  fixed_ip_address: address.fixedIpAddress,
  port_id: address.portId,
  router_id: address.routerId,
  status: address.status,
  port_details: address.portDetails,
})

export const floatingIpOperations: Operation[] = [
  ...reading({
    resource: 'floatingip',
    collection: 'floatingips',
    attributes: floatingIpAttributes,
    list: listFloatingIps,
    find: ownFloatingIp,
    view,
  }),
  operation({
    name: 'floatingip.create',
    method: 'POST',
    path: '/v2.0/floatingips',
    who: 'member',
    summary: 'Takes a public address of a cloud, and leads it to a port if one is named. Waits for the cloud.',
    status: 201,
    body: oneOrMany('floatingip', 'floatingips', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      if (bulk && wishes.length > 1) throw badRequestFor('floatingips', 'Floating IPs are created one at a time')
      const wish = wishes[0]!
      if (wish.floating_ip_address !== undefined && !context.caller?.isAdmin)
        throw disallowed('create_floatingip:floating_ip_address')
      if (wish.fixed_ip_address && !wish.port_id)
        throw badRequestFor('floatingip', 'fixed_ip_address cannot be specified without a port_id')
      const address = await createFloatingIp(context, {
        projectId: ownerOf(context, wish),
        networkId: wish.floating_network_id,
        portId: wish.port_id ?? null,
        fixedIpAddress: wish.fixed_ip_address ?? null,
        address: wish.floating_ip_address ?? null,
        subnetId: wish.subnet_id ?? null,
        description: wish.description ?? '',
      })
      return { body: bulk ? { floatingips: [view(address)] } : { floatingip: view(address) } }
    },
  }),
  operation({
    name: 'floatingip.update',
    method: 'PUT',
    path: '/v2.0/floatingips/:id',
    who: 'member',
    summary: 'Leads a public address to a port, or nowhere.',
    status: 200,
    body: changeOf('floatingip', update, fixed),
    handle: async ({ context, params, body }) => {
      // One that names nothing lets go of the port (neutron/db/l3_db.py, `_update_fip_assoc`).
      const blank = !Object.keys(body).length
      const change = given({
        description: body.description,
        portId: blank ? null : body.port_id,
        fixedIpAddress: body.fixed_ip_address,
      })
      return { body: { floatingip: view(await changeFloatingIp(context, params.id!, change)) } }
    },
  }),
  operation({
    name: 'floatingip.delete',
    method: 'DELETE',
    path: '/v2.0/floatingips/:id',
    who: 'member',
    summary: 'Gives a public address back to its cloud.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeFloatingIp(context, params.id!)
      return {}
    },
  }),
]
