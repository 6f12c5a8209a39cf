import { type Load, loadsOf } from '../../db/queries/clouds/loads.ts'
import type { CloudFigures, SweepFigures } from '../../db/queries/line/figures.ts'
import { type Standing, standingOf } from '../broker/clouds/standing.ts'
import { loadOf, markOf } from '../broker/compute/place/marks.ts'
import type { Host } from '../context.ts'
import type { RowMetric } from './metrics.ts'

/** A value of a metric. */
export interface Sample {
  name: RowMetric
  labels: Record<string, string>
  value: number
}

const MIB = 2 ** 20
const MICROS = 1e6

/** Null and undefined: nobody knows, and nothing is said. */
const some = (name: RowMetric, labels: Sample['labels'], value: number | null | undefined): Sample[] =>
  value === null || value === undefined ? [] : [{ name, labels, value }]

const agesFrom = (now: number) => (at: number | null | undefined) =>
  at === null || at === undefined ? null : Math.max(0, (now - at) / 1000)

type Age = ReturnType<typeof agesFrom>

const cloudSamples = (cloud: CloudFigures, { sealed }: Standing, now: number, age: Age): Sample[] => {
  const labels = { cloud: cloud.name }
  return [
    ...some('plimsoll_cloud_enabled', { ...labels, type: cloud.type }, cloud.enabled),
    ...some('plimsoll_cloud_breaker_open', labels, Number(cloud.breakerOpenUntil > now)),
    ...some('plimsoll_cloud_failures', labels, cloud.failures),
    ...some('plimsoll_cloud_seen_age_seconds', labels, age(cloud.seenAt)),
    ...some('plimsoll_cloud_inventory_age_seconds', labels, age(cloud.inventoryAt)),
    ...some('plimsoll_cloud_credentials_lost', labels, Number(sealed.get(cloud.id) === 'lost')),
  ]
}

const sweepSamples = (cloud: string, sweep: SweepFigures, age: Age): Sample[] => {
  const labels = { cloud }
  const took = sweep.durationMs === null ? null : sweep.durationMs / 1000
  return [
    ...some('plimsoll_sweep_units', labels, sweep.units),
    ...some('plimsoll_sweep_failed_units', labels, sweep.failed),
    ...some('plimsoll_sweep_age_seconds', labels, age(sweep.startedAt)),
    ...some('plimsoll_sweep_overdue_seconds', labels, age(sweep.dueAt)),
    ...some('plimsoll_sweep_duration_seconds', labels, took),
    ...some('plimsoll_sweep_orphans', labels, sweep.orphans),
    ...some('plimsoll_sweep_missing', labels, sweep.missing),
  ]
}

const loadSamples = (load: Load, mark: number | null, currency: string | null): Sample[] => {
  const labels = { cloud: load.name }
  const { roomVcpus, roomRamMib, takenVcpus, takenRamMib } = load
  return [
    ...some('plimsoll_cloud_room_vcpus', labels, roomVcpus),
    ...some('plimsoll_cloud_taken_vcpus', labels, takenVcpus),
    ...some('plimsoll_cloud_room_memory_bytes', labels, roomRamMib === null ? null : roomRamMib * MIB),
    ...some('plimsoll_cloud_taken_memory_bytes', labels, takenRamMib * MIB),
    ...some('plimsoll_cloud_load_ratio', labels, loadOf(load)),
    ...some('plimsoll_cloud_mark_ratio', labels, mark),
    ...(currency === null ? [] : some('plimsoll_cloud_cost_per_hour', { ...labels, currency }, load.hourly / MICROS)),
  ]
}

/** How large the database is, in bytes; null: it does not say. D1 says it beside any answer. */
const sizeOf = async ({ d1 }: Pick<Host, 'd1'>): Promise<number | null> => {
  if ('size' in d1) return d1.size as number
  const { meta } = await d1.prepare('select 1').run()
  return meta.size_after || null
}

/** All that rows tell: two batches, and a word about the size. */
export const samplesFrom = async (host: Host, health: () => Promise<string | null>): Promise<Sample[]> => {
  const trouble = await health()
  const standing = await standingOf(host)
  const { loads, policy, currency } = await loadsOf(host.db, '', true)
  const now = host.now()
  const age = agesFrom(now)
  const { figures, overdue, behindMs } = standing
  const nameOf = new Map(figures.clouds.map(({ id, name }) => [id, name]))
  const { deployment, settings } = host
  return [
    ...some('plimsoll_info', { deployment: deployment.id, runtime: settings.runtime }, 1),
    ...some('plimsoll_healthy', {}, Number(trouble === null)),
    ...some('plimsoll_clock_behind_seconds', {}, behindMs / 1000),
    ...some('plimsoll_database_size_bytes', {}, await sizeOf(host)),
    ...figures.due.flatMap(({ queue, count, oldest }) => [
      ...some('plimsoll_due_items', { queue }, count),
      ...some('plimsoll_due_oldest_age_seconds', { queue }, age(oldest) ?? 0),
    ]),
    ...[...overdue].flatMap(([loop, late]) =>
      some('plimsoll_loop_overdue_seconds', { loop }, late === null ? null : late / 1000),
    ),
    ...figures.underWay.flatMap(({ phase, count }) => some('plimsoll_bindings_under_way', { phase }, count)),
    ...figures.failed.flatMap(({ cloudId, count }) =>
      some('plimsoll_bindings_failed', { cloud: nameOf.get(cloudId) ?? cloudId }, count),
    ),
    ...figures.clouds.flatMap((cloud) => cloudSamples(cloud, standing, now, age)),
    ...figures.sweeps.flatMap((sweep) => sweepSamples(nameOf.get(sweep.cloudId) ?? sweep.cloudId, sweep, age)),
    ...loads.flatMap((load) => loadSamples(load, markOf(policy, load), currency)),
  ]
}
