import {
  deleteWebhook,
  insertWebhook,
  NO_PREVIOUS_SECRET,
  secretsMoved,
  updateWebhook,
  type WebhookRow,
  webhookGone,
  webhookOff,
} from '../../../db/queries/line/webhooks.ts'
import type { Context } from '../../context.ts'
import { charge, commit, guard } from '../line/commit.ts'
import { tell } from '../line/notices.ts'
import { expectDeliveries } from './deliver.ts'
import { hasSecret, newSecret, sealedAsPrevious, sealSecret } from './signature.ts'

/** What a user says of a webhook. */
export interface Said {
  name: string
  url: string
  /** Empty: all. */
  types: string[]
  enabled: boolean
  /** Absent: one is made. */
  secret?: string | undefined
}

/** What a user says to change one. */
export interface Changed extends Partial<Said> {
  /** Until when the secret before is valid too, in milliseconds since 1970; null: not any more. Absent beside a new secret: for a day. */
  previousSecretUntil?: number | null | undefined
}

const DAY = 86_400_000
/** A secret is valid beside the next that long, unless a time is said, and never longer than this. */
const BESIDE = DAY
export const LONGEST_BESIDE = 7 * DAY

/** Makes one. @returns it with its secret, which is told this once. Throws `Refused` (`quota`) where the project has as many as it may. */
export const createWebhook = async (
  context: Context,
  projectId: string,
  { secret = newSecret(), ...said }: Said,
): Promise<{ row: WebhookRow; secret: string }> => {
  const { db, newId, now } = context
  const id = newId()
  const row: WebhookRow = {
    ...{
      id,
      projectId,
      ...said,
      secret: sealSecret(context, id, secret),
      ...NO_PREVIOUS_SECRET,
    },
    ...{ disabledReason: null, failingSince: null, dueAt: null, leaseUntil: 0, fence: 0 },
    ...{ createdAt: now(), updatedAt: now() },
  }
  const { name, url } = said
  await commit(context, { action: 'webhook.create', kind: 'webhook', resourceId: id, detail: { name, url } }, [
    charge(projectId, 'webhooks', 1),
    insertWebhook(db, row),
  ])
  expectDeliveries(context)
  return { row, secret }
}

/** Which secrets it has from now on. The same one said again replaces nothing: a request may be repeated. */
const secretsFrom = (
  context: Context,
  row: WebhookRow,
  { secret, previousSecretUntil: until }: Pick<Changed, 'secret' | 'previousSecretUntil'>,
): Partial<WebhookRow> => {
  if (secret !== undefined && !hasSecret(context, row, secret)) {
    const now = context.now()
    const previousSecret = until === null ? null : sealedAsPrevious(context, row)
    const before =
      previousSecret === null
        ? NO_PREVIOUS_SECRET
        : { previousSecret, previousSecretUntil: until ?? now + BESIDE, rotatedAt: now }
    return { secret: sealSecret(context, row.id, secret), ...before }
  }
  if (until === undefined) return {}
  return until === null ? NO_PREVIOUS_SECRET : { previousSecretUntil: until }
}

/** The guard of `changeWebhook`: its secrets are others than were read, and another look says which. */
export const SECRETS_MOVED = 'secrets-moved'

/** Changes what is said. Switched on, it begins anew; switched off, it is sent nothing that was on its way. */
export const changeWebhook = async (
  context: Context,
  row: WebhookRow,
  { secret, previousSecretUntil, ...said }: Changed,
): Promise<WebhookRow> => {
  const { id } = row
  const secrets = secretsFrom(context, row, { secret, previousSecretUntil })
  const set: Partial<WebhookRow> = {
    ...said,
    ...secrets,
    ...(said.enabled === undefined ? {} : { disabledReason: null, failingSince: null }),
    ...(said.enabled === false ? { dueAt: null } : {}),
    updatedAt: context.now(),
  }
  const detail = { changed: Object.keys({ ...said, ...secrets }) }
  await commit(context, { action: 'webhook.update', kind: 'webhook', resourceId: id, detail }, [
    guard(context, 'webhook-gone', webhookGone(id)),
    ...(Object.keys(secrets).length ? [guard(context, SECRETS_MOVED, secretsMoved(row))] : []),
    updateWebhook(context.db, id, set),
  ])
  expectDeliveries(context)
  return { ...row, ...set }
}

/** Removes it, and what was on its way. */
export const removeWebhook = (context: Context, { id, projectId }: WebhookRow): Promise<void> =>
  commit(context, { action: 'webhook.delete', kind: 'webhook', resourceId: id }, [
    guard(context, 'webhook-gone', webhookGone(id)),
    deleteWebhook(context.db, id),
    charge(projectId, 'webhooks', -1),
  ])

/** Sends it something to see whether it arrives. */
export const testWebhook = async (context: Context, { id, projectId, name }: WebhookRow): Promise<void> => {
  await commit(context, { action: 'webhook.test', kind: 'webhook', resourceId: id }, [
    guard(context, 'webhook-off', webhookOff(id)),
    tell(context, { type: 'webhook.test', projectId, kind: 'webhook', resourceId: id, data: { name } }),
  ])
  context.defer(() => context.deliver(context))
}
