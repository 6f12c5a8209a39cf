import type { JsonSchema } from '../../functions/http/json-schema.ts'

const FORMATS: Record<string, RegExp> = {
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  uri: /^https?:\/\/\S+$/,
}

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value

const isOf = (types: string | string[], value: unknown): boolean => {
  const own = typeOf(value)
  return [types].flat().some((type) => type === own || (type === 'number' && own === 'integer'))
}

/**
 * Why a value does not fit a schema of a document, one line each with where; none: it fits. An object may have no other
 * members than those that are said, though whoever reads the document has to be ready for more.
 *
 * @param named what a `$ref` stands for, by its last part
 */
export const misfits = (
  value: unknown,
  schema: JsonSchema,
  named: (name: string) => JsonSchema,
  where = 'body',
): string[] => {
  const { $ref, anyOf, type, format, properties = {}, required = [], items, additionalProperties } = schema
  if (typeof $ref === 'string') return misfits(value, named($ref.split('/').at(-1)!), named, where)
  if (Array.isArray(anyOf)) {
    const all = (anyOf as JsonSchema[]).map((each) => misfits(value, each, named, where))
    return all.some((each) => !each.length) ? [] : all.sort((a, b) => a.length - b.length)[0]!
  }
  if (type !== undefined && !isOf(type, value))
    return [`${where} is ${typeOf(value)}, not ${[type].flat().join(' or ')}`]
  if (typeof format === 'string' && !FORMATS[format]!.test(String(value))) return [`${where} is no ${format}`]
  if (Array.isArray(value))
    return items ? value.flatMap((item, i) => misfits(item, items, named, `${where}[${i}]`)) : []
  if (type !== 'object' || value === null) return []
  const given = value as Record<string, unknown>
  const absent = required.filter((name) => !Object.hasOwn(given, name)).map((name) => `${where}.${name} is not there`)
  const others = Object.entries(given).flatMap(([name, member]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : (additionalProperties as JsonSchema | undefined)
    return known ? misfits(member, known, named, `${where}.${name}`) : [`${where}.${name} is not told of`]
  })
  return [...absent, ...others]
}
