import { isSpanContextValid, type SpanContext, TraceFlags } from '@opentelemetry/api'

/** Longer ones are passed over: version 0 has 55 characters, and what later ones add nobody knows yet. */
const LONGEST = 512
const SHAPE = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/**
 * What a `traceparent` says, as https://www.w3.org/TR/trace-context/#traceparent-header has it; null: nothing well-formed.
 * Two such headers are one that is not.
 */
export const parseTraceparent = (text: string | null): SpanContext | null => {
  if (text === null || text.length > LONGEST) return null
  const [, version, traceId = '', spanId = '', flags = '', more] = SHAPE.exec(text) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true }
  return isSpanContextValid(context) ? context : null
}

/** The header of version 0 that says where something is from. */
export const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`
