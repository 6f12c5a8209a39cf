import * as z from 'zod'
import { flavorOnSale } from '../../../../db/queries/compute/flavors.ts'
import { confirmResize, resizeServer, revertResize } from '../../../broker/compute/resize.ts'
import { badRequest } from '../../../http/fault.ts'
import { diskConfig, flavorRef } from '../fields.ts'
import { type Action, action } from './action.ts'

const resize = z.strictObject({ flavorRef: flavorRef(), 'OS-DCF:diskConfig': diskConfig().optional() })

export const resizeActions: Action[] = [
  action<z.infer<typeof resize>>({
    name: 'resize',
    body: resize,
    handle: async ({ context }, server, { flavorRef: id, 'OS-DCF:diskConfig': diskConfig }) => {
      const flavor = await flavorOnSale(context.db, context.scope, id)
      if (!flavor) throw badRequest(`Flavor ${id} could not be found.`)
      await resizeServer(context, server, flavor, diskConfig ? { diskConfig } : {})
      return undefined
    },
  }),
  action({
    name: 'confirmResize',
    handle: async ({ context }, server) => {
      await confirmResize(context, server)
      return { status: 204 }
    },
  }),
  action({
    name: 'revertResize',
    handle: async ({ context }, server) => {
      await revertResize(context, server)
      return undefined
    },
  }),
]
