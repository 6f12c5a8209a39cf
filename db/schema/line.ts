import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { CloudErrorCode } from '../../adapters/errors.ts'
import type { Json, Kind } from '../../adapters/contract.ts'
import { at, emptyObject, json } from './columns.ts'

export type Phase = 'intent' | 'calling' | 'bound' | 'deleting' | 'gone' | 'failed'

/** The line itself: the only place where a UUID meets an `i-0abc`. */
export const bindings = sqliteTable(
  'bindings',
  {
    kind: text('kind').$type<Kind>().notNull(),
    resourceId: text('resource_id').notNull(),
    cloudId: text('cloud_id').notNull(),
    /** Empty, but for kinds that a cloud realises once per network: then that network's id. */
    scope: text('scope').notNull().default(''),
    projectId: text('project_id').notNull(),
    zone: text('zone'),
    want: text('want').$type<'present' | 'absent'>().notNull().default('present'),
    phase: text('phase').$type<Phase>().notNull().default('intent'),
    nativeId: text('native_id'),
    /** Unique per attempt to create. */
    token: text('token').notNull(),
    /** Who holds the highest fence may write; every claim raises it. */
    fence: integer('fence').notNull().default(0),
    epoch: integer('epoch').notNull().default(0),
    /** The create request exactly as it is sent, and sent again. */
    frozen: json<Json>('frozen'),
    task: json<Json>('task'),
    /** Raised by every change of intent; `applied` follows when the cloud matches it. */
    revision: integer('revision').notNull().default(0),
    applied: integer('applied').notNull().default(-1),
    calledAt: at('called_at'),
    boundAt: at('bound_at'),
    seenAt: at('seen_at'),
    /** How many complete listings in a row did not show it. */
    missing: integer('missing').notNull().default(0),
    /** When converge has work to do; null: settled. */
    dueAt: at('due_at'),
    leaseUntil: at('lease_until').notNull().default(0),
    attempts: integer('attempts').notNull().default(0),
    error: json<{ code: CloudErrorCode; message: string; cloudCode?: string; at: number }>('error'),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.kind, t.resourceId, t.cloudId, t.scope] }),
    index('bindings_due').on(t.dueAt),
    index('bindings_by_native').on(t.cloudId, t.kind, t.nativeId),
    index('bindings_by_resource').on(t.resourceId),
  ],
)

/** Counters move in the same batch as the row that justifies them; a trigger refuses to pass the limit. */
export const quotas = sqliteTable(
  'quotas',
  {
    projectId: text('project_id').notNull(),
    /** `instances`, `cores`, `ram`, `volumes`, `gigabytes`, `port` … in the words of the service that shows it. */
    resource: text('resource').notNull(),
    /** -1: unlimited. */
    maximum: integer('maximum').notNull(),
    used: integer('used').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.resource] })],
)

/** One row for every mutation, in the same batch as the mutation. */
export const journal = sqliteTable(
  'journal',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    at: at('at').notNull(),
    requestId: text('request_id').notNull(),
    userId: text('user_id'),
    projectId: text('project_id'),
    action: text('action').notNull(),
    kind: text('kind').notNull(),
    resourceId: text('resource_id').notNull(),
    detail: json<Record<string, Json>>('detail').notNull().default(emptyObject as never),
  },
  (t) => [index('journal_by_resource').on(t.resourceId), index('journal_by_time').on(t.at)],
)

/** Single values of the deployment: its id, its epoch. */
export const settings = sqliteTable('settings', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
})

/** A cron loop runs in one place at a time. */
export const leases = sqliteTable('leases', {
  name: text('name').primaryKey(),
  until: at('until').notNull(),
  cursor: text('cursor'),
})

/** Nothing is ever in it: inserting undoes the batch, with the name of the guard in the message. */
export const guards = sqliteTable('guards', { broken: text('broken').notNull() })
