import * as z from 'zod'
import { dictionary } from '../../http/dictionary.ts'
import { forbidden } from '../../http/fault.ts'

/** What Glance takes of definitions (glance/api/v2/metadef_namespaces.py and its neighbours, their schemas). */

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'] as const
const name = z.string().min(1).max(80)
const texts = z.array(z.string().max(255)).max(1_000)
const count = z.int().min(0)

const property = {
  title: z.string().max(255),
  // Null is in the list of Glance's schema, and is no text, which it asks for as well.
  type: z.enum(TYPES),
  name: name.optional(),
  description: z.string().max(4_096).optional(),
  operators: texts.optional(),
  required: texts.optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: count.optional(),
  minLength: count.optional(),
  pattern: z.string().max(1_024).optional(),
  enum: z.array(z.unknown()).max(1_000).optional(),
  readonly: z.boolean().optional(),
  default: z.unknown().optional(),
  items: z.looseObject({ type: z.enum(TYPES).optional(), enum: z.array(z.unknown()).optional() }).optional(),
  maxItems: count.optional(),
  minItems: count.optional(),
  uniqueItems: z.boolean().optional(),
  additionalItems: z.boolean().optional(),
}
export const propertyFields = z.strictObject({ ...property, name })
const properties = dictionary(name, z.looseObject(property))

const object = {
  name,
  description: z.string().max(500).optional(),
  required: texts.optional(),
  properties: properties.optional(),
}
export const objectFields = z.strictObject(object)

export const tagFields = z.strictObject({ name })
export const tagsFields = z.strictObject({ tags: z.array(tagFields).max(1_000).optional() })

const association = {
  name,
  prefix: z.string().max(80).optional(),
  properties_target: z.string().max(80).optional(),
}
export const associationFields = z.strictObject(association)

export const namespaceFields = z.strictObject({
  namespace: z.string().min(1).max(80),
  display_name: z.string().max(80).optional(),
  description: z.string().max(500).optional(),
  visibility: z.enum(['public', 'private']).optional(),
  protected: z.boolean().optional(),
  owner: z.string().max(255).optional(),
  resource_type_associations: z.array(z.looseObject(association)).max(1_000).optional(),
  properties: properties.optional(),
  objects: z.array(z.looseObject(object)).max(1_000).optional(),
  tags: z.array(z.looseObject({ name })).max(1_000).optional(),
})
export type NamespaceFields = z.infer<typeof namespaceFields>

/** Refuses what Glance keeps to itself before anything else is looked at. */
export const guarded = <T extends z.ZodType>(schema: T, kept: readonly string[]): T =>
  z.preprocess((body) => {
    const name = kept.find((each) => Object.hasOwn(Object(body), each))
    if (name !== undefined) throw forbidden(`Attribute '${name}' is read-only.`)
    return body
  }, schema) as unknown as T
