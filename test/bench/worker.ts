import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { answering, finish, freePort, launch } from '../peers/support/child.ts'
import { median } from './load.ts'
import type { Read } from './reads/routes.ts'
import type { Table } from './table.ts'
import { SECRET_KEY, type World } from './world.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
/** What a request may take where Workers are free of charge, in milliseconds: https://developers.cloudflare.com/workers/platform/limits/ */
const MOST_MS = 10
/** Until V8 has compiled what is called often, and then to be counted, a round. */
const WARM = 30
const COUNTED = 30
const ROUNDS = 3

/** A page, and the statements that it reads. */
interface Page extends Read {
  statements: { sql: string; values: unknown[] }[]
}

/**
 * What the pages cost the Worker: the bundle of `npm run deploy` in workerd, over D1 with the rows of the estate, and
 * beside it, in turns, a Worker that only reads the same rows from the same D1 and answers them as JSON. CPU time of the
 * whole process of workerd, from /proc, by the requests in it: D1's SQLite runs in there too and is not what Cloudflare
 * counts, but it is in both, so that the difference is what the program adds to a read.
 */
export const benchWorker = async (world: World, folder: string, reads: Read[], table: Table): Promise<void> => {
  const pages: Page[] = []
  for (const read of reads) {
    const trips = await world.counter.of(async () => world.app.fetch(new Request(`http://127.0.0.1${read.url}`, read)))
    pages.push({ ...read, statements: trips.reads })
  }
  const workers = [await startWorker(folder)]
  try {
    workers.push(await startBare(folder, pages))
    const [ours, bare] = workers as [Served, Served]
    const costs = []
    for (const [index, page] of pages.entries()) {
      const rounds: { page: number; bare: number }[] = []
      for (let round = 0; round <= ROUNDS; round++) {
        const count = round ? COUNTED : WARM
        const cost = {
          page: await cpuOf(ours, count, () => ask(ours.url + page.url, page)),
          bare: await cpuOf(bare, count, () => ask(`${bare.url}/${index}`, { ...page, headers: {}, status: 200 })),
        }
        if (round) rounds.push(cost)
      }
      const [all, read] = [median(rounds.map(({ page }) => page)), median(rounds.map(({ bare }) => bare))]
      costs.push({ page, all, read, added: all - read })
    }
    for (const { page, all, read, added } of costs.toSorted((a, b) => b.added - a.added))
      table.row(
        `${page.title} on workerd, ${page.rows} rows, ${(page.bytes / 1024).toFixed(0)} KiB`,
        `${all.toFixed(1)} ms CPU, ${added.toFixed(1)} added`,
        (all / read).toFixed(2),
      )
    const dearest = Math.max(...costs.map(({ added }) => added))
    table.targets([
      {
        what: `a page adds < ${MOST_MS} ms of CPU to its bare read on workerd`,
        met: dearest < MOST_MS,
        half: dearest < 2 * MOST_MS,
        value: `${dearest.toFixed(1)} ms`,
      },
    ])
  } finally {
    for (const worker of workers) await worker.stop()
  }
}

const ask = async (url: string, { headers, status, title }: Read): Promise<void> => {
  const answer = await fetch(url, { headers })
  await answer.arrayBuffer()
  if (answer.status !== status) throw new Error(`${title} on workerd: ${answer.status}, not ${status}`)
}

interface Served {
  url: string
  pid: number
  stop(): Promise<unknown>
}

const wrangler = (folder: string, ...args: string[]) => ({
  command: process.execPath,
  args: [WRANGLER, ...args, '--persist-to', join(folder, 'worker')],
  cwd: ROOT,
  env: { CI: 'true', NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false', XDG_CONFIG_HOME: join(folder, 'config') },
})

const serve = async (folder: string, path: string, ...args: string[]): Promise<Served> => {
  const [port, inspector] = [await freePort(), await freePort()]
  const ports = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(inspector)]
  const quiet = ['--show-interactive-dev-session=false', '--log-level', 'warn']
  const child = launch({ ...wrangler(folder, 'dev', ...ports, ...quiet, ...args), group: true })
  const url = `http://127.0.0.1:${port}`
  await answering(child, url + path, 90_000)
  return { url, pid: child.process.pid!, stop: () => child.stop() }
}

const startWorker = async (folder: string): Promise<Served> => {
  mkdirSync(join(folder, 'config'))
  for (const database of ['DB', 'CLOUD_STATE'])
    await finish(wrangler(folder, 'd1', 'migrations', 'apply', database, '--local'))
  copyRows(join(folder, 'plimsoll.db'), join(folder, 'worker/v3/d1/miniflare-D1DatabaseObject'))
  const secrets = join(folder, 'secrets.env')
  writeFileSync(secrets, `PLIMSOLL_SECRET_KEY=${SECRET_KEY}\nPLIMSOLL_ADMIN_PASSWORD=bench\n`, { mode: 0o600 })
  return serve(folder, '/livez', '--env-file', secrets)
}

/** Reads what page number `n` reads, and answers it as it comes. */
const BARE = `export default {
  async fetch(request, { DB }) {
    const page = PAGES[new URL(request.url).pathname.slice(1)] ?? []
    const read = ({ sql, values }) => DB.prepare(sql).bind(...values).raw()
    return Response.json(await Promise.all(page.map(read)))
  },
}`

const startBare = async (folder: string, pages: Page[]): Promise<Served> => {
  const here = join(folder, 'bare')
  mkdirSync(here)
  writeFileSync(
    join(here, 'bare.js'),
    `const PAGES = ${JSON.stringify(pages.map((page) => page.statements))}\n${BARE}\n`,
  )
  // The same runtime and the same database.
  const settings = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')
  const kept = /^compatibility_(date|flags) = .*$/gm
  const database = /^\[\[d1_databases\]\]\nbinding = "DB"\n(?:\w+ = .*\n)*/m
  const config = ['name = "bare"', 'main = "bare.js"', ...settings.match(kept)!, settings.match(database)![0]].join(
    '\n',
  )
  writeFileSync(join(here, 'wrangler.toml'), config)
  return serve(folder, '/', '--config', join(here, 'wrangler.toml'))
}

/** Every row of a database of Node into the one of the same tables that D1 keeps locally. */
const copyRows = (from: string, folder: string): void => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.sqlite'))
  for (const name of files) {
    const db = new DatabaseSync(join(folder, name), { enableForeignKeyConstraints: false })
    const named = (type: string) =>
      db.prepare('select name, sql from sqlite_master where type = ?').all(type) as { name: string; sql: string }[]
    if (named('table').some(({ name }) => name === 'servers')) {
      db.exec(`attach '${from}' as source`)
      const triggers = named('trigger')
      for (const { name } of triggers) db.exec(`drop trigger "${name}"`)
      for (const { name } of named('table').filter(({ name }) => !/^(sqlite|_cf)_/.test(name)))
        db.exec(`delete from main."${name}"; insert into main."${name}" select * from source."${name}"`)
      for (const { sql } of triggers) db.exec(sql)
      db.close()
      return
    }
    db.close()
  }
  throw new Error(`D1 keeps no database with servers in ${folder}`)
}

/** CPU milliseconds of one of so many requests. Linux alone tells. */
const cpuOf = async ({ pid }: Served, count: number, request: () => Promise<void>): Promise<number> => {
  const before = usedBy(pid)
  for (let i = 0; i < count; i++) await request()
  // The one that did the work: another hands requests on to it, which in Cloudflare's network nobody pays for.
  return Math.max(...[...usedBy(pid)].map(([id, ms]) => ms - (before.get(id) ?? 0))) / count
}

/** CPU milliseconds of every workerd that a process has begun, by its id. */
const usedBy = (ancestor: number): Map<number, number> => {
  const processes = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? processOf(name) : []))
  const ours = new Set([ancestor])
  for (let size = 0; size < ours.size; ) {
    size = ours.size
    for (const { pid, parent } of processes) if (ours.has(parent)) ours.add(pid)
  }
  return new Map(
    processes.filter(({ pid, name }) => ours.has(pid) && name === 'workerd').map(({ pid, ms }) => [pid, ms]),
  )
}

/** By proc(5), whose ticks are a hundredth of a second on every platform of Node; nothing if it has ended meanwhile. */
const processOf = (id: string): { pid: number; name: string; parent: number; ms: number }[] => {
  try {
    const [, name, rest] = /^\d+ \((.*)\) (.*)$/.exec(readFileSync(`/proc/${id}/stat`, 'utf8').trim())!
    const fields = rest!.split(' ').map(Number)
    return [{ pid: Number(id), name: name!, parent: fields[1]!, ms: (fields[11]! + fields[12]!) * 10 }]
  } catch {
    return []
  }
}
