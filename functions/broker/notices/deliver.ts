import {
  claimWebhooks,
  type DeliveryRow,
  dueDeliveries,
  freeWebhook,
  updateWebhook,
  type WebhookRow,
  webhookOff,
  webhooksDue,
  writeTried,
} from '../../../db/queries/line/webhooks.ts'
import { everyProject } from '../../../db/scope.ts'
import type { Context } from '../../context.ts'
import { backoff } from '../line/clockwork.ts'
import { commit, guard, withoutKey } from '../line/commit.ts'
import { tell } from '../line/notices.ts'
import { Refused } from '../line/refused.ts'
import { told } from './body.ts'
import { type Outcome, PATIENCE, send } from './send.ts'
import { keysOf } from './signature.ts'

const HOUR = 3_600_000
/** How long something is tried, and how long a receiver may be away before it is sent nothing any more. */
const DAY = 24 * HOUR
/** How long a webhook is one process's, in milliseconds. No try is begun that could end later. */
const LEASE = 60_000
/** So many webhooks at a time, and of each so many notices. */
const WEBHOOKS = 8
const AT_ONCE = 8
/** Between two tries, in milliseconds. */
const [SOONEST, LATEST] = [5_000, 2 * HOUR]
/** What cannot be opened may be again, when an operator has put back a key. */
const UNOPENED = 10 * 60_000

/**
 * Sends webhooks what is due, longest due first, until nothing is or the time is up. Any number of processes may: each webhook is
 * one's, what is of one resource goes in its order, and what a killed one has sent and not written down is sent again, under the
 * same id.
 */
export const deliverDue = async (context: Context, budgetMs: number): Promise<void> => {
  const until = context.now() + budgetMs
  while (context.now() < until) {
    const now = context.now()
    const claimed = await claimWebhooks(context.db, now, now + LEASE, WEBHOOKS)
    if (!claimed.length) return
    await Promise.all(
      claimed.map((webhook) =>
        turn(context, webhook, Math.min(until, now + LEASE - PATIENCE - 5_000)).catch((error) =>
          context.log('error', 'a webhook could not be served', {
            id: webhook.id,
            error: error instanceof Error ? error.stack : String(error),
          }),
        ),
      ),
    )
  }
}

interface Known {
  at: number
  any: boolean
  running: boolean
}
/** What a process knows of whether anybody is to be sent anything. */
const known = new WeakMap<object, Known>()
/** How long it believes that nobody is: another process may have made a webhook. */
const BELIEVED = 10_000

/** There is somebody to be told, from now on. */
export const expectDeliveries = ({ d1 }: Context): void => {
  known.delete(d1)
}

/** Behind a change: sends what is due, if anything can be, and this process is not at it already. The cron is the guarantee, this is the speed. */
export const deliverSoon = async (context: Context): Promise<void> => {
  const now = context.now()
  const state = known.get(context.d1) ?? { at: Number.NEGATIVE_INFINITY, any: true, running: false }
  known.set(context.d1, state)
  if (state.running || (!state.any && now - state.at < BELIEVED && state.at <= now)) return
  state.running = true
  try {
    const { any, due } = await webhooksDue(context.db, now)
    Object.assign(state, { any, at: now })
    // Nothing here is a part of the request.
    if (due) await deliverDue({ ...withoutKey(context), caller: null, scope: everyProject }, LEASE / 2)
  } finally {
    state.running = false
  }
}

/** All that is due for one webhook, as far as the time goes. */
const turn = async (context: Context, webhook: WebhookRow, until: number): Promise<void> => {
  const { db } = context
  for (let on = true; on && context.now() < until; ) {
    const due = firstOfEach(await dueDeliveries(db, webhook, context.now(), AT_ONCE))
    const [first] = due
    if (!first) break
    // As it is said now: a secret may have been replaced since it was claimed.
    const keys = keysOf(context, first.webhook)
    if (!keys) {
      context.log('error', 'the secret of a webhook does not open', { id: webhook.id })
      await updateWebhook(db, webhook.id, { dueAt: context.now() + UNOPENED, leaseUntil: 0 })
      return
    }
    const left = await Promise.all(due.map((each) => attempt(context, webhook, keys, each)))
    on = !left.includes(false)
  }
  await freeWebhook(db, webhook)
}

type Notice = NonNullable<Due['notice']>
type Due = Awaited<ReturnType<typeof dueDeliveries>>[number]

/** What is sent once more may be due beside what came after it. */
const firstOfEach = (due: Due[]): Due[] => {
  const first = new Map<string, Due>()
  for (const each of due.toSorted((a, b) => a.delivery.seq - b.delivery.seq))
    if (!first.has(each.delivery.resourceId)) first.set(each.delivery.resourceId, each)
  return [...first.values()]
}

const LOST: Outcome = {
  ...{ arrived: false, gone: false, status: null, answer: null, pauseMs: 0 },
  error: 'What was to be told is not known any more.',
}

/** One try. Whether the webhook goes on. */
const attempt = async (
  context: Context,
  webhook: WebhookRow,
  keys: Uint8Array[],
  { delivery, notice, webhook: said }: Due,
): Promise<boolean> => {
  const outcome = notice ? await toldOf(context, notice, () => send(context, said, worded(notice, keys))) : LOST
  const now = context.now()
  const over = !notice || now - delivery.createdAt >= DAY
  const status = outcome.arrived ? 'delivered' : over ? 'failed' : 'pending'
  const { status: answerStatus, answer, error } = outcome
  const dueAt = status === 'pending' ? now + pauseOf(delivery, outcome) : null
  await context.db.batch(
    writeTried(context.db, webhook, delivery, { status, dueAt, triedAt: now, answerStatus, answer, error }) as never,
  )
  const tired = !outcome.arrived && webhook.failingSince !== null && now - webhook.failingSince >= DAY
  if (outcome.arrived) webhook.failingSince = null
  else webhook.failingSince ??= now
  if (!outcome.gone && !tired) return true
  const reason = outcome.gone
    ? 'Its receiver answered 410: it wants nothing any more.'
    : `Nothing arrived for a day. ${outcome.error}`
  await disable(context, webhook, reason)
  return false
}

const worded = (notice: Notice, keys: Uint8Array[]) => ({ keys, id: notice.id, body: JSON.stringify(told(notice)) })

const toldOf = (context: Context, { trace, type }: Notice, work: () => Promise<Outcome>): Promise<Outcome> =>
  context.instruments?.notice?.({ trace, type }, work) ?? work()

/** Doubles, and is never the same for two. */
const pauseOf = ({ tries, noticeId }: DeliveryRow, { pauseMs }: Outcome): number => {
  const at = 4 + (tries % 24)
  const share = Number.parseInt(noticeId.slice(at, at + 4), 16) / 0xffff
  return Math.max(pauseMs, Math.round(backoff(tries, SOONEST, LATEST) * (0.8 + 0.4 * share)))
}

/** Switches it off, once, however many find that it has to be. What was on its way is not sent any more. */
const disable = async (context: Context, webhook: WebhookRow, reason: string): Promise<void> => {
  const { id, projectId, name } = webhook
  try {
    await commit(context, { action: 'webhook.disable', kind: 'webhook', resourceId: id, detail: { reason } }, [
      guard(context, 'webhook-off', webhookOff(id)),
      updateWebhook(context.db, id, {
        ...{ enabled: false, disabledReason: reason, updatedAt: context.now() },
        ...{ dueAt: null, leaseUntil: 0 },
      }),
      tell(context, { type: 'webhook.disabled', projectId, kind: 'webhook', resourceId: id, data: { name, reason } }),
    ])
    context.log('warn', 'a webhook was switched off', { id, projectId, reason })
  } catch (error) {
    if (!(error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'webhook-off'))
      throw error
  }
}
