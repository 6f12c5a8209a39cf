import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SERVED } from '../../support/served.ts'
import { answering, type Child, finish, freePort, launch } from './child.ts'

export type Runtime = 'node' | 'workerd'
/** Both; `PEERS_RUNTIME` names one, for whoever looks for a fault. */
export const RUNTIMES = (process.env.PEERS_RUNTIME ? [process.env.PEERS_RUNTIME] : ['node', 'workerd']) as Runtime[]

/** A whole broker of its own: started empty, thrown away at the end. */
export interface Broker {
  runtime: Runtime
  url: string
  passwords: { admin: string; demo: string }
  /** A folder that goes with it. */
  folder: string
  /** One run of the minutely cron, as the runtime would start it. */
  cron(): Promise<void>
  tail(lines?: number): string
  /** Gives the exit code. */
  stop(): Promise<number | null>
}

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
const SECRETS = {
  PLIMSOLL_ADMIN_PASSWORD: 'peers-admin-password',
  PLIMSOLL_DEMO_PASSWORD: 'peers-demo-password',
  PLIMSOLL_SECRET_KEY: '5b'.repeat(32),
  PLIMSOLL_SANDBOX: 'on',
}
const QUIET = { CI: 'true', WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1', WRANGLER_LOG_SANITIZE: 'false' }

/** Settings besides the usual ones, where they depend on it by the URL of the broker. */
export type Settings = Record<string, string> | ((url: string) => Record<string, string>)

export const startBroker = async (runtime: Runtime, settings: Settings = {}): Promise<Broker> => {
  const folder = await mkdtemp(join(tmpdir(), `plimsoll-${runtime}-`))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const more = typeof settings === 'function' ? settings(url) : settings
  const child = runtime === 'node' ? onNode(folder, port, more) : await onWorkerd(folder, port, more)
  const broker: Broker = {
    runtime,
    url,
    folder,
    passwords: { admin: SECRETS.PLIMSOLL_ADMIN_PASSWORD, demo: SECRETS.PLIMSOLL_DEMO_PASSWORD },
    // Node has a timer; wrangler starts a cron only when it is told to.
    cron: async () => {
      if (runtime === 'workerd') await (await fetch(`${url}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*`)).text()
    },
    tail: child.tail,
    async stop() {
      const code = await child.stop()
      await rm(folder, { recursive: true, force: true })
      return code
    },
  }
  await answering(child, `${url}/healthz`).catch(async (error) => {
    await broker.stop()
    throw error
  })
  return broker
}

const onNode = (folder: string, port: number, more: Record<string, string>): Child =>
  launch({
    command: process.execPath,
    args: SERVED,
    cwd: ROOT,
    env: {
      ...SECRETS,
      PLIMSOLL_CRON_SECONDS: '5',
      HOST: '127.0.0.1',
      PORT: String(port),
      PLIMSOLL_DATA: folder,
      ...more,
    },
  })

/** The Worker as wrangler builds it, over two local D1 databases that the wrangler of a deployment would migrate too. */
const onWorkerd = async (folder: string, port: number, more: Record<string, string>): Promise<Child> => {
  const env = { ...QUIET, XDG_CONFIG_HOME: join(folder, 'config') }
  const state = ['--persist-to', join(folder, 'state')]
  for (const database of ['DB', 'CLOUD_STATE'])
    await finish({
      command: process.execPath,
      args: [WRANGLER, 'd1', 'migrations', 'apply', database, '--local', ...state],
      cwd: ROOT,
      env,
    })
  // A file named is read in place of whatever `.dev.vars` is lying about.
  const secrets = join(folder, 'secrets.env')
  const lines = Object.entries({ ...SECRETS, ...more }).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(secrets, lines.join(''), { mode: 0o600 })
  const ports = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(await freePort())]
  return launch({
    command: process.execPath,
    args: [WRANGLER, 'dev', ...ports, '--show-interactive-dev-session=false', ...state, '--env-file', secrets],
    cwd: ROOT,
    env,
    group: true,
  })
}
