import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

/** So many of what is under way or failed are counted: who has more has trouble enough to look for himself. */
export const MOST_COUNTED = 1_000

/** Work of one sort whose time has come. */
interface DueWork {
  queue: 'converge' | 'webhooks' | 'imports'
  /** `MOST_COUNTED` at most. */
  count: number
  /** Since when the oldest is due; null: none is. */
  oldest: number | null
}

/** A cloud as its row has it. */
export interface CloudFigures {
  id: string
  name: string
  type: string
  enabled: number
  /** Calls in a row without a clear answer, and until when it is left alone for them. */
  failures: number
  breakerOpenUntil: number
  lastError: string | null
  seenAt: number | null
  inventoryAt: number | null
  credentials: string | null
  credentialsVersion: number
}

/** The last sweeps of all units of a cloud, together. */
export interface SweepFigures {
  cloudId: string
  units: number
  /** When the one that waits longest was to be swept next. */
  dueAt: number
  /** When the one that was swept longest ago was; null: one never was. */
  startedAt: number | null
  /** The longest of them, in milliseconds. */
  durationMs: number | null
  /** Of so many the last sweep failed. */
  failed: number
  orphans: number
  missing: number
}

/** How the house stands, as rows tell it. */
export interface Figures {
  due: DueWork[]
  /** Bindings with work left, by how far they are. `MOST_COUNTED` at most, those due first. */
  underWay: { phase: string; count: number }[]
  /** Bindings that came to nothing. `MOST_COUNTED` at most. */
  failed: { cloudId: string; count: number }[]
  clouds: CloudFigures[]
  sweeps: SweepFigures[]
  /** Until when a loop rests or is held; 0: nobody has run it since this process began. */
  loops: { name: string; until: number }[]
}

const dueIn = (queue: DueWork['queue'], table: string, now: number) =>
  sql`select ${queue} as queue, count(*) as count, min(due_at) as oldest
    from (select due_at from ${sql.identifier(table)} where due_at is not null and due_at <= ${now} + 0 order by due_at limit ${MOST_COUNTED})`

/** One batch, of statements that read few rows however much is stored. */
export const figuresOf = async (db: Database, now: number): Promise<Figures> => {
  const [due, underWay, failed, clouds, sweeps, loops] = await db.batch([
    db.all<DueWork>(
      sql`${dueIn('converge', 'bindings', now)} union all ${dueIn('webhooks', 'webhooks', now)} union all ${dueIn('imports', 'image_tasks', now)}`,
    ),
    db.all<Figures['underWay'][number]>(sql`select phase, count(*) as count
      from (select phase from bindings where due_at is not null order by due_at limit ${MOST_COUNTED}) group by phase`),
    db.all<Figures['failed'][number]>(sql`select cloud_id as cloudId, count(*) as count
      from (select cloud_id from bindings where phase = 'failed' limit ${MOST_COUNTED}) group by cloud_id`),
    db.all<CloudFigures>(sql`select id, name, type, enabled, failures, closed_until as breakerOpenUntil, last_error as lastError,
        seen_at as seenAt, inventory_at as inventoryAt, credentials, credentials_version as credentialsVersion
      from clouds order by position, name`),
    db.all<SweepFigures>(sql`select cloud_id as cloudId, count(*) as units, min(due_at) as dueAt,
        case when count(started_at) = count(*) then min(started_at) end as startedAt, max(duration_ms) as durationMs,
        count(report ->> 'error') as failed, coalesce(sum(report ->> 'orphans'), 0) as orphans,
        coalesce(sum(report ->> 'missing'), 0) as missing
      from sweeps group by cloud_id`),
    db.all<Figures['loops'][number]>(
      sql`select name, until from leases where name not like 'reconcile: %' order by name`,
    ),
  ])
  return { due, underWay, failed, clouds, sweeps, loops }
}
