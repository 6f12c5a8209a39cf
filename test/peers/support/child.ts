import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { patience } from './patiently.ts'

/** A program under test. Its output is kept, and shown when something goes wrong. */
export interface Child {
  process: ChildProcess
  /** The last lines of what it wrote. */
  tail(lines?: number): string
  /** Everything it wrote. */
  output(): string
  /** Asks it to end, insists after ten seconds; gives the exit code (null: by a signal). */
  stop(): Promise<number | null>
  /** Ends it at once, as a power cut does. */
  kill(): Promise<void>
}

export interface Launch {
  command: string
  args: string[]
  cwd?: string
  env?: Record<string, string | undefined>
  /** `wrangler` starts children of its own: a group ends together. */
  group?: boolean
  /** It ends when it is done; without this, one that ends before it is asked to has died. */
  ends?: boolean
  /** All of what it writes is kept, not only the last of it. */
  all?: boolean
}

const running = new Set<Child>()
const KEPT = 200_000

/** Programs that ended though nobody asked them to, with their last words. What failed after that may have failed for it. */
const died: string[] = []
export const deaths = (): readonly string[] => died

/** Where a program says what kills it: Go and Python say it before they list what they were at. */
const REASON = /^(fatal error|panic|Traceback|\w*Error)\b/
const WORDS = 25
const lastWords = (text: string): string => {
  const lines = text.trimEnd().split('\n')
  const at = lines.findIndex((line) => REASON.test(line))
  return (at < 0 ? lines.slice(-WORDS) : lines.slice(at, at + WORDS)).join('\n')
}

/** Nothing that we started outlives us, however we end. */
process.on('exit', () => {
  for (const child of running) end(child.process, 'SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

const grouped = new WeakSet<ChildProcess>()
const end = (child: ChildProcess, signal: NodeJS.Signals): void => {
  try {
    if (grouped.has(child)) process.kill(-child.pid!, signal)
    else child.kill(signal)
  } catch {
    // It has ended already.
  }
}

export const launch = ({ command, args, cwd, env, group = false, ends = false, all = false }: Launch): Child => {
  const started = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: group,
  })
  if (group) grouped.add(started)
  let text = ''
  const keep = (data: Buffer) => {
    text = all ? text + data : (text + data).slice(-KEPT)
  }
  started.stdout.on('data', keep)
  started.stderr.on('data', keep)
  started.on('error', (error) => keep(Buffer.from(`${error.message}\n`)))
  let asked = ends
  const ended = new Promise<number | null>((resolve) =>
    started.on('close', (code, signal) => {
      if (!asked) died.push(`${command} ${args.join(' ')} ended by itself (${signal ?? code}):\n${lastWords(text)}`)
      resolve(code)
    }),
  )
  const child: Child = {
    process: started,
    output: () => text,
    tail: (lines = 30) => text.trimEnd().split('\n').slice(-lines).join('\n'),
    async stop() {
      asked = true
      end(started, 'SIGTERM')
      const insist = setTimeout(() => end(started, 'SIGKILL'), 10_000)
      const code = started.pid === undefined ? null : await ended
      clearTimeout(insist)
      running.delete(child)
      return code
    },
    async kill() {
      asked = true
      end(started, 'SIGKILL')
      if (started.pid !== undefined) await ended
      running.delete(child)
    },
  }
  running.add(child)
  return child
}

/** How long a program may take to start. One that has ended is not waited for. */
const STARTS_MS = 90_000

/** Waits until `url` answers with success; throws with the program's last words if it ends or takes too long. */
export const answering = async (child: Child, url: string, withinMs = STARTS_MS): Promise<void> => {
  const isOver = patience(withinMs)
  while (!isOver()) {
    if (child.process.exitCode !== null || child.process.signalCode !== null)
      throw new Error(`${child.process.spawnargs.join(' ')} ended before it answered:\n${child.tail()}`)
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => null)
    await answer?.body?.cancel()
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${url} did not answer within ${withinMs / 1000} s:\n${child.tail()}`)
}

/** Runs a program to its end; throws with its last words unless it succeeds. */
export const finish = async (what: Launch): Promise<string> => {
  const child = launch({ ...what, ends: true })
  const code = await new Promise<number | null>((resolve) => {
    child.process.on('close', resolve)
    child.process.on('error', () => resolve(127))
  })
  running.delete(child)
  if (code !== 0) throw new Error(`${what.command} ${what.args.join(' ')} failed (${code}):\n${child.tail()}`)
  return child.output()
}

/** Below what systems hand to clients of a connection, so that nobody gets one between its choice and its use. */
const PORTS = { from: 15_000, to: 32_000 }
const given = new Set<number>()

/** A port of the loopback that nobody listens on, given once in the life of this program: programs are started side by side. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from))
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
  throw new Error(`no port between ${PORTS.from} and ${PORTS.to} is free`)
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
