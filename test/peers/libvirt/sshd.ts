import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finish } from '../support/child.ts'
import type { Libvirtd } from './launch.ts'

/** Keys that people have, by their name: the arguments that make them. */
const LOGINS = {
  ed25519: ['-t', 'ed25519', '-N', ''],
  ecdsa: ['-t', 'ecdsa', '-b', '256', '-N', '', '-m', 'PEM'],
  rsa: ['-t', 'rsa', '-b', '3072', '-N', 'open it'],
} as const
export type Login = keyof typeof LOGINS

/** Debian's sshd on a host, at a port of this machine's loopback. */
export interface Sshd {
  port: number
  /** Its public key, as its `.pub` file has it. */
  hostKey: string
  /** Private keys that it lets in as root. */
  logins: Record<Login, string>
  /** What it says, one line a login, channel and refusal. */
  log(): string
  /** Another line of its configuration, from the next connection on. */
  configure(line: string): Promise<void>
  stop(): Promise<void>
}

/** Each connection is served by an sshd of its own, which begins where the host's files, network and processes are. */
export const serveSsh = async ({ on }: Pick<Libvirtd, 'on'>): Promise<Sshd> => {
  const folder = await mkdtemp(join(tmpdir(), 'sshd-'))
  const [own, authorized, config] = ['host', 'authorized', 'config'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const made = (path: string, ...args: string[]) => finish({ command: 'ssh-keygen', args: ['-q', '-f', path, ...args] })
  await made(own, '-t', 'ed25519', '-N', '')
  for (const [name, args] of Object.entries(LOGINS)) await made(join(folder, name), ...args)
  const read = (name: string) => readFile(join(folder, name), 'utf8')
  const names = Object.keys(LOGINS) as Login[]
  await writeFile(authorized, (await Promise.all(names.map((name) => read(`${name}.pub`)))).join(''))
  // Where it puts those who are not let in yet; Debian makes it as it starts sshd.
  if (!existsSync('/run/sshd')) await mkdir('/run/sshd', { mode: 0o755 })
  let lines = [
    `HostKey ${own}`,
    `AuthorizedKeysFile ${authorized}`,
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'LogLevel DEBUG1',
  ]
  const write = () => writeFile(config, `${lines.join('\n')}\n`)
  await write()
  let said = ''
  const open = new Set<Socket>()
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const [command = '', ...args] = [...on, '/usr/sbin/sshd', '-i', '-e', '-f', config]
    const child = spawn(command, args, { stdio: [socket, socket, 'pipe'] })
    child.stderr?.on('data', (data: Buffer) => {
      said = (said + data).slice(-1_000_000)
    })
    // It has the connection now, and closes it as it ends.
    open.add(socket)
    child.on('close', () => {
      open.delete(socket)
      socket.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: (await read('host.pub')).trim(),
    logins: { ed25519: await read('ed25519'), ecdsa: await read('ecdsa'), rsa: await read('rsa') },
    log: () => said,
    async configure(line) {
      lines = [...lines, line]
      await write()
    },
    async stop() {
      server.close()
      for (const socket of open) socket.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
