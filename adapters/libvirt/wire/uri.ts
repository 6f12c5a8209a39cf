import type { LineTo } from '../../contract.ts'

/** How one host is reached. */
export interface Way {
  to: { kind: 'unix'; path: string } | { kind: 'tcp' | 'tls'; host: string; port: number }
  /** What the host is asked to open. */
  driver: string
}

const PORTS = { tcp: 16_509, tls: 16_514 }
const SOCKET = '/var/run/libvirt/libvirt-sock'

/**
 * A URI as libvirt's own clients take them (https://libvirt.org/uri.html), of the driver `qemu` alone: `qemu:///system` and
 * `qemu+unix:///system?socket=/path` for a socket of this machine, `qemu+tls://host/system`, `qemu+tcp://host:16509/system`.
 * @returns why it is none, as the end of a sentence
 */
export const readUri = (uri: string): Way | string => {
  if (!URL.canParse(uri)) return 'is not a URI'
  const { protocol, pathname, searchParams, username, password } = new URL(uri)
  const [driver, transport = null] = protocol.slice(0, -1).split('+')
  if (driver !== 'qemu') return `has another driver than qemu`
  if (pathname !== '/system' && pathname !== '/session') return 'ends in neither /system nor /session'
  if (username || password) return 'carries credentials'
  const opened = `qemu://${pathname}`
  const others = [...searchParams.keys()].find((name) => !(name === 'socket' && transport === 'unix'))
  if (others !== undefined) return `has a parameter ${others}, which is not read`
  // The parser keeps the host of a scheme that it does not know as it is.
  const [, host = '', port = ''] = /^[^:]+:\/\/(\[[^\]]*\]|[^:/?]*)(?::(\d+))?/.exec(uri) ?? []
  if (transport === null || transport === 'unix') {
    if (host) return 'names a host, so it needs a transport: qemu+tls or qemu+tcp'
    return { to: { kind: 'unix', path: searchParams.get('socket') ?? SOCKET }, driver: opened }
  }
  if (transport !== 'tls' && transport !== 'tcp') return `has the transport ${transport}, which is not spoken`
  if (!host) return 'names no host'
  const at = { host: host.replace(/^\[|\]$/g, ''), port: Number(port || PORTS[transport]) }
  return { to: { kind: transport, ...at }, driver: opened }
}

/** Whether nobody but this machine can be at the other end. */
export const isLoopback = ({ to }: Way): boolean =>
  to.kind === 'unix' || /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(to.host)

/** Where a line has to lead, with what the client shows of itself. */
export const lineTo = (
  { to }: Way,
  { client_certificate: certificate, client_key: key }: Record<string, string>,
): LineTo => {
  if (to.kind === 'unix') return to
  const { kind, host, port } = to
  return kind === 'tcp'
    ? { kind, host, port }
    : { kind, host, port, client: certificate && key ? { certificate, key } : null }
}
