import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type FaultProxy, startProxy } from '../moto/fault-proxy.ts'
import { launch } from '../moto/launch.ts'
import type { Report } from '../support/report.ts'
import { type Audit, audit, unsettled } from './books.ts'
import { Victim } from './broker.ts'
import { census, leaks, tally } from './census.ts'
import { Client } from './client.ts'
import { FAULTS, prepare, raze } from './ground.ts'
import { restore } from './restore.ts'
import { type Ground, type Ledger, live } from './story.ts'

const CLIENTS = 5
/** Stories a minute that should be told. */
const STORIES = 24
/** A deletion may wait two minutes for a creation without an answer, then some. */
const GRACE_MS = 180_000
const RECOVERY_MS = 60_000

/** `--minutes N` is how long the trouble lasts, `--seed N` what the clients choose. */
const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } }, strict: false })
const MINUTES = Number(values.minutes ?? 1.25)
const SEED = Number(values.seed ?? 1)

/** What the phases of one run share. */
export interface Stage {
  broker: Victim
  proxy: FaultProxy
  /** The cloud itself, past the proxy. */
  cloud: string
  admin: Client
  demo: Client
  ground: Ground
  ledger: Ledger
  check(title: string, faults: string[] | Promise<string[]>, good?: string): Promise<void>
}

/** A broker that is killed again and again, on a cloud that fails, under clients that never give up. */
export const chaos = async (report: Report): Promise<void> => {
  const moto = await launch()
  const proxy = await startProxy(moto.url, SEED)
  const broker = await Victim.make()
  let since = Date.now()
  const check: Stage['check'] = async (title, given, good = '') => {
    const faults = await Promise.resolve(given).catch((error) => [String(error)])
    const shown = faults.length ? `${faults.length}: ${faults.slice(0, 8).join('; ')}` : good
    report.step('chaos', title, faults.length ? 'failed' : 'passed', Date.now() - since, shown)
    since = Date.now()
  }
  try {
    await broker.start()
    const [admin, demo] = [new Client(broker, 'admin'), new Client(broker, 'demo')]
    const ground = await prepare(admin, demo, proxy.url)
    const ledger: Ledger = { promised: new Map(), surprises: [], stories: 0, closing: false }
    const stage: Stage = { broker, proxy, cloud: moto.url, admin, demo, ground, ledger, check }
    await check('the broker starts and a cloud is connected', [])
    await storm(stage)
    await count(stage)
    await restore(stage)
    await farewell(stage)
  } catch (error) {
    await check('the run comes to its end', [error instanceof Error ? (error.stack ?? error.message) : String(error)])
  } finally {
    if (process.env.PEERS_LOG) console.log(broker.log().slice(-2_000).join('\n'))
    await broker.close()
    await proxy.stop()
    await moto.stop()
  }
}

/** Load, faults and kills for the given time; then one last kill, and peace. */
const storm = async ({ broker, proxy, ledger, ground, check }: Stage): Promise<void> => {
  proxy.rules = [...FAULTS]
  const clients = Array.from({ length: CLIENTS }, () => new Client(broker, 'demo'))
  const lives = Promise.all(clients.map((client, n) => live(client, ground, ledger, random(SEED * 100 + n))))
  const chance = random(SEED)
  const began = Date.now()
  const ms = MINUTES * 60_000
  // On a slow machine it takes longer until enough has happened.
  const enough = () => Date.now() - began > (ledger.stories < STORIES * MINUTES ? 3 * ms : ms)
  while (!enough()) {
    await broker.life(2_500 + chance() * 4_500, broker.kills)
    await broker.kill()
    await broker.start()
  }
  const calls = proxy.log.length
  const failed = proxy.log.filter(({ fault }) => fault !== undefined).length
  await broker.kill()
  const killed = Date.now()
  proxy.rules = []
  ledger.closing = true
  await broker.start()
  await lives
  const sum = (of: (client: Client) => number) => clients.reduce((all, client) => all + of(client), 0)
  const repeated = sum((client) => client.repeated)
  await check(
    `${broker.kills} kills in ${((killed - began) / 60_000).toFixed(1)} minutes`,
    broker.kills < 3 || ledger.stories < 2 * CLIENTS ? ['too little has happened to prove anything'] : [],
    `${ledger.stories} stories, ${repeated} requests repeated; ${failed} of ${calls} calls to the cloud failed`,
  )
  const strange = [...ledger.surprises, ...clients.flatMap(({ failures }) => failures)]
  await check('no client is told anything strange', [...new Set(strange)])
  await check('everything is settled within a minute of the last kill', settle(broker, killed), 'see below')
}

/** So many of those that settled last are told. */
const LAST = 4

/** Empty once nothing is under way any more; otherwise what still is when the time is up. Tells what was last to settle, and why. */
const settle = async (broker: Victim, killed: number): Promise<string[]> => {
  const seen = new Map<string, string>()
  for (;;) {
    const { busy, grace } = unsettled(broker.file)
    const ms = Date.now() - killed
    if (!busy.size) {
      const last = [...seen.values()].slice(-LAST)
      console.log(
        `      recovered ${(ms / 1000).toFixed(1)} s after the last kill; ${grace} deletions wait out their grace`,
      )
      for (const each of last) console.log(`      ${each}`)
      return ms < broker.within(RECOVERY_MS) ? [] : [`it took ${ms / 1000} s`, ...last]
    }
    if (ms > GRACE_MS) return [`after ${ms / 1000} s`, ...busy.values()]
    for (const [key, words] of busy) {
      // Those that settle last stand last.
      seen.delete(key)
      seen.set(key, `at ${(ms / 1000).toFixed(1)} s: ${words}`)
    }
    await pause(250)
  }
}

/** Nothing at all is due any more. */
const quiet = async (broker: Victim): Promise<string[]> => {
  for (const until = Date.now() + GRACE_MS; ; ) {
    const { busy, grace } = unsettled(broker.file)
    if (!busy.size && !grace) return []
    if (Date.now() > until) return [`${grace} in grace`, ...busy.values()]
    await pause(500)
  }
}

const count = async ({ broker, cloud, ledger, check }: Stage): Promise<void> => {
  await check('the last deletions have waited out their grace', quiet(broker))
  const found = await census(cloud)
  const { lost, leaked, twins, drift, broken, counts }: Audit = audit(broker.file, found, ledger)
  const rows = `${counts.servers} servers (${broken.length} in ERROR), ${counts.volumes} volumes; ${ledger.promised.size} promises`
  await check('lost: 0', lost, `${rows}; the cloud holds ${tally(found)}`)
  await check('leaked: 0', leaked)
  await check('duplicates: 0', twins)
  await check('quota drift: 0', drift)
  const unfair = broken.filter((each) => !/No valid host|no room/.test(each))
  await check('only servers for which there was no room are in ERROR', unfair)
}

const farewell = async ({ broker, cloud, demo, ground, check }: Stage): Promise<void> => {
  await check('everything is deleted through the API', raze(demo, ground, 120_000))
  await check('the broker has nothing left to do', quiet(broker))
  const left = async () => {
    for (const until = Date.now() + 30_000; ; await pause(1_000)) {
      const found = await leaks(cloud)
      if (!found.length || Date.now() > until) return found
    }
  }
  await check('nothing with our mark is left on the cloud', left())
}

/** Numbers that a seed fixes. */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}
