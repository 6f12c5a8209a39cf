import { listMessages, MESSAGE_SORT, type MessageRow, messageById } from '../../db/queries/block-storage/messages.ts'
import { removeMessage } from '../broker/block-storage/messages.ts'
import { projectOf } from '../broker/block-storage/volume.ts'
import { notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { allowedFilters, nextLinks, sliceOf } from './listing.ts'
import { linksTo } from './routes.ts'
import { time } from './shapes.ts'

const SINCE = 3

const view = (input: Input, m: MessageRow) => ({
  id: m.id,
  event_id: m.eventId,
  user_message: m.message,
  message_level: m.level,
  resource_type: m.resourceType,
  resource_uuid: m.resourceId,
  request_id: m.requestId,
  created_at: time(m.createdAt),
  guaranteed_until: time(m.expiresAt),
  links: linksTo(input, 'messages', m.id),
})

const noMessage = (id: string) => notFound(`Message ${id} could not be found.`)
const messageOf = async ({ context, params }: Input): Promise<MessageRow> => {
  const message = await messageById(context.db, context.scope, params.id!)
  if (!message) throw noMessage(params.id!)
  return message
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#messages */
export const messageOperations: Operation[] = [
  operation({
    name: 'message.list',
    method: 'GET',
    path: '/messages',
    who: 'reader',
    summary: 'What came to nothing after it was accepted, and why.',
    status: 200,
    since: SINCE,
    handle: async (input) => {
      const { context, query } = input
      const { resource_uuid, resource_type, event_id, request_id, message_level } = allowedFilters(input, 'message')
      const filter = {
        resourceId: resource_uuid,
        resourceType: resource_type?.toUpperCase(),
        eventId: event_id,
        requestId: request_id,
        level: message_level,
      }
      const page = await listMessages(
        context.db,
        { projectId: projectOf(context) },
        filter,
        sliceOf(query, MESSAGE_SORT),
      )
      if (!page) throw noMessage(query.marker!)
      const links = nextLinks(input, page)
      return { body: { messages: page.map((each) => view(input, each)), ...(links ? { messages_links: links } : {}) } }
    },
  }),
  operation({
    name: 'message.show',
    method: 'GET',
    path: '/messages/:id',
    who: 'reader',
    summary: 'One message.',
    status: 200,
    since: SINCE,
    handle: async (input) => ({ body: { message: view(input, await messageOf(input)) } }),
  }),
  operation({
    name: 'message.delete',
    method: 'DELETE',
    path: '/messages/:id',
    who: 'member',
    summary: 'Throws a message away.',
    status: 204,
    since: SINCE,
    handle: async (input) => {
      await removeMessage(input.context, await messageOf(input))
      return {}
    },
  }),
]
