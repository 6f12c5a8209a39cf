import type { Adapter, Cloud, Seen, ServerSeen } from '../../adapters/contract.ts'
import { adapters } from '../../adapters/registry.ts'
import { everyProject } from '../../db/scope.ts'
import { digest } from '../../functions/broker/line/digest.ts'
import { reconcile } from '../../functions/broker/reconcile/reconcile.ts'
import type { Trips } from './counting.ts'
import { timed } from './load.ts'
import type { World } from './world.ts'

const PAGE = 1_000

/** A cloud of so many servers, of which nothing has changed: what every quiet minute costs. */
const still = (count: number): { cloud: Cloud; seen: ServerSeen[] } => {
  const seen = Array.from(
    { length: count },
    (_, n): ServerSeen => ({
      id: `i-${n.toString(16).padStart(17, '0')}`,
      name: `server-${n}`,
      health: 'ready',
      zone: 'a',
      power: 'running',
      size: 'quick',
      volumes: [{ id: `vol-${n}`, device: '/dev/xvda', root: true }],
      ports: [{ id: `eni-${n}`, mac: '02:00:00:00:00:01', addresses: ['10.0.0.1'] }],
    }),
  )
  const list = async (cursor = '0') => {
    const from = Number(cursor)
    const next = from + PAGE < count ? { next: String(from + PAGE) } : {}
    return { items: seen.slice(from, from + PAGE), complete: true, ...next }
  }
  return { cloud: { server: { once: 'token', settleMs: 0, list } } as unknown as Cloud, seen }
}

/** Milliseconds and round trips of one sweep over `count` servers that are all as they were. */
export const benchReconcile = async (
  world: World,
  count: number,
): Promise<{ ms: number; trips: Trips; bareMs: number }> => {
  const { host, d1, counter } = world
  const { cloud, seen } = still(count)
  const adapter: Pick<Adapter, 'type' | 'runtimes' | 'account' | 'connect'> = {
    type: 'still',
    runtimes: ['node', 'workers'],
    account: () => 'one',
    connect: () => cloud,
  }
  adapters.still = async () => adapter as Adapter
  await d1.prepare(`update clouds set enabled = 0`).run()
  await d1.prepare(`insert into clouds (id, name, type, created_at) values ('still', 'still', 'still', 0)`).run()
  await d1.prepare(`insert into mappings (project_id, cloud_id, created_at) values ('bench', 'still', 0)`).run()
  for (let from = 0; from < count; from += 500)
    await d1.batch(
      seen.slice(from, from + 500).map((each: Seen) =>
        d1
          .prepare(
            `insert into bindings (kind, resource_id, cloud_id, project_id, token, phase, native_id, observed, bound_at, created_at, updated_at)
             values ('server', ?1, 'still', 'bench', ?1, 'bound', ?2, ?3, 1, 0, 0)`,
          )
          .bind(crypto.randomUUID(), each.id, digest(each)),
      ),
    )
  const context = { ...host, requestId: 'req-bench', caller: null, scope: everyProject }
  const sweep = async () => {
    const reports = await reconcile(context, 60_000, { all: true })
    const [report] = reports.filter(({ cloudId }) => cloudId === 'still')
    if (report?.known !== count || report.listed !== count || report.changed || report.missing)
      throw new Error(`not a quiet sweep: ${JSON.stringify(reports)}`)
  }
  const trips = await counter.of(sweep)
  const ms = await timed(5, sweep)
  const statement = d1.prepare(
    `select resource_id, native_id, observed from bindings where cloud_id = 'still' and kind = 'server'`,
  )
  const bareMs = await timed(5, async () => JSON.stringify([(await statement.all()).results, seen]))
  await d1.prepare(`update clouds set enabled = (type <> 'still')`).run()
  return { ms, trips, bareMs }
}
