import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../adapters/contract.ts'
import { at, emptyList, flag, json } from './columns.ts'

/** Projects of which somebody wants to be told: where there is no row, or nobody listens any more, no notice is written. */
export const listeners = sqliteTable('listeners', {
  projectId: text('project_id').primaryKey(),
  /** The number of its newest notice. Triggers count; it skips one where nobody listened for a while. */
  seq: integer('seq').notNull().default(0),
  /** Webhooks that are switched on: triggers count them. */
  webhooks: integer('webhooks').notNull().default(0),
  /** Somebody reads along until then. */
  until: at('until').notNull().default(0),
})

/**
 * What is told, in the order of a project. Triggers write them with the change that they tell, or a statement of its batch
 * does: none tells what was rolled back, and none is lost.
 */
export const notices = sqliteTable(
  'notices',
  {
    projectId: text('project_id').notNull(),
    seq: integer('seq').notNull(),
    /** The same wherever it is told: whoever hears it twice knows it by this. */
    id: text('id').notNull(),
    /** `broker/line/notices`. */
    type: text('type').notNull(),
    kind: text('kind').notNull(),
    resourceId: text('resource_id').notNull(),
    at: at('at').notNull(),
    data: json<Record<string, Json>>('data').notNull(),
    /** The trace that its resource's work belonged to then, as a `traceparent`: a trigger looks. Null: to none that is recorded. */
    trace: text('trace'),
  },
  (t) => [
    primaryKey({ columns: [t.projectId, t.seq] }),
    index('notices_by_time').on(t.at),
    index('notices_by_id').on(t.projectId, t.id),
    index('notices_of_project_by_time').on(t.projectId, t.at, t.seq),
  ],
)

/** Whom a project wants told by a request of ours. Due by time, claimed by lease and fence: one process at a time sends what is for one. */
export const webhooks = sqliteTable(
  'webhooks',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    name: text('name').notNull(),
    url: text('url').notNull(),
    /** Empty: all. */
    types: json<string[]>('types')
      .notNull()
      .default(emptyList as never),
    /** Sealed (`broker/notices/signature`). */
    secret: text('secret').notNull(),
    /** The one before, sealed too, which signs beside it until a time; null: there is none, or its time is over. */
    previousSecret: text('previous_secret'),
    previousSecretUntil: at('previous_secret_until'),
    /** Since when it is the one before. */
    rotatedAt: at('rotated_at'),
    enabled: flag('enabled').notNull().default(true),
    /** Why it was switched off by itself; null: it was not. */
    disabledReason: text('disabled_reason'),
    /** Nothing has arrived since; null: the last try did. */
    failingSince: at('failing_since'),
    /** When something is to be sent: triggers and who sends write it. */
    dueAt: at('due_at'),
    leaseUntil: at('lease_until').notNull().default(0),
    /** Raised by every claim: the holder of the highest writes. */
    fence: integer('fence').notNull().default(0),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [
    index('webhooks_by_project').on(t.projectId, t.createdAt, t.id),
    index('webhooks_by_time').on(t.createdAt, t.id),
    index('webhooks_due').on(t.dueAt).where(sql`due_at IS NOT NULL`),
    index('webhooks_sealed').on(sql`substr(secret, 1, 12)`),
    index('webhooks_sealed_before').on(sql`substr(previous_secret, 1, 12)`).where(sql`previous_secret is not null`),
    index('webhooks_rotated').on(t.previousSecretUntil).where(sql`previous_secret_until is not null`),
  ],
)

/** A notice on its way to a webhook, and what became of it. */
export const deliveries = sqliteTable(
  'deliveries',
  {
    webhookId: text('webhook_id').notNull(),
    /** Of the notice, in its project. */
    seq: integer('seq').notNull(),
    noticeId: text('notice_id').notNull(),
    type: text('type').notNull(),
    resourceId: text('resource_id').notNull(),
    status: text('status').$type<'pending' | 'delivered' | 'failed'>().notNull(),
    tries: integer('tries').notNull().default(0),
    /** When it is sent next. Null: never, or an earlier one of its resource has to arrive first. */
    dueAt: at('due_at'),
    triedAt: at('tried_at'),
    /** What the receiver said to the last try, as far as it is kept. */
    answerStatus: integer('answer_status'),
    answer: text('answer'),
    /** Why the last try failed. */
    error: text('error'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.webhookId, t.seq] }),
    index('deliveries_by_notice').on(t.webhookId, t.noticeId),
    index('deliveries_due').on(t.webhookId, t.dueAt).where(sql`due_at IS NOT NULL`),
    index('deliveries_waiting').on(t.webhookId, t.resourceId, t.seq).where(sql`status = 'pending'`),
    index('deliveries_by_time').on(t.createdAt),
  ],
)
