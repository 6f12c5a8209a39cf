import type { Host } from '../context.ts'
import { Fault } from '../http/fault.ts'
import { pageFault } from '../http/page-fault.ts'
import { storageTrouble } from '../http/storage-fault.ts'
import { accessTo } from './access.ts'
import { samplesFrom } from './rows.ts'
import { CONTENT_TYPE, textOf } from './text.ts'

/** Two who scrape at the same moment wait for each other so long, in milliseconds, and look so often. */
const PATIENCE = 2_000
const LOOK = 50
/** After that, one that never ended holds up nobody: of a request that is cancelled on Workers nothing is heard any more. */
const LOST = 10_000

interface Scrape {
  request: Request
  peer: string | undefined
  /** Looks at the request before anything is done for it. @throws Fault for a host that is not served, or one request too many */
  admit: () => void
  /** What is on every answer. */
  headers: Record<string, string>
}

/** What Prometheus reads; null: there is no such thing for whoever asks. One at a time. */
export const metricsOf = (host: Host, health: () => Promise<string | null>) => {
  let since: number | null = null
  const isBusy = () => since !== null && performance.now() - since < LOST
  return async ({ request, peer, admit, headers }: Scrape): Promise<Response | null> => {
    const access = accessTo(host.settings.metrics, request.headers, peer)
    if (access === 'absent') return null
    try {
      admit()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      return pageFault(error, headers)
    }
    if (access === 'refused')
      return refusal(401, 'Unauthorized', 'Metrics are for whoever has their token.', {
        ...headers,
        'WWW-Authenticate': 'Bearer realm="plimsoll"',
      })
    for (let waited = 0; isBusy() && waited < PATIENCE; waited += LOOK) await host.sleep(LOOK)
    if (isBusy())
      return refusal(503, 'Service Unavailable', 'Others are being told.', { ...headers, 'Retry-After': '1' })
    since = performance.now()
    try {
      const text = await textOf(await samplesFrom(host, health))
      const counted = (await host.counted?.()) ?? ''
      return new Response(text + counted, { headers: { ...headers, 'Content-Type': CONTENT_TYPE } })
    } catch (error) {
      host.log('error', 'how it stands could not be read', {
        error: error instanceof Error ? error.stack : String(error),
      })
      return refusal(
        503,
        'Service Unavailable',
        storageTrouble(error) ?? 'It could not be read how it stands.',
        headers,
      )
    } finally {
      since = null
    }
  }
}

const refusal = (code: number, title: string, message: string, headers: Record<string, string>): Response =>
  Response.json({ error: { code, title, message } }, { status: code, headers })
