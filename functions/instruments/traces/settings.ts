/** Where spans are sent, and of how many traces. */
export interface TraceSettings {
  /** The address that takes them, as OTLP in JSON. */
  url: string
  /** Sent along; they may be secrets. */
  headers: Record<string, string>
  timeoutMs: number
  /** Of what share of the traces that begin here spans are sent, 0 to 1. */
  ratio: number
  /**
   * What becomes of the trace that a request says it is part of. `joined`: its spans have that trace, but whether they are sent is
   * decided here; `obeyed`: the request decides that, too; `ignored`: a trace of its own begins.
   */
  parents: Parents
  /** Of the process, beside its runtime. */
  attributes: Record<string, string>
}
type Parents = 'joined' | 'obeyed' | 'ignored'
type Env = Record<string, string | undefined>

/**
 * The settings of OpenTelemetry by their own names
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/), as far as there is something to set; null
 * where nobody named a collector. Throws with a sentence for the operator.
 */
export const tracesFrom = (env: Env): TraceSettings | null => {
  const exporter = env.OTEL_TRACES_EXPORTER || 'otlp'
  // Whoever says so has no collector that could be wrong.
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter === 'none') return null
  const url = urlFrom(env)
  if (url === null) return null
  if (exporter !== 'otlp') throw new Error('OTEL_TRACES_EXPORTER must be `otlp` or `none`.')
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/json'
  if (protocol !== 'http/json')
    throw new Error('OTEL_EXPORTER_OTLP_PROTOCOL must be `http/json`: nothing else is spoken here.')
  return {
    url,
    headers: headersFrom(env),
    timeoutMs: timeoutFrom(env.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT || env.OTEL_EXPORTER_OTLP_TIMEOUT),
    ratio: ratioFrom(env),
    parents: parentsFrom(env.PLIMSOLL_TRACE_PARENTS || 'joined'),
    attributes: attributesFrom(env),
  }
}

const urlFrom = (env: Env): string | null => {
  const whole = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT
  const text = whole || (base && `${base.replace(/(?<!\/)\/+$/, '')}/v1/traces`)
  if (!text) return null
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw new Error('OTEL_EXPORTER_OTLP_ENDPOINT must be the http or https URL of a collector, without credentials.')
  return text
}

/** `name=value`, with commas; values are percent-encoded (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). */
const pairsOf = (name: string, text: string | undefined): [string, string][] =>
  (text ?? '')
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
      try {
        if (key === undefined) throw new Error('there is no =')
        return [decodeURIComponent(key.trim()), decodeURIComponent(value!.trim())]
      } catch {
        throw new Error(`${name} must be a list of name=value, with commas.`)
      }
    })

const headersFrom = (env: Env): Record<string, string> => {
  const pairs = pairsOf(
    'OTEL_EXPORTER_OTLP_HEADERS',
    env.OTEL_EXPORTER_OTLP_TRACES_HEADERS || env.OTEL_EXPORTER_OTLP_HEADERS,
  )
  try {
    return Object.fromEntries(new Headers(pairs))
  } catch {
    throw new Error('OTEL_EXPORTER_OTLP_HEADERS names what is no header of HTTP.')
  }
}

const attributesFrom = (env: Env): Record<string, string> => ({
  ...Object.fromEntries(pairsOf('OTEL_RESOURCE_ATTRIBUTES', env.OTEL_RESOURCE_ATTRIBUTES)),
  ...(env.OTEL_SERVICE_NAME ? { 'service.name': env.OTEL_SERVICE_NAME } : {}),
})

const timeoutFrom = (text: string | undefined): number => {
  const ms = text ? Number(text) : 10_000
  if (!Number.isSafeInteger(ms) || ms < 1 || ms > 60_000)
    throw new Error('OTEL_EXPORTER_OTLP_TIMEOUT must be a number of milliseconds from 1 to 60000.')
  return ms
}

/** Whose name begins with `parentbased_` says what its other half does: whether parents are heard is `PLIMSOLL_TRACE_PARENTS`. */
const ratioFrom = (env: Env): number => {
  const sampler = (env.OTEL_TRACES_SAMPLER || 'parentbased_traceidratio').replace(/^parentbased_/, '')
  if (sampler === 'always_on') return 1
  if (sampler === 'always_off') return 0
  if (sampler !== 'traceidratio')
    throw new Error(
      'OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, with or without parentbased_ before it.',
    )
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG || 1)
  if (!(ratio >= 0 && ratio <= 1)) throw new Error('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1.')
  return ratio
}

const parentsFrom = (word: string): Parents => {
  if (word !== 'joined' && word !== 'obeyed' && word !== 'ignored')
    throw new Error('PLIMSOLL_TRACE_PARENTS must be `joined`, `obeyed` or `ignored`.')
  return word
}
