import * as z from 'zod'
import { requireState } from '../../../broker/compute/server-action.ts'
import { shelveServer, type Unshelved, unshelveServer } from '../../../broker/compute/shelve.ts'
import { forbidden } from '../../../http/fault.ts'
import { text } from '../../parameters.ts'
import { perVersion } from '../fields.ts'
import { type Action, action } from './action.ts'

const zone = () => text(1, 255)

/** Before 2.77 what stands there is not looked at; from 2.91 a host may be named too, and no zone. */
const unshelve = perVersion((version): z.ZodType<Record<string, unknown> | null> => {
  if (version < 77) return z.unknown().transform(() => null)
  if (version < 91) return z.strictObject({ availability_zone: zone() }).nullable()
  return z
    .strictObject({ availability_zone: zone().nullish(), host: text(1, 255).optional() })
    .refine((given) => Object.keys(given).length > 0, { error: '{} does not have enough properties' })
    .nullable()
})

/** https://docs.openstack.org/api-ref/compute/#shelve-server-shelve-action */
export const shelveActions: Action[] = [
  action({
    name: 'shelve',
    handle: async ({ context }, server) => {
      await shelveServer(context, server)
      return undefined
    },
  }),
  // What is shelved has left its host already.
  action({
    name: 'shelveOffload',
    adminRule: 'os-shelve:shelve_offload',
    handle: ({ context }, server) => {
      requireState(context, server, 'shelveOffload')
      return undefined
    },
  }),
  action({
    name: 'unshelve',
    body: unshelve,
    handle: async ({ context }, server, asked) => {
      const { availability_zone: zone, host } = asked ?? {}
      if (host !== undefined && !context.caller?.isAdmin)
        throw forbidden("Policy doesn't allow os_compute_api:os-shelve:unshelve_to_host to be performed.")
      await unshelveServer(context, server, {
        ...(zone === undefined ? {} : { zone }),
        ...(host === undefined ? {} : { host }),
      } as Unshelved)
      return undefined
    },
  }),
]
