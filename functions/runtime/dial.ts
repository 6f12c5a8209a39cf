import { createConnection, type Socket } from 'node:net'
import { connect } from 'node:tls'
import type { Line } from '../../adapters/contract.ts'
import type { Host, Trust } from '../context.ts'
import { begun } from './begun.ts'
import { drained } from './drained.ts'
import { differenceFrom, lookingUp } from './trusting.ts'

/**
 * `Host.dial` for Node: sockets of this machine, TCP, TLS with a certificate of the client's own, and SSH. The host's
 * certificate or key is looked at before the first byte is sent.
 */
export const dial: NonNullable<Host['dial']> = async (to, trust, refused) => {
  // Read when it is first needed: most brokers never need it.
  if (to.kind === 'ssh') return (await import('./ssh.ts')).dialBySsh(to, refused)
  const lookup = lookingUp(refused)
  const [socket, ready] =
    to.kind === 'unix'
      ? [createConnection({ path: to.path }), 'connect']
      : to.kind === 'tcp'
        ? [createConnection({ host: to.host, port: to.port, lookup }), 'connect']
        : [
            connect({
              host: to.host,
              port: to.port,
              lookup,
              // A name for an address is none, and Node says so.
              ...(/[a-z]/i.test(to.host) && !to.host.includes(':') ? { servername: to.host } : {}),
              ...(to.client ? { cert: to.client.certificate, key: to.client.key } : {}),
              ...trusted(trust),
            }),
            'secureConnect',
          ]
  await begun(socket, ready)
  const fault = trust?.fingerprint ? differenceFrom(trust.fingerprint, socket) : null
  if (!fault) return lineOver(socket)
  socket.destroy()
  throw fault
}

const trusted = (trust: Trust | null) =>
  trust?.fingerprint ? { rejectUnauthorized: false } : trust?.ca ? { ca: trust.ca } : {}

const lineOver = (socket: Socket): Line => {
  // An error ends the iteration too; nobody may be listening by then.
  socket.on('error', () => {})
  const pieces = socket[Symbol.asyncIterator]()
  return {
    send: (bytes) => void socket.write(bytes),
    drained: () => drained(socket),
    async receive() {
      const { value, done } = await pieces.next()
      return done ? null : (value as Uint8Array)
    },
    close: () => void socket.destroy(),
  }
}
