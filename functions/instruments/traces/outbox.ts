import { SpanKind } from '@opentelemetry/api'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Log } from '../../context.ts'
import type { TraceSettings } from './settings.ts'

/** So many spans wait at most; more are lost, and counted. */
const MOST = 2_048
/** So many of them may be told of by whoever is refused at the door: what a stranger can cause displaces no work. */
const MOST_OF_STRANGERS = 256
/** So many go in one request. */
const BATCH = 512
/** How long the first one waits for others, in milliseconds. */
const PAUSE = 1_000
/** Whoever was to send by a time, and has not so long after it, was ended before, in milliseconds. */
const LOST = 2_000
/** What found no room is told of so often at most, in milliseconds. */
const TOLD_EVERY = 60_000

/** What sending needs of the world. */
export interface Outside {
  fetch: typeof fetch
  log: Log
  /** Does something after so many milliseconds, in nobody's way. On Workers it ends with the request that asked for it. */
  later(ms: number, work: () => Promise<void>): void
}

/**
 * Sends spans that have ended, some at a time, behind whatever they tell of. A collector that does not take them has them lost,
 * and is told of once, until it takes some again.
 *
 * Nobody waits for what another one began: a request of Workers that is cancelled takes its promises with it. So each turn sends
 * once, and whoever has a turn, or sends, has it until a time by the clock.
 */
export class Outbox implements SpanProcessor {
  readonly #settings: Pick<TraceSettings, 'url' | 'headers' | 'timeoutMs'>
  readonly #outside: Outside
  #waiting: ReadableSpan[] = []
  /** The next turn that somebody has asked for; null: nobody has. */
  #turn: { at: number } | null = null
  /** Until when somebody sends; 0: nobody does. */
  #busyUntil = 0
  #sending: Promise<void> = Promise.resolve()
  #silent = false
  #displaced = 0
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(settings: Pick<TraceSettings, 'url' | 'headers' | 'timeoutMs'>, outside: Outside) {
    this.#settings = settings
    this.#outside = outside
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#waiting.length >= (isOfStranger(span) ? MOST_OF_STRANGERS : MOST)) {
      this.#displaced++
      return
    }
    this.#waiting.push(span)
    this.#ask(this.#waiting.length >= BATCH && Date.now() >= this.#busyUntil ? 0 : PAUSE)
  }

  /** Sends what waits now, one request after the other, at the end of a process; never on Workers. Never throws. */
  async forceFlush(): Promise<void> {
    await this.#sending
    for (let left = this.#waiting.length; left > 0 && this.#waiting.length; left -= BATCH) await this.#send()
  }

  async shutdown(): Promise<void> {
    await this.forceFlush()
  }

  /** A turn by then, unless there is one. */
  #ask(ms: number): void {
    const now = Date.now()
    if (this.#turn && this.#turn.at <= now + ms && now < this.#turn.at + LOST) return
    this.#turn = { at: now + ms }
    this.#outside.later(ms, () => this.#take())
  }

  async #take(): Promise<void> {
    this.#turn = null
    if (Date.now() >= this.#busyUntil) {
      this.#sending = this.#send()
      await this.#sending
    }
    if (this.#waiting.length) this.#ask(this.#waiting.length >= BATCH && Date.now() >= this.#busyUntil ? 0 : PAUSE)
  }

  async #send(): Promise<void> {
    const spans = this.#waiting.splice(0, BATCH)
    if (!spans.length) return
    const until = Date.now() + this.#settings.timeoutMs + LOST
    this.#busyUntil = until
    const fault = await this.#post(spans)
    if (this.#busyUntil === until) this.#busyUntil = 0
    this.#tell(fault)
    // What came meanwhile would wait as long for the same.
    if (fault !== null) this.#waiting = []
  }

  #tell(fault: string | null): void {
    const collector = new URL(this.#settings.url).origin
    if (fault !== null && !this.#silent)
      this.#outside.log('warn', 'the collector of traces takes nothing; spans are lost until it does', {
        collector,
        reason: fault,
      })
    this.#silent = fault !== null
    if (!this.#displaced || Date.now() - this.#toldAt < TOLD_EVERY) return
    this.#outside.log('warn', 'spans came faster than the collector of traces takes them; some are lost', {
      collector,
      lost: this.#displaced,
    })
    this.#displaced = 0
    this.#toldAt = Date.now()
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

/** A request that came to no operation, or was refused before it was known whose it is. */
const isOfStranger = ({ kind, attributes }: ReadableSpan): boolean =>
  kind === SpanKind.SERVER &&
  (attributes['plimsoll.operation'] === undefined ||
    attributes['http.response.status_code'] === 401 ||
    attributes['http.response.status_code'] === 429)
