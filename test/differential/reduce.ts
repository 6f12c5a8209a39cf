import type { Said } from './side.ts'

/** Of an answer what does not differ from run to run: ids by the names of variables, times by their form, lists as one element. */
export interface Reduced {
  status: number
  type: string | null
  headers: Record<string, string>
  body: Shape
  /** It was waited for something else. */
  never?: true
}

export type Shape = null | string | number | boolean | Shape[] | { [key: string]: Shape }

/** Headers that say something to a client; of some only that they are there. */
const TOLD = [
  'location',
  'openstack-api-version',
  'x-openstack-nova-api-version',
  'vary',
  'www-authenticate',
  'allow',
  'retry-after',
  'content-range',
]
const THERE = ['x-openstack-request-id', 'x-compute-request-id', 'x-subject-token', 'etag', 'content-md5']

/** The longest text that is kept. */
const LONGEST = 300

export const reduce = (
  { status, headers, text }: Said,
  vars: Record<string, string>,
  bases: Record<string, string>,
): Reduced => {
  const strings = stringsOf(vars, bases)
  const type = text === '' ? null : (headers.get('content-type')?.toLowerCase().replaceAll(' ', '') ?? null)
  const shown: Record<string, string> = {}
  for (const name of TOLD) {
    const value = headers.get(name)
    if (value !== null) shown[name] = strings(value)
  }
  for (const name of THERE) if (headers.has(name)) shown[name] = '…'
  return { status, type, headers: shown, body: text === '' ? null : bodyOf(text, type, strings) }
}

const bodyOf = (text: string, type: string | null, strings: (text: string) => string): Shape => {
  if (!type?.includes('json')) return /octet-stream/.test(type ?? '') ? '<data>' : strings(text)
  try {
    return shapeOf(JSON.parse(text), strings)
  } catch {
    return strings(text)
  }
}

const shapeOf = (value: unknown, strings: (text: string) => string): Shape => {
  if (typeof value === 'string') return strings(value)
  if (Array.isArray(value)) {
    const [first, ...others] = value.map((each) => shapeOf(each, strings))
    return first === undefined ? [] : [others.reduce(merge, first)]
  }
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [strings(key), shapeOf(each, strings)]))
  return value as Shape
}

/** What two elements of a list have in common, and what only one has. */
const merge = (one: Shape, other: Shape): Shape => {
  if (JSON.stringify(one) === JSON.stringify(other)) return one
  if (Array.isArray(one) && Array.isArray(other)) {
    const [first, ...others] = [...one, ...other]
    return first === undefined ? [] : [others.reduce(merge, first)]
  }
  if (isObject(one) && isObject(other)) {
    const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])]
    return Object.fromEntries(
      keys.map((key) => [
        key,
        key in one && key in other ? merge(one[key]!, other[key]!) : (one[key] ?? other[key] ?? null),
      ]),
    )
  }
  return [...new Set([...kinds(one), ...kinds(other)])].sort().join('|')
}

const KINDS = /^<(\w+)>(\|<\w+>)*$/

/** Of a value, or of several that were merged. */
export const kinds = (value: Shape): string[] =>
  typeof value === 'string' && KINDS.test(value) ? value.split('|') : [`<${kindOf(value)}>`]

export const kindOf = (value: Shape): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

export const isObject = (value: Shape): value is { [key: string]: Shape } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const ID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi
const HEX = /\b[0-9a-f]{32,}\b/g
const TIME = /\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?/g
const MAC = /\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/gi
/** Audit ids of tokens. */
const AUDIT = /^(?=.*[A-Z])(?=.*[a-z])[\w-]{22}$/

const stringsOf = (vars: Record<string, string>, bases: Record<string, string>) => {
  // Names of what was kept last go before: it may be kept again by another name.
  const named = Object.entries(vars)
    .filter(([, value]) => value.length >= 8)
    .sort((a, b) => b[1].length - a[1].length)
  const places = Object.entries(bases).sort((a, b) => b[1].length - a[1].length)
  return (text: string): string => {
    let said = text
    for (const [name, base] of places) said = said.replaceAll(base, `{${name}}`)
    for (const [name, value] of named) said = said.replaceAll(value, `{${name}}`)
    said = said
      .replace(ID, '<id>')
      .replace(HEX, '<hex>')
      .replace(
        TIME,
        (_, t, fraction, zone) =>
          `<time ${t}${fraction ? '.' : ''}${fraction ? fraction.length - 1 : ''}${zone ?? ''}>`,
      )
      .replace(MAC, '<mac>')
      .replace(AUDIT, '<audit>')
    return said.length > LONGEST ? `${said.slice(0, LONGEST)}…` : said
  }
}
