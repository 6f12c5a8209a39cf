import type { Behind, HostKey, LineTo } from '../../contract.ts'

/** How one host is reached. */
export interface Way {
  to:
    | { kind: 'unix'; path: string }
    | { kind: 'tcp' | 'tls'; host: string; port: number }
    | {
        kind: 'ssh'
        host: string
        port: number
        user: string
        hostKeys: HostKey[]
        behind: Behind[]
        lasting?: boolean
      }
  /** What the host is asked to open. */
  driver: string
}

const PORTS = { tcp: 16_509, tls: 16_514, ssh: 22 }
const SOCKET = '/var/run/libvirt/libvirt-sock'
/** Where each of libvirt's drivers is a daemon of its own. */
const SOCKET_OF_QEMU = '/var/run/libvirt/virtqemud-sock'
/** What a path of a socket may be, which becomes part of a command. */
const PLAIN_PATH = /^\/[\w./@:+-]{1,106}$/
const USER = /^[a-z_][\w.-]{0,63}$/i

/** The socket where SSH lets us reach it, or else what libvirt's own clients would run there; of a session the host alone knows where it is. */
const behindSsh = (driver: string, socket: string | null): Behind[] => {
  const by = (path: string): Behind => ({ kind: 'unix', path })
  const command = (words: string): Behind => ({ kind: 'command', command: `sh -c '${words}'` })
  if (socket !== null) return [by(socket), command(`exec nc -U ${socket}`)]
  const helper = `command -v virt-ssh-helper >/dev/null 2>&1 && exec virt-ssh-helper ${driver}`
  if (driver === 'qemu:///session') return [command(`${helper}; echo there is no virt-ssh-helper >&2; exit 1`)]
  return [by(SOCKET), by(SOCKET_OF_QEMU), command(`${helper}; exec nc -U ${SOCKET}`)]
}

/**
 * A URI as libvirt's own clients take them (https://libvirt.org/uri.html), of the driver `qemu` alone: `qemu:///system` and
 * `qemu+unix:///system?socket=/path` for a socket of this machine, `qemu+tls://host/system`, `qemu+tcp://host:16509/system`,
 * `qemu+ssh://user@host/system`.
 * @param hostKeys those by which a host is known that is reached by SSH
 * @returns why it is none, as the end of a sentence
 */
export const readUri = (uri: string, hostKeys: HostKey[] = []): Way | string => {
  if (!URL.canParse(uri)) return 'is not a URI'
  const { protocol, pathname, searchParams, username, password } = new URL(uri)
  const [driver, transport = null] = protocol.slice(0, -1).split('+')
  if (driver !== 'qemu') return `has another driver than qemu`
  if (pathname !== '/system' && pathname !== '/session') return 'ends in neither /system nor /session'
  if (password || (username && transport !== 'ssh')) return 'carries credentials'
  const opened = `qemu://${pathname}`
  const isRead = (name: string) => name === 'socket' && (transport === 'unix' || transport === 'ssh')
  const others = [...searchParams.keys()].find((name) => !isRead(name))
  if (others !== undefined) return `has a parameter ${others}, which is not read`
  // The parser keeps the host of a scheme that it does not know as it is.
  const [, host = '', port = ''] = /^[^:]+:\/\/(?:[^@/?]*@)?(\[[^\]]*\]|[^:/?]*)(?::(\d+))?/.exec(uri) ?? []
  if (transport === null || transport === 'unix') {
    if (host) return 'names a host, so it needs a transport: qemu+ssh, qemu+tls or qemu+tcp'
    return { to: { kind: 'unix', path: searchParams.get('socket') ?? SOCKET }, driver: opened }
  }
  if (transport !== 'tls' && transport !== 'tcp' && transport !== 'ssh')
    return `has the transport ${transport}, which is not spoken`
  if (!host) return 'names no host'
  const at = { host: host.replace(/^\[|\]$/g, ''), port: Number(port || PORTS[transport]) }
  if (transport !== 'ssh') return { to: { kind: transport, ...at }, driver: opened }
  const socket = searchParams.get('socket')
  if (!USER.test(username)) return 'names no user to log in as, as in qemu+ssh://user@host/system'
  if (socket !== null && !PLAIN_PATH.test(socket)) return 'names a socket by more than a plain path'
  return { to: { kind: 'ssh', ...at, user: username, hostKeys, behind: behindSsh(opened, socket) }, driver: opened }
}

/** Whether nobody but this machine can be at the other end. */
export const isLoopback = ({ to }: Way): boolean =>
  to.kind === 'unix' || /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(to.host)

type Secrets = Record<string, string>

const sshTo = (to: Extract<Way['to'], { kind: 'ssh' }>, { private_key: text, passphrase }: Secrets): LineTo => ({
  ...to,
  key: text ? { text, passphrase: passphrase || null } : null,
})

/** Where a line has to lead, with what the client shows of itself. @param lasting it is for somebody who stays */
export const lineTo = ({ to }: Way, secrets: Secrets, lasting = false): LineTo => {
  if (to.kind === 'unix') return to
  if (to.kind === 'ssh') return sshTo({ ...to, lasting }, secrets)
  const { kind, host, port } = to
  if (kind === 'tcp') return { kind, host, port }
  const { client_certificate: certificate, client_key: key } = secrets
  return { kind, host, port, client: certificate && key ? { certificate, key } : null }
}

/** What is on a host beside libvirt: a socket there, or a port of its loopback. */
export type There = { path: string } | { port: number }

/** Where a line to that has to lead; null: by this way nothing but libvirt is reached. */
export const lineBeside = ({ to }: Way, secrets: Secrets, there: There): LineTo | null => {
  const behind: Behind = 'path' in there ? { kind: 'unix', ...there } : { kind: 'tcp', ...there }
  if (to.kind === 'ssh') return sshTo({ ...to, behind: [behind], lasting: true }, secrets)
  if (to.kind === 'unix') return behind.kind === 'unix' ? behind : { ...behind, host: '127.0.0.1' }
  return null
}
