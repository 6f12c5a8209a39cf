import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { App } from '../app.ts'
import type { AccessLog } from '../instruments/access-log.ts'
import type { Gate } from '../remote-console/gate.ts'

export interface Patience {
  /** Longest that the bytes of a body may stay away, in milliseconds. */
  silenceMs: number
  /** Longest that a whole body may take, but for image data, which takes as long as its bytes flow. */
  bodyMs: number
}

const PATIENCE: Patience = { silenceMs: 120_000, bodyMs: 300_000 }
/** Headers are few: whoever takes longer for them wants a connection and no answer. */
const HEADERS_MS = 60_000
/**
 * How long a connection is kept for the next request: longer than clients and what stands before a broker keep theirs (90 s, Go's).
 * Whoever closes first must be the one that sends, as what is sent into a connection that was just closed is lost, and said again by no client
 * that cannot know whether it was done.
 */
const IDLE_MS = 95_000

/**
 * The HTTP server of Node over an app. Node itself would cut off every request after five minutes, however fast its body
 * comes in; here a body ends when nothing comes, or when it is no image data and takes too long as a whole.
 * @param isData whether the body of such a request is image data
 * @param access is told of each request that Node can read, before anything is done for it, and of those that want to be WebSockets
 * @param consoles takes what wants to be a WebSocket; whoever wants anything else is answered as if they had not said so
 */
export const serverFor = (
  app: App,
  isData: (method: string, path: string) => boolean,
  hostname: string,
  patience: Patience = PATIENCE,
  consoles?: Gate,
  access?: AccessLog,
) => {
  const server = createAdaptorServer({
    fetch: (request, { incoming, outgoing }) => {
      access?.came(request, outgoing as ServerResponse)
      return app.fetch(request, { peer: incoming.socket.remoteAddress })
    },
    hostname,
    serverOptions: {
      requestTimeout: 0,
      headersTimeout: HEADERS_MS,
      keepAliveTimeout: IDLE_MS,
      shouldUpgradeCallback: (request) => consoles?.takes(request) ?? false,
    },
  })
  if (consoles)
    server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      const status = consoles.upgrade(incoming, socket, head)
      access?.watchSocket(incoming, socket, status)
    })
  // Before the app is asked: it may answer at once, and what is no request to it, as one without a host, never comes there.
  if (access) server.prependListener('request', access.watch)
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const path = (incoming.url ?? '').split('?')[0]!
    const limits = isData(incoming.method ?? '', path) ? { ...patience, bodyMs: Infinity } : patience
    watchBody(incoming, outgoing, limits, () => access?.cut(outgoing))
  })
  return server
}

const watchBody = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { silenceMs, bodyMs }: Patience,
  cut: () => void,
): void => {
  const { headers, socket } = incoming
  if (!headers['transfer-encoding'] && !Number(headers['content-length'])) return
  const began = performance.now()
  let heard = { bytes: socket.bytesRead, at: began }
  const look = setInterval(() => {
    if (incoming.complete) return clearInterval(look)
    const now = performance.now()
    if (socket.bytesRead !== heard.bytes) heard = { bytes: socket.bytesRead, at: now }
    if (now - heard.at < silenceMs && now - began < bodyMs) return
    clearInterval(look)
    cut()
    if (!outgoing.headersSent) socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n')
    socket.destroySoon()
  }, Math.min(silenceMs, bodyMs) / 10)
  incoming.once('close', () => clearInterval(look))
}
