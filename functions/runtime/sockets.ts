import type { Line } from '../../adapters/contract.ts'
import type { Host } from '../context.ts'
import { CONNECT_MS } from './begun.ts'

/** A socket as Workers have it, as far as it is used (https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/). */
interface Plug {
  opened: Promise<unknown>
  readable: ReadableStream<Uint8Array>
  writable: WritableStream<Uint8Array>
  close(): Promise<unknown>
}
export type Connect = (
  address: { hostname: string; port: number },
  options: { secureTransport: 'on'; allowHalfOpen: false },
) => Plug

/**
 * `Host.dial` for Workers: TLS to a host for which a public authority vouches, to which nothing is shown of the client's. Of all
 * else it says that it cannot. No address is looked at: Workers lead into no private network.
 */
export const dialBy =
  (connect: Connect): NonNullable<Host['dial']> =>
  async (to, trust) => {
    if (to.kind !== 'tls') throw new Error(`Workers reach hosts by TLS alone, and by no way of the kind ${to.kind}`)
    if (to.client) throw new Error('Workers show no certificate of the client’s')
    if (trust) throw new Error('Workers believe public authorities alone, and no authority or fingerprint of their own')
    const plug = connect({ hostname: to.host, port: to.port }, { secureTransport: 'on', allowHalfOpen: false })
    let late: ReturnType<typeof setTimeout> | undefined
    const tooLate = new Promise<never>((_, reject) => {
      late = setTimeout(() => reject(new Error('it did not answer in time')), CONNECT_MS)
    })
    try {
      await Promise.race([plug.opened, tooLate])
    } catch (error) {
      plug.close().catch(() => {})
      throw error
    } finally {
      clearTimeout(late)
    }
    return lineOver(plug)
  }

const lineOver = (plug: Plug): Line => {
  const [reader, writer] = [plug.readable.getReader(), plug.writable.getWriter()]
  return {
    // That it broke is said by what is read.
    send: (bytes) => void writer.write(bytes).catch(() => {}),
    drained: () => writer.ready,
    async receive() {
      const { value, done } = await reader.read()
      return done ? null : value
    },
    close() {
      // What is being read comes to its end.
      reader.cancel().catch(() => {})
      plug.close().catch(() => {})
    },
  }
}
