import type { Dialect } from '../http/dialects.ts'
import type { JsonSchema } from '../http/json-schema.ts'

/* How each service words a refusal, as `http/dialects.ts` renders it. */

const text: JsonSchema = { type: 'string' }
const code: JsonSchema = { type: 'integer' }
const object = (properties: Record<string, JsonSchema>, required = Object.keys(properties)): JsonSchema => ({
  type: 'object',
  properties,
  required,
})

/** One member, called after the status (nova/api/openstack/wsgi.py, class Fault). */
const wsgi: JsonSchema = {
  type: 'object',
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: object({ code, message: text, title: text, retryAfter: text }, ['code', 'message']),
}
const error = object({ error: object({ code, message: text, title: text }) })

/** The media type and the schema of a refusal; that of images is a page for people. */
export const faultOf = (dialect: Dialect['name']): { type: string; schema: JsonSchema } => {
  const json = (schema: JsonSchema) => ({ type: 'application/json', schema })
  switch (dialect) {
    case 'compute':
    case 'block-storage':
      return json(wsgi)
    case 'identity':
      return json(error)
    case 'network':
      // keystonemiddleware turns away who is not logged in, in its own words.
      return json({ anyOf: [object({ NeutronError: object({ type: text, message: text, detail: text }) }), error] })
    case 'placement':
      return json(
        object({
          errors: {
            type: 'array',
            items: object({ status: code, title: text, detail: text, code: text, request_id: text }),
          },
        }),
      )
    case 'image':
      return { type: 'text/html', schema: text }
    default:
      return json(object({ error: object({ code, title: text, message: text, request_id: text }) }))
  }
}
