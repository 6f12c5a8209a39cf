import { z } from 'zod'
import { consoleOutput } from '../../../broker/stream.ts'
import { type Action, action } from './action.ts'

const output = z.strictObject({
  length: z
    .union(
      [
        z.int(),
        z
          .string()
          .regex(/^-?\d+$/)
          .transform(Number),
        z.null(),
      ],
      {
        error: (issue) => `${JSON.stringify(issue.input)} is not of type 'integer', 'string', 'null'`,
      },
    )
    .refine((length) => length === null || length >= -1, {
      error: (issue) => `${issue.input} is less than the minimum of -1`,
    })
    .optional(),
})

/** Control characters that text has no use for, as Nova leaves them out. */
const isText = (char: string): boolean => char >= ' ' || char === '\t' || char === '\n'

export const consoleActions: Action[] = [
  action<z.infer<typeof output>>({
    name: 'os-getConsoleOutput',
    body: output,
    handle: async ({ context }, server, { length }) => {
      const lines = length === undefined || length === null || length < 0 ? null : length
      const text = await consoleOutput(context, server, lines)
      return { status: 200, body: { output: [...text].filter(isText).join('') } }
    },
  }),
]
