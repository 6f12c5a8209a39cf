import * as z from 'zod'
import type { Bound } from '../../../db/queries/line/replays.ts'
import { type DeliveryRow, deliveriesOf, deliveryOf } from '../../../db/queries/line/webhooks.ts'
import { replay, replayRange } from '../../broker/notices/replay.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { iso } from '../lookup.ts'
import { assertType } from './asked.ts'
import { noWebhook, webhookIn } from './webhooks.ts'

const PATH = '/v1/webhooks/:id/deliveries'
const MOST = 100

const asked = z.strictObject({
  status: z.enum(['pending', 'delivered', 'failed']).optional(),
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  limit: z.coerce.number().int().min(1).max(MOST).optional(),
})

const bound = z.string().min(1).max(40)
const range = z.object({
  replay: z.strictObject({
    from: bound,
    to: bound.optional(),
    types: z.array(z.string().max(64)).max(100).optional(),
  }),
})

/** The id of an event, or a time. 400: it is neither. */
const boundIn = (name: string, text: string): Bound => {
  if (/^msg_[0-9a-f]{32}$/.test(text)) return { id: text }
  if (!z.iso.datetime({ offset: true }).safeParse(text).success)
    throw badRequest(`replay.${name}: must be the id of an event, or a time as 2026-11-30T12:00:00Z.`)
  return { at: Date.parse(text) }
}

const view = (row: DeliveryRow) => ({
  id: row.noticeId,
  seq: row.seq,
  type: row.type,
  resource_id: row.resourceId,
  status: row.status,
  tries: row.tries,
  tried_at: iso(row.triedAt),
  next_try_at: iso(row.dueAt),
  answer: row.answerStatus === null ? null : { status: row.answerStatus, body: row.answer },
  error: row.error,
  created_at: iso(row.createdAt),
})

/** What became of events on their way to a webhook. */
export const deliveryOperations: Operation[] = [
  operation<unknown, z.infer<typeof asked>>({
    name: 'delivery.list',
    method: 'GET',
    path: PATH,
    who: 'member',
    summary:
      'What was sent to a webhook in the last three days, or is to be, newest first, `before` a number: how often it was tried, what the receiver answered, when it is tried next. Without a next time a pending one waits for an earlier one of its resource.',
    status: 200,
    query: asked,
    handle: async ({ context: { db, scope }, params, query: { limit = MOST, ...query } }) => {
      const webhookId = params.id!
      const rows = await deliveriesOf(db, scope, { webhookId, limit, ...query })
      if (!rows) throw noWebhook(webhookId)
      return { body: { deliveries: rows.map(view) } }
    },
  }),
  operation({
    name: 'delivery.replay',
    method: 'POST',
    path: `${PATH}/:delivery/replay`,
    who: 'member',
    summary: 'Sends an event to a webhook once more, under the same id.',
    status: 202,
    handle: async (input) => {
      const webhook = await webhookIn(input)
      const delivery = await deliveryOf(input.context.db, webhook.id, input.params.delivery!)
      if (!delivery) throw notFound(`There is no delivery ${input.params.delivery} of this webhook.`)
      await replay(input.context, webhook, delivery)
      return {}
    },
  }),
  operation<z.infer<typeof range>>({
    name: 'webhook.replay',
    method: 'POST',
    path: '/v1/webhooks/:id/replay',
    who: 'member',
    summary:
      'Sends a webhook what its project was told `from` one event or time `to` another (to now, if it is left out), under the same ids and in the order of each resource: of `types`, or of those that it is sent. What is not known any more is left out. 1,000 events at most; `next` is where another request goes on.',
    status: 202,
    body: range,
    handle: async (input) => {
      const webhook = await webhookIn(input)
      const { from, to, types = webhook.types } = input.body.replay
      for (const type of types) assertType(type)
      const wished = { from: boundIn('from', from), to: to === undefined ? null : boundIn('to', to), types }
      const replayed = await replayRange(input.context, webhook, wished)
      if (!replayed) throw notFound('That event is not known any more: events are kept for three days.')
      return { body: { replay: replayed } }
    },
  }),
]
