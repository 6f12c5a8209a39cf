import * as z from 'zod'
import { deleteServer } from '../../../broker/compute/server.ts'
import { resetServer } from '../../../broker/compute/server-action.ts'
import { oneOf } from '../../parameters.ts'
import { type Action, action } from './action.ts'

const reset = z.strictObject({ state: oneOf(['active', 'error']) })

export const adminActions: Action[] = [
  action<z.infer<typeof reset>>({
    name: 'os-resetState',
    adminRule: 'os-admin-actions:reset_state',
    body: reset,
    handle: async ({ context }, server, { state }) => {
      await resetServer(context, server, state)
      return undefined
    },
  }),
  action({
    name: 'forceDelete',
    handle: async ({ context }, server) => {
      await deleteServer(context, server)
      return undefined
    },
  }),
]
