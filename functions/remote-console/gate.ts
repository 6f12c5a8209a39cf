import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { CloudError } from '../../adapters/errors.ts'
import { hasRole } from '../auth/policy.ts'
import { Rate } from '../auth/rate.ts'
import { listed, sourceOf } from '../auth/source.ts'
import { withRoles } from '../auth/token.ts'
import { type BroughtConsole, bringConsole, CONSOLES } from '../broker/compute/stream.ts'
import { Refusing } from '../broker/line/refused.ts'
import type { Caller, Host } from '../context.ts'
import { badRequest, Fault, forbidden, tooMany } from '../http/fault.ts'
import { originsOf } from '../http/origin.ts'
import { carry } from './carry.ts'

/** Consoles that are open at a time, in all and of one server. */
const MOST = 256
const MOST_OF_SERVER = 4
/** The longest message that a browser may send, in bytes: what is typed is short, and what is pasted is cut. */
const LONGEST = 131_072
/** noVNC asks for it, and for nothing else. */
const PROTOCOL = 'binary'

/** Where consoles are asked for. */
export interface Gate {
  /** Whether a request is for a console, and for a WebSocket. */
  takes(request: IncomingMessage): boolean
  /** Gives the status of the answer, 101 where there is a WebSocket now; null: its client left before. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<number | null>
  /** Ends all consoles, and opens no more. */
  close(): void
}

const WORTHLESS = 'The token is expired, was used, or is of a server that shows no more consoles.'

/** A request that a WebSocket can be made of (RFC 6455, section 4.2.1): it is asked before a word is used up. */
const isHandshake = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers['sec-websocket-version'] === '13' &&
  /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')

/** Who asked for a console has it while a role is left that it takes to ask. */
const entitled = (asker: Caller, roles: string[]): Caller | null => {
  const caller = withRoles(asker, roles)
  return hasRole(caller, 'member') ? caller : null
}

const isForConsole = ({ url, headers }: IncomingMessage): boolean =>
  (url ?? '').split('?')[0] === `${CONSOLES}/socket` && headers.upgrade?.toLowerCase() === 'websocket'

/** The door to consoles by WebSocket: who comes has a word that is good once, and comes from a page of ours, or from none. @param lookMs how often it is asked whether a console may go on */
export const consoleGate = (host: Host, lookMs?: number): Gate => {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LONGEST,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  })
  const originOf = originsOf(host.settings)
  const trusted = listed(host.settings.trustedProxies)
  const rate = new Rate(host.settings.requestsPerSource)
  const closing = new AbortController()
  const ofServer = new Map<string, number>()
  let open = 0

  /** The word that is asked with. Throws a `Fault` for who may not ask. */
  const wordOf = (request: IncomingMessage): string => {
    const url = `http://${request.headers.host ?? ''}${request.url}`
    const headers = new Headers()
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value))
    const wait = rate.wait(sourceOf(headers, request.socket.remoteAddress, trusted), host.now())
    if (wait > 0) throw tooMany(wait)
    const origin = originOf(url)
    const page = request.headers.origin
    if (page !== undefined && page !== new URL(origin).origin)
      throw forbidden('The page is of another origin than the console.')
    if (!isHandshake(request)) throw badRequest('The request is none for a WebSocket.')
    if (open > MOST) throw new Fault(503, 'Too many consoles are open.')
    return new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('token') ?? ''
  }

  const admit = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<number | null> => {
    const word = wordOf(request)
    const leaving = new AbortController()
    const leave = () => leaving.abort()
    socket.once('close', leave)
    const limit = AbortSignal.any([closing.signal, leaving.signal])
    const busy = (serverId: string) => !takesPlace(serverId, socket)
    const requestId = `req-${host.newId()}`
    const found = await bringConsole(host, word, { limit, busy, entitled, requestId })
    if (!found) throw forbidden(WORTHLESS)
    if (limit.aborted) {
      found.line.close()
      socket.destroy()
      return null
    }
    socket.off('close', leave)
    let met = false
    sockets.handleUpgrade(request, socket, head, (client) => {
      met = true
      void bring(client, found)
    })
    if (!met) found.line.close()
    return met ? 101 : 400
  }

  /** One of the places at the consoles of a server, for as long as the socket is open. Taken before anything is waited for. */
  const takesPlace = (serverId: string, socket: Duplex): boolean => {
    const taken = ofServer.get(serverId) ?? 0
    if (taken >= MOST_OF_SERVER || socket.destroyed) return false
    ofServer.set(serverId, taken + 1)
    socket.once('close', () => {
      const left = (ofServer.get(serverId) ?? 1) - 1
      if (left) ofServer.set(serverId, left)
      else ofServer.delete(serverId)
    })
    return true
  }

  const bring = async (client: WebSocket, { line, stands }: BroughtConsole): Promise<void> => {
    client.on('error', () => {})
    const end = () => client.terminate()
    closing.signal.addEventListener('abort', end)
    await carry(client, line, stands, lookMs)
    closing.signal.removeEventListener('abort', end)
  }

  return {
    takes: isForConsole,
    close: () => closing.abort(),
    upgrade(request, socket, head) {
      // Whoever breaks off is not listened to any more.
      socket.on('error', () => {})
      socket.once('close', () => open--)
      open++
      return admit(request, socket, head).catch((error) => refuse(socket, faultOf(error, host)))
    },
  }
}

const faultOf = (error: unknown, { log }: Host): Fault => {
  if (error instanceof Fault) return error
  if (error instanceof Refusing) return new Fault(409, 'The server has no console now.')
  if (error instanceof CloudError) {
    if (error.detail.operatorMessage) log('warn', 'a console was not opened', { cloud: error.detail.operatorMessage })
    return new Fault(error.code === 'conflict' ? 409 : error.code === 'not_found' ? 404 : 503, error.message)
  }
  log('error', 'a console was not opened', { error: error instanceof Error ? error.stack : String(error) })
  return new Fault(500, 'The server has either erred or is incapable of performing the requested operation.')
}

const refuse = (socket: Duplex, { status, message, headers }: Fault): number => {
  const body = JSON.stringify({ error: { code: status, message } })
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ]
  // Its other side may never leave, and what it sent is read by nobody.
  socket.once('finish', () => socket.destroy())
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
  return status
}
