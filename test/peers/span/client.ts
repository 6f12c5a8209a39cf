import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { patience } from '../support/patiently.ts'
import { pythonWith } from '../support/python.ts'

/** Programs that rent machines, unmodified, each in a Python of its own: their requirements contradict each other. */
export const CLIENTS = {
  nodepool: ['nodepool==11.0.0', 'cachetools==6.2.2'],
  // Its library for REST stumbles over a newer async-timeout.
  tardis: ['cobald-tardis==0.9.0', 'async-timeout<4'],
  buildbot: ['buildbot==4.3.0', 'buildbot-worker==4.3.0', 'python-novaclient==18.13.0', 'openstacksdk==4.22.0'],
  dask: ['dask-cloudprovider==2025.9.0', 'openstacksdk==4.22.0'],
} as const satisfies Record<string, readonly string[]>

export type ClientName = keyof typeof CLIENTS

/** What a client is told of the one network, image, flavor, key and group that it names. */
export interface Wish {
  folder: string
  /** Free for servers of its own. */
  port: number
  name: string
  auth_url: string
  region: string
  credential: { id: string; secret: string }
  image: string
  image_id: string
  flavor: string
  flavor_id: string
  network: string
  network_id: string
  key: string
  group: string
  /** GiB of the disk that it boots from, where it is to be a volume. */
  boot_from_volume?: number
  /** So many servers, one after the other, all there at once; absent: one. Nodepool and TARDIS. */
  count?: number
  /** Id of the group of servers that it is to be in. */
  server_group?: string
}

/** For one server, and for each further one. */
const WITHIN_MS = 150_000
const EACH_MS = 60_000

/**
 * Lets a client rent what it wants; `look` sees the servers while they are there. Ends when the client has given all back.
 * Throws the last words of a client that fails.
 */
export const rent = async (
  client: ClientName,
  wish: Wish,
  look: (servers: string[]) => Promise<void>,
): Promise<void> => {
  const python = await pythonWith(client, [...CLIENTS[client]])
  const script = fileURLToPath(new URL(`./clients/${client}_client.py`, import.meta.url))
  const child = spawn(python.command, [script], {
    cwd: wish.folder,
    env: { PATH: process.env.PATH, HOME: wish.folder, LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1', ...python.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const end = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
  process.on('exit', end)
  const isOver = patience(WITHIN_MS + ((wish.count ?? 1) - 1) * EACH_MS)
  const timer = setInterval(() => isOver() && end(), 1_000)
  let words = ''
  child.stderr.on('data', (data) => {
    words = (words + data).slice(-6000)
  })
  let looked: Promise<void> = Promise.reject(new Error('it ended without a server'))
  looked.catch(() => {})
  createInterface({ input: child.stdout }).on('line', (line) => {
    looked = look(JSON.parse(line).servers)
    void looked.catch(() => {}).then(() => child.stdin.write('\n'))
  })
  child.stdin.on('error', () => {})
  child.stdin.write(`${JSON.stringify(wish)}\n`)
  try {
    const code = await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    if (code !== 0) throw new Error(`${client} ended with ${code}:\n${words}`)
    await looked
  } finally {
    clearInterval(timer)
    process.off('exit', end)
    end()
  }
}
