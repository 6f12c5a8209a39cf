import * as z from 'zod'
import { dictionary } from '../http/dictionary.ts'
import { exact } from '../http/times.ts'

/** Cinder's parameter types (cinder/api/validation/parameter_types.py), with the sentences of jsonschema. */
const shown = (value: unknown): string =>
  value === null || value === undefined ? 'None' : typeof value === 'string' ? `'${value}'` : JSON.stringify(value)

const TRUE = ['true', '1', 'on', 'yes', 'y', 't']
const FALSE = ['false', '0', 'off', 'no', 'n', 'f']
/** true, false, or a word for one. */
export const boolean = z.union(
  [
    z.boolean(),
    z
      .string()
      .refine((word) => [...TRUE, ...FALSE].includes(word.toLowerCase()))
      .transform((word) => TRUE.includes(word.toLowerCase())),
  ],
  { error: (issue) => `${shown(issue.input)} is not one of [True, 'True', 'true', '1', False, 'False', 'false', '0']` },
)

export const text = (max = 255) => z.string().max(max)

/** A name or description: white space at the ends goes, null is none. */
export const label = text()
  .transform((value) => value.trim())
  .nullish()

export const uuid = z.string().regex(/^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i, {
  error: (issue) => `${shown(issue.input)} is not a 'uuid'`,
})

/** Whole GiB, as a number or its digits. */
export const size = z
  .union(
    [
      z.int(),
      z
        .string()
        .regex(/^[0-9]+$/)
        .transform(Number),
    ],
    {
      error: (issue) => `${shown(issue.input)} does not match '^[0-9]+$'`,
    },
  )
  .refine((value) => value >= 1, { error: (issue) => `${issue.input} is less than the minimum of 1` })
  .refine((value) => value <= 0x7fffffff, {
    error: (issue) => `${issue.input} is greater than the maximum of 2147483647`,
  })

export const metadata = dictionary(
  z.string().regex(/^[a-zA-Z0-9-_:. /]{1,255}$/, {
    error: (issue) => `${shown(issue.input)} does not match any of the regexes: '^[a-zA-Z0-9-_:. /]{1,255}$'`,
  }),
  text(),
)

/** Extra specs, and what is worded like them: keys of letters, digits and `-_:. `, and texts. */
export const specs = dictionary(
  z.string().regex(/^[a-zA-Z0-9-_:. ]{1,255}$/, {
    error: (issue) => `${shown(issue.input)} does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'`,
  }),
  text(),
)

/** Cinder writes times without a zone, with microseconds; they are UTC. */
export const time = (at: number | null): string | null => (at === null ? null : `${exact(at)}000`)

/** Null until something changed. */
export const changedAt = (row: { createdAt: number; updatedAt: number }): string | null =>
  row.updatedAt > row.createdAt ? time(row.updatedAt) : null
