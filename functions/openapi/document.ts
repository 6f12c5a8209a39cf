import type { JsonSchema } from '../http/json-schema.ts'
import type { Operation } from '../http/operation.ts'
import type { Service } from '../http/service.ts'
import { answersOf } from './answers.ts'
import { faultOf } from './faults.ts'
import { operationOf, type Setting, templateOf } from './operations.ts'
import { schemaOf } from './shapes.ts'

/**
 * The OpenAPI document of the services below one name. Without `minor` every operation is told of as it is in the newest
 * version that has it; with it, as that version has it, without those that it has not.
 */
export const documentOf = async (services: Service[], minor?: number): Promise<object> => {
  const schemas = new Map<string, JsonSchema>()
  const paths = new Map<string, Record<string, unknown>>()
  const spellings = new Map<string, string>()
  for (const service of services) {
    const answers = await answersOf(service)
    for (const operation of service.operations) {
      const version = versionOf(service, operation, minor)
      if (version === null) continue
      const named = namedIn(schemas, service, version, answers.shapes)
      const path = spelt(spellings, service.prefix + templateOf(operation.path) || '/')
      const said = operationOf(operation, { service, answers, version, path, named })
      paths.set(path, { ...paths.get(path), [operation.method.toLowerCase()]: said })
    }
  }
  const [first] = services
  const range = services.find(({ microversions }) => microversions)?.microversions
  const fault = faultOf(first!.dialect.name)
  return {
    openapi: '3.1.0',
    info: {
      title: `Plimsoll: ${first!.prefix.split('/')[1]}`,
      version: range ? `${range.major}.${minor ?? range.max}` : '1',
      description: 'Written from the operations that answer, and from the schemas that they check requests with.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
      responses: {
        refused: { description: 'Refused, with the reason.', content: { [fault.type]: { schema: fault.schema } } },
        unsaid: { description: 'Refused.' },
      },
      schemas: Object.fromEntries(schemas),
    },
  }
}

/** The minor version in which an operation is told of; null: that version does not have it. */
const versionOf = ({ microversions }: Service, { since, until }: Operation, minor?: number): number | null => {
  if (!microversions) return 0
  if (minor === undefined) return Math.min(until ?? microversions.max, microversions.max)
  return minor < (since ?? 0) || minor > (until ?? Number.POSITIVE_INFINITY) ? null : minor
}

/** Refers to a shape, which is put among the schemas the first time; one of an older version is called after it. */
const namedIn = (
  schemas: Map<string, JsonSchema>,
  service: Service,
  version: number,
  shapes: Setting['answers']['shapes'],
) => {
  const newest = service.microversions?.max ?? 0
  const named = (name: string): JsonSchema => {
    const key = version === newest ? name : `${name}-${service.microversions?.major}.${version}`
    if (!schemas.has(key)) {
      schemas.set(key, {})
      schemas.set(key, schemaOf(shapes[name] ?? 'any', version, named))
    }
    return { $ref: `#/components/schemas/${key}` }
  }
  return named
}

/** Two templates that differ in the names of their parameters alone are one path: the first one's spelling. */
const spelt = (known: Map<string, string>, path: string): string => {
  const bare = path.replace(/\{\w+\}/g, '{}')
  const spelling = known.get(bare) ?? path
  known.set(bare, spelling)
  return spelling
}
