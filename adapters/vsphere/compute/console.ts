import type { ConsoleType, HandedOut, NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { unclear } from '../../shared/refusals.ts'
import { child, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { ourMachine } from '../records/machine.ts'
import { look, text } from '../wire/properties.ts'
import { ref } from '../wire/soap.ts'

const WEBMKS: ConsoleType = { protocol: 'mks', type: 'webmks' }
const HTTPS = '443'

/** The host that shows the screen where the ticket does not name it: the one that the machine runs on. */
const hostName = async ({ vim, connection }: Context, id: string | undefined): Promise<string> => {
  const [found] = id === undefined ? [] : await look(vim, [ref('HostSystem', id)], ['name'])
  return (found && text(found, 'name')) || new URL(connection.endpoint ?? '').hostname
}

/**
 * A ticket opens the screen of a running machine once and soon, from the browser to the host itself
 * (VirtualMachine.AcquireTicket, ticket type `webmks`).
 */
const open = async (context: Context, id: NativeId): Promise<string> => {
  const machine = await ourMachine(context, id)
  if (machine.power !== 'poweredOn') throw new CloudError('conflict', 'Only a server that runs has a screen.')
  const answer = await context.vim.call(machine.ref, 'AcquireTicket', { ticketType: WEBMKS.type })
  const ticket = child(answer, 'returnval')
  const url = textOf(ticket, 'url')
  if (url?.startsWith('wss:')) return url
  const secret = textOf(ticket, 'ticket')
  if (!secret) throw unclear('AcquireTicket', 'the answer has no ticket')
  const host = textOf(ticket, 'host') || (await hostName(context, machine.host))
  const port = textOf(ticket, 'port') || HTTPS
  return `wss://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}/ticket/${encodeURIComponent(secret)}`
}

/** The screen of a server, by way of a ticket for its host. @throws `conflict` while the server is off */
export const remoteConsole = (context: Context): HandedOut => ({
  types: [WEBMKS],
  open: (id) => open(context, id),
})
