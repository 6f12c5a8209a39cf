import * as z from 'zod'
import { own } from '../../adapters/table.ts'
import type { Context } from '../context.ts'
import { badRequest, Fault } from '../http/fault.ts'
import { type JsonSchema, jsonSchemaOf, takes } from '../http/json-schema.ts'
import { python } from './attributes.ts'

/** What a body asked for: one resource, or several at once. */
export interface Wishes<T> {
  wishes: T[]
  bulk: boolean
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** More in one request would hold everybody else up: each is checked against all others. */
const MAX_BULK = 100

/** The body of a POST: `{"network": {…}}` or `{"networks": [{…}, …]}`. */
export const oneOrMany = <T>(resource: string, collection: string, schema: z.ZodType<T>): z.ZodType<Wishes<T>> => {
  const body = z.unknown().transform((body) => {
    if (Array.isArray(body)) throw badRequest('Body contains invalid data')
    if (!isObject(body)) throw badRequest('Resource body required')
    const many = body[collection]
    if (many === undefined) return { wishes: [inside(resource, schema, body)], bulk: false }
    if (!Array.isArray(many) || !many.length) throw badRequest('Resources required')
    if (many.length > MAX_BULK)
      throw new Fault(413, `At most ${MAX_BULK} ${collection} are made in one request, and these are ${many.length}.`)
    // Each may have the name of one around it (neutron/api/v2/base.py, `prepare_request_body`).
    const bareOf = (item: unknown) => (isObject(item) ? (own(item, resource) ?? item) : item)
    return { wishes: many.map((item) => inside(resource, schema, { [resource]: bareOf(item) })), bulk: true }
  })
  return takes(body, () => {
    const one = jsonSchemaOf(schema)
    return {
      oneOf: [
        around(resource, one),
        around(collection, { type: 'array', items: one, minItems: 1, maxItems: MAX_BULK }),
      ],
    }
  }) as unknown as z.ZodType<Wishes<T>>
}

/** Whatever else stands beside the name is not looked at. */
const around = (name: string, inner: JsonSchema): JsonSchema => ({
  type: 'object',
  properties: { [name]: inner },
  required: [name],
})

/** The body of a PUT. `fixed` are attributes that the resource has and nobody may change. */
export const changeOf = <T>(resource: string, schema: z.ZodType<T>, fixed: string[] = []): z.ZodType<T> => {
  const body = z.unknown().transform((body) => {
    if (!isObject(body)) throw badRequest('Resource body required')
    const given = body[resource]
    const frozen = isObject(given) ? Object.keys(given).filter((key) => fixed.includes(key)) : []
    if (frozen.length) throw badRequest(`Cannot update read-only attribute ${frozen.join(', ')}`)
    return inside(resource, schema, body)
  })
  return takes(body, () => around(resource, jsonSchemaOf(schema))) as unknown as z.ZodType<T>
}

/** A body without a name around it, as the actions of a router have. */
export const bare = <T>(schema: z.ZodType<T>): z.ZodType<T> =>
  takes(
    z.unknown().transform((body) => inside('body', schema, { body: body ?? {} })),
    () => jsonSchemaOf(schema),
  ) as unknown as z.ZodType<T>

const inside = <T>(resource: string, schema: z.ZodType<T>, body: Record<string, unknown>): T => {
  const given = body[resource]
  if (!isObject(given)) throw badRequest(`Unable to find '${resource}' in request body`)
  const result = schema.safeParse(given)
  if (result.success) return result.data
  // Neutron looks for strangers first, then for what is missing, then at values.
  const { issues } = result.error
  const unknown = issues.find((each) => each.code === 'unrecognized_keys')
  if (unknown?.code === 'unrecognized_keys') throw badRequest(`Unrecognized attribute(s) '${unknown.keys.join(', ')}'`)
  const missing = issues.find((each) => each.code === 'custom' && each.params?.required)
  if (missing) throw badRequest(`Failed to parse request. Required attribute '${missing.path.join('.')}' not specified`)
  const issue = issues[0]!
  if (issue.code === 'custom' && issue.params?.converting)
    throw badRequest(`Invalid input for operation: ${issue.message}.`, 'InvalidInput')
  throw badRequest(`Invalid input for ${issue.path.join('.') || resource}. Reason: ${issue.message}.`)
}

/** Whose a new resource is: the caller's, or another's if an admin says so. */
export const ownerOf = (
  context: Context,
  body: { project_id?: string | undefined; tenant_id?: string | undefined },
): string => {
  const own = context.caller?.projectId ?? ''
  const { project_id, tenant_id } = body
  if (project_id !== undefined && tenant_id !== undefined && project_id !== tenant_id)
    throw badRequest(`'project_id' and 'tenant_id' do not match`)
  const asked = project_id ?? tenant_id ?? own
  if (asked !== own && !context.caller?.isAdmin)
    throw badRequest(
      "Specifying 'project_id' other than the authenticated project in request is not allowed for the current user.",
    )
  if (!asked) throw badRequest(`Invalid input for project_id. Reason: '${python(asked)}' is not a valid string.`)
  return asked
}

/** Gives the parts that are not undefined: what a PUT did not name stays as it is. */
export const given = <T extends object>(set: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)) as never
