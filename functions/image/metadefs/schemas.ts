/*
 * JSON schemas of definitions, as Glance gives them out (glance/api/v2/metadef_namespaces.py and its neighbours). What is
 * taken is checked by `fields.ts`, which is the same said in another way.
 */

const text = { type: 'string' }
const name = { ...text, maxLength: 80 }
const kept = (what: string) => ({ ...text, readOnly: true, description: what, format: 'date-time' })
const href = { ...text, readOnly: true }
const times = {
  created_at: kept('When it was made'),
  updated_at: kept('When it was changed last'),
}
const TYPE = { ...text, enum: ['array', 'boolean', 'integer', 'number', 'object', 'string', null] }
const count = { $ref: '#/definitions/positiveInteger' }
const countFromNone = { $ref: '#/definitions/positiveIntegerDefault0' }

const property = {
  name,
  title: text,
  description: text,
  operators: { type: 'array', items: text },
  type: TYPE,
  required: { $ref: '#/definitions/stringArray' },
  minimum: { type: 'number' },
  maximum: { type: 'number' },
  maxLength: count,
  minLength: countFromNone,
  pattern: { ...text, format: 'regex' },
  enum: { type: 'array' },
  readonly: { type: 'boolean' },
  default: {},
  items: { type: 'object', properties: { type: TYPE, enum: { type: 'array' } } },
  maxItems: count,
  minItems: countFromNone,
  uniqueItems: { type: 'boolean', default: false },
  additionalItems: { type: 'boolean' },
}

const numbers = {
  positiveInteger: { type: 'integer', minimum: 0 },
  positiveIntegerDefault0: { allOf: [{ $ref: '#/definitions/positiveInteger' }, { default: 0 }] },
  stringArray: { type: 'array', items: text, uniqueItems: true },
}
const definitions = {
  ...numbers,
  property: {
    type: 'object',
    additionalProperties: { type: 'object', required: ['title', 'type'], properties: property },
  },
}
const properties = { $ref: '#/definitions/property' }
const required = { $ref: '#/definitions/stringArray' }

const association = { name: text, prefix: text, properties_target: text }

interface Shape {
  name: string
  properties: object
  required: string[]
  definitions?: object
}

const namespace: Shape = {
  name: 'namespace',
  required: ['namespace'],
  definitions,
  properties: {
    namespace: { ...name, description: 'The unique name' },
    display_name: { ...name, description: 'The name that people are shown' },
    description: { ...text, maxLength: 500, description: 'What it is about' },
    visibility: { ...text, enum: ['public', 'private'], description: 'Who may see it' },
    protected: { type: 'boolean', description: 'Whether it is kept from being deleted' },
    owner: { ...text, maxLength: 255, description: 'The project whose it is' },
    ...times,
    schema: href,
    self: href,
    resource_type_associations: { type: 'array', items: { type: 'object', properties: association } },
    properties,
    objects: {
      type: 'array',
      items: { type: 'object', properties: { name: text, description: text, required, properties } },
    },
    tags: { type: 'array', items: { type: 'object', properties: { name: text } } },
  },
}

const object: Shape = {
  name: 'object',
  required: ['name'],
  definitions,
  properties: { name, description: text, required, properties, schema: href, self: href, ...times },
}

const single: Shape = {
  name: 'property',
  required: ['type', 'title', 'name'],
  definitions: numbers,
  properties: property,
}

const tag: Shape = { name: 'tag', required: ['name'], properties: { name, ...times } }

const type: Shape = {
  name: 'resource_type_association',
  required: ['name'],
  properties: {
    name: { ...name, description: 'A type of resources, as Heat calls it' },
    prefix: { ...name, description: 'What stands before the names of properties where they are said of that type' },
    properties_target: { ...name, description: 'Which of several dictionaries of that type they are said in' },
    ...times,
  },
}

const link = (rel: string) => ({ rel, href: `{${rel === 'describedby' ? 'schema' : rel}}` })

/** A page of them; `properties` of a namespace are a dictionary. */
const listOf = ({ definitions: shared, ...item }: Shape, plural: string) => {
  const one = { ...item, additionalProperties: false }
  const items = plural === 'properties' ? { type: 'object', additionalProperties: one } : { type: 'array', items: one }
  return {
    name: plural,
    properties: { [plural]: items, first: text, next: text, schema: text },
    links: [link('first'), link('next'), link('describedby')],
    ...(shared ? { definitions: shared } : {}),
  }
}
const one = (shape: Shape) => ({ ...shape, additionalProperties: false })

/** By the path below `/v2/schemas/`. */
export const METADEF_SCHEMAS = {
  'metadefs/namespace': one(namespace),
  'metadefs/namespaces': listOf(namespace, 'namespaces'),
  'metadefs/object': one(object),
  'metadefs/objects': listOf(object, 'objects'),
  'metadefs/property': one(single),
  'metadefs/properties': listOf({ ...single, required: ['type', 'title'] }, 'properties'),
  'metadefs/tag': one(tag),
  'metadefs/tags': listOf(tag, 'tags'),
  'metadefs/resource_type': one(type),
  'metadefs/resource_types': listOf(type, 'resource_type_associations'),
}
