import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { finish, freePort, launch as start } from '../support/child.ts'

const SOURCE = fileURLToPath(new URL('vcsim/', import.meta.url))
const CACHE = fileURLToPath(new URL('../../../.cache/peers/vsphere/', import.meta.url))
const WITHIN_MS = 60_000

export interface Vcsim {
  url: string
  /** Faults by the simulator's own injection; `times` 0: until they are cleared. */
  fail(method: string, fault: string, times?: number): Promise<void>
  heal(): Promise<void>
  /** Ends it at once, as a power cut does. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** The simulator is built once for each version of its source. Go 1.25 is the oldest that can. */
const built = async (): Promise<string> => {
  const files = (await readdir(SOURCE)).filter((name) => /\.go$|^go\.(mod|sum)$/.test(name)).sort()
  const hash = createHash('sha256')
  for (const name of files) hash.update(await readFile(SOURCE + name))
  const binary = `${CACHE}vcsim-${hash.digest('hex').slice(0, 8)}`
  if (existsSync(binary)) return binary
  await mkdir(CACHE, { recursive: true })
  const version = await finish({ command: 'go', args: ['version'] }).catch(() => null)
  if (version === null)
    throw new Error('The simulator of vCenter is written in Go, and there is no `go` here: install Go 1.25 or newer.')
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version) ?? []
  // A Go of 1.21 or newer fetches the one that go.mod asks for.
  const env = Number(major) === 1 && Number(minor) < 25 ? { GOTOOLCHAIN: 'auto' } : {}
  const fresh = `${binary}.${process.pid}`
  try {
    await finish({ command: 'go', args: ['build', '-o', fresh, '.'], cwd: SOURCE, env })
    await rename(fresh, binary)
  } catch (error) {
    await rm(fresh, { force: true })
    throw new Error(`The simulator of vCenter cannot be built with ${version.trim()}: ${error}`)
  }
  return binary
}

/** Starts a vCenter on loopback: one datacenter, two clusters of two hosts, a datastore, a distributed switch, a template. */
export const launch = async (options: { machines?: number; version?: string } = {}): Promise<Vcsim> => {
  const command = await built()
  const [port, control] = [await freePort(), await freePort()]
  const args = ['-l', `127.0.0.1:${port}`, '-control', `127.0.0.1:${control}`]
  if (options.machines !== undefined) args.push('-vm', String(options.machines))
  if (options.version !== undefined) args.push('-version', options.version)
  const child = start({ command, args })
  for (const until = Date.now() + WITHIN_MS; !child.output().includes('listening'); ) {
    if (child.process.exitCode !== null || Date.now() > until) {
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
    url: `http://127.0.0.1:${port}`,
    fail: (method, fault, times = 1) => faults('POST', { method, fault, times }),
    heal: () => faults('DELETE'),
    async kill() {
      child.process.kill('SIGKILL')
      await child.stop()
    },
    async stop() {
      await child.stop()
    },
  }
}
