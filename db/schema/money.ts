import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { PurchaseOption } from '../../adapters/contract.ts'
import { at, emptyList, flag, json } from './columns.ts'

/** What is paid for. */
export type Metered = 'server' | 'volume' | 'address'

/**
 * What is bought for a server, a volume or a public address from when to when, at one rate: triggers on `servers`, `volumes` and
 * `floating_ips` begin and end it, so that no way to write one can forget it. It goes when all of it is in `costs`; of what is there still, a day later.
 */
export const meters = sqliteTable(
  'meters',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    kind: text('kind').$type<Metered>().notNull().default('server'),
    /** Of the server, the volume or the address. */
    serverId: text('server_id').notNull(),
    projectId: text('project_id').notNull(),
    cloudId: text('cloud_id').notNull(),
    zone: text('zone').notNull(),
    /** Of a volume its type; of an address nothing. */
    size: text('size').notNull(),
    option: text('option').$type<PurchaseOption>().notNull(),
    /** Micros of the deployment's currency; null: unpriced. */
    hourly: integer('hourly'),
    state: text('state').$type<'running' | 'stopped'>().notNull(),
    /** Null: it is asked for, and did not run yet. */
    startedAt: at('started_at'),
    /** Up to here it is in `costs`. */
    settledAt: at('settled_at'),
    endedAt: at('ended_at'),
    /** What of a budget is kept for it beyond what is settled, in micros. */
    reserved: integer('reserved').notNull(),
    /** When it is settled next. */
    dueAt: at('due_at').notNull(),
    /** It is of the machine that a server has beside its current one (`moves.ts`). */
    beside: flag('beside').notNull().default(false),
  },
  (t) => [
    index('meters_by_server').on(t.serverId, t.endedAt),
    index('meters_by_project').on(t.projectId, t.dueAt),
    index('meters_due').on(t.dueAt),
  ],
)

/** What was paid for: a row for each day (UTC), server, volume or address, and rate. */
export const costs = sqliteTable(
  'costs',
  {
    projectId: text('project_id').notNull(),
    /** `2026-11-29`. */
    day: text('day').notNull(),
    kind: text('kind').$type<Metered>().notNull().default('server'),
    serverId: text('server_id').notNull(),
    cloudId: text('cloud_id').notNull(),
    zone: text('zone').notNull(),
    size: text('size').notNull(),
    option: text('option').$type<PurchaseOption>().notNull(),
    state: text('state').$type<'running' | 'stopped'>().notNull(),
    /** Nobody knew what it costs: `hourly` says nothing. */
    unpriced: flag('unpriced').notNull(),
    hourly: integer('hourly').notNull(),
    /** Of the server, when it was settled last. */
    tags: json<string[]>('tags')
      .notNull()
      .default(emptyList as never),
    /** So long, in milliseconds. */
    ms: integer('ms').notNull(),
  },
  (t) => [
    primaryKey({
      columns: [t.projectId, t.day, t.serverId, t.cloudId, t.zone, t.size, t.option, t.state, t.unpriced, t.hourly],
    }),
    index('costs_by_day').on(t.day),
  ],
)

/** What a project spends now: triggers write it, nothing else does. In micros. */
export const spend = sqliteTable('spend', {
  projectId: text('project_id').primaryKey(),
  /** An hour of all that it has, servers stopped or not, volumes and addresses; of what is being resized the dearer of both. */
  hourly: integer('hourly').notNull(),
  /** Kept for what runs, beyond what is settled. */
  reserved: integer('reserved').notNull(),
})

/** What a project spent in a month (`2026-11`, UTC), in micros: triggers count it. */
export const spendMonths = sqliteTable(
  'spend_months',
  {
    projectId: text('project_id').notNull(),
    month: text('month').notNull(),
    settled: integer('settled').notNull(),
    /** When the project was told that most of its budget, or all of it, is spent. */
    warnedAt: at('warned_at'),
    exhaustedAt: at('exhausted_at'),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.month] }), index('spend_months_by_month').on(t.month)],
)
