import * as z from 'zod'
import { rescueServer, unrescueServer } from '../../../broker/compute/rescue.ts'
import { text } from '../../parameters.ts'
import { newPassword, uuid } from '../fields.ts'
import { type Action, action } from './action.ts'

const rescue = z.strictObject({ adminPass: text(0, 10_000).optional(), rescue_image_ref: uuid().optional() }).nullable()

/** https://docs.openstack.org/api-ref/compute/#rescue-server-rescue-action */
export const rescueActions: Action[] = [
  action<z.infer<typeof rescue>>({
    name: 'rescue',
    body: rescue,
    handle: async ({ context, version }, server, asked) => {
      await rescueServer(context, server, asked?.rescue_image_ref ?? null, version >= 87)
      return { status: 200, body: { adminPass: asked?.adminPass ?? newPassword() } }
    },
  }),
  action({
    name: 'unrescue',
    handle: async ({ context }, server) => {
      await unrescueServer(context, server)
      return undefined
    },
  }),
]
