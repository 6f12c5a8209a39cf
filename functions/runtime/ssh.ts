import { createHash } from 'node:crypto'
import { createConnection, type Socket } from 'node:net'
import ssh2, { type Client, type ClientChannel, type ServerHostKeyAlgorithm } from 'ssh2'
import type { Behind, Line, LineTo, SshServer } from '../../adapters/contract.ts'
import { begun, CONNECT_MS } from './begun.ts'
import { drained } from './drained.ts'
import { lookingUp } from './trusting.ts'

/** Servers that are logged in to at a time. */
const MOST_CONNECTIONS = 512
/** Lines of one connection; more wait. */
const MOST_LINES = 64
/** OpenSSH lets no more than ten commands run on one. */
const MOST_COMMANDS = 8
const MOST_WAITING = 256
/** How long a connection stays on which there is no line. */
const IDLE_MS = 60_000
/** So often a server is asked whether it is there, and so often it may not answer. */
const ALIVE_MS = 15_000
const DEAD_AFTER = 3
/** What is kept of what a command complains of, in characters. */
const MOST_SAID = 1_000

/** A server that is logged in to, with room for so many lines. */
interface Connection {
  client: Client
  /** Where it really leads. */
  address: string
  lines: Room
  commands: Room
  /** What opened last, of several that may: the one that is tried first. */
  opens: Map<string, Behind>
}

const connections = new Map<string, Promise<Connection>>()

/** A line by SSH. All of one server are channels of one connection, which stays for a while when the last of them is closed. */
export const dialBySsh = async (
  to: Extract<LineTo, { kind: 'ssh' }>,
  refused: (address: string) => boolean,
): Promise<Line> => {
  const connection = await connectionTo(to, refused)
  // Somebody else may have been allowed to come here.
  if (refused(connection.address)) throw new Error(`${to.host} leads to a private address.`)
  const key = JSON.stringify(to.behind)
  const last = connection.opens.get(key)
  const failed: string[] = []
  for (const behind of last ? [last, ...to.behind.filter((each) => each !== last)] : to.behind)
    try {
      const line = await open(connection, behind)
      if (to.behind.length > 1) connection.opens.set(key, behind)
      return line
    } catch (error) {
      failed.push(`${nameOf(behind)}: ${error instanceof Error ? error.message : error}`)
    }
  throw new Error(`nothing opens there: ${failed.join('; ')}`)
}

const nameOf = (behind: Behind): string =>
  behind.kind === 'unix' ? behind.path : behind.kind === 'tcp' ? `port ${behind.port}` : 'a command'

const connectionTo = (to: SshServer, refused: (address: string) => boolean): Promise<Connection> => {
  const { host, port, user, key, hostKeys, lasting = false } = to
  // Keys themselves are kept by nobody.
  const name = createHash('sha256')
    .update(JSON.stringify([host, port, user, key, hostKeys, lasting]))
    .digest('hex')
  const known = connections.get(name)
  if (known) return known
  if (connections.size >= MOST_CONNECTIONS) throw new Error(`${MOST_CONNECTIONS} servers are logged in to already`)
  const forget = () => {
    if (connections.get(name) === made) connections.delete(name)
  }
  const made = connect(to, refused, forget)
  connections.set(name, made)
  made.catch(forget)
  return made
}

const connect = async (
  to: SshServer,
  refused: (address: string) => boolean,
  forget: () => void,
): Promise<Connection> => {
  if (!to.key) throw new Error('there is no private key to log in with')
  const key = ssh2.utils.parseKey(to.key.text, to.key.passphrase ?? undefined)
  if (key instanceof Error)
    throw Object.assign(new Error(`the private key cannot be read: ${key.message}`), { code: 'ERR_SSH_LOGIN' })
  const socket = createConnection({ host: to.host, port: to.port, lookup: lookingUp(refused) })
  await begun(socket, 'connect')
  // What breaks while nobody else listens is said by what is closed then.
  socket.on('error', () => {})
  // Small calls, each of which waits for its answer.
  socket.setNoDelay(true)
  const address = socket.remoteAddress ?? ''
  const client = new ssh2.Client()
  await loggedIn(client, socket, to, to.key).catch((error) => {
    client.destroy()
    socket.destroy()
    throw error
  })
  // What breaks ends every line as well, which then says so.
  client.on('error', () => socket.destroy())
  // It said goodbye, and may never hang up.
  client.on('end', () => socket.destroy())
  client.on('close', forget)
  let idle: NodeJS.Timeout | undefined
  const lines = new Room(MOST_LINES, (busy) => {
    clearTimeout(idle)
    if (busy) return socket.ref()
    socket.unref()
    idle = setTimeout(() => {
      forget()
      client.end()
    }, IDLE_MS).unref()
  })
  return { client, address, lines, commands: new Room(MOST_COMMANDS), opens: new Map() }
}

/** By which a server proves that it has a key of a type: never with SHA-1. */
const PROOFS = new Map<string, ServerHostKeyAlgorithm[]>([
  ['ssh-ed25519', ['ssh-ed25519']],
  ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
  ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
  ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
  ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
])

/** A server has keys of several types, and shows one of those that it is asked for. */
const proofsOf = (hostKeys: SshServer['hostKeys']): ServerHostKeyAlgorithm[] => {
  const types = hostKeys.map(({ type }) => type)
  const any = !types.length || types.includes(null)
  return [...PROOFS].flatMap(([type, proofs]) => (any || types.includes(type) ? proofs : []))
}

const loggedIn = (
  client: Client,
  socket: Socket,
  { user, hostKeys }: SshServer,
  key: NonNullable<SshServer['key']>,
): Promise<void> =>
  new Promise((resolve, reject) => {
    let stranger: Error | undefined
    client.once('ready', resolve)
    client.on('error', (error: Error & { level?: string }) => {
      const told = error.level === 'client-authentication' ? { code: 'ERR_SSH_LOGIN' } : {}
      reject(stranger ?? Object.assign(error, told))
    })
    client.once('close', () => reject(stranger ?? new Error('it hung up before anybody was logged in')))
    client.connect({
      sock: socket,
      username: user,
      privateKey: key.text,
      ...(key.passphrase === null ? {} : { passphrase: key.passphrase }),
      algorithms: { serverHostKey: proofsOf(hostKeys) },
      hostVerifier: (offered: Buffer) => {
        const fingerprint = createHash('sha256').update(offered).digest('base64').slice(0, 43)
        if (hostKeys.some((known) => known.fingerprint === fingerprint)) return true
        const type = offered.subarray(4, 4 + offered.readUInt32BE(0)).toString()
        const why = hostKeys.length
          ? 'which is not what host_key says'
          : 'and no host_key says that it is the right one'
        stranger = new Error(`it shows the key ${type} SHA256:${fingerprint}, ${why}`)
        return false
      },
      readyTimeout: CONNECT_MS,
      keepaliveInterval: ALIVE_MS,
      keepaliveCountMax: DEAD_AFTER,
    })
  })

/** So many at a time, in the order in which they come. */
class Room {
  readonly #most: number
  readonly #changed: (busy: boolean) => void
  readonly #waiting: (() => void)[] = []
  #taken = 0

  constructor(most: number, changed: (busy: boolean) => void = () => {}) {
    this.#most = most
    this.#changed = changed
  }

  /** @returns gives it back, once */
  async enter(): Promise<() => void> {
    if (this.#taken >= this.#most) await this.#turn()
    else this.#changed(++this.#taken > 0)
    let left = false
    return () => {
      if (left) return
      left = true
      const next = this.#waiting.shift()
      if (next) next()
      else this.#changed(--this.#taken > 0)
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= MOST_WAITING) return reject(new Error('too many lines wait for their turn'))
      const late = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(mine), 1)
        reject(new Error('no line of the connection became free in time'))
      }, CONNECT_MS)
      const mine = () => {
        clearTimeout(late)
        resolve()
      }
      this.#waiting.push(mine)
    })
  }
}

const open = async ({ client, lines, commands }: Connection, behind: Behind): Promise<Line> => {
  const left = [await lines.enter()]
  const leave = () => {
    for (const each of left.splice(0)) each()
  }
  try {
    if (behind.kind === 'command') left.push(await commands.enter())
    return await opened(client, behind, leave)
  } catch (error) {
    leave()
    throw error
  }
}

const opened = (client: Client, behind: Behind, leave: () => void): Promise<Line> =>
  new Promise((resolve, reject) => {
    let late = false
    const clock = setTimeout(() => {
      late = true
      reject(new Error('it did not open in time'))
    }, CONNECT_MS)
    const done = (error: Error | undefined, channel: ClientChannel) => {
      clearTimeout(clock)
      if (error) reject(error)
      else {
        // At once: what ends it may be told in the same piece.
        channel.on('close', leave)
        const line = lineOver(channel, behind.kind === 'command')
        if (late) line.close()
        else resolve(line)
      }
    }
    if (behind.kind === 'unix') client.openssh_forwardOutStreamLocal(behind.path, done)
    else if (behind.kind === 'tcp') client.forwardOut('127.0.0.1', 0, '127.0.0.1', behind.port, done)
    else client.exec(behind.command, done)
  })

/** Pieces that nobody has taken yet; more are not asked for. */
const MOST_PIECES = 64

const lineOver = (channel: ClientChannel, command: boolean): Line => {
  const came: Uint8Array[] = []
  let complaint = ''
  let ended: number | null = 0
  let over = false
  let wake = () => {}
  const end = () => {
    over = true
    wake()
  }
  channel.on('data', (piece: Buffer) => {
    came.push(piece)
    if (came.length >= MOST_PIECES) channel.pause()
    wake()
  })
  channel.stderr.on('data', (piece: Buffer) => {
    complaint = (complaint + piece).slice(0, MOST_SAID)
  })
  channel.on('exit', (code: number | null) => {
    ended = code
  })
  channel.on('error', () => {})
  channel.stderr.on('error', () => {})
  channel.on('close', end)
  // Of a command it comes before why it ended.
  if (!command) channel.on('end', end)
  return {
    send: (bytes) => void channel.write(bytes),
    drained: () => drained(channel),
    async receive() {
      while (!came.length && !over)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      const piece = came.shift()
      if (!came.length) channel.resume()
      if (piece) return piece
      if (ended === 0) return null
      throw new Error(complaint.trim() || `the command ended with ${ended}`)
    },
    close() {
      came.length = 0
      end()
      channel.removeAllListeners('data')
      channel.resume().close()
    },
  }
}
