import { join } from 'node:path'
import { migrate, readMigrations } from '../../db/migrate.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { DatabaseStore } from '../../db/store.ts'
import { createApp } from '../../functions/app.ts'
import { FolderBlobs } from '../../functions/blobs/folder.ts'
import type { Host } from '../../functions/context.ts'
import { runCron } from '../../functions/cron.ts'
import { bootstrap } from '../../functions/runtime/bootstrap.ts'
import { hashingProcess } from '../../functions/runtime/hashing.ts'
import { openHost, settingsFrom } from '../../functions/runtime/host.ts'
import { Counter } from './counting.ts'

const PASSWORD = 'bench'
export const SECRET_KEY = '5b'.repeat(32)

/**
 * The program as it runs on Node, in this process; with its round trips counted, or left alone to be timed. `cron`: whether
 * its loops run once, which look at clouds and clear up.
 */
export const openWorld = async (folder: string, { counted = true, cron = true } = {}) => {
  const counter = new Counter()
  const opened: { close(): void }[] = []
  const open = async (name: string, migrations: string) => {
    const d1 = openSqlite(join(folder, name))
    opened.push(d1)
    await migrate(d1, await readMigrations(new URL(migrations, import.meta.url)))
    return d1
  }
  const d1 = await open('plimsoll.db', '../../db/migrations')
  const deferred: (() => Promise<unknown>)[] = []
  const host: Host = await openHost({
    d1: counted ? counter.d1(d1) : d1,
    cloudState: counter.cloud(new DatabaseStore(await open('cloud-state.db', '../../db/cloud-state'))),
    settings: settingsFrom({}, 'node', SECRET_KEY),
    blobs: new FolderBlobs(join(folder, 'images')),
    fetch: counter.fetch,
    scrypt: hashingProcess(() => {}),
    log: () => {},
    defer: (work) => {
      deferred.push(work)
    },
  })
  await bootstrap(host, { hashOf: () => host.hashes.hash(PASSWORD), sandbox: QUICK })
  if (cron) await runCron(host)
  const app = createApp(host)
  const send = async (method: string, path: string, token?: string, body?: unknown, more = {}) => {
    const headers = {
      ...more,
      ...(token ? { 'X-Auth-Token': token } : {}),
      ...(body ? { 'Content-Type': 'application/json' } : {}),
    }
    const request = new Request(`http://127.0.0.1${path}`, {
      method,
      headers,
      body: body ? JSON.stringify(body) : null,
    })
    const response = await app.fetch(request)
    if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
  /** Runs what requests left behind, and what that leaves behind. */
  const runDeferred = async () => {
    for (let work = deferred.shift(); work; work = deferred.shift()) await work()
  }
  const close = () => {
    for (const database of opened) database.close()
  }
  return { host, d1, app, counter, deferred, runDeferred, send, close }
}

export type World = Awaited<ReturnType<typeof openWorld>>

/** An embedded cloud in which nothing takes time and nothing runs out. */
const QUICK = {
  zones: [{ name: 'a', vcpus: 1e6, ram_mib: 1e9, disk_gib: 1e9 }],
  ...Object.fromEntries(
    ['build', 'boot', 'stop', 'resize', 'delete', 'volume', 'snapshot', 'image', 'attach', 'network'].map((name) => [
      `${name}_ms`,
      0,
    ]),
  ),
}

/** What a user of the first start sends to get a token for project `demo`. */
export const passwordBody = (user: 'demo' | 'admin' = 'demo') => ({
  auth: {
    identity: {
      methods: ['password'],
      password: { user: { name: user, domain: { id: 'default' }, password: PASSWORD } },
    },
    scope: { project: { name: 'demo', domain: { id: 'default' } } },
  },
})

export const logIn = async (world: World, user: 'demo' | 'admin' = 'demo'): Promise<string> =>
  (await world.send('POST', '/identity/v3/auth/tokens', undefined, passwordBody(user))).headers.get('x-subject-token')!

/** Runs what requests left behind until a server is ready. */
export const untilActive = async (world: World, token: string, id: string): Promise<void> => {
  for (let i = 0; i < 200; i++) {
    await world.runDeferred()
    await world.host.d1.prepare('delete from leases').run()
    await runCron(world.host)
    const { server } = (await (await world.send('GET', `/compute/v2.1/servers/${id}`, token)).json()) as {
      server: { status: string; fault?: object }
    }
    if (server.status === 'ACTIVE') return
    if (server.status === 'ERROR') throw new Error(`the server failed: ${JSON.stringify(server.fault)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the server does not become ACTIVE')
}
