import type * as z from 'zod'
import { table } from '../../adapters/table.ts'

/**
 * A value as Python writes it (`repr`), which is how Keystone, Nova and Cinder repeat what they were sent.
 * At most 255 characters of it.
 */
export const asPython = (value: unknown): string => {
  const text = repr(value, 255)
  return text.length > 255 ? text.slice(0, 255) : text
}

/** Stops to look once what is written is longer than is told. */
const repr = (value: unknown, most: number): string => {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return quoted(value.slice(0, most))
  if (typeof value !== 'object') return String(value)
  const isList = Array.isArray(value)
  let text = ''
  for (const [key, each] of Object.entries(value)) {
    if (text.length > most) break
    text += `${text && ', '}${isList ? '' : `${quoted(key.slice(0, most))}: `}${repr(each, most - text.length)}`
  }
  return isList ? `[${text}]` : `{${text}}`
}

const quoted = (text: string): string => {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'"
  const inside = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')
  return mark + (mark === "'" ? inside.replaceAll("'", "\\'") : inside) + mark
}

/** What zod calls a kind, and what JSON Schema does. */
const KINDS = table<string>({ int: 'integer', record: 'object', map: 'object', nan: 'number', date: 'string' })
const FORMATS = table<string>({ datetime: 'date-time', url: 'uri', guid: 'uuid' })

/** What is wrong, of which value: a member that is missing is what is wrong with the object that it is missing in. */
export interface Wrong {
  path: PropertyKey[]
  reason: string
}

/**
 * What is wrong with a value in the words of Python's jsonschema, which the services pass on
 * (jsonschema/_keywords.py).
 * @param value what is at the path of the issue, without secrets
 */
export const jsonSchemaWords = (issue: z.core.$ZodIssue, value: unknown): Wrong => {
  const { path } = issue
  if (value === undefined && path.length && issue.code !== 'custom' && issue.code !== 'unrecognized_keys')
    return { path: path.slice(0, -1), reason: `${quoted(String(path.at(-1)))} is a required property` }
  return { path, reason: sentence(issue, asPython(value), typeof value === 'string' && value === '') }
}

const sentence = (issue: z.core.$ZodIssue, said: string, isEmpty: boolean): string => {
  switch (issue.code) {
    case 'invalid_type':
      return `${said} is not of type '${KINDS[issue.expected] ?? issue.expected}'`
    case 'invalid_value':
      return issue.values.length === 1
        ? `${asPython(issue.values[0])} was expected`
        : `${said} is not one of [${issue.values.map(asPython).join(', ')}]`
    case 'too_small':
      if (isSized(issue.origin))
        return isEmpty || said === '[]' || said === '{}' ? `${said} should be non-empty` : `${said} is too short`
      return issue.inclusive === false
        ? `${said} is less than or equal to the minimum of ${issue.minimum}`
        : `${said} is less than the minimum of ${issue.minimum}`
    case 'too_big':
      if (isSized(issue.origin)) return `${said} is too long`
      return issue.inclusive === false
        ? `${said} is greater than or equal to the maximum of ${issue.maximum}`
        : `${said} is greater than the maximum of ${issue.maximum}`
    case 'invalid_format':
      return issue.format === 'regex'
        ? `${said} does not match '${String(issue.pattern).replace(/^\/|\/[a-z]*$/g, '')}'`
        : `${said} is not a '${FORMATS[issue.format] ?? issue.format}'`
    case 'not_multiple_of':
      return `${said} is not a multiple of ${issue.divisor}`
    case 'unrecognized_keys': {
      const were = issue.keys.length > 1 ? 'were' : 'was'
      return `Additional properties are not allowed (${issue.keys.map(quoted).join(', ')} ${were} unexpected)`
    }
    case 'invalid_union':
      return `${said} is not valid under any of the given schemas`
    default:
      return `${said} is not what the schema asks for`
  }
}

const isSized = (origin: string): boolean => ['string', 'array', 'set', 'map', 'object', 'file'].includes(origin)
