import * as z from 'zod'
import { listRouters, type RouterRow, type RouterView, routerAttributes } from '../../db/queries/network/routers.ts'
import { badRequestFor } from '../broker/network/network-refusal.ts'
import { changeRouter, createRouter, ownRouter, removeRouter } from '../broker/network/router.ts'
import { addInterface, type Interface, removeInterface } from '../broker/network/router-interface.ts'
import type { Context } from '../context.ts'
import { type Operation, operation } from '../http/operation.ts'
import { flag, gatewayInfo, hints, isUuid, ownership, routes, text, textOrNone } from './attributes.ts'
import { bare, changeOf, given, oneOrMany, ownerOf } from './body.ts'
import { reading, standardView } from './listing.ts'
import { disallowed } from './refusals.ts'

/* Routers: https://docs.openstack.org/api-ref/network/v2/#routers-routers */

const changeable = {
  name: text().optional(),
  description: textOrNone().optional(),
  admin_state_up: flag().optional(),
  external_gateway_info: gatewayInfo().optional(),
}
const create = z.strictObject({ ...changeable, ...ownership, availability_zone_hints: hints().optional() })
const update = z.strictObject({ ...changeable, routes: routes().optional() })
const fixed = ['id', 'status', 'project_id', 'tenant_id', 'created_at', 'updated_at', 'revision_number']
const interfaceBody = bare(z.strictObject({ subnet_id: text().optional(), port_id: text().optional() }))
const routesBody = changeOf('router', z.strictObject({ routes: routes() }))

const checkPolicy = (
  verb: string,
  { caller }: Context,
  gateway: { enableSnat?: boolean; fixedIps?: unknown[] } | null | undefined,
): void => {
  if (caller?.isAdmin) return
  if (gateway?.enableSnat !== undefined) throw disallowed(`${verb}_router:external_gateway_info:enable_snat`)
  if (gateway?.fixedIps) throw disallowed(`${verb}_router:external_gateway_info:external_fixed_ips`)
}

const view = (router: RouterView) => ({
  ...standardView(router),
  name: router.name,
  admin_state_up: router.adminStateUp,
  status: router.status,
  external_gateway_info:
    router.externalNetworkId === null
      ? null
      : { network_id: router.externalNetworkId, enable_snat: router.enableSnat, external_fixed_ips: router.gatewayIps },
  routes: router.routes,
  availability_zones: router.zones,
  availability_zone_hints: router.availabilityZoneHints,
  'plimsoll:egress_of': router.egressOf,
})

const interfaceView = (routerId: string, { port, subnet }: Interface) => ({
  id: routerId,
  tenant_id: port.projectId,
  project_id: port.projectId,
  port_id: port.id,
  network_id: port.networkId,
  subnet_id: subnet.id,
  subnet_ids: [...new Set(port.fixedIps.map((ip) => ip.subnet_id))],
  tags: port.tags,
})

const same = (a: RouterRow['routes'][number], b: RouterRow['routes'][number]) =>
  a.destination === b.destination && a.nexthop === b.nexthop

export const routerOperations: Operation[] = [
  ...reading({
    resource: 'router',
    collection: 'routers',
    attributes: routerAttributes,
    list: listRouters,
    find: ownRouter,
    view,
  }),
  operation({
    name: 'router.create',
    method: 'POST',
    path: '/v2.0/routers',
    who: 'member',
    summary: 'Creates a router, with a gateway to an external network if one is named.',
    status: 201,
    body: oneOrMany('router', 'routers', create),
    handle: async ({ context, body: { wishes, bulk } }) => {
      if (bulk && wishes.length > 1) throw badRequestFor('routers', 'Routers are created one at a time')
      const wish = wishes[0]!
      checkPolicy('create', context, wish.external_gateway_info)
      const router = await createRouter(context, {
        projectId: ownerOf(context, wish),
        name: wish.name ?? '',
        description: wish.description ?? '',
        adminStateUp: wish.admin_state_up ?? true,
        gateway: wish.external_gateway_info ?? null,
        availabilityZoneHints: wish.availability_zone_hints ?? [],
      })
      return { body: bulk ? { routers: [view(router)] } : { router: view(router) } }
    },
  }),
  operation({
    name: 'router.update',
    method: 'PUT',
    path: '/v2.0/routers/:id',
    who: 'member',
    summary: 'Changes a router, its gateway and its routes.',
    status: 200,
    body: changeOf('router', update, fixed),
    handle: async ({ context, params, body }) => {
      checkPolicy('update', context, body.external_gateway_info)
      const { name, description, admin_state_up: adminStateUp, routes } = body
      const set = given({ name, description, adminStateUp, routes })
      const gateway = given({ gateway: body.external_gateway_info })
      return { body: { router: view(await changeRouter(context, params.id!, { set, ...gateway })) } }
    },
  }),
  operation({
    name: 'router.delete',
    method: 'DELETE',
    path: '/v2.0/routers/:id',
    who: 'member',
    summary: 'Deletes a router; refused while it has interfaces.',
    status: 204,
    handle: async ({ context, params }) => {
      await removeRouter(context, params.id!)
      return {}
    },
  }),
  operation({
    name: 'router.add_interface',
    method: 'PUT',
    path: '/v2.0/routers/:id/add_router_interface',
    who: 'member',
    summary: 'Joins a subnet to the router, by its gateway address or by a port.',
    status: 200,
    body: interfaceBody,
    handle: async ({ context, params, body: { subnet_id: subnetId, port_id: portId } }) => {
      await ownRouter(context, params.id!)
      if (subnetId !== undefined && portId !== undefined)
        throw badRequestFor('router', 'Cannot specify both subnet-id and port-id')
      const by = portId !== undefined ? { portId } : subnetId !== undefined ? { subnetId } : null
      if (!by) throw badRequestFor('router', 'Either subnet_id or port_id must be specified')
      const [named] = Object.values(by)
      if (!isUuid(named)) throw badRequestFor('router', `'${named}' is not a valid UUID`)
      return { body: interfaceView(params.id!, await addInterface(context, params.id!, by)) }
    },
  }),
  operation({
    name: 'router.remove_interface',
    method: 'PUT',
    path: '/v2.0/routers/:id/remove_router_interface',
    who: 'member',
    summary: 'Takes a subnet from the router.',
    status: 200,
    body: interfaceBody,
    handle: async ({ context, params, body: { subnet_id: subnetId, port_id: portId } }) => {
      await ownRouter(context, params.id!)
      if (subnetId === undefined && portId === undefined)
        throw badRequestFor('router', 'Either subnet_id or port_id must be specified')
      return { body: interfaceView(params.id!, await removeInterface(context, params.id!, { subnetId, portId })) }
    },
  }),
  operation({
    name: 'router.add_extraroutes',
    method: 'PUT',
    path: '/v2.0/routers/:id/add_extraroutes',
    who: 'member',
    summary: 'Adds routes to those that the router has.',
    status: 200,
    body: routesBody,
    handle: async ({ context, params, body }) => {
      const { routes } = await ownRouter(context, params.id!)
      const added = [...routes, ...body.routes.filter((route) => !routes.some((other) => same(route, other)))]
      return { body: { router: view(await changeRouter(context, params.id!, { set: { routes: added } })) } }
    },
  }),
  operation({
    name: 'router.remove_extraroutes',
    method: 'PUT',
    path: '/v2.0/routers/:id/remove_extraroutes',
    who: 'member',
    summary: 'Takes routes from those that the router has; what it does not have is no fault.',
    status: 200,
    body: routesBody,
    handle: async ({ context, params, body }) => {
      const { routes } = await ownRouter(context, params.id!)
      const left = routes.filter((route) => !body.routes.some((other) => same(route, other)))
      return { body: { router: view(await changeRouter(context, params.id!, { set: { routes: left } })) } }
    },
  }),
]
