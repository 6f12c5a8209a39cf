import { MOST_COUNTED, type SweepFigures } from '../../../db/queries/line/figures.ts'
import { writeHealth } from '../../../db/queries/line/settings.ts'
import { type Standing, standingOf } from '../../broker/clouds/standing.ts'
import type { Context } from '../../context.ts'
import { type Operation, operation } from '../../http/operation.ts'
import { storageTrouble } from '../../http/storage-fault.ts'
import { iso } from '../lookup.ts'

const seconds = (ms: number): number => Math.round(ms / 100) / 10

/** Whether the database takes what is written, and why not. It was read by now: the token of whoever asks was looked at. */
const databaseView = async (context: Context) => {
  const began = performance.now()
  const reason = await whyUnwritable(context)
  return { writable: reason === null, reason, write_seconds: (performance.now() - began) / 1_000 }
}

const whyUnwritable = async ({ db, d1, now, log }: Context): Promise<string | null> => {
  try {
    await writeHealth(db, now())
    return 'damage' in d1 && d1.damage ? 'The database is damaged.' : null
  } catch (error) {
    log('error', 'the database cannot be written', { error: String(error) })
    return storageTrouble(error) ?? 'The database does not answer.'
  }
}

const sweepView = (sweep: SweepFigures | undefined) =>
  sweep
    ? {
        units: sweep.units,
        due_at: iso(sweep.dueAt),
        oldest_at: iso(sweep.startedAt),
        longest_seconds: sweep.durationMs === null ? null : seconds(sweep.durationMs),
        failed_units: sweep.failed,
        orphans: sweep.orphans,
        missing: sweep.missing,
      }
    : null

const cloudViews = ({ figures, sealed }: Standing, now: number) =>
  figures.clouds.map((cloud) => ({
    cloud: cloud.name,
    type: cloud.type,
    status: !cloud.enabled
      ? 'disabled'
      : cloud.breakerOpenUntil > now
        ? 'unreachable'
        : cloud.seenAt === null
          ? 'new'
          : 'available',
    failures: cloud.failures,
    breaker_open_until: cloud.breakerOpenUntil > now ? iso(cloud.breakerOpenUntil) : null,
    last_error: cloud.lastError,
    seen_at: iso(cloud.seenAt),
    inventory_at: iso(cloud.inventoryAt),
    credentials: sealed.get(cloud.id)!,
    failed_bindings: figures.failed.find(({ cloudId }) => cloudId === cloud.id)?.count ?? 0,
    sweeps: sweepView(figures.sweeps.find(({ cloudId }) => cloudId === cloud.id)),
  }))

const view = async (context: Context) => {
  const now = context.now()
  const database = await databaseView(context)
  const standing = await standingOf(context)
  const { figures, overdue, behindMs } = standing
  const troubles = [...(database.reason === null ? [] : [database.reason]), ...standing.troubles]
  return {
    status: troubles.length ? 'troubled' : 'ok',
    troubles,
    deployment: context.deployment.id,
    runtime: context.settings.runtime,
    started_at: iso(context.aloneSince ?? null),
    clock: { now: iso(now), behind_seconds: seconds(behindMs) },
    database,
    due: figures.due.map(({ queue, count, oldest }) => ({
      queue,
      count,
      oldest_at: iso(oldest),
      oldest_seconds: oldest === null ? null : seconds(now - oldest),
    })),
    under_way: Object.fromEntries(figures.underWay.map(({ phase, count }) => [phase, count])),
    counted_to: MOST_COUNTED,
    loops: figures.loops.map(({ name, until }) => ({
      loop: name,
      next_at: until ? iso(until) : null,
      overdue_seconds: overdue.get(name) == null ? null : seconds(overdue.get(name)!),
    })),
    secret_keys: context.settings.secretKeys.length,
    clouds: cloudViews(standing, now),
  }
}

export const healthOperations: Operation[] = [
  operation({
    name: 'health.show',
    method: 'GET',
    path: '/v1/health',
    who: 'admin',
    summary:
      'How the house stands, for whoever runs it: `troubles` in sentences; whether the database can be written; what is due and since when; each loop, each cloud with its breaker, its sweeps and its credentials. What is due, under way or failed is counted to `counted_to`. No cloud is asked.',
    status: 200,
    handle: async ({ context }) => ({ body: { health: await view(context) } }),
  }),
]
