import * as z from 'zod'
import { openConsole } from '../../broker/compute/stream.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { oneOf } from '../parameters.ts'
import { perVersion } from './fields.ts'
import { serverOf } from './server.ts'

interface Wish {
  remote_console: { protocol: string; type: string }
}
const remoteConsole = z.strictObject({
  protocol: oneOf(['vnc', 'spice', 'rdp', 'serial']),
  type: oneOf(['novnc', 'xvpvnc', 'spice-html5', 'rdp-html5', 'serial']),
})
const withMks = z.strictObject({
  protocol: oneOf(['vnc', 'spice', 'rdp', 'serial', 'mks']),
  type: oneOf(['novnc', 'xvpvnc', 'spice-html5', 'rdp-html5', 'serial', 'webmks']),
})
const wish = perVersion((version) =>
  z.strictObject({ remote_console: version >= 8 ? withMks : remoteConsole }),
) as unknown as (version: number) => z.ZodType<Wish>

/** https://docs.openstack.org/api-ref/compute/#create-console */
export const remoteConsoleOperations: Operation[] = [
  operation<Wish>({
    name: 'remote-console.create',
    method: 'POST',
    path: '/servers/:id/remote-consoles',
    who: 'member',
    summary: 'A URL that opens the screen of a server once. What its cloud does not have is refused with the reason.',
    status: 200,
    since: 6,
    body: wish,
    handle: async (input) => {
      const server = await serverOf(input)
      const { protocol, type } = input.body.remote_console
      const url = await openConsole(input.context, server, { protocol, type, origin: input.origin })
      return { body: { remote_console: { protocol, type, url } } }
    },
  }),
]
