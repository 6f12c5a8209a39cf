import * as z from 'zod'
import { consoleOutput, openConsole } from '../../../broker/compute/stream.ts'
import { oneOf } from '../../parameters.ts'
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

/** Up to 2.5 each protocol had an action of its own. */
const opening = (name: string, protocol: string, types: [string, ...string[]]): Action =>
  action<{ type: string }>({
    name,
    until: 5,
    body: z.strictObject({ type: oneOf(types) }),
    handle: async ({ context, origin }, server, { type }) => ({
      status: 200,
      body: { console: { type, url: await openConsole(context, server, { protocol, type, origin }) } },
    }),
  })

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
  opening('os-getVNCConsole', 'vnc', ['novnc', 'xvpvnc']),
  opening('os-getSPICEConsole', 'spice', ['spice-html5']),
  opening('os-getRDPConsole', 'rdp', ['rdp-html5']),
  opening('os-getSerialConsole', 'serial', ['serial']),
]
