import type * as z from 'zod'
import { volumeActions } from '../../functions/block-storage/volume-actions.ts'
import { serverActions } from '../../functions/compute/servers/actions/index.ts'
import { jsonSchemaOf } from '../../functions/http/json-schema.ts'
import type { Operation } from '../../functions/http/operation.ts'
import type { Service } from '../../functions/http/service.ts'
import { type Answers, answersOf } from '../../functions/openapi/answers.ts'
import type { Schema } from '../support/json-schema.ts'
import { answerLines, shapeTables } from './answers.ts'

interface Field {
  path: string
  takes: string
  required: boolean
}

const SAFE = Number.MAX_SAFE_INTEGER

/** `1 to 255`, `at least 1`, `at most 255`, or nothing. */
const range = (from: number | undefined, to: number | undefined): string => {
  const low = from === undefined || from <= -SAFE ? undefined : from
  const high = to === undefined || to >= SAFE ? undefined : to
  if (low !== undefined && high !== undefined) return low === high ? `${low}` : `${low} to ${high}`
  return low !== undefined ? `at least ${low}` : high !== undefined ? `at most ${high}` : ''
}

const choicesOf = ({ anyOf, oneOf }: Schema): Schema[] | null => anyOf ?? oneOf ?? null
const literal = (value: unknown): string => `\`${JSON.stringify(value)}\``
const distinct = (items: string[]): string[] => [...new Set(items)]

/** What a value may be, in a few words. */
const words = (schema: Schema): string => {
  if (schema.const !== undefined) return literal(schema.const)
  if (schema.enum) return schema.enum.map(literal).join(', ')
  const choices = choicesOf(schema)
  if (choices) return distinct(choices.map(words)).join(' or ')
  if (schema.allOf) return distinct(schema.allOf.map(words)).join(', ')
  switch (schema.type) {
    case 'string': {
      const length = range(schema.minLength || undefined, schema.maxLength)
      return [schema.format ?? 'text', length && `of ${length}`].filter(Boolean).join(' ')
    }
    case 'integer':
    case 'number':
      return [schema.type, range(schema.minimum, schema.maximum)].filter(Boolean).join(', ')
    case 'array':
      return [
        `list of ${distinct([...(schema.prefixItems ?? []), ...(schema.items ? [schema.items] : [])].map(words)).join(' or ')}`,
        range(schema.minItems, schema.maxItems),
      ]
        .filter(Boolean)
        .join(', ')
    case 'object':
      return typeof schema.additionalProperties === 'object' && Object.keys(schema.additionalProperties).length
        ? `object of ${words(schema.additionalProperties)}`
        : 'object'
    case undefined:
      return schema.$ref ? 'the same again' : 'anything'
    default:
      return [schema.type].flat().join(' or ')
  }
}

/** Members of an object or of the objects of a list, and theirs; of several alternatives what any of them has. */
const fieldsOf = (schema: Schema, path: string): Field[] => {
  const choices = choicesOf(schema) ?? schema.allOf
  if (choices) {
    const all = choices.map((each) => fieldsOf(each, path))
    const paths = distinct(all.flat().map((field) => field.path))
    return paths.map((wanted) => {
      const found = all.flatMap((fields) => fields.filter((field) => field.path === wanted))
      const everywhere = schema.allOf ? found.length > 0 : found.length === choices.length
      return {
        path: wanted,
        takes: distinct(found.map(({ takes }) => takes)).join(' or '),
        required: everywhere && found.every(({ required }) => required),
      }
    })
  }
  if (schema.type === 'array') return schema.items ? fieldsOf(schema.items, `${path}[]`) : []
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const own = path ? `${path}.${name}` : name
    return [
      { path: own, takes: words(member), required: schema.required?.includes(name) ?? false },
      ...fieldsOf(member, own),
    ]
  })
}

/** The newest microversion that has an operation; 0 where the service has none. */
const newest = ({ microversions }: Service, { until }: Operation): number =>
  microversions ? Math.min(until ?? microversions.max, microversions.max) : 0

const table = (schema: z.ZodType, head: string): string[] => {
  const json = jsonSchemaOf(schema) as Schema
  const fields = fieldsOf(json, '')
  if (!fields.length) return [`${head}: ${words(json)}.`, '']
  return [
    `| ${head} | takes | |`,
    '|---|---|---|',
    ...fields.map(
      ({ path, takes, required }) =>
        `| \`${path}\` | ${takes.replaceAll('|', '\\|')} | ${required ? 'required' : ''} |`,
    ),
    '',
  ]
}

interface Action {
  name: string
  until?: number
  body?: z.ZodType | ((version: number) => z.ZodType)
}

/** Operations that take one of many actions: its name is the only member of the body, and this is below it. */
const ACTIONS: Record<string, Action[]> = {
  'server.act': serverActions as Action[],
  'volume.action': Object.entries(volumeActions).map(([name, { body }]) => ({ name, body }) as Action),
}

const actions = (service: Service, all: Action[]): string[] => [
  '| one of | takes |',
  '|---|---|',
  ...all.map(({ name, until, body }) => {
    const version = Math.min(until ?? Number.POSITIVE_INFINITY, service.microversions?.max ?? 0)
    const schema = typeof body === 'function' ? body(version) : body
    if (!schema) return `| \`${name}\` | anything: it is not looked at |`
    const json = jsonSchemaOf(schema) as Schema
    const fields = fieldsOf(json, '').map(
      ({ path, takes, required }) => `\`${path}\`${required ? ' (required)' : ''}: ${takes}`,
    )
    return `| \`${name}\` | ${(fields.join('; ') || words(json)).replaceAll('|', '\\|')} |`
  }),
  '',
]

const section = (service: Service, operation: Operation, answers: Answers): string[] => {
  const version = newest(service, operation)
  const name = operation.name.replace(/_without_project$/, '')
  const at = <T>(schema: T | ((version: number) => T) | undefined): T | undefined =>
    typeof schema === 'function' ? (schema as (version: number) => T)(version) : schema
  const [body, query] = [at<z.ZodType>(operation.body), at<z.ZodType>(operation.query)]
  const path = (operation.path || '/').replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')
  return [
    `### ${operation.method} ${path}`,
    '',
    `${operation.summary} \`${name}\`, ${operation.who}; ${operation.status}.`,
    '',
    ...(ACTIONS[name] ? actions(service, ACTIONS[name]) : body ? table(body, 'body') : []),
    ...(query ? table(query, 'query') : []),
    ...answerLines(service, operation, answers),
  ]
}

/** What a service takes and gives, operation by operation. */
export const bodiesPage = async (service: Service): Promise<string> => {
  /** Cinder has its routes twice, once with the project in the path. */
  const told = service.operations.filter(({ path }) => !/^\/v\d\/:project_id/.test(path))
  const answers = await answersOf(service)
  const { microversions: range, prefix } = service
  const shapes = shapeTables(service, answers)
  return [
    `# What \`${prefix}\` takes and gives`,
    '',
    'Written from the schemas that requests are checked with and from what is written down of answers, by `npm run reference`; a test checks that it is',
    `current. A field of several alternatives is required where all of them want it.${range ? ` As of microversion ${range.major}.${range.max}, or the last that has the route.` : ''} All routes: [api.md](../api.md).`,
    '',
    ...told.flatMap((operation) => section(service, operation, answers)),
    ...(shapes.length ? ['## What answers are made of', '', ...shapes] : []),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

/** The file of a service's page below docs/reference/, e.g. `compute-v2.1.md`. */
export const pageName = ({ prefix }: Service): string => `${prefix.slice(1).replaceAll('/', '-')}.md`
