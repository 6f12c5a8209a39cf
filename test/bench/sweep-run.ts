import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adapters } from '../../adapters/registry.ts'
import { migrate, readMigrations } from '../../db/migrate.ts'
import { everyProject } from '../../db/scope.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { digest } from '../../functions/broker/line/digest.ts'
import { reconcile, reconcileAccount, type SweepReport, sweepDue } from '../../functions/broker/reconcile/reconcile.ts'
import { openHost, settingsFrom } from '../../functions/runtime/host.ts'
import { Estate } from './sweep-cloud.ts'
import { type Cost, Meter } from './sweep-meter.ts'

/** One size in a process of its own: `sweep-run.ts INSTANCES CLOUDS`. Sends what it measured to its parent. */
const [instances, count] = process.argv.slice(2).map(Number) as [number, number]
const each = instances / count
/** Units of which it is seen what they hold: every look takes its time. */
const LOOKED_AT = 4
const folder = mkdtempSync(join(tmpdir(), 'plimsoll-sweep-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const estate = new Estate(each)
adapters.still = async () => estate.adapter()
const meter = new Meter(() => estate.spent)
const file = openSqlite(join(folder, 'plimsoll.db'))
await migrate(file, await readMigrations(new URL('../../db/migrations', import.meta.url)))
const clouds = Array.from({ length: count }, (_, n) => `still-${n}`)
for (const cloud of clouds) await settle(cloud)

let now = 1_800_000_000_000
const host = await openHost({
  d1: meter.d1(file),
  cloudState: { get: async () => null, swap: async () => true } as never,
  settings: settingsFrom({}, 'node', '5b'.repeat(32)),
  defer: () => {},
  now: () => now,
  log: () => {},
})
const context = { ...host, requestId: 'req-bench', caller: null, scope: everyProject }

// Makes the rows of the units and warms the code up.
await sweep()
const quiet = await sweep()
const unit = await dearest()
const held = await dearest(true)
estate.generation++
const changed = await sweep()
const again = await sweep()
const measured = { instances, clouds: count, quiet, unit: { ...unit, liveMb: held.liveMb }, changed, again }
export type Measured = typeof measured
process.send!(measured)

/** A cloud, its project and the bindings of its servers, all as they were last seen. */
async function settle(cloud: string): Promise<void> {
  const at = `values (?1, ?1, 'still', 0)`
  await file.prepare(`insert into clouds (id, name, type, created_at) ${at}`).bind(cloud).run()
  await file
    .prepare(`insert into mappings (project_id, cloud_id, created_at) values ('bench', ?1, 0)`)
    .bind(cloud)
    .run()
  for (let from = 0; from < each; from += 2_000) {
    const rows = Array.from({ length: Math.min(2_000, each - from) }, (_, n) => {
      const seen = estate.sight(cloud, from + n)
      return [crypto.randomUUID(), seen.id, digest(seen)]
    })
    await file
      .prepare(
        `insert into bindings (kind, resource_id, cloud_id, project_id, token, phase, native_id, observed, bound_at, created_at, updated_at)
         select 'server', value->>0, ?1, 'bench', value->>0, 'bound', value->>1, value->>2, 1, 0, 0 from json_each(?2)`,
      )
      .bind(cloud, JSON.stringify(rows))
      .run()
  }
}

/** A minute later, every unit at one go, as Node does it. */
async function sweep(): Promise<Cost & { changed: number }> {
  now += 61_000
  let reports: SweepReport[] = []
  const cost = await meter.of(async () => {
    reports = await reconcile(context, Number.POSITIVE_INFINITY)
  })
  return { ...cost, changed: total(reports) }
}

/** A minute later, every unit by itself, as a queue hands them out: the most that any of them took. */
async function dearest(exact = false): Promise<Omit<Cost, 'written'>> {
  now += 61_000
  let due: string[] = []
  const spread = async (accounts: string[]) => {
    due = accounts
  }
  await sweepDue({ ...context, spread }, Number.POSITIVE_INFINITY)
  const reports: SweepReport[] = []
  const costs: Cost[] = []
  for (const account of exact ? due.slice(0, LOOKED_AT) : due) {
    const work = async () => reports.push(...(await reconcileAccount(context, account, Number.POSITIVE_INFINITY)))
    costs.push(await meter.of(work, exact))
  }
  if (!exact) total(reports)
  const most = (key: Exclude<keyof Cost, 'written'>) => Math.max(...costs.map((cost) => cost[key]))
  const [ms, cpuMs, statements] = [most('ms'), most('cpuMs'), most('statements')]
  return { ms, cpuMs, statements, liveMb: most('liveMb'), heapMb: most('heapMb') }
}

/** How many differed; throws unless every unit was swept as a whole. */
function total(reports: SweepReport[]): number {
  const sum = (key: 'listed' | 'known' | 'changed' | 'missing') => reports.reduce((all, one) => all + one[key], 0)
  if (reports.length !== count || sum('listed') !== instances || sum('known') !== instances || sum('missing'))
    throw new Error(`not a whole sweep: ${JSON.stringify(reports.slice(0, 3))}`)
  return sum('changed')
}
