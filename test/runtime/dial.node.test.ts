import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Line } from '../../adapters/contract.ts'
import { dial } from '../../functions/runtime/dial.ts'
import { type Authority, type Issued, issuedBy, newAuthority } from '../support/certificates.ts'

const nothing = () => false
let server: Server | undefined
let authority: Authority
let host: Issued
let client: Issued
beforeAll(async () => {
  authority = await newAuthority()
  host = await issuedBy(authority)
  client = await issuedBy(authority, 'plimsoll')
})
afterEach(() => void server?.close())

/** Says what it is told, and hangs up at `bye`. */
const echo = (socket: Socket) => {
  socket.on('error', () => {})
  socket.on('data', (data: Buffer) => (data.toString() === 'bye' ? socket.end() : socket.write(data)))
}
const listening = async (started: Server, at: { path: string } | { port: number; host: string }): Promise<number> => {
  server = started.listen(at)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
const overTls = () =>
  listening(
    createTlsServer(
      { cert: host.certificate, key: host.key, ca: authority.certificate, requestCert: true, rejectUnauthorized: true },
      echo,
    ),
    { port: 0, host: '127.0.0.1' },
  )

const spoken = async (line: Line): Promise<(string | null)[]> => {
  const said: (string | null)[] = []
  for (const words of ['hello', 'bye']) {
    line.send(new TextEncoder().encode(words))
    const heard = await line.receive()
    said.push(heard && new TextDecoder().decode(heard))
  }
  line.close()
  return said
}

describe('a line', () => {
  it('leads to a socket of the machine, and ends as the other side hangs up', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dial-'))
    const path = join(folder, 'sock')
    await listening(createServer(echo), { path })
    expect(await spoken(await dial({ kind: 'unix', path }, null, nothing))).toEqual(['hello', null])
    await expect(dial({ kind: 'unix', path: join(folder, 'nobody') }, null, nothing)).rejects.toThrow('ENOENT')
    await rm(folder, { recursive: true })
  })

  it('leads to a host that our authority vouches for, with a certificate of our own', async () => {
    const port = await overTls()
    const to = { kind: 'tls', host: 'localhost', port, client } as const
    expect(await spoken(await dial(to, { ca: authority.certificate, fingerprint: null }, nothing))).toEqual([
      'hello',
      null,
    ])
    const fingerprint = host.fingerprint.replaceAll(':', '').toLowerCase()
    expect(await spoken(await dial(to, { ca: null, fingerprint }, nothing))).toEqual(['hello', null])
  })

  it('leads to no host that is another, or that nobody vouches for', async () => {
    const port = await overTls()
    const to = { kind: 'tls', host: 'localhost', port, client } as const
    await expect(dial(to, null, nothing)).rejects.toThrow()
    await expect(dial(to, { ca: null, fingerprint: '0'.repeat(64) }, nothing)).rejects.toThrow('its fingerprint is')
    const other = await newAuthority()
    await expect(dial(to, { ca: other.certificate, fingerprint: null }, nothing)).rejects.toThrow()
  })

  it('leads to no address that is refused, whatever it is called', async () => {
    const port = await listening(createServer(echo), { port: 0, host: '127.0.0.1' })
    const to = { kind: 'tcp', host: 'localhost', port } as const
    await expect(dial(to, null, (address) => /^127\.|^::1$/.test(address))).rejects.toThrow('private')
    expect(await spoken(await dial(to, null, (address) => address === '::1'))).toEqual(['hello', null])
  })

  it('breaks off for who listens when we close it', async () => {
    const port = await listening(createServer(echo), { port: 0, host: '127.0.0.1' })
    const line = await dial({ kind: 'tcp', host: '127.0.0.1', port }, null, nothing)
    const heard = line.receive().catch(() => null)
    line.close()
    expect(await heard).toBeNull()
  })
})
