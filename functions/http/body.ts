import type { z } from 'zod'
import type { Dialect } from './dialects.ts'
import { badRequest, Fault } from './fault.ts'

const MAX_BYTES = 1024 * 1024
const MAX_DEPTH = 32

/** Reads a JSON body of at most 1 MiB and 32 levels. 400 malformed, 413 too large, 415 another media type. */
export const readJson = async (request: Request): Promise<unknown> => {
  const type = request.headers.get('content-type') ?? 'application/json'
  if (!/^application\/([\w.+-]+\+)?(json|openstack-[\w.-]+)\b/i.test(type))
    throw new Fault(415, `Unsupported Content-Type ${type.slice(0, 100)}`)
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BYTES) throw new Fault(413, 'Request is too large.')
  const text = new TextDecoder().decode(await request.arrayBuffer())
  if (text.length > MAX_BYTES) throw new Fault(413, 'Request is too large.')
  if (nesting(text) > MAX_DEPTH) throw badRequest('Request body is nested too deeply.')
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('Malformed request body: it is not valid JSON.')
  }
}

/** Deepest bracket level outside of strings; cheaper than parsing, and it cannot overflow the stack. */
const nesting = (text: string): number => {
  let depth = 0
  let deepest = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (quoted) {
      if (c === 92) i++
      else if (c === 34) quoted = false
    } else if (c === 34) quoted = true
    else if (c === 123 || c === 91) deepest = Math.max(deepest, ++depth)
    else if (c === 125 || c === 93) depth--
  }
  return deepest
}

/** Checks a value against a schema; the first fault becomes a 400 in the dialect of the service. */
export const check = <T>(schema: z.ZodType<T>, value: unknown, dialect: Dialect): T => {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const path = issue.path.join('.')
  const unknown = issue.code === 'unrecognized_keys'
  throw badRequest(
    unknown
      ? dialect.invalid(
          path,
          at(value, issue.path),
          `Additional properties are not allowed (${issue.keys.map((k) => `'${k}'`).join(', ')} ${issue.keys.length > 1 ? 'were' : 'was'} unexpected)`,
        )
      : dialect.invalid(path, at(value, issue.path), issue.message),
  )
}

const at = (value: unknown, path: PropertyKey[]): unknown =>
  path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key], value)
