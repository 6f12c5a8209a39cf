import * as z from 'zod'

/** Nova's parameter types (nova/api/validation/parameter_types.py), with the sentences of jsonschema. */
const shown = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? 'None'))
const notInteger = (issue: { input?: unknown }) => `${shown(issue.input)} is not of type 'integer', 'string'`

/** A string of `min` to `max` characters. */
export const text = (min = 0, max = 255) => z.string().min(min).max(max)

/** Printable, without white space at the ends. */
export const name = (max = 255) =>
  text(1, max).refine((value) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(value) && value.trim() === value, {
    error:
      "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end with whitespace.",
  })

/** Text that matches, in the sentence of a pattern. */
export const matching = (pattern: RegExp, max = 255) =>
  text(1, max).regex(pattern, { error: (issue) => `${shown(issue.input)} does not match ${shown(pattern.source)}` })

/** An integer, or the digits of one. */
export const integer = (minimum: number, maximum = 0x7fffffff) =>
  z
    .union(
      [
        z.int(),
        z
          .string()
          .regex(/^-?\d+$/)
          .transform(Number),
      ],
      { error: notInteger },
    )
    .refine((value) => value >= minimum, { error: (issue) => `${issue.input} is less than the minimum of ${minimum}` })
    .refine((value) => value <= maximum, {
      error: (issue) => `${issue.input} is greater than the maximum of ${maximum}`,
    })

const TRUE = ['true', '1', 'on', 'yes']
const FALSE = ['false', '0', 'off', 'no']
/** true, false, or a word for one. */
export const boolean = () =>
  z.union(
    [
      z.boolean(),
      z
        .string()
        .refine((word) => [...TRUE, ...FALSE].includes(word.toLowerCase()))
        .transform((word) => TRUE.includes(word.toLowerCase())),
    ],
    {
      error: (issue) => `${shown(issue.input)} is not one of [True, 'True', 'true', '1', False, 'False', 'false', '0']`,
    },
  )

/** One of some words. */
export const oneOf = <const T extends [string, ...string[]]>(words: T) =>
  z.enum(words, { error: (issue) => `${shown(issue.input)} is not one of [${words.map(shown).join(', ')}]` })

type Query = Record<string, string | undefined>

/** Query keys of an operation. Up to 2.74 others are passed over, from 2.75 on they are refused; `strictFrom` if sooner. */
export const query =
  (names: string[], strictFrom = 75) =>
  (version: number): z.ZodType<Query> => {
    const shape = Object.fromEntries(names.map((each) => [each, z.string().optional()]))
    return version >= strictFrom ? z.strictObject(shape) : z.looseObject(shape)
  }
