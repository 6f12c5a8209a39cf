import * as z from 'zod'
import { type WebhookRow, webhookById, webhooksOf } from '../../../db/queries/line/webhooks.ts'
import { untilStill } from '../../broker/line/until-still.ts'
import { addressFault } from '../../broker/notices/send.ts'
import { hasSecret, keyIn } from '../../broker/notices/signature.ts'
import {
  changeWebhook,
  createWebhook,
  LONGEST_BESIDE,
  removeWebhook,
  SECRETS_MOVED,
  testWebhook,
} from '../../broker/notices/webhook.ts'
import type { Context } from '../../context.ts'
import { badRequest, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { iso } from '../lookup.ts'
import { assertType, projectAsked } from './asked.ts'

const settings = {
  name: z.string().min(1).max(255),
  url: z.string().min(1).max(2048),
  types: z.array(z.string().max(64)).max(100),
  enabled: z.boolean(),
  /** Looked at by hand: a complaint of the schema would repeat it. */
  secret: z.unknown().optional(),
}
const optional = { types: settings.types.optional(), enabled: settings.enabled.optional() }
const creation = z.object({ webhook: z.strictObject({ ...settings, ...optional }) })
const change = z.object({
  webhook: z.strictObject({
    ...settings,
    ...optional,
    name: settings.name.optional(),
    url: settings.url.optional(),
    previous_secret_until: z.iso.datetime({ offset: true }).max(40).nullable().optional(),
  }),
})
const asked = z.strictObject({ project_id: z.string().max(64).optional() })

/** Until when a webhook signs by the secret before, too; null: it does not. */
const besideUntil = ({ now }: Context, { previousSecretUntil: until }: WebhookRow): number | null =>
  until !== null && until > now() ? until : null

/** A webhook as its owner sees it: with its secret only where that is new. */
const view = (context: Context, row: WebhookRow) => ({
  id: row.id,
  project_id: row.projectId,
  name: row.name,
  url: row.url,
  types: row.types,
  enabled: row.enabled,
  disabled_reason: row.disabledReason,
  failing_since: iso(row.failingSince),
  previous_secret_until: iso(besideUntil(context, row)),
  created_at: iso(row.createdAt),
  updated_at: iso(row.updatedAt),
})

export const noWebhook = (id: string) => notFound(`There is no webhook ${id}.`)

/** The webhook of a path; 404: there is none that the caller sees. */
export const webhookIn = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<WebhookRow> => {
  const row = await webhookById(context.db, context.scope, params.id!)
  if (!row) throw noWebhook(params.id!)
  return row
}

const secretIn = (value: unknown): { secret?: string } => {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'string' || keyIn(value) === null)
    throw badRequest('webhook.secret: must be whsec_ and 24 to 64 bytes in base64.')
  return { secret: value }
}

/** Until when the secret before is to be valid too. 400: there is none, or not for so long after it was replaced. */
const untilIn = (context: Context, row: WebhookRow, text: string | null | undefined, secret: string | undefined) => {
  if (text === undefined || text === null) return text
  const [until, now] = [Date.parse(text), context.now()]
  const rotates = secret !== undefined && !hasSecret(context, row, secret)
  if (!rotates && besideUntil(context, row) === null)
    throw badRequest('webhook.previous_secret_until: there is no secret before that is valid.')
  const replacedAt = rotates ? now : (row.rotatedAt ?? now)
  if (!(until > now && until <= replacedAt + LONGEST_BESIDE))
    throw badRequest(
      `webhook.previous_secret_until: must be later than now, and within ${LONGEST_BESIDE / 86_400_000} days of the new secret.`,
    )
  return until
}

/** 400 with the reason for which it cannot be like this. */
const assertSound = async (
  context: Context,
  { url, types }: { url?: string | undefined; types?: string[] | undefined },
) => {
  for (const type of types ?? []) assertType(type)
  const fault = url === undefined ? null : await addressFault(context, url)
  if (fault) throw badRequest(`webhook.url: ${fault}`)
}

const PATH = '/v1/webhooks'

/** Whom a project wants told of its events. */
export const webhookOperations: Operation[] = [
  operation<unknown, z.infer<typeof asked>>({
    name: 'webhook.list',
    method: 'GET',
    path: PATH,
    who: 'member',
    summary: 'The webhooks of the project; administrators see those of all, or of `project_id`.',
    status: 200,
    query: asked,
    handle: async ({ context, query: { project_id: named } }) => {
      const project = named === undefined ? undefined : await projectAsked(context, named)
      return {
        body: { webhooks: (await webhooksOf(context.db, context.scope, project)).map((row) => view(context, row)) },
      }
    },
  }),
  operation<z.infer<typeof creation>>({
    name: 'webhook.create',
    method: 'POST',
    path: PATH,
    who: 'member',
    summary:
      'Has events of the project, of some `types` or of all, sent to an address as signed requests (Standard Webhooks). The answer tells the `secret`, once.',
    status: 201,
    body: creation,
    handle: async ({ context, body: { webhook } }) => {
      const { name, url, types = [], enabled = true } = webhook
      const given = secretIn(webhook.secret)
      await assertSound(context, webhook)
      const said = { name, url, types: [...new Set(types)], enabled, ...given }
      const { row, secret } = await createWebhook(context, context.caller!.projectId, said)
      return { body: { webhook: { ...view(context, row), secret } } }
    },
  }),
  operation({
    name: 'webhook.get',
    method: 'GET',
    path: `${PATH}/:id`,
    who: 'member',
    summary: 'A webhook, with why and since when it fails.',
    status: 200,
    handle: async (input) => ({ body: { webhook: view(input.context, await webhookIn(input)) } }),
  }),
  operation<z.infer<typeof change>>({
    name: 'webhook.update',
    method: 'PATCH',
    path: `${PATH}/:id`,
    who: 'member',
    summary:
      'Changes a webhook. What was on its way when it was switched off is not sent any more, unless it is replayed. Beside a new `secret` the one before stays valid, and signs too, for a day or until `previous_secret_until` (within 7 days of the new one); null ends that at once.',
    status: 200,
    body: change,
    handle: async (input) => {
      const { context, body } = input
      const { secret, types, previous_secret_until, ...rest } = body.webhook
      const change = async () => {
        const row = await webhookIn(input)
        const given = { ...secretIn(secret), ...(types ? { types: [...new Set(types)] } : {}) }
        const previousSecretUntil = untilIn(context, row, previous_secret_until, given.secret)
        await assertSound(context, body.webhook)
        const said = Object.fromEntries(
          Object.entries({ ...rest, ...given, previousSecretUntil }).filter(([, value]) => value !== undefined),
        )
        return changeWebhook(context, row, said)
      }
      return { body: { webhook: view(context, await untilStill(SECRETS_MOVED, change)) } }
    },
  }),
  operation({
    name: 'webhook.delete',
    method: 'DELETE',
    path: `${PATH}/:id`,
    who: 'member',
    summary: 'Removes a webhook, and what was on its way.',
    status: 204,
    handle: async (input) => {
      await removeWebhook(input.context, await webhookIn(input))
      return {}
    },
  }),
  operation({
    name: 'webhook.test',
    method: 'POST',
    path: `${PATH}/:id/test`,
    who: 'member',
    summary: 'Sends an event `webhook.test` to this webhook alone.',
    status: 202,
    handle: async (input) => {
      await testWebhook(input.context, await webhookIn(input))
      return {}
    },
  }),
]
