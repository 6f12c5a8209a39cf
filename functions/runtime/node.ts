import { once } from 'node:events'
import { join } from 'node:path'
import { migrate, NewerDatabase, pendingOf, readMigrations } from '../../db/migrate.ts'
import { abandonUploads } from '../../db/queries/image/images.ts'
import { freeLeases } from '../../db/queries/line/leases.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { createApp, isImageData } from '../app.ts'
import { FolderBlobs } from '../blobs/folder.ts'
import { watchClouds } from '../broker/reconcile/watch.ts'
import type { Host, Level, Log } from '../context.ts'
import { openConversion } from '../conversion/conversion.ts'
import { cronContext, runCron } from '../cron.ts'
import { openAccessLog, writerTo } from '../instruments/access-log.ts'
import { tellLive } from '../instruments/live-lines.ts'
import { together } from '../instruments/several.ts'
import type { TraceSettings } from '../instruments/traces/settings.ts'
import { jsonLog } from '../log.ts'
import { pagesOf } from '../pages/folder.ts'
import { consoleGate } from '../remote-console/gate.ts'
import { openConsolePage } from '../remote-console/page.ts'
import { Background } from './background.ts'
import { bellOf } from './bell.ts'
import { bootstrap } from './bootstrap.ts'
import { WrongKey } from './deployment.ts'
import { dial } from './dial.ts'
import { CannotStart, codeOf, holdFolder, keptSecret, newSecretKey, openFolder } from './folder.ts'
import { hashesAtOnce, hashingProcess } from './hashing.ts'
import { BadSettings, openHost, settingsFrom, traceSettings } from './host.ts'
import { forgetFormer, keptPasswords, newPassword } from './passwords.ts'
import { serverFor } from './serve.ts'
import { nameSources } from './traces.ts'
import { trusting } from './trusting.ts'
import { cloudsYaml, welcome, writeCloudsYaml } from './welcome.ts'

/** How long the end of the process waits for work in flight, in milliseconds. */
const PATIENCE = 10_000
/** And then for what is told of it. */
const LAST_WORDS = 2_000

const openMigrated = async (path: string, migrations: string) => {
  try {
    const database = openSqlite(path)
    const known = await readMigrations(migrations)
    const pending = await pendingOf(
      database,
      known.map(({ name }) => name),
    )
    // Where nothing is, nothing can be lost: a power cut amid the first start leaves less of it, and the next one goes on.
    // To wait for the disk after each of a hundred migrations would be most of it.
    if (pending.length === known.length) await database.exec('pragma synchronous = normal')
    await migrate(database, known)
    await database.exec('pragma synchronous = full')
    return database
  } catch (error) {
    if (error instanceof NewerDatabase) throw new CannotStart(`${path}: ${error.message}`)
    throw new CannotStart(`the database ${path} cannot be opened: ${(error as Error).message}`)
  }
}

/** Loaded where it is asked for: to count costs memory, and time at every request. */
const countersOf = async (background: Background) => {
  const { openCounters } = await import('../instruments/counters.ts')
  return openCounters(() => background.size)
}

/** Loaded where it is asked for, as it takes memory. */
const openTracing = async (settings: TraceSettings, log: Log) => {
  const { openTraces } = await import('../instruments/traces/traces.ts')
  const later = (ms: number, work: () => Promise<void>) => void setTimeout(work, ms).unref()
  return openTraces(settings, 'node', { fetch, log, later })
}

const accessLogTo = (where: string) => {
  if (/^(1|0|true|false|yes|no)$/i.test(where))
    throw new CannotStart('PLIMSOLL_ACCESS_LOG must be `on`, `off` or the path of a file')
  try {
    return openAccessLog(writerTo(where))
  } catch (error) {
    throw new CannotStart(`the access log ${where} cannot be written (${codeOf(error)})`)
  }
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref())

/** Runs the loops that are due, again and again, never two rounds at a time. Gives the way to stop it. */
const startTimer = (host: Host, everyMs: number): (() => Promise<void>) => {
  let stopped = false
  let timer: NodeJS.Timeout
  let round: Promise<unknown> = Promise.resolve()
  const next = () => {
    timer = setTimeout(() => {
      round = runCron(host)
        .catch((error) => host.log('error', 'the cron failed', { error: String(error) }))
        .finally(() => stopped || next())
    }, everyMs)
  }
  next()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await round
  }
}

const start = async (env: Record<string, string | undefined>, root: string, pages: string | null): Promise<void> => {
  // A terminal that is closed, or a program that reads no more, ends nothing: an error that nobody hears would.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
  // Whatever is written holds something that only its owner should read.
  process.umask(0o077)
  const hostname = env.HOST || '127.0.0.1'
  const port = Number(env.PORT || 8787)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new CannotStart(`PORT=${env.PORT} is not a port`)
  const folder = openFolder(env.PLIMSOLL_DATA || './.plimsoll')
  const release = holdFolder(folder)
  const aloneSince = Date.now()
  const secretKey = env.PLIMSOLL_SECRET_KEY || keptSecret(folder, 'secret.key', newSecretKey)
  const settings = settingsFrom(env, 'node', secretKey)
  // People read the standard output.
  let live: ReturnType<typeof tellLive> | null = null
  const log = jsonLog((env.PLIMSOLL_LOG as Level | undefined) ?? 'warn', (line) =>
    live ? live.above(() => console.error(line)) : console.error(line),
  )
  const blobs = new FolderBlobs(join(folder, 'images'))
  // It tries a program, while the databases are opened.
  const conversion = openConversion({
    folder: join(folder, 'converted'),
    mostBytes: settings.convertedBytes,
    mostDisk: settings.convertedDiskBytes,
    pathOf: (blob) => blobs.pathOf(blob),
    now: Date.now,
    log,
  })
  const background = new Background(log)
  const counters = settings.metrics === 'off' ? null : await countersOf(background)
  const tracing = traceSettings(env)
  const traces = tracing && (await openTracing(tracing, log))
  const d1 = await openMigrated(join(folder, 'plimsoll.db'), join(root, 'db/migrations'))
  const cloudState = await openMigrated(join(folder, 'cloud-state.db'), join(root, 'db/cloud-state'))
  if (counters) d1.onStatement(counters.statement)
  const access =
    env.PLIMSOLL_ACCESS_LOG && env.PLIMSOLL_ACCESS_LOG !== 'off' ? accessLogTo(env.PLIMSOLL_ACCESS_LOG) : null
  const instruments = together([traces, counters, access].flatMap((each) => each?.instruments ?? []))
  let endingSince = 0
  const host = await openHost({
    d1,
    cloudState,
    blobs,
    conversion: await conversion,
    settings,
    log,
    trusting,
    dial,
    consolePage: openConsolePage(),
    ...(pages ? { pages: pagesOf(pages) } : {}),
    scrypt: hashingProcess(log),
    hashesAtOnce: hashesAtOnce(),
    defer: background.defer,
    ending: () => endingSince > 0,
    onTold: bellOf(d1),
    aloneSince,
    ...(instruments ? { instruments } : {}),
    ...(counters ? { counted: counters.text } : {}),
  })
  // A data folder belongs to one process, so whatever an earlier one held when it was killed is free.
  await freeLeases(host.db, host.now())
  await abandonUploads(host.db, Number.MAX_SAFE_INTEGER, host.now())

  const cloudsFile = join(folder, 'clouds.yaml')
  const passwords = keptPasswords(folder)
  const tell = (url: string) => writeCloudsYaml(cloudsFile, cloudsYaml(url, settings.region, passwords))
  const hashOf = (user: 'admin' | 'demo') => {
    const password = env[`PLIMSOLL_${user.toUpperCase()}_PASSWORD`] || passwords[user] || newPassword()
    passwords[user] = password
    // Before the hash is all that is left of it.
    tell(settings.publicUrl ?? `http://127.0.0.1:${port}`)
    return host.hashes.hash(password)
  }
  const first = await bootstrap(host, { hashOf, sandbox: {} })
  // So that the first `image list` is not empty.
  if (first) await runCron(host)

  const consoles = consoleGate(host)
  const server = serverFor(createApp(host), isImageData, hostname, undefined, consoles, access ?? undefined)
  server.listen(port, hostname)
  await once(server, 'listening').catch((error) => {
    throw new CannotStart(
      error.code === 'EADDRINUSE'
        ? `port ${port} of ${hostname} is taken; PORT=${port + 1} npm start takes another one`
        : `cannot listen on port ${port} of ${hostname} (${codeOf(error)})`,
    )
  })
  const stopTimer = startTimer(host, Number(env.PLIMSOLL_CRON_SECONDS || 10) * 1000)
  const stopWatching = watchClouds(() => cronContext(host))

  const address = server.address()
  const bound = typeof address === 'object' && address ? address.port : port
  const url = settings.publicUrl ?? `http://${/^(0\.0\.0\.0|::)$/.test(hostname) ? '127.0.0.1' : hostname}:${bound}`
  tell(url)
  forgetFormer(folder)
  console.log(welcome(url, folder, cloudsFile, first))
  // Who reads the output by a program, or has a line a request written there, is told of nothing besides.
  if (process.stdout.isTTY && env.TERM !== 'dumb' && env.PLIMSOLL_ACCESS_LOG !== 'on') {
    let requests = 0
    server.on('request', () => {
      requests++
    })
    live = tellLive(process.stdout, host, () => requests)
  }

  const end = async () => {
    if (endingSince) {
      // npm repeats to us the very Ctrl-C that we got ourselves.
      if (performance.now() - endingSince > 1000) process.exit(130)
      return
    }
    endingSince = performance.now()
    live?.end()
    console.log('\nFinishing what is in flight; Ctrl-C again leaves at once.')
    consoles.close()
    const closed = new Promise((resolve) => server.close(resolve))
    if ('closeIdleConnections' in server) server.closeIdleConnections()
    const late = after(PATIENCE)
    const done = Promise.all([closed, stopTimer(), stopWatching()])
    const [left] = await Promise.all([background.drain(PATIENCE), Promise.race([done, late])])
    await Promise.race([Promise.all([traces?.flush(), access?.flush()]), after(LAST_WORDS)])
    if (left) console.log(`Left ${left} pieces of work for the next start.`)
    d1.close()
    cloudState.close()
    release()
    process.exit(0)
  }
  process.on('SIGINT', end).on('SIGTERM', end)
}

/**
 * The program on Node, until a signal ends its process; what it cannot start for is said in one line, and the exit code is 1.
 * @param root folder of the project, whose migrations are read
 * @param pages folder of the console as it was built; null: it was not
 */
export const serve = async (
  env: Record<string, string | undefined>,
  root: string,
  pages: string | null,
): Promise<void> => {
  nameSources(root)
  try {
    await start(env, root, pages)
  } catch (error) {
    const known = error instanceof CannotStart || error instanceof WrongKey || error instanceof BadSettings
    console.error(known ? `plimsoll: ${(error as Error).message}` : error)
    process.exit(1)
  }
}
