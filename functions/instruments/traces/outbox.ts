import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Log } from '../../context.ts'
import type { TraceSettings } from './settings.ts'

/** So many spans wait at most; more are lost. */
const MOST = 2_048
/** So many go in one request. */
const BATCH = 512
/** How long the first one waits for others, in milliseconds. */
const PAUSE = 1_000

/** What sending needs of the world. */
export interface Outside {
  fetch: typeof fetch
  log: Log
  /** Does something after so many milliseconds, in nobody's way. */
  later(ms: number, work: () => Promise<void>): void
}

/**
 * Sends spans that have ended, some at a time, behind whatever they tell of. A collector that does not take them has them lost,
 * and is told of once, until it takes some again.
 */
export class Outbox implements SpanProcessor {
  readonly #settings: Pick<TraceSettings, 'url' | 'headers' | 'timeoutMs'>
  readonly #outside: Outside
  #waiting: ReadableSpan[] = []
  /** Until when somebody is about to send, by the clock of the process; who was to may have been ended before. */
  #expected = 0
  #sending: Promise<void> | null = null
  #silent = false

  constructor(settings: Pick<TraceSettings, 'url' | 'headers' | 'timeoutMs'>, outside: Outside) {
    this.#settings = settings
    this.#outside = outside
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#waiting.length >= MOST) return
    this.#waiting.push(span)
    const now = Date.now()
    const full = this.#waiting.length === BATCH
    if (now < this.#expected && !full) return
    this.#expected = now + PAUSE + this.#settings.timeoutMs
    this.#outside.later(full ? 0 : PAUSE, () => this.forceFlush())
  }

  /** Sends all that waits, one request after the other. Never throws. */
  async forceFlush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null
      this.#expected = 0
    })
    await this.#sending
  }

  async shutdown(): Promise<void> {
    await this.forceFlush()
  }

  async #send(): Promise<void> {
    while (this.#waiting.length) {
      const fault = await this.#post(this.#waiting.splice(0, BATCH))
      if (fault !== null && !this.#silent)
        this.#outside.log('warn', 'the collector of traces takes nothing; spans are lost until it does', {
          collector: new URL(this.#settings.url).origin,
          reason: fault,
        })
      this.#silent = fault !== null
      // What came meanwhile would wait as long for the same.
      if (this.#silent) this.#waiting = []
    }
  }

  /** Why it was not taken; null: it was. */
  async #post(spans: ReadableSpan[]): Promise<string | null> {
    const { url, headers, timeoutMs } = this.#settings
    try {
      const response = await this.#outside.fetch(url, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JsonTraceSerializer.serializeRequest(spans) as Uint8Array<ArrayBuffer>,
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'manual',
      })
      void response.body?.cancel().catch(() => undefined)
      return response.ok ? null : `it answered ${response.status}`
    } catch (error) {
      return error instanceof Error && error.name === 'TimeoutError' ? 'it did not answer in time' : String(error)
    }
  }
}
