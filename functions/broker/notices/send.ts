import type { WebhookRow } from '../../../db/queries/line/webhooks.ts'
import type { Context } from '../../context.ts'
import { endpointFault, guardedFetch } from '../clouds/endpoint.ts'
import { tracedFetch } from '../clouds/told-calls.ts'
import { signed } from './signature.ts'

/** A receiver answers within that time, in milliseconds. */
export const PATIENCE = 10_000
/** So much of what a receiver says is kept, in bytes, and looked at. */
const KEPT = 1_024

/** What became of one try. */
export interface Outcome {
  arrived: boolean
  /** The receiver wants nothing any more. */
  gone: boolean
  status: number | null
  answer: string | null
  /** Why it did not arrive, as a sentence; null: it did. */
  error: string | null
  /** How long the receiver asks to be left alone, in milliseconds; 0: it does not say. */
  pauseMs: number
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** What an address of a webhook is judged by: private ones are an operator's to allow, by name. */
const reachOf = ({ settings }: Pick<Context, 'settings'>, url: string) => ({
  name: 'webhook',
  options: { allow_private: URL.canParse(url) && settings.webhookHosts.includes(new URL(url).hostname) },
  allowing: 'an operator can name it in PLIMSOLL_WEBHOOK_HOSTS',
})

/** Why nothing may be sent to an address, as a sentence; null: it may. */
export const addressFault = async (context: Pick<Context, 'settings'>, url: string): Promise<string | null> => {
  const fault = await endpointFault(url, reachOf(context, url))
  if (fault) return fault
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !LOOPBACK.test(hostname) ? 'The endpoint must be an https URL.' : null
}

/** Sends one text to a webhook, once. Never throws: what went wrong is in the outcome. */
export const send = async (
  context: Context,
  { url }: Pick<WebhookRow, 'url'>,
  { keys, id, body }: { keys: Uint8Array[]; id: string; body: string },
): Promise<Outcome> => {
  const nothing = { arrived: false, gone: false, status: null, answer: null, pauseMs: 0 }
  try {
    const fault = await addressFault(context, url)
    if (fault) return { ...nothing, error: fault }
    const response = await tracedFetch(context, guardedFetch(context, reachOf(context, url)))(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': 'Plimsoll',
        ...signed(keys, id, context.now(), body),
      },
      body,
      signal: AbortSignal.timeout(PATIENCE),
    })
    const { status } = response
    const answer = await beginningOf(response)
    if (status >= 200 && status < 300) return { ...nothing, arrived: true, status, answer: null, error: null }
    return { ...nothing, gone: status === 410, status, answer, error: wordsOf(status), pauseMs: pauseOf(response) }
  } catch (error) {
    return { ...nothing, error: wordsOfError(error) }
  }
}

const wordsOf = (status: number): string => {
  if (status >= 300 && status < 400)
    return `The receiver answered ${status}: it points elsewhere, and that is not followed.`
  if (status === 410) return 'The receiver answered 410: it wants nothing any more.'
  return `The receiver answered ${status}.`
}

const wordsOfError = (error: unknown): string => {
  if (!(error instanceof Error)) return 'The receiver could not be reached.'
  if (error.name === 'TimeoutError') return `The receiver did not answer within ${PATIENCE / 1000} s.`
  const cause = error.cause instanceof Error ? error.cause.message : ''
  return `The receiver could not be reached: ${cause || error.message}`.slice(0, 300)
}

const pauseOf = ({ headers }: Response): number => {
  const seconds = /^\d{1,6}$/.exec(headers.get('Retry-After') ?? '')?.[0]
  return Math.min(3_600, Number(seconds ?? 0)) * 1000
}

/** The beginning of a body as text; the rest is not read. */
const beginningOf = async (response: Response): Promise<string | null> => {
  const reader = response.body?.getReader()
  if (!reader) return null
  const bytes = new Uint8Array(KEPT)
  let size = 0
  while (size < KEPT) {
    const { done, value } = await reader.read()
    if (done) break
    const part = value.subarray(0, KEPT - size)
    bytes.set(part, size)
    size += part.length
  }
  void reader.cancel().catch(() => undefined)
  return size ? new TextDecoder().decode(bytes.subarray(0, size)) : null
}
