import * as z from 'zod'
import { own } from '../../../adapters/table.ts'
import { ownMetadata } from '../../broker/compute/own-metadata.ts'
import { changeServer } from '../../broker/compute/server.ts'
import { requireState } from '../../broker/compute/server-action.ts'
import { badRequest, forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { metadata } from './fields.ts'
import { refuseOurMetadata } from './our-metadata.ts'
import { serverOf, serverPartsOf } from './server.ts'

type Metadata = Record<string, string>
const metadataOf = serverPartsOf('metadata')
const MOST = 128
const body = z.strictObject({ metadata: metadata() })
const item = z.strictObject({
  meta: metadata().refine((meta) => Object.keys(meta).length === 1, { error: 'it must have exactly one key' }),
})

/**
 * Writes the whole metadata, as it shall be from now on; what the broker says of it stays. The cloud shows it where it can.
 */
const write = async (
  input: Pick<Input, 'context' | 'params'>,
  words: string,
  next: (now: Metadata) => Metadata,
): Promise<Metadata> => {
  const server = await serverOf(input)
  requireState(input.context, server, 'metadata', words)
  const kept = ownMetadata(server)
  if (Object.hasOwn(kept, input.params.key ?? ''))
    throw badRequest(`Metadata item ${input.params.key} is what the broker says of the server and does not change.`)
  const wanted = next(server.metadata)
  refuseOurMetadata(wanted, { ...server.metadata, ...kept })
  if (Object.keys(wanted).filter((key) => !Object.hasOwn(kept, key)).length > MOST)
    throw forbidden(`Maximum number of metadata items exceeds ${MOST}`)
  const { metadata: written } = await changeServer(input.context, server, { metadata: wanted }, 'update_metadata')
  return written
}

/** https://docs.openstack.org/api-ref/compute/#server-metadata-servers-metadata */
export const metadataOperations: Operation[] = [
  operation({
    name: 'server-metadata.list',
    method: 'GET',
    path: '/servers/:id/metadata',
    who: 'reader',
    summary: 'The metadata of a server.',
    status: 200,
    handle: async (input) => ({ body: { metadata: (await metadataOf(input)).metadata } }),
  }),
  operation<z.infer<typeof body>>({
    name: 'server-metadata.merge',
    method: 'POST',
    path: '/servers/:id/metadata',
    who: 'member',
    summary: 'Adds and changes items; the others stay.',
    status: 200,
    body,
    handle: async (input) => ({
      body: { metadata: await write(input, 'update metadata', (now) => ({ ...now, ...input.body.metadata })) },
    }),
  }),
  operation<z.infer<typeof body>>({
    name: 'server-metadata.replace',
    method: 'PUT',
    path: '/servers/:id/metadata',
    who: 'member',
    summary: 'Replaces all items.',
    status: 200,
    body,
    handle: async (input) => ({ body: { metadata: await write(input, 'update metadata', () => input.body.metadata) } }),
  }),
  operation({
    name: 'server-metadata.show',
    method: 'GET',
    path: '/servers/:id/metadata/:key',
    who: 'reader',
    summary: 'One item.',
    status: 200,
    handle: async (input) => {
      const key = input.params.key!
      const value = own((await metadataOf(input)).metadata, key)
      if (value === undefined) throw notFound('Metadata item was not found')
      return { body: { meta: { [key]: value } } }
    },
  }),
  operation<z.infer<typeof item>>({
    name: 'server-metadata.set',
    method: 'PUT',
    path: '/servers/:id/metadata/:key',
    who: 'member',
    summary: 'Adds or changes one item.',
    status: 200,
    body: item,
    handle: async (input) => {
      const { meta } = input.body
      if (!Object.hasOwn(meta, input.params.key!)) throw badRequest('Request body and URI mismatch')
      await write(input, 'update metadata', (now) => ({ ...now, ...meta }))
      return { body: { meta } }
    },
  }),
  operation({
    name: 'server-metadata.remove',
    method: 'DELETE',
    path: '/servers/:id/metadata/:key',
    who: 'member',
    summary: 'Removes one item.',
    status: 204,
    handle: async (input) => {
      const key = input.params.key!
      await write(input, 'delete metadata', (now) => {
        if (!Object.hasOwn(now, key)) throw notFound('Metadata item was not found')
        return Object.fromEntries(Object.entries(now).filter(([each]) => each !== key))
      })
      return {}
    },
  }),
]
