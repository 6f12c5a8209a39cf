import * as z from 'zod'
import { type Interface, interfacesIn } from '../../../db/queries/compute/server-parts.ts'
import { portById } from '../../../db/queries/network/ports.ts'
import { attachInterface, detachInterface } from '../../broker/compute/interfaces/interface.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { address, canonical, fieldsIf, perVersion, tag, uuid } from './fields.ts'
import { assertServer, serverOf } from './server.ts'

/** https://docs.openstack.org/api-ref/compute/#port-interfaces-servers-os-interface */
const interfaceView = (port: Interface, version: number) => ({
  net_id: port.networkId,
  port_id: port.id,
  mac_addr: port.macAddress,
  port_state: port.status,
  fixed_ips: port.fixedIps,
  ...(version >= 70 ? { tag: null } : {}),
})

const plug = perVersion((version) =>
  z.strictObject({
    interfaceAttachment: z
      .strictObject({
        net_id: uuid().optional(),
        port_id: uuid().optional(),
        fixed_ips: z
          .array(z.strictObject({ ip_address: address().transform(canonical) }))
          .length(1)
          .optional(),
        ...fieldsIf(version >= 49, { tag: tag().optional() }),
      })
      .optional(),
  }),
)

/** The port of the path in the server of the path, or 404 for what is not there: the server, the port, the one in the other. */
const portOf = async (input: Pick<Input, 'context' | 'params'>): Promise<Interface> => {
  const { context, params } = input
  const [plugged] = await interfacesIn(context.db, context.scope, params.id!, params.port!)
  if (plugged) return plugged
  const server = await assertServer(input)
  const port = await portById(context.db, context.scope, params.port!)
  throw notFound(
    port ? `Instance ${server.id} does not have a port with id ${port.id}` : `Port ${params.port} could not be found.`,
  )
}

export const interfaceOperations: Operation[] = [
  operation({
    name: 'interface.list',
    method: 'GET',
    path: '/servers/:id/os-interface',
    who: 'reader',
    summary: 'Ports of a server.',
    status: 200,
    handle: async (input) => {
      const { context, params, version } = input
      const ports = await interfacesIn(context.db, context.scope, params.id!)
      if (!ports.length) await assertServer(input)
      return { body: { interfaceAttachments: ports.map((port) => interfaceView(port, version)) } }
    },
  }),
  operation({
    name: 'interface.create',
    method: 'POST',
    path: '/servers/:id/os-interface',
    who: 'member',
    summary: 'Plugs a port into a server: one that is there, or a new one on a network.',
    status: 200,
    body: plug,
    handle: async (input) => {
      const { context, body, version } = input
      const { net_id, port_id, fixed_ips, tag: label } = body.interfaceAttachment ?? {}
      if (net_id !== undefined && port_id !== undefined) throw badRequest('Must not input both network_id and port_id')
      if (fixed_ips && net_id === undefined) throw badRequest('Must input network_id when request IP address')
      if (label !== undefined)
        throw badRequest('Interfaces are not shown to guests with tags by the clouds behind this broker.')
      const port = await attachInterface(context, await serverOf(input), {
        portId: port_id ?? null,
        networkId: net_id ?? null,
        fixedIp: fixed_ips?.[0]?.ip_address ?? null,
      })
      return { body: { interfaceAttachment: interfaceView(port, version) } }
    },
  }),
  operation({
    name: 'interface.show',
    method: 'GET',
    path: '/servers/:id/os-interface/:port',
    who: 'reader',
    summary: 'One port of a server.',
    status: 200,
    handle: async (input) => ({ body: { interfaceAttachment: interfaceView(await portOf(input), input.version) } }),
  }),
  operation({
    name: 'interface.delete',
    method: 'DELETE',
    path: '/servers/:id/os-interface/:port',
    who: 'member',
    summary: 'Takes a port out of a server. It is gone from the list when the cloud has let go.',
    status: 202,
    handle: async (input) => {
      const { context, params } = input
      await detachInterface(context, await serverOf(input), params.port!)
      return {}
    },
  }),
]
