import { Buffer } from 'node:buffer'
import { createHmac, randomBytes } from 'node:crypto'
import type { WebhookRow } from '../../../db/queries/line/webhooks.ts'
import type { Context } from '../../context.ts'
import { openAtRest, sealAtRest } from '../../crypto/at-rest.ts'
import { previousSecretPlace, webhookPlace } from '../line/sealed-places.ts'

/* Signatures as Standard Webhooks 1.0.0 has them: https://github.com/standard-webhooks/standard-webhooks (spec/standard-webhooks.md). */

const PREFIX = 'whsec_'
const [LEAST, MOST] = [24, 64]

/** A secret that nobody has yet: 32 bytes in base64 behind `whsec_`. */
export const newSecret = (): string => PREFIX + randomBytes(32).toString('base64')

const unpadded = (base64: string): string => base64.replaceAll('=', '')

/** The key that a secret stands for; null: it is none, or not of 24 to 64 bytes. */
export const keyIn = (secret: string): Uint8Array | null => {
  const text = secret.slice(PREFIX.length)
  const key = Buffer.from(text, 'base64')
  const sound = secret.startsWith(PREFIX) && unpadded(key.toString('base64')) === unpadded(text)
  return sound && key.length >= LEAST && key.length <= MOST ? key : null
}

export const sealSecret = (context: Context, webhookId: string, secret: string): string =>
  sealAtRest(context, webhookPlace(webhookId), secret)

type Secrets = Pick<WebhookRow, 'id' | 'secret' | 'previousSecret' | 'previousSecretUntil'>

/** The keys of a webhook: its own, and the one before as long as that is valid too; null: no key of ours opens its secret. */
export const keysOf = (context: Context, webhook: Secrets): Uint8Array[] | null => {
  const { id, secret, previousSecret, previousSecretUntil } = webhook
  const key = keyAt(context, webhookPlace(id), secret)
  if (!key) return null
  const stands = previousSecret !== null && (previousSecretUntil ?? 0) > context.now()
  const previous = stands ? keyAt(context, previousSecretPlace(id), previousSecret) : null
  return previous ? [key, previous] : [key]
}

const keyAt = (context: Context, place: string, sealed: string): Uint8Array | null => {
  const plain = openAtRest(context, place, sealed)
  return plain === null ? null : keyIn(plain)
}

/** Whether a webhook has that secret already. */
export const hasSecret = (context: Context, { id, secret }: Secrets, said: string): boolean =>
  openAtRest(context, webhookPlace(id), secret) === said

/** The secret of a webhook, sealed to stay valid beside the next; null: no key of ours opens it. */
export const sealedAsPrevious = (context: Context, { id, secret }: Secrets): string | null => {
  const plain = openAtRest(context, webhookPlace(id), secret)
  return plain === null ? null : sealAtRest(context, previousSecretPlace(id), plain)
}

/** The headers of one try, with a signature by each key. @param at milliseconds since 1970, of the try */
export const signed = (keys: Uint8Array[], id: string, at: number, body: string): Record<string, string> => {
  const timestamp = String(Math.floor(at / 1000))
  const macs = keys.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64'))
  const signature = macs.map((mac) => `v1,${mac}`).join(' ')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature }
}
