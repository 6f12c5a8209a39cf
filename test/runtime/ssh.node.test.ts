import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import ssh2, { type Connection } from 'ssh2'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readHostKey } from '../../adapters/libvirt/wire/host-key.ts'
import type { Behind, Line } from '../../adapters/surroundings.ts'
import { dial } from '../../functions/runtime/dial.ts'

const { utils } = ssh2
const nothing = () => false
const ed25519 = () => utils.generateKeyPairSync('ed25519')
const known = (text: string) => {
  const key = readHostKey(text)
  if (typeof key === 'string') throw new Error(key)
  return key
}

let hostKey: ReturnType<typeof ed25519>
let login: ReturnType<typeof ed25519>
beforeAll(() => {
  hostKey = ed25519()
  login = ed25519()
})

let server: ssh2.Server | undefined
const clients: Connection[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.end()
  server?.close()
})

interface Started {
  port: number
  /** Names of those who asked to be let in, once a connection. */
  asked: string[]
  run: string[]
}

/** A server that knows one key, and says back what it is told behind a socket and a command. */
const serving = async ({ sockets = true } = {}): Promise<Started> => {
  const started: Started = { port: 0, asked: [], run: [] }
  const mine = utils.parseKey(login.public)
  const keyOfMine = mine instanceof Error ? Buffer.alloc(0) : mine.getPublicSSH()
  server = new ssh2.Server({ hostKeys: [hostKey.private], ident: 'OpenSSH_9.2' }, (client) => {
    clients.push(client)
    client.on('error', () => {})
    client.on('authentication', (attempt) => {
      if (attempt.method !== 'publickey' || !attempt.key.data.equals(keyOfMine)) return attempt.reject(['publickey'])
      if (attempt.signature) started.asked.push(attempt.username)
      attempt.accept()
    })
    client.on('openssh.streamlocal' as 'tcpip', (accept, reject, info) => {
      const { socketPath } = info as unknown as { socketPath: string }
      if (!sockets || socketPath !== '/run/echo') return reject()
      const channel = accept()
      channel.on('data', (data: Buffer) => channel.write(data))
    })
    client.on('session', (accept) =>
      accept().on('exec', (take, _, { command }) => {
        started.run.push(command)
        const channel = take()
        if (command === 'fail') {
          channel.stderr.write('there is no such program\n')
          channel.exit(127)
          return channel.end()
        }
        channel.on('data', (data: Buffer) => channel.write(data))
      }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  started.port = (server.address() as AddressInfo).port
  return started
}

const to = (port: number, hostKeys: string[], behind: Behind[], key = login.private) => ({
  kind: 'ssh' as const,
  host: 'localhost',
  port,
  user: 'plimsoll',
  key: { text: key, passphrase: null },
  hostKeys: hostKeys.map(known),
  behind,
})
const SOCKET: Behind = { kind: 'unix', path: '/run/echo' }
const COMMAND: Behind = { kind: 'command', command: 'nc -U /run/echo' }

const echoed = async (line: Line, words: string): Promise<string> => {
  line.send(new TextEncoder().encode(words))
  const heard = await line.receive()
  return new TextDecoder().decode(heard ?? new Uint8Array())
}

describe('a line by SSH', () => {
  it('leads to a socket of a host whose key is known, and shares a connection with others', async () => {
    const { port, asked } = await serving()
    const lines = await Promise.all([1, 2, 3].map(() => dial(to(port, [hostKey.public], [SOCKET]), null, nothing)))
    expect(await Promise.all(lines.map((line, i) => echoed(line, `hello ${i}`)))).toEqual([
      'hello 0',
      'hello 1',
      'hello 2',
    ])
    expect(asked).toEqual(['plimsoll'])
    for (const line of lines) line.close()
    expect(await lines[0]!.receive()).toBeNull()
    await expect(dial(to(port, [hostKey.public], [SOCKET]), null, () => true)).rejects.toThrow('private')
  })

  it('leads to nobody whose key is another, or not known at all, and says which key was shown', async () => {
    const { port, asked, run } = await serving()
    const shown = `ssh-ed25519 SHA256:${known(hostKey.public).fingerprint}`
    const other = `SHA256:${known(ed25519().public).fingerprint}`
    await expect(dial(to(port, [other], [SOCKET, COMMAND]), null, nothing)).rejects.toThrow(
      `it shows the key ${shown}, which is not what host_key says`,
    )
    await expect(dial(to(port, [], [SOCKET, COMMAND]), null, nothing)).rejects.toThrow(
      `it shows the key ${shown}, and no host_key says`,
    )
    expect([asked, run]).toEqual([[], []])
    const line = await dial(to(port, [`SHA256:${known(hostKey.public).fingerprint}`], [SOCKET]), null, nothing)
    expect(await echoed(line, 'hello')).toBe('hello')
    line.close()
  })

  it('is refused as a login where the server does not know our key', async () => {
    const { port } = await serving()
    const call = dial(to(port, [hostKey.public], [SOCKET], ed25519().private), null, nothing)
    await expect(call).rejects.toMatchObject({ code: 'ERR_SSH_LOGIN' })
    const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    await expect(dial(to(port, [hostKey.public], [SOCKET], pkcs8), null, nothing)).rejects.toThrow(
      'the private key cannot be read',
    )
  })

  it('goes through a command where the server opens no sockets, and tells what that complains of', async () => {
    const { port, run } = await serving({ sockets: false })
    const line = await dial(to(port, [hostKey.public], [SOCKET, COMMAND]), null, nothing)
    expect([await echoed(line, 'hello'), run]).toEqual(['hello', ['nc -U /run/echo']])
    line.close()
    await expect(dial(to(port, [hostKey.public], [SOCKET]), null, nothing)).rejects.toThrow('nothing opens there')
    const failing = await dial(to(port, [hostKey.public], [{ kind: 'command', command: 'fail' }]), null, nothing)
    await expect(failing.receive()).rejects.toThrow('there is no such program')
  })

  it('ends when the server goes, and is made anew afterwards', async () => {
    const { port, asked } = await serving()
    const line = await dial(to(port, [hostKey.public], [SOCKET]), null, nothing)
    const heard = line.receive().catch(() => null)
    clients.at(-1)!.end()
    expect(await heard).toBeNull()
    const again = await dial(to(port, [hostKey.public], [SOCKET]), null, nothing)
    expect([await echoed(again, 'hello'), asked.length]).toEqual(['hello', 2])
    again.close()
  })
})
