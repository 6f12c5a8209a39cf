import * as z from 'zod'
import { changeServer } from '../../../broker/compute/server.ts'
import { note } from '../../../broker/compute/server-action.ts'
import { text } from '../../parameters.ts'
import { perVersion } from '../fields.ts'
import { type Action, action } from './action.ts'

type Lock = { locked_reason?: string } | null
const lock = perVersion((version) =>
  version >= 73 ? z.strictObject({ locked_reason: text(1).optional() }).nullable() : z.unknown().transform(() => null),
) as unknown as (version: number) => z.ZodType<Lock>

/** What is locked only admins may change, but anybody of the project may unlock it. */
export const lockActions: Action[] = [
  action<Lock>({
    name: 'lock',
    body: lock,
    handle: async ({ context }, server, asked) => {
      const set = { locked: true, lockedReason: asked?.locked_reason ?? null }
      await changeServer(context, server, set, 'lock', [note(context, server, 'lock')])
      return undefined
    },
  }),
  action({
    name: 'unlock',
    handle: async ({ context }, server) => {
      const set = { locked: false, lockedReason: null }
      await changeServer(context, server, set, 'unlock', [note(context, server, 'unlock')])
      return undefined
    },
  }),
]
