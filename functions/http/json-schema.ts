import * as z from 'zod'

/** As much of JSON Schema (2020-12) as is said here. */
export interface JsonSchema {
  [word: string]: unknown
  type?: string | string[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
}

/** Built when they are asked for: no request needs them. */
const said = new WeakMap<z.ZodType, () => JsonSchema>()

/** Says what a schema takes that is a program, of which nothing else can be told. Returns the schema as it is. */
export const takes = <S extends z.ZodType>(schema: S, json: () => JsonSchema): S => {
  said.set(schema, json)
  return schema
}

/** What a schema takes, in JSON Schema; `{}` at places of which nothing is said. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const own = said.get(zodSchema as unknown as z.ZodType)
      if (own) Object.assign(jsonSchema, own())
    },
  }) as JsonSchema
  return json
}

/** What one of many actions takes: its name, and the schema of what is below it, or one per microversion; absent: anything. */
export interface ActionTaken {
  name: string
  since?: number | undefined
  until?: number | undefined
  body?: z.ZodType | ((version: number) => z.ZodType) | undefined
}

/** A body that has the name of one action that there is in a version, and what that takes. */
export const oneAction = (actions: ActionTaken[], version: number): JsonSchema => ({
  oneOf: actions
    .filter(({ since = 0, until = Number.POSITIVE_INFINITY }) => version >= since && version <= until)
    .map(({ name, body }) => ({
      type: 'object',
      properties: { [name]: body ? jsonSchemaOf(typeof body === 'function' ? body(version) : body) : {} },
      required: [name],
      additionalProperties: false,
    })),
})

/* Words that schemas are made of. */

/** A text of at most so many characters. */
export const STRING = (most: number): JsonSchema => ({ type: 'string', maxLength: most })
export const ADDRESS: JsonSchema = {
  anyOf: [
    { type: 'string', format: 'ipv4' },
    { type: 'string', format: 'ipv6' },
  ],
}
export const CIDR: JsonSchema = { type: 'string', pattern: '^[0-9A-Fa-f:.]+/[0-9]{1,3}$' }
export const MAC: JsonSchema = { type: 'string', pattern: '^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$' }
export const ID: JsonSchema = { type: 'string', format: 'uuid' }
export const BOOLEAN: JsonSchema = {
  type: ['boolean', 'string', 'integer'],
  enum: [true, false, 'true', 'false', '1', '0', 1, 0],
}
/** A list of such. */
export const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items })
/** Such a value, or null. */
export const orNothing = (json: JsonSchema): JsonSchema => ({ anyOf: [json, { type: 'null' }] })
/** An object of these members and no other; all of them are required, unless it is said which. */
export const objectOf = (properties: Record<string, JsonSchema>, required = Object.keys(properties)): JsonSchema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

export const COUNT: JsonSchema = {
  anyOf: [
    { type: 'integer', minimum: 0 },
    { type: 'string', pattern: '^[+]?[0-9]{1,15}$' },
  ],
}
