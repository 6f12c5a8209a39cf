import type * as z from 'zod'
import type { Dialect } from './dialects.ts'
import { badRequest, Fault } from './fault.ts'
import { jsonSchemaWords } from './schema-words.ts'

const MAX_BYTES = 1024 * 1024
const MAX_DEPTH = 32
/** Values of a body, counted by the marks between them: far more than any call names, and checked in a moment. */
const MAX_VALUES = 20_000

const tooLarge = () => new Fault(413, 'Request is too large.')

const texts = new WeakMap<Request, Promise<string>>()
/** The text of a body of at most 1 MiB, read once however often it is asked for. 413: it is larger, announced or not. */
export const readText = (request: Request): Promise<string> => {
  const text = texts.get(request) ?? readBounded(request)
  texts.set(request, text)
  return text
}

/** Counts while it reads: nobody has to say beforehand how much comes, and what was said need not be true. */
const readBounded = async (request: Request): Promise<string> => {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BYTES) throw tooLarge()
  if (!request.body) return ''
  const decoder = new TextDecoder()
  const reader = request.body.getReader()
  let text = ''
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.length
    if (size > MAX_BYTES) {
      void reader.cancel().catch(() => undefined)
      throw tooLarge()
    }
    text += decoder.decode(value, { stream: true })
  }
}

/** Reads a JSON body of at most 1 MiB, 32 levels and 20,000 values. 400 malformed, 413 too large, 415 another media type. */
export const readJson = async (request: Request, { malformed }: Dialect): Promise<unknown> => {
  const type = request.headers.get('content-type') ?? 'application/json'
  if (!/^application\/(?:[\w.-]+\+)*(?:json|openstack-[\w.-]+)(?![\w])/i.test(type))
    throw new Fault(415, `Unsupported Content-Type ${type.slice(0, 100)}`)
  const text = await readText(request)
  const { depth, values } = measure(text)
  if (depth > MAX_DEPTH) throw badRequest('Request body is nested too deeply.')
  if (values > MAX_VALUES) throw tooLarge()
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest(malformed)
  }
}

/** Deepest bracket level and number of values outside of strings; cheaper than parsing, and it cannot overflow the stack. */
const measure = (text: string): { depth: number; values: number } => {
  let level = 0
  let depth = 0
  let values = 1
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (quoted) {
      if (c === 92) i++
      else if (c === 34) quoted = false
    } else if (c === 34) quoted = true
    else if (c === 44) values++
    else if (c === 123 || c === 91) depth = Math.max(depth, ++level)
    else if (c === 125 || c === 93) level--
  }
  return { depth, values }
}

/**
 * Checks a value against a schema; the first fault becomes a 400 in the dialect of the service.
 *
 * @param within where in the body the value is, if it is not all of it
 */
export const check = <T>(schema: z.ZodType<T>, value: unknown, dialect: Dialect, within: string[] = []): T => {
  const read = parsed(schema, value, dialect)
  if ('data' in read) return read.data
  const { issue } = read
  const held = veiled(at(value, issue.path))
  const hidden = isSecret(issue.path.join('.'))
  // What a schema says in its own words is said; for the rest, and for what is not there, there are those of the services.
  const isMissing = held === undefined && issue.code !== 'custom'
  const own = issue.message !== UNSAID && !isMissing
  const { path, reason } = own
    ? { path: issue.path, reason: issue.message }
    : jsonSchemaWords(issue, hidden && !isMissing ? MASK : held)
  const name = [...within, ...path].join('.')
  if (hidden && own) throw badRequest(dialect.invalid(name, MASK, masked(reason, at(value, issue.path))))
  throw badRequest(dialect.invalid(name, isSecret(name) ? MASK : veiled(at(value, path)), reason))
}

/** Instead of words of zod's. */
const UNSAID = '\0'

const parsed = <T>(
  schema: z.ZodType<T>,
  value: unknown,
  dialect: Dialect,
): { data: T } | { issue: z.core.$ZodIssue } => {
  try {
    const result = schema.safeParse(value, { error: () => UNSAID })
    // What is wrong is worded when it is asked for.
    return result.success ? { data: result.data } : { issue: result.error.issues[0]! }
  } catch (error) {
    if (!(error instanceof TypeError && isUntold(value))) throw error
    throw badRequest(dialect.invalid('', veiled(value), 'it has an object where a text is told'))
  }
}

/** Whether somewhere in it is an object that no text can be made of, as `{ "toString": 1 }`. */
const isUntold = (value: unknown): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (Object.hasOwn(value, 'toString') || Object.hasOwn(value, 'valueOf') || Object.values(value).some(isUntold))

/** Fields whose values no answer repeats, not even to say what is wrong with them. */
const isSecret = (path: string): boolean =>
  /pass(word|code)?\b|pass\.|user_data|personality|credential|secret|private|\btoken\b|assertion|signature|verifier/i.test(
    path,
  )
const MASK = '***'

/** A value without the secrets in it. */
const veiled = (value: unknown): unknown => {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(veiled)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, isSecret(key) ? MASK : veiled(inner)]))
}

/** What is wrong with a value, without the value. */
const masked = (reason: string, value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const verb = Math.max(reason.lastIndexOf(' is '), reason.lastIndexOf(' does '))
  const bare = verb < 0 ? reason : `'${MASK}'${reason.slice(verb)}`
  return text && text.length > 3 && bare.includes(text.slice(0, 8)) ? 'It is not what the schema asks for.' : bare
}

const at = (value: unknown, path: PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (v, key) => (Object.hasOwn(Object(v), key) ? (v as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  )
