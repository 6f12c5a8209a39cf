import { once } from 'node:events'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { migrate, readMigrations } from '../../db/migrate.ts'
import { everyProject } from '../../db/scope.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { createApp } from '../../functions/app.ts'
import { FolderBlobs } from '../../functions/blobs/folder.ts'
import type { Context, Host } from '../../functions/context.ts'
import { runCron } from '../../functions/cron.ts'
import { Background } from '../../functions/runtime/background.ts'
import { bootstrap } from '../../functions/runtime/bootstrap.ts'
import { openHost, settingsFrom } from '../../functions/runtime/host.ts'
import { type Api, logInAs } from '../peers/support/api.ts'
import { addCloud } from '../peers/support/cloud.ts'
import { Meter } from './sweep-meter.ts'

const PASSWORD = 'bench'

/** The program as it runs on Node, in this process and over loopback, with one cloud; time moves on by hand too. */
export interface Broker {
  host: Host
  /** What loops are handed. */
  context: Context
  /** Counts statements of the broker's database, and of the clouds' state apart from it. */
  meter: Meter
  store: Meter
  admin: Api
  demo: Api
  cloudId: string
  url: string
  /** Seconds pass, and the loops have their turn. */
  settle(): Promise<void>
  later(ms: number): void
  close(): Promise<void>
}

export const openBroker = async (
  folder: string,
  over: Pick<Host, 'fetch'> | Pick<Host, 'dial'>,
  cloud: Parameters<typeof addCloud>[1],
): Promise<Broker> => {
  let skew = 0
  const [meter, store] = [new Meter(() => 0), new Meter(() => 0)]
  const open = async (name: string, migrations: string) => {
    const d1 = openSqlite(join(folder, name))
    await migrate(d1, await readMigrations(new URL(`../../db/${migrations}`, import.meta.url)))
    return d1
  }
  const log: Host['log'] = (level, message, fields) => {
    if (level === 'error') console.error(message, fields)
  }
  const background = new Background(log)
  const host = await openHost({
    d1: meter.d1(await open('plimsoll.db', 'migrations')),
    cloudState: store.d1(await open('cloud-state.db', 'cloud-state')),
    settings: settingsFrom({}, 'node', '5b'.repeat(32)),
    blobs: new FolderBlobs(join(folder, 'images')),
    ...over,
    now: () => Date.now() + skew,
    defer: background.defer,
    log,
  })
  await bootstrap(host, { hashOf: () => host.hashes.hash(PASSWORD) })
  const app = createApp(host)
  const server = createAdaptorServer({ fetch: (request) => app.fetch(request) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const as = (name: string) => logInAs({ url }, { name, password: PASSWORD, project: name })
  const [admin, demo] = [await as('admin'), await as('demo')]
  const cron = async () => {
    await runCron(host)
  }
  await addCloud({ admin, demo, broker: { cron } as never }, cloud)
  const { id } = (await admin.must('GET', `/broker/v1/clouds/${cloud.name}`)).cloud
  return {
    host,
    context: { ...host, requestId: 'req-bench', caller: null, scope: everyProject },
    meter,
    store,
    admin,
    demo,
    cloudId: id,
    url,
    async settle() {
      skew += 5_000
      await cron()
    },
    later: (ms) => {
      skew += ms
    },
    async close() {
      server.close()
      await background.drain(10_000)
    },
  }
}
