import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { freePort, launch as start } from '../support/child.ts'
import { buildGo } from '../support/go.ts'
import { patience } from '../support/patiently.ts'

const SOURCE = fileURLToPath(new URL('vcsim/', import.meta.url))
const CACHE = fileURLToPath(new URL('../../../.cache/peers/vsphere/', import.meta.url))
const WITHIN_MS = 60_000
/** It makes its machines one by one. */
const WITHIN_MS_A_MACHINE = 300

/** What the simulator itself holds, asked past its API. */
export interface Inventory {
  machines: {
    id: string
    name: string
    power: string
    template: boolean
    cpus: number
    memory_mib: number
    settings: Record<string, string>
    cards: { mac: string; network: string }[]
    disks: { id: string; size_mib: number }[]
    snapshots: number
  }[]
  networks: { id: string; name: string; description: string; vlan: number | null }[]
  disks: { id: string; name: string; size_mib: number; metadata: Record<string, string> }[]
}

export interface Vcsim {
  url: string
  inventory(): Promise<Inventory>
  /** Faults by the simulator's own injection; `times` 0: until they are cleared. */
  fail(method: string, fault: string, times?: number): Promise<void>
  heal(): Promise<void>
  /** Ends it at once, as a power cut does. */
  kill(): Promise<void>
  stop(): Promise<void>
}

let building: Promise<string> | undefined

/** The simulator, built once for each version of its source; stories that run side by side wait for the same one. */
const built = (): Promise<string> => {
  building ??= build()
  return building
}

const build = async (): Promise<string> => {
  const files = (await readdir(SOURCE)).filter((name) => /\.go$|^go\.(mod|sum)$/.test(name)).sort()
  const hash = createHash('sha256')
  for (const name of files) hash.update(await readFile(SOURCE + name))
  const binary = `${CACHE}vcsim-${hash.digest('hex').slice(0, 8)}`
  if (existsSync(binary)) return binary
  await mkdir(CACHE, { recursive: true })
  const fresh = `${binary}.${process.pid}`
  try {
    await buildGo(SOURCE, fresh)
    await rename(fresh, binary)
  } catch (error) {
    await rm(fresh, { force: true })
    throw new Error(`The simulator of vCenter cannot be built: ${error}`)
  }
  return binary
}

/** Starts a vCenter on loopback: one datacenter, two clusters of two hosts, a datastore, a distributed switch, a template. */
export const launch = async (options: { machines?: number; version?: string; tls?: boolean } = {}): Promise<Vcsim> => {
  const command = await built()
  const [port, control] = [await freePort(), await freePort()]
  const args = ['-l', `127.0.0.1:${port}`, '-control', `127.0.0.1:${control}`]
  if (options.machines !== undefined) args.push('-vm', String(options.machines))
  if (options.version !== undefined) args.push('-version', options.version)
  if (options.tls) args.push('-tls')
  const child = start({ command, args })
  const withinMs = WITHIN_MS + (options.machines ?? 0) * WITHIN_MS_A_MACHINE
  for (const isOver = patience(withinMs); !child.output().includes('listening'); ) {
    if (child.process.exitCode !== null || isOver()) {
      await child.stop()
      throw new Error(`The simulator of vCenter did not start:\n${child.tail()}`)
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  const faults = async (method: string, body?: unknown): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${control}/faults`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    inventory: async () => (await (await fetch(`http://127.0.0.1:${control}/inventory`)).json()) as Inventory,
    fail: (method, fault, times = 1) => faults('POST', { method, fault, times }),
    heal: () => faults('DELETE'),
    kill: () => child.kill(),
    async stop() {
      await child.stop()
    },
  }
}
