import * as z from 'zod'
import { serverColumns } from '../../../db/queries/compute/server-parts.ts'
import { viewServer } from '../../../db/queries/compute/server-view.ts'
import { type ServerRow, serverById } from '../../../db/queries/compute/servers.ts'
import { changeServer, deleteServer } from '../../broker/compute/server.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { name } from '../parameters.ts'
import { noServer } from '../refusals.ts'
import { accessAddress, description, diskConfig, fieldsIf, hostname, perVersion } from './fields.ts'
import { driveOn } from './list.ts'
import { serverView, updatedView, viewerOf } from './view.ts'

/** The server of the path, as converge and the broker see it, or 404. */
export const serverOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<ServerRow> => {
  const server = await serverById(context.db, context.scope, params.id!)
  if (!server) throw noServer(params.id!)
  return server
}

/** As much of the server of the path, or 404: most of what is asked of one needs little of it. */
export const serverPartsOf = <K extends keyof ServerRow>(...names: K[]) => {
  const read = serverColumns(...names)
  return async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<Pick<ServerRow, K>> => {
    const row = await read(context.db, context.scope, params.id!)
    if (!row) throw noServer(params.id!)
    return row
  }
}

/** 404 unless the server of the path is there. */
export const assertServer = serverPartsOf('id')

/** The server of the path with everything that a view shows, or 404. One query. */
export const shownServer = async ({ context, params }: Pick<Input, 'context' | 'params'>) => {
  const row = await viewServer(context.db, context.scope, params.id!, context.now())
  if (!row) throw noServer(params.id!)
  return row
}

const update = perVersion((version) =>
  z.strictObject({
    server: z.strictObject({
      name: name().optional(),
      accessIPv4: accessAddress(4).optional(),
      accessIPv6: accessAddress(6).optional(),
      'OS-DCF:diskConfig': diskConfig().optional(),
      ...fieldsIf(version >= 19, { description: description().optional() }),
      ...fieldsIf(version >= 90, { hostname: hostname(version).optional() }),
    }),
  }),
)

export const serverItemOperations: Operation[] = [
  operation({
    name: 'server.show',
    method: 'GET',
    path: '/servers/:id',
    who: 'reader',
    summary: 'One server, as the broker last saw it. A look at a server in transition drives it on.',
    status: 200,
    handle: async (input) => {
      const row = await shownServer(input)
      driveOn(input.context, [row])
      return { body: { server: serverView(row, viewerOf(input)) } }
    },
  }),
  operation({
    name: 'server.update',
    method: 'PUT',
    path: '/servers/:id',
    who: 'member',
    summary: 'Changes name, description, host name, access addresses and how the disk is partitioned.',
    status: 200,
    body: update,
    handle: async (input) => {
      const { context, body } = input
      const asked = body.server
      await changeServer(context, await serverOf(input), {
        ...(asked.name === undefined ? {} : { name: asked.name.trim() }),
        ...(asked.accessIPv4 === undefined ? {} : { accessIpv4: asked.accessIPv4 }),
        ...(asked.accessIPv6 === undefined ? {} : { accessIpv6: asked.accessIPv6 }),
        ...(asked['OS-DCF:diskConfig'] === undefined ? {} : { diskConfig: asked['OS-DCF:diskConfig'] }),
        ...(asked.description === undefined ? {} : { description: asked.description }),
        ...(asked.hostname === undefined ? {} : { hostname: asked.hostname }),
      })
      return { body: { server: updatedView(await shownServer(input), viewerOf(input)) } }
    },
  }),
  operation({
    name: 'server.delete',
    method: 'DELETE',
    path: '/servers/:id',
    who: 'member',
    summary: 'Deletes a server with the ports that were made for it. It is 404 when its cloud has let go.',
    status: 204,
    handle: async (input) => {
      await deleteServer(input.context, await serverOf(input))
      return {}
    },
  }),
]
