import { createHash } from 'node:crypto'
import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Agent } from 'undici'
import type { Host, Trust } from '../context.ts'

/**
 * `Host.trusting` for Node. A name is resolved once, and the connection goes to an address that was looked at; the
 * certificate is looked at before the first byte of a request.
 */
export const trusting: NonNullable<Host['trusting']> = (trust, refused) => {
  let own: Promise<Agent> | undefined
  return async (input, init) => {
    // Read when it is first needed: most brokers never need it.
    const { fetch } = await import('./undici.ts')
    own ??= trust ? agentFor(trust, refused) : sharedAgent(refused)
    const dispatcher = await own
    const given = input instanceof Request ? await inParts(input) : { url: String(input) }
    const { url, ...parts } = given
    return fetch(url, { ...parts, ...init, dispatcher } as Parameters<typeof fetch>[1]) as unknown as Promise<Response>
  }
}

/** Connections that believe the public authorities are shared by all who refuse the same addresses. */
const shared = new WeakMap<(address: string) => boolean, Promise<Agent>>()
const sharedAgent = (refused: (address: string) => boolean): Promise<Agent> => {
  const agent = shared.get(refused) ?? agentFor(null, refused)
  shared.set(refused, agent)
  return agent
}

/** A request of the runtime's own `fetch` is not one of another. */
const inParts = async (request: Request) => ({
  url: request.url,
  method: request.method,
  headers: [...request.headers],
  signal: request.signal,
  ...(request.body ? { body: new Uint8Array(await request.arrayBuffer()) } : {}),
})

const agentFor = async (trust: Trust | null, refused: (address: string) => boolean): Promise<Agent> => {
  const fingerprint = trust?.fingerprint ?? null
  const { Agent, buildConnector } = await import('./undici.ts')
  const connect = buildConnector({
    lookup: lookingUp(refused),
    // A resumed session would not show its certificate again.
    ...(trust ? { maxCachedSessions: 0 } : {}),
    ...(fingerprint !== null ? { rejectUnauthorized: false } : trust ? { ca: trust.ca ?? [] } : {}),
  })
  return new Agent({
    connect: (options, callback) =>
      connect(options, (...[error, socket]) => {
        if (error) return callback(error, null)
        const fault = fingerprint === null ? null : differenceFrom(fingerprint, socket)
        if (!fault) return callback(null, socket)
        socket.destroy()
        callback(fault, null)
      }),
  })
}

/** Why a connection is not to the one certificate. @returns null if it is */
export const differenceFrom = (fingerprint: string, socket: object): Error | null => {
  const raw = 'getPeerCertificate' in socket ? (socket as TLSSocket).getPeerCertificate().raw : undefined
  const seen = raw ? createHash('sha256').update(raw).digest('hex') : null
  if (seen === fingerprint) return null
  const shown = seen ? `its fingerprint is ${seen.match(/../g)!.join(':').toUpperCase()}` : 'it shows none'
  return Object.assign(new Error(shown), { code: 'ERR_TLS_FINGERPRINT' })
}

/** Resolves names to the addresses that are not refused. */
export const lookingUp =
  (refused: (address: string) => boolean): LookupFunction =>
  (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[] = []) => {
      const [first, ...others] = addresses.filter(({ address }) => !refused(address))
      if (error) callback(error, '')
      else if (!first) callback(new Error(`${hostname} leads to a private address.`), '')
      else if (options.all) callback(null, [first, ...others])
      else callback(null, first.address, first.family)
    })
