import type { Brought, ConsoleType, Line, NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { assertOurs } from '../../shared/marks.ts'
import { gone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import type { HostOption } from '../options.ts'
import { type Domain, domainOf } from '../records/domain.ts'
import { partsOf } from '../records/ids.ts'
import { carried, type Host, onHost } from '../wire/host.ts'
import { GET_HOSTNAME, OPEN_CONSOLE } from '../wire/procedures.ts'
import { reachScreen, screenOf } from './screen.ts'

const SCREEN: ConsoleType = { protocol: 'vnc', type: 'novnc' }
const SERIAL: ConsoleType = { protocol: 'serial', type: 'serial' }

/** VIR_DOMAIN_CONSOLE_FORCE: who comes last has it, and nobody is kept out by a console that was left open. */
const TAKEN_OVER = 1
/** So much is on its way to a guest, which may not listen, before it is waited for. */
const AHEAD = 16_384

const hostOf = ({ options }: Context, id: NativeId): HostOption => {
  const found = options.hosts.find(({ name }) => name === id.split('/', 1)[0])
  if (!found) throw gone(id)
  return found
}

/** The machine of a server that is ours and runs. */
const runningOn = async ({ connection }: Context, host: Host, id: NativeId): Promise<Domain> => {
  const domain = await domainOf(host, partsOf(id, 1)[0]!)
  if (!domain) throw gone(id)
  assertOurs(domain.note?.mark, connection.deployment)
  if (domain.ref.id < 0) throw new CloudError('conflict', 'Only a server that runs has a console.')
  return domain
}

/** What a machine says on its first serial port, and hears there. Its log has all of it as well. */
const serialOf = async (host: Host, { ref }: Domain): Promise<Line> => {
  const flow = await host.open(OPEN_CONSOLE, { domain: ref, device: null, flags: TAKEN_OVER }, 'paced')
  let ahead = 0
  return {
    send(bytes) {
      flow.send(bytes)
      ahead += bytes.length
    },
    receive: () => flow.receive(),
    async drained() {
      if (ahead < AHEAD) return
      // It is answered once what was sent before is taken.
      await host.call(GET_HOSTNAME, null)
      ahead = 0
    },
    close() {},
  }
}

/** Screens by VNC, where a host is reached besides its libvirtd, and serial ports by that alone. */
export const remoteConsole = (context: Context): Brought => ({
  types: [SCREEN, SERIAL],
  admit: async (id, { protocol }) => {
    const option = hostOf(context, id)
    return onHost(context, option, async (host) => {
      const domain = await runningOn(context, host, id)
      if (protocol === SCREEN.protocol) await reachScreen(host, domain)
    })
  },
  connect: async (id, { protocol }, limit) => {
    const option = hostOf(context, id)
    return protocol === SCREEN.protocol
      ? onHost(context, option, async (host) => screenOf(context, host, await runningOn(context, host, id), limit))
      : carried(context, option, limit, async (host) => serialOf(host, await runningOn(context, host, id)))
  },
})
