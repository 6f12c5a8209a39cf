import { type Bound, firstFrom, idBehind, lastTo, numbersOf, sendRange } from '../../../db/queries/line/replays.ts'
import { type DeliveryRow, sendAgain, type WebhookRow, webhookOff } from '../../../db/queries/line/webhooks.ts'
import type { Context } from '../../context.ts'
import { commit, guard } from '../line/commit.ts'

/** So many are sent by one request, and so many are looked through for them. */
const MOST = 1_000
const WINDOW = 10_000

/** Sends once more what arrived or failed, under the same id. */
export const replay = async (context: Context, { id }: WebhookRow, delivery: DeliveryRow): Promise<void> => {
  const detail = { notice: delivery.noticeId }
  await commit(context, { action: 'webhook.replay', kind: 'webhook', resourceId: id, detail }, [
    guard(context, 'webhook-off', webhookOff(id)),
    ...sendAgain(context.db, delivery, context.now()),
  ])
  context.defer(() => context.deliver(context))
}

/** What is to be sent to a webhook, whether it was or not. */
export interface Wished {
  from: Bound
  /** Null: to the newest. */
  to: Bound | null
  /** Empty: all. */
  types: string[]
}

/** What became of a wish. */
export interface Replayed {
  events: number
  /** The id of the event with which the next request goes on; null: that was all. */
  next: string | null
}

/**
 * Sends what a project was told from one event or time to another and is still known, under the same ids and in the order of
 * each resource; of more than can be taken at once the rest is left.
 * @returns null where `from` or `to` names an event that is not known any more
 */
export const replayRange = async (
  context: Context,
  { id, projectId }: WebhookRow,
  { from, to, types }: Wished,
): Promise<Replayed | null> => {
  const { db } = context
  const [first, end] = await Promise.all([firstFrom(db, projectId, from), lastTo(db, projectId, to)])
  if ((first === null && 'id' in from) || (end === null && to && 'id' in to)) return null
  if (first === null || end === null || end < first) return { events: 0, next: null }
  const range = { webhookId: id, projectId, types, first, last: Math.min(end, first + WINDOW - 1) }
  const numbers = await numbersOf(db, range, MOST)
  if (numbers.length === MOST) range.last = numbers.at(-1)!
  const detail = { first, last: range.last, events: numbers.length }
  await commit(context, { action: 'webhook.replay', kind: 'webhook', resourceId: id, detail }, [
    guard(context, 'webhook-off', webhookOff(id)),
    ...sendRange(db, range, numbers.length, context.now()),
  ])
  context.defer(() => context.deliver(context))
  return { events: numbers.length, next: await idBehind(db, projectId, range.last, end) }
}
