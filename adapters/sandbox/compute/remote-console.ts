import type { Brought, ConsoleType, Line, NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { screenLine } from '../console/rfb.ts'
import { type Terminal, terminal } from '../console/terminal.ts'
import type { Engine } from '../engine.ts'
import { noSuch } from '../errors.ts'
import { refuseForeign } from '../marks.ts'
import { exists } from '../records/entities.ts'
import { powerOf } from './power.ts'

const SCREEN: ConsoleType = { protocol: 'vnc', type: 'novnc' }
const SERIAL: ConsoleType = { protocol: 'serial', type: 'serial' }

const serialLine = (console: Terminal): Line => ({
  send: (bytes) => console.type(new TextDecoder().decode(bytes)),
  async receive() {
    for (;;) {
      const text = await console.more()
      if (text === null) return null
      if (text) return new TextEncoder().encode(text)
    }
  },
  close: console.close,
})

/**
 * What the guest of a server writes, on a serial port and on a screen. It asks who is there, and knows nobody.
 * @param textOf all that it wrote since it booted
 */
export const remoteConsole = (engine: Engine, textOf: (id: NativeId) => Promise<string>): Brought => {
  /** @throws `not_found`, or `conflict` while it is off */
  const running = async (id: NativeId) => {
    const server = await engine.state.lookup('server', id)
    if (!server || !exists(server, engine.now())) throw noSuch('server', id)
    refuseForeign(server, engine.connection)
    if (powerOf(server, engine.now()) !== 'running')
      throw new CloudError('conflict', 'Only a server that runs has a console.')
    return server
  }
  return {
    types: [SCREEN, SERIAL],
    admit: (id) =>
      engine.call('server.remoteConsole', { id }, async () => {
        await running(id)
      }),
    connect: (id, { protocol }, limit) =>
      engine.call('server.connectConsole', { id }, async () => {
        const { name } = await running(id)
        const written = () =>
          running(id).then(
            () => textOf(id),
            () => null,
          )
        const console = terminal(written, limit)
        return protocol === SCREEN.protocol ? screenLine(name, console) : serialLine(console)
      }),
  }
}
