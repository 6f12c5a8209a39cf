import type * as z from 'zod'
import { type JsonSchema, jsonSchemaOf } from '../http/json-schema.ts'
import type { Operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { type Answers, answerName } from './answers.ts'
import { type Shape, schemaOf } from './shapes.ts'

/** What is said of one operation in one minor version needs of the document around it. */
export interface Setting {
  service: Service
  answers: Answers
  /** The minor version that is told of. */
  version: number
  /** The path as the document spells it, parameters in braces. */
  path: string
  /** Where a named shape of the answers stands in the document. */
  named(name: string): JsonSchema
}

const at = <T extends object>(schema: T | ((version: number) => T), version: number): T =>
  typeof schema === 'function' ? (schema as (version: number) => T)(version) : schema

const PARAMETER = /:(\w+)(?:\{([^}]*)\})?/g

/** `/servers/:id` as OpenAPI writes it. */
export const templateOf = (path: string): string => path.replace(PARAMETER, '{$1}')

/** The parameters of a path, called as the document calls them; a pattern is one of the whole segment. */
const pathParameters = (path: string, spelt: string): { name: string; pattern: string | undefined }[] => {
  const names = [...spelt.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
  return [...path.matchAll(PARAMETER)].map(([, , pattern], i) => ({ name: names[i]!, pattern }))
}

/** Members of an object, or of each of its alternatives. */
const membersOf = (schema: JsonSchema): [string, JsonSchema, boolean][] => {
  const choices = (schema.anyOf ?? schema.oneOf ?? schema.allOf) as JsonSchema[] | undefined
  if (choices) {
    const all = new Map(choices.flatMap(membersOf).map(([name, inner]) => [name, inner]))
    return [...all].map(([name, inner]) => [name, inner, false])
  }
  const { properties = {}, required = [] } = schema
  return Object.entries(properties).map(([name, inner]) => [name, inner, required.includes(name)])
}

const parametersOf = ({ path, query }: Operation, { version, path: spelt }: Setting): object[] => [
  ...pathParameters(path, spelt).map(({ name, pattern }) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1, ...(pattern ? { pattern: `^${pattern}$` } : {}) },
  })),
  ...(query ? membersOf(jsonSchemaOf(at<z.ZodType>(query, version))) : []).map(([name, schema, required]) => ({
    name,
    in: 'query',
    required,
    schema,
  })),
]

const PATCH = 'application/openstack-images-v2.1-json-patch'

const bodyOf = ({ name, body, raw }: Operation, { version }: Setting): object => {
  if (raw) return { requestBody: { required: true, content: { 'application/octet-stream': {} } } }
  if (!body) return {}
  const type = name === 'image.update' ? PATCH : 'application/json'
  return {
    requestBody: { required: true, content: { [type]: { schema: jsonSchemaOf(at<z.ZodType>(body, version)) } } },
  }
}

/** The schema of a body that is answered; null: there is none, undefined: nothing is known of it. */
const contentOf = (shape: Shape | null | undefined, { version, named }: Setting): object => {
  if (shape === null) return {}
  if (shape === undefined) return { content: { 'application/json': {} } }
  if (typeof shape === 'string' && shape.startsWith('=')) return { content: { [shape.slice(1).split(';')[0]!]: {} } }
  return { content: { 'application/json': { schema: schemaOf(shape, version, named) } } }
}

/** What an operation may be refused with whatever it does. */
const refusalsOf = (
  { name, who, method, path, body, raw, since, until }: Operation,
  { service, answers }: Pick<Setting, 'service' | 'answers'>,
): number[] => [
  400,
  // Who needs no token may still be refused what is shown in place of one.
  401,
  ...(who === 'public' ? [] : [403]),
  // What a body names may be as absent as what a path does.
  ...(path.includes(':') || body || since !== undefined || until !== undefined ? [404] : []),
  ...(service.microversions ? [406] : []),
  ...(method === 'GET' || method === 'HEAD' ? [] : [409]),
  ...(body || raw ? [413, 415] : []),
  429,
  503,
  ...(answers.refusals[answerName(name)] ?? []),
]

/** Statuses of success that are written down, and the one of the table. */
const successesOf = (
  { name, status, method }: Operation,
  { answers }: Pick<Setting, 'answers'>,
): Record<string, Shape | null | undefined> => {
  const written = answers.answers[answerName(name)] ?? {}
  const empty = status === 204 || status === 205 || method === 'HEAD'
  return { ...(empty ? { [status]: null } : { [status]: undefined }), ...written }
}

/** Every status that an operation is said to answer with. */
export const documentedStatuses = (operation: Operation, setting: Pick<Setting, 'service' | 'answers'>): number[] => [
  ...Object.keys(successesOf(operation, setting)).map(Number),
  ...refusalsOf(operation, setting),
]

const responsesOf = (operation: Operation, setting: Setting): object => {
  const refusals = refusalsOf(operation, setting)
  const empty = operation.method === 'HEAD'
  return Object.fromEntries([
    ...Object.entries(successesOf(operation, setting)).map(([status, shape]) => [
      status,
      {
        description: status === '300' ? 'What there is to choose from.' : 'Done.',
        ...contentOf(empty ? null : shape, setting),
      },
    ]),
    ...[...new Set(refusals)]
      .sort()
      .map((status) => [status, { $ref: `#/components/responses/${empty ? 'unsaid' : 'refused'}` }]),
  ])
}

const windowOf = ({ since, until }: Operation, { microversions }: Service): object =>
  microversions && (since !== undefined || until !== undefined)
    ? {
        'x-openstack': {
          'min-ver': `${microversions.major}.${since ?? microversions.min}`,
          'max-ver': `${microversions.major}.${until ?? microversions.max}`,
        },
      }
    : {}

/** What is said of an operation: https://spec.openapis.org/oas/v3.1.1.html#operation-object */
export const operationOf = (operation: Operation, setting: Setting): object => {
  const { name, summary, who } = operation
  const parameters = parametersOf(operation, setting)
  return {
    operationId: `${setting.service.prefix.slice(1).replaceAll('/', '.')}.${name}`,
    tags: [name.split('.')[0]],
    summary,
    description:
      who === 'public' ? 'Needs no token.' : who === 'authenticated' ? 'Needs a token.' : `Needs the role ${who}.`,
    ...windowOf(operation, setting.service),
    ...(who === 'public' ? { security: [] } : {}),
    ...(parameters.length ? { parameters } : {}),
    ...bodyOf(operation, setting),
    responses: responsesOf(operation, setting),
  }
}
