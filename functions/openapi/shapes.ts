import { table } from '../../adapters/table.ts'
import type { JsonSchema } from '../http/json-schema.ts'

/**
 * What an answer looks like, in few words. A text is types with strokes between (`integer|null`), or `$name` of a shape that
 * is written down once; a list holds the shape of its items, and the types that may stand in its place; an object has its
 * members. A key that ends in `?` may be absent, one with `@26-` is there from minor version 26 on, `@-74` until 74; of `*`
 * are all members that are not named; `|` are the types that may stand in place of the object,
 * and `nothing` there is a body that may be left out.
 */
export type Shape = string | Shape[] | { [key: string]: Shape }

const FORMATS = table({ uuid: 'uuid', time: 'date-time', uri: 'uri' })

/** One of the words that stand for a type; `any`: nothing is said. */
const wordSchema = (word: string): JsonSchema => {
  const format = FORMATS[word]
  return format ? { type: 'string', format } : word === 'any' ? {} : { type: word }
}

const either = (choices: JsonSchema[]): JsonSchema => (choices.length === 1 ? choices[0]! : { anyOf: choices })

const wordsSchema = (words: string): JsonSchema => {
  const all = words.split('|')
  if (all.includes('any')) return {}
  const plain = all.filter((word) => !FORMATS[word])
  const whole = plain.length === all.length
  return whole && all.length > 1 ? { type: all } : either(all.map(wordSchema))
}

const KEY = /^(.*?)(\?)?(?:@(\d*)-(\d*))?$/s

/** The parts of a key; numbers are minor versions, and absent where there is no bound. */
export const readKey = (key: string) => {
  const [, name = '', optional, from, to] = KEY.exec(key) ?? []
  return {
    name,
    optional: optional !== undefined,
    from: from ? Number(from) : Number.NEGATIVE_INFINITY,
    to: to ? Number(to) : Number.POSITIVE_INFINITY,
  }
}

/**
 * The JSON Schema of a shape in a minor version.
 *
 * @param named what refers to a shape that is written down once
 */
export const schemaOf = (shape: Shape, version: number, named: (name: string) => JsonSchema): JsonSchema => {
  const within = (inner: Shape) => schemaOf(inner, version, named)
  if (typeof shape === 'string') {
    const [first = '', ...others] = shape.split('|')
    if (!first.startsWith('$')) return wordsSchema(shape)
    return either([named(first.slice(1)), ...(others.length ? [wordsSchema(others.join('|'))] : [])])
  }
  if (Array.isArray(shape)) {
    const [items = 'any', ...others] = shape
    return either([{ type: 'array', items: within(items) }, ...others.map(within)])
  }
  const properties = table<JsonSchema>()
  const required: string[] = []
  for (const [key, member] of Object.entries(shape)) {
    if (key === '*' || key === '|') continue
    const { name, optional, from, to } = readKey(key)
    if (version < from || version > to) continue
    properties[name] = within(member)
    if (!optional) required.push(name)
  }
  const others = shape['|'] === 'nothing' ? undefined : shape['|']
  return either([
    {
      type: 'object',
      ...(Object.keys(properties).length ? { properties } : {}),
      ...(required.length ? { required } : {}),
      ...(shape['*'] === undefined ? {} : { additionalProperties: within(shape['*']) }),
    },
    ...(others === undefined ? [] : [within(others)]),
  ])
}
