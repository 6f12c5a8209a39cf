import * as z from 'zod'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import { changeServer } from '../../broker/compute/server.ts'
import { badRequest, conflict, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { distinct, MOST_TAGS, tag, tags } from './fields.ts'
import { serverOf, serverPartsOf } from './server.ts'

const body = z.strictObject({ tags: tags() })
const tagsOf = serverPartsOf('tags')
const SETTLED = ['active', 'paused', 'suspended', 'stopped']

/** Tags may change whether or not the server is locked (nova/api/openstack/compute/server_tags.py). */
const settledServer = async (input: Pick<Input, 'context' | 'params'>, words: string): Promise<ServerRow> => {
  const server = await serverOf(input)
  if (!SETTLED.includes(server.vmState))
    throw conflict(`Cannot '${words}' instance ${server.id} while it is in vm_state ${server.vmState}`)
  return server
}

const write = (input: Pick<Input, 'context'>, server: ServerRow, wanted: string[]) =>
  changeServer(input.context, server, { tags: wanted }, 'update_tags')

/** https://docs.openstack.org/api-ref/compute/#server-tags-servers-tags */
export const tagOperations: Operation[] = [
  operation({
    name: 'server-tag.list',
    method: 'GET',
    path: '/servers/:id/tags',
    who: 'reader',
    summary: 'The tags of a server.',
    status: 200,
    since: 26,
    handle: async (input) => ({ body: { tags: (await tagsOf(input)).tags } }),
  }),
  operation({
    name: 'server-tag.check',
    method: 'GET',
    path: '/servers/:id/tags/:tag',
    who: 'reader',
    summary: 'Whether a server has a tag: 204 or 404.',
    status: 204,
    since: 26,
    handle: async (input) => {
      const server = await tagsOf(input)
      if (!server.tags.includes(input.params.tag!))
        throw notFound(`Instance ${input.params.id} has no tag '${input.params.tag}'`)
      return {}
    },
  }),
  operation<z.infer<typeof body>>({
    name: 'server-tag.replace',
    method: 'PUT',
    path: '/servers/:id/tags',
    who: 'member',
    summary: 'Replaces all tags.',
    status: 200,
    since: 26,
    body,
    handle: async (input) => {
      const wanted = distinct(input.body.tags)
      await write(input, await settledServer(input, 'update tags'), wanted)
      return { body: { tags: wanted } }
    },
  }),
  operation({
    name: 'server-tag.add',
    method: 'PUT',
    path: '/servers/:id/tags/:tag',
    who: 'member',
    summary: 'Adds a tag: 201, or 204 if it was there.',
    status: 201,
    since: 26,
    handle: async (input) => {
      const name = input.params.tag!
      const server = await settledServer(input, 'update tag')
      if (!tag().safeParse(name).success)
        throw badRequest(
          `Tag '${name}' is invalid. It must be a non empty string without characters '/' and ','. Validation error message: '${name}' is too long`,
        )
      if (server.tags.includes(name)) return { status: 204 }
      if (server.tags.length >= MOST_TAGS)
        throw badRequest(`The number of tags exceeded the per-server limit ${MOST_TAGS}`)
      await write(input, server, [...server.tags, name])
      return { headers: { Location: `${input.base}/servers/${server.id}/tags/${encodeURIComponent(name)}` } }
    },
  }),
  operation({
    name: 'server-tag.remove',
    method: 'DELETE',
    path: '/servers/:id/tags/:tag',
    who: 'member',
    summary: 'Removes a tag.',
    status: 204,
    since: 26,
    handle: async (input) => {
      const server = await settledServer(input, 'delete tag')
      const name = input.params.tag!
      if (!server.tags.includes(name)) throw notFound(`Instance ${server.id} has no tag '${name}'`)
      await write(
        input,
        server,
        server.tags.filter((each) => each !== name),
      )
      return {}
    },
  }),
  operation({
    name: 'server-tag.clear',
    method: 'DELETE',
    path: '/servers/:id/tags',
    who: 'member',
    summary: 'Removes all tags.',
    status: 204,
    since: 26,
    handle: async (input) => {
      await write(input, await settledServer(input, 'delete tags'), [])
      return {}
    },
  }),
]
