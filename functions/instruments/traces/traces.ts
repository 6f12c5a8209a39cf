import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  createContextKey,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { type Sampler, SamplingDecision, TracerProvider } from '@opentelemetry/sdk-trace'
import { CloudError } from '../../../adapters/errors.ts'
import { Refused } from '../../broker/line/refused.ts'
import type { Arrival, Instruments } from '../told.ts'
import { Outbox, type Outside } from './outbox.ts'
import type { TraceSettings } from './settings.ts'
import { parseTraceparent, traceparentOf } from './traceparent.ts'

/** What work belongs to, for the time of it. What may come to nothing has a span once somebody asks for one. */
interface Frame {
  context(): Context
  /** The same, if there is one. */
  begun(): Context | undefined
}

interface Traces {
  instruments: Required<Instruments>
  /** Sends what waits. */
  flush(): Promise<void>
}

/** What a request of Workers leaves to be done is cancelled 30 s after its answer: so long a collector has there, in milliseconds. */
const WORKERS_TIMEOUT = 10_000

/** Whether it is decided if spans below a context are sent: by a parent that is ours, or that is obeyed. */
const DECIDED = createContextKey('decided')
const OURS = ROOT_CONTEXT.setValue(DECIDED, true)

/** A trace id that a stranger chose says nothing: else he would choose one that is sent. */
const samplerOf = (ratio: number): Sampler => ({
  shouldSample: (context) => {
    const parent = context.getValue(DECIDED) ? trace.getSpanContext(context) : undefined
    const sent = parent ? (parent.traceFlags & TraceFlags.SAMPLED) !== 0 : Math.random() < ratio
    return { decision: sent ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD }
  },
  toString: () => `Ratio{${ratio}}`,
})

/**
 * Instruments that make spans of what they are told: requests, and below them, whenever it is done, what the engine does for
 * them, and each call to a cloud. No attribute holds what somebody typed: names, bodies and queries stay here.
 * @param runtime of the process, `node` or `workers`
 */
export const openTraces = (settings: TraceSettings, runtime: string, outside: Outside): Traces => {
  const timeoutMs = runtime === 'workers' ? Math.min(settings.timeoutMs, WORKERS_TIMEOUT) : settings.timeoutMs
  const outbox = new Outbox({ ...settings, timeoutMs }, outside)
  const attributes = { 'service.name': 'plimsoll', 'plimsoll.runtime': runtime, ...settings.attributes }
  const provider = new TracerProvider({
    resource: resourceFromAttributes(attributes),
    sampler: samplerOf(settings.ratio),
    spanProcessors: [outbox],
  })
  const tracer = provider.getTracer('plimsoll')
  const frames = new AsyncLocalStorage<Frame | undefined>()
  const current = (): Context => frames.getStore()?.context() ?? ROOT_CONTEXT

  const within = <T>(span: Span, work: () => Promise<T>): Promise<T> => {
    const context = trace.setSpan(OURS, span)
    return frames.run({ context: () => context, begun: () => context }, work)
  }
  const spanned = async <T>(span: Span, work: () => Promise<T>): Promise<T> => {
    try {
      return await within(span, work)
    } catch (error) {
      failed(span, error)
      throw error
    } finally {
      span.end()
    }
  }

  const parentOf = ({ request }: Arrival): Context => {
    const said = settings.parents === 'ignored' ? null : parseTraceparent(request.headers.get('traceparent'))
    return said ? trace.setSpanContext(settings.parents === 'obeyed' ? OURS : ROOT_CONTEXT, said) : ROOT_CONTEXT
  }

  /** What a row says that work is done for; whoever happens to do it is linked to. Where it says nothing, whoever does it. */
  const causeOf = (said: string | null): { parent: Context; links: Link[] } => {
    const from = parseTraceparent(said)
    if (!from) return { parent: current(), links: [] }
    const here = frames.getStore()?.begun()
    const driver = here && trace.getSpanContext(here)
    const apart = driver && driver.traceId !== from.traceId && driver.traceFlags & TraceFlags.SAMPLED
    return { parent: trace.setSpanContext(OURS, from), links: apart ? [{ context: driver }] : [] }
  }

  const instruments: Required<Instruments> = {
    request: async (arrival, answer) => {
      const span = tracer.startSpan(methodOf(arrival.request), { kind: SpanKind.SERVER }, parentOf(arrival))
      try {
        const response = await within(span, answer)
        if (span.isRecording()) tellRequest(span, arrival, response.status)
        return response
      } finally {
        span.end()
      }
    },
    converge: ({ trace: said, ...binding }, work) => {
      const { parent, links } = causeOf(said)
      return spanned(tracer.startSpan(`converge ${binding.kind}`, { attributes: named(binding), links }, parent), work)
    },
    notice: ({ type, trace: said }, work) => {
      const { parent, links } = causeOf(said)
      const attributes = { 'plimsoll.notice.type': type }
      return spanned(tracer.startSpan(`webhook ${type}`, { kind: SpanKind.CLIENT, attributes, links }, parent), work)
    },
    step: (step, work) => {
      const { want, phase } = step
      const attributes = { ...named(step), 'plimsoll.want': want, 'plimsoll.phase': phase }
      return spanned(tracer.startSpan(`step ${step.kind} ${want} ${phase}`, { attributes }, current()), work)
    },
    call: ({ cloud: { id, type }, method }, work) => {
      const attributes = { 'plimsoll.cloud.id': id, 'plimsoll.cloud.type': type, 'plimsoll.cloud.method': method }
      return spanned(tracer.startSpan(`cloud ${method}`, { kind: SpanKind.CLIENT, attributes }, current()), work)
    },
    // Most turns find nothing to do, and are not told of.
    loop: async (name, work) => {
      let span: Span | undefined
      let context: Context | undefined
      let over = false
      const frame: Frame = {
        begun: () => context,
        context: () => {
          if (!context) {
            span = tracer.startSpan(`loop ${name}`, {}, ROOT_CONTEXT)
            context = trace.setSpan(OURS, span)
            if (over) span.end()
          }
          return context
        },
      }
      try {
        return await frames.run(frame, work)
      } catch (error) {
        if (span) failed(span, error)
        throw error
      } finally {
        over = true
        span?.end()
      }
    },
    trace: () => {
      const span = frames.getStore() && trace.getSpanContext(current())
      return span && span.traceFlags & TraceFlags.SAMPLED ? traceparentOf(span) : null
    },
    carry: (work) => {
      const frame = frames.getStore()
      return () => frames.run(frame, work)
    },
  }
  return { instruments, flush: () => outbox.forceFlush() }
}

/** Ids, which are of this program: names are of whoever gave them. */
const named = (of: { kind: string; resourceId: string; cloudId: string; projectId: string }): Attributes => ({
  'plimsoll.kind': of.kind,
  'plimsoll.resource.id': of.resourceId,
  'plimsoll.cloud.id': of.cloudId,
  'plimsoll.project.id': of.projectId,
})

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const methodOf = ({ method }: Request): string => (METHODS.includes(method) ? method : '_OTHER')

/** By the names of https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span where there are any. */
const tellRequest = (
  span: Span,
  { request, to, requestId, globalRequestId, caller }: Arrival,
  status: number,
): void => {
  if (to) span.updateName(to.operation)
  span.setAttributes({
    'http.request.method': methodOf(request),
    'http.response.status_code': status,
    ...(to ? { 'http.route': to.route, 'plimsoll.service': to.service, 'plimsoll.operation': to.operation } : {}),
    ...(requestId ? { 'plimsoll.request.id': requestId } : {}),
    ...(globalRequestId ? { 'plimsoll.global_request.id': globalRequestId } : {}),
    ...(caller?.projectId ? { 'plimsoll.project.id': caller.projectId } : {}),
  })
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
}

/** The code alone: what is said of an error may have names in it. */
const failed = (span: Span, error: unknown): void => {
  // Another one was before it: that happens, and says nothing of the work.
  if (error instanceof Refused) return void span.setAttribute('error.type', 'refused')
  const type = error instanceof CloudError ? error.code : error instanceof Error ? error.name : 'error'
  span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR })
}
