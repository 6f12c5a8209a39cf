import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { fill } from './fill.ts'
import { median, rate, timed } from './load.ts'
import { benchReconcile } from './reconcile.ts'
import { benchSweep } from './sweep.ts'
import { Table } from './table.ts'
import { benchVsphere } from './vsphere.ts'
import { logIn, openWorld, passwordBody, untilActive, type World } from './world.ts'

// `npm run bench -- sweep`: the sweep of large estates alone.
if (process.argv.includes('sweep')) process.exit((await benchSweep()) ? 1 : 0)
// `npm run bench -- vsphere`: a vCenter, which is vcsim; needs Go, or python3 to fetch it.
if (process.argv.includes('vsphere')) process.exit((await benchVsphere()) ? 1 : 0)

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const ROUND_MS = Number(process.env.BENCH_MS ?? 2_000)
/** Enough that neither side waits for the other. */
const CONNECTIONS = 64
const SERVERS = 1_000
const ROWS = 10_000
const COMPUTE = '/compute/v2.1'

const wish = { server: { name: 'bench', flavorRef: '1', imageRef: '', networks: [{ uuid: '' }] } }

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const table = new Table()
const world = await openWorld(folder)
const token = await logIn(world)
const serverId = await firstServer(world, token)
await fill(world.d1, serverId, SERVERS - 1)

await overHttp()
await inProcess()
bundle()
table.print()
process.exit(table.missed() ? 1 : 0)

/** One real server, made through the API on the embedded cloud; the others are its copies. */
async function firstServer(world: World, token: string): Promise<string> {
  const post = async (path: string, body: unknown) => (await world.send('POST', path, token, body)).json()
  // biome-ignore lint/suspicious/noExplicitAny: answers of our own API
  const { network } = (await post('/network/v2.0/networks', { network: { name: 'bench' } })) as any
  await post('/network/v2.0/subnets', { subnet: { network_id: network.id, cidr: '10.8.0.0/15', ip_version: 4 } })
  // biome-ignore lint/suspicious/noExplicitAny: answers of our own API
  const { images } = (await (await world.send('GET', '/image/v2/images', token)).json()) as any
  wish.server.networks = [{ uuid: network.id }]
  wish.server.imageRef = images.find((image: { name: string }) => image.name === 'sandbox-linux').id
  // biome-ignore lint/suspicious/noExplicitAny: answers of our own API
  const { server } = (await post(`${COMPUTE}/servers`, wish)) as any
  await untilActive(world, token, server.id)
  return server.id
}

/** Requests per second against a route that only answers, over the same loopback, in turns. */
async function overHttp(): Promise<void> {
  const body = await (await world.send('GET', `${COMPUTE}/servers/${serverId}`, token)).text()
  const script = fileURLToPath(new URL('./serve.ts', import.meta.url))
  const child = fork(script, [folder, body], {
    execArgv: [...(process.env.BENCH_PROF ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROF}`] : [])],
  })
  const [urls] = (await once(child, 'message')) as [[string, string]]
  const headers = { 'X-Auth-Token': token }
  const routes = {
    bare: { url: `${urls[1]}/bare/${serverId}`, headers },
    read: { url: `${urls[1]}/read/${serverId}`, headers },
    server: { url: `${urls[0]}${COMPUTE}/servers/${serverId}`, headers },
    flavor: { url: `${urls[0]}${COMPUTE}/flavors/1`, headers },
    token: { url: `${urls[0]}/identity/v3/auth/tokens`, headers: { ...headers, 'X-Subject-Token': token } },
  }
  const rates: Record<string, number[]> = {}
  // What is compared takes turns with what it is compared to; the other routes come after, so as not to disturb them.
  for (const names of [
    ['bare', 'read', 'server'],
    ['flavor', 'token'],
  ] as (keyof typeof routes)[][])
    for (let round = 0; round <= ROUNDS; round++)
      for (const name of names) {
        const perSecond = await rate({ ...routes[name], connections: CONNECTIONS, ms: round ? ROUND_MS : 1_000 })
        // The first round warms up.
        if (round) rates[name] = [...(rates[name] ?? []), perSecond]
      }
  child.disconnect()
  const bare = median(rates.bare!)
  // A token is looked up once in five seconds; that look is not the request's.
  const get = async (path: string) => {
    await world.send('GET', path, token)
    return world.counter.of(() => world.send('GET', path, token))
  }
  table.row('bare Hono route, same JSON', `${Math.round(bare)}/s`, '1.00')
  table.row(
    'bare Hono route, one row by key',
    `${Math.round(median(rates.read!))}/s`,
    (median(rates.read!) / bare).toFixed(2),
  )
  const ratio = table.ratios(rates.server!, rates.bare!)
  table.row(
    'GET /servers/{id}',
    `${Math.round(median(rates.server!))}/s`,
    ratio.toFixed(2),
    await get(`${COMPUTE}/servers/${serverId}`),
  )
  table.target('GET /servers/{id} with token check ≥ 0.40 of a bare Hono route', ratio >= 0.4, ratio.toFixed(2))
  table.row(
    'GET /flavors/{id}',
    `${Math.round(median(rates.flavor!))}/s`,
    (median(rates.flavor!) / bare).toFixed(2),
    await get(`${COMPUTE}/flavors/1`),
  )
  table.row(
    'GET /auth/tokens (verify)',
    `${Math.round(median(rates.token!))}/s`,
    (median(rates.token!) / bare).toFixed(2),
  )
}

async function inProcess(): Promise<void> {
  const { counter, send } = world
  const issue = () => send('POST', '/identity/v3/auth/tokens', undefined, passwordBody)
  const issued = await counter.of(issue)
  table.row('POST /auth/tokens (password)', `${(await timed(9, issue)).toFixed(1)} ms`, '', issued)

  const list = async () => (await send('GET', `${COMPUTE}/servers/detail?limit=${SERVERS}`, token)).text()
  const trips = await counter.of(list)
  const { servers } = JSON.parse(await list())
  if (servers.length !== SERVERS) throw new Error(`the page has ${servers.length} servers, not ${SERVERS}`)
  const sqlite = new DatabaseSync(join(folder, 'plimsoll.db'), { readOnly: true })
  const same = sqlite.prepare(trips.last!.sql)
  const values = trips.last!.values as SQLInputValue[]
  const plain = sqlite.prepare(
    'select * from servers where deleted_at is null order by created_at desc, id desc limit ?',
  )
  // In turns, so that whatever else the machine does is shared.
  const times: [number, number, number][] = []
  for (let i = 0; i < ROUNDS * 2; i++)
    times.push([
      await timed(3, () => JSON.stringify(same.all(...values))),
      await timed(3, list),
      await timed(3, () => JSON.stringify(plain.all(SERVERS))),
    ])
  const [bareMs, listMs, plainMs] = [0, 1, 2].map((i) => median(times.map((each) => each[i]!))) as [
    number,
    number,
    number,
  ]
  const ratio = table.ratios(
    times.map((t) => t[1]),
    times.map((t) => t[0]),
  )
  table.row(
    'bare node:sqlite read + JSON.stringify, table servers alone',
    `${plainMs.toFixed(1)} ms`,
    (plainMs / bareMs).toFixed(2),
  )
  table.row('bare node:sqlite read + JSON.stringify, same rows', `${bareMs.toFixed(1)} ms`, '1.00')
  table.row(`GET /servers/detail, ${SERVERS} servers`, `${listMs.toFixed(1)} ms`, ratio.toFixed(2), trips)
  table.target('a page of 1,000 detailed servers < 3 times the bare read', ratio < 3, ratio.toFixed(2))
  table.target('a list is 1 query', trips.database === 1, `${trips.database}`)
  table.target('0 cloud calls on a read', trips.cloud === 0, `${trips.cloud}`)

  const post = () => send('POST', `${COMPUTE}/servers`, token, wish)
  await world.d1.prepare('update quotas set maximum = -1').run()
  await post()
  const created = await counter.of(post)
  const postMs = await timed(20, post)
  table.row('POST /servers', `${postMs.toFixed(1)} ms`, '', created)
  const reads = created.database - created.writes
  table.target('a create writes 1 batch', created.writes === 1, `${created.writes}`)
  // The caller's token, everything that the request refers to, the ground of its ports.
  table.target('a create reads in 3 round trips at most', reads <= 3, `${reads}`)
  table.target('0 cloud calls before the answer to a create', created.cloud === 0, `${created.cloud}`)
  world.deferred.length = 0

  const sweep = await benchReconcile(world, ROWS)
  table.row('bare read + JSON.stringify of 10,000 bindings and sightings', `${sweep.bareMs.toFixed(0)} ms`, '1.00')
  table.row(
    'reconcile of 10,000 quiet servers',
    `${sweep.ms.toFixed(0)} ms`,
    (sweep.ms / sweep.bareMs).toFixed(2),
    sweep.trips,
  )
}

/** The Worker as it is uploaded, compressed as Cloudflare counts it. */
function bundle(): void {
  const out = join(folder, 'bundle')
  const wrangler = fileURLToPath(new URL('../../node_modules/wrangler/bin/wrangler.js', import.meta.url))
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' }
  const cwd = fileURLToPath(new URL('../../', import.meta.url))
  execFileSync(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', out], { env, cwd, stdio: 'pipe' })
  const scripts = readdirSync(out).filter((name) => name.endsWith('.js') || name.endsWith('.mjs'))
  const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(out, name)), { level: 9 }).length, 0)
  table.row('Worker bundle, gzip -9', `${(bytes / 1024).toFixed(0)} KiB`, '')
  table.target('Worker bundle < 1 MiB gzipped', bytes < 1024 * 1024, `${(bytes / 1024).toFixed(0)} KiB`)
}
