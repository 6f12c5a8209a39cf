import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median, rate } from './load.ts'
import { FLAGS } from './served.ts'
import { CONNECTIONS, ROUNDS } from './settings.ts'
import type { Table } from './table.ts'

const REQUESTS = 100_000
const MOST_MB = 200
const MOST_START_MS = 1_500
const IDLE_MS = 10_000
const PASSWORD = 'bench-of-a-process'

/** Reads that such a process is asked over its life. */
const READS = [
  '/compute/v2.1/flavors/detail',
  '/compute/v2.1/servers/detail',
  '/image/v2/images',
  '/network/v2.0/networks',
  '/network/v2.0/security-groups',
]

/** A process as `npm start` makes it: how soon it is there, how much memory it takes then and after 100,000 requests. */
export const benchProcess = async (folder: string, table: Table): Promise<void> => {
  const data = join(folder, 'process')
  const first = await start(data)
  const firstMb = megabytes(first.child)
  const token = await logIn(first.url)
  for (const path of READS)
    await rate({
      ...{ url: first.url + path, headers: { 'X-Auth-Token': token }, connections: CONNECTIONS },
      ...{ ms: 1_000, answers: REQUESTS / READS.length, longest: 300_000 },
    })
  const laterMb = megabytes(first.child)
  const idle = await idleShare(first.child)
  await stop(first.child)
  const starts: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const next = await start(data)
    starts.push(next.ms)
    await stop(next.child)
  }
  const startMs = median(starts)
  table.row('first start, to /healthz', `${first.ms.toFixed(0)} ms`, '')
  table.row('start, to /healthz', `${startMs.toFixed(0)} ms`, '')
  table.row('resident memory after the first start', `${firstMb.toFixed(0)} MB`, '')
  table.row(`resident memory after ${REQUESTS} requests`, `${laterMb.toFixed(0)} MB`, '')
  for (const [what, ms] of [
    ['first start', first.ms],
    ['start', startMs],
  ] as const)
    table.target(`${what} ≤ ${MOST_START_MS} ms`, ms <= MOST_START_MS, `${ms.toFixed(0)} ms`)
  for (const [when, mb] of [
    ['after the first start', firstMb],
    [`after ${REQUESTS} requests`, laterMb],
  ] as const)
    table.target(`resident memory ${when} ≤ ${MOST_MB} MB`, mb <= MOST_MB, `${mb.toFixed(0)} MB`)
  if (idle === null) return
  table.row('CPU of a process that nobody asks', `${(idle * 100).toFixed(1)} %`, '')
  table.target('an idle process takes < 1 % of a CPU', idle < 0.01, `${(idle * 100).toFixed(1)} %`)
}

const start = async (data: string): Promise<{ child: ChildProcess; url: string; ms: number }> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const started = performance.now()
  const child = spawn(
    process.execPath,
    [...FLAGS, fileURLToPath(new URL('../../functions/runtime/start.js', import.meta.url))],
    {
      env: { ...process.env, PORT: `${port}`, PLIMSOLL_DATA: data, PLIMSOLL_DEMO_PASSWORD: PASSWORD },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the process has ended with ${child.exitCode}`)
    const healthy = await fetch(`${url}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    )
    if (healthy) return { child, url, ms: performance.now() - started }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const stop = async (child: ChildProcess): Promise<void> => {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

const logIn = async (url: string): Promise<string> => {
  const domain = { id: 'default' }
  const response = await fetch(`${url}/identity/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name: 'demo', domain, password: PASSWORD } } },
        scope: { project: { name: 'demo', domain } },
      },
    }),
  })
  const token = response.headers.get('x-subject-token')
  if (!token) throw new Error(`no token: ${response.status} ${await response.text()}`)
  return token
}

const megabytes = ({ pid }: ChildProcess): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' })) / 1024

/** Share of one CPU over some seconds; null where the system does not tell it finely. */
const idleShare = async ({ pid }: ChildProcess): Promise<number | null> => {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return null
  /** User and system time, in hundredths of a second. */
  const spent = () => {
    const fields = readFileSync(file, 'utf8').split(') ')[1]!.split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const before = spent()
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  return ((spent() - before) * 10) / IDLE_MS
}
