import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { issuedBy, newAuthority } from '../../support/certificates.ts'
import { qcow2 } from '../mixed/disk.ts'
import { lackOf } from '../support/debian.ts'
import type { Ground } from './ground.ts'

/*
 * Suites download images from public hosts, which are not reached where the peers are played. A proxy that programs of theirs are
 * told of answers for those hosts, and for no others, with images of our own: of the format, and about as large.
 */

/** The one of which a suite asks a broker itself to import. */
export const IMPORTED_FROM = 'download.cirros-cloud.net'
/** The hosts, and whether they are asked by https. */
const HOSTS: Record<string, boolean> = {
  [IMPORTED_FROM]: false,
  'releases.rancher.com': true,
  'github.com': true,
}
const SIZE = 13_500_000

const image = (): Uint8Array<ArrayBuffer> => {
  const disk = qcow2(64, 'peers')
  const bytes = new Uint8Array(SIZE)
  bytes.set(disk)
  randomFillSync(bytes, disk.length)
  return bytes
}

const raw = (): Uint8Array<ArrayBuffer> => new Uint8Array(4 * 1024 * 1024)

/** Null: what compresses it is not here. */
const COMPRESSED: [RegExp, () => Uint8Array | null][] = [
  [/\.xz$/, () => spawnSync('xz', ['-c'], { input: raw() }).stdout],
  [/\.zst$/, () => zstdCompressSync(raw())],
]

const answer = (request: IncomingMessage, response: ServerResponse): void => {
  const url = URL.parse(request.url ?? '', `https://${request.headers.host}`)
  const found = url && Object.hasOwn(HOSTS, url.hostname)
  if (!found) return void response.writeHead(502).end('There is no such host.')
  const name = url.pathname.split('/').at(-1)!
  const bytes = (COMPRESSED.find(([ends]) => ends.test(name))?.[1] ?? image)()
  if (bytes === null) return void response.writeHead(502).end(`Nothing here makes ${name}.`)
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename=${name}`,
    'Content-Length': bytes.length,
  })
  response.end(bytes)
}

/** Starts it; gives what a program of Go is told by its environment. */
export const publicHosts = async ({
  broker,
  ends,
}: Pick<Ground, 'broker' | 'ends'>): Promise<Record<string, string>> => {
  const lack = await lackOf('xz', 'xz-utils')
  if (lack) console.log(`Images that end in .xz are not served: ${lack}`)
  const authority = await newAuthority()
  const served = new Map<string, TlsServer>()
  for (const [host, secure] of Object.entries(HOSTS)) {
    if (!secure) continue
    const { certificate, key } = await issuedBy(authority, host)
    served.set(host, createTlsServer({ cert: certificate, key }, answer))
  }
  const proxy = createServer(answer)
  proxy.on('connect', ({ url = '' }: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {})
    const server = served.get(url.split(':')[0]!)
    if (!server) return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    server.emit('connection', socket)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  const address = proxy.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const file = join(broker.folder, 'authority.pem')
  await writeFile(file, authority.certificate)
  return {
    ...{ HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: '127.0.0.1,localhost', SSL_CERT_FILE: file },
    // Where the provider keeps what it downloaded, if nobody says otherwise.
    HOME: broker.folder,
  }
}
