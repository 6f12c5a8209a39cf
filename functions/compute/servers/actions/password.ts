import * as z from 'zod'
import { changePassword } from '../../../broker/compute/password.ts'
import { text } from '../../parameters.ts'
import { type Action, action } from './action.ts'

const password = z.strictObject({ adminPass: text(0, 10_000) })

/** https://docs.openstack.org/api-ref/compute/#change-administrative-password-changepassword-action */
export const passwordActions: Action[] = [
  action<z.infer<typeof password>>({
    name: 'changePassword',
    body: password,
    handle: async ({ context }, server, { adminPass }) => {
      await changePassword(context, server, adminPass)
      return undefined
    },
  }),
]
