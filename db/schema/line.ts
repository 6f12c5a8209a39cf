import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json, Kind } from '../../adapters/contract.ts'
import type { CloudErrorCode } from '../../adapters/errors.ts'
import { at, emptyObject, flag, json } from './columns.ts'

export type Phase = 'intent' | 'calling' | 'bound' | 'deleting' | 'gone' | 'failed'

/**
 * `ours`: it carries our mark and is changed as its owner says. `foreign`: adopted to be looked at, never changed. Between
 * the two: `adopting` until the mark is on, `releasing` from the moment it is handed back until the mark is off.
 */
export type Ownership = 'ours' | 'adopting' | 'releasing' | 'foreign'

/** The line itself: the only place where a UUID meets an `i-0abc`. */
export const bindings = sqliteTable(
  'bindings',
  {
    kind: text('kind').$type<Kind>().notNull(),
    resourceId: text('resource_id').notNull(),
    cloudId: text('cloud_id').notNull(),
    /** Empty, but for groups, which a cloud realises once per network (its id), and for keypairs and uploaded images, once per project (its id). */
    scope: text('scope').notNull().default(''),
    projectId: text('project_id').notNull(),
    zone: text('zone'),
    want: text('want').$type<'present' | 'absent'>().notNull().default('present'),
    phase: text('phase').$type<Phase>().notNull().default('intent'),
    nativeId: text('native_id'),
    /** An operator said which object it is; the inventory leaves that alone. Of images alone, and nobody's (`project_id` is empty). */
    named: flag('named').notNull().default(false),
    /** Triggers refuse a change of intent where it is not `ours`, or the cloud is read-only. */
    ownership: text('ownership').$type<Ownership>().notNull().default('ours'),
    /** Unique per attempt to create. */
    token: text('token').notNull(),
    /** Who holds the highest fence may write; every claim raises it. */
    fence: integer('fence').notNull().default(0),
    epoch: integer('epoch').notNull().default(0),
    /** The create request exactly as it is sent, and sent again. */
    frozen: json<Json>('frozen'),
    task: json<Json>('task'),
    /** How much of a long task is done, 0 to 1; null: nobody says. */
    share: real('share'),
    /** Raised by every change of intent; `applied` follows when the cloud matches it. */
    revision: integer('revision').notNull().default(0),
    applied: integer('applied').notNull().default(-1),
    calledAt: at('called_at'),
    boundAt: at('bound_at'),
    seenAt: at('seen_at'),
    /** Digest of what was seen last: a listing that shows the same again costs no write. */
    observed: text('observed'),
    /** How many looks in a row, complete listings or direct ones, did not show it. */
    missing: integer('missing').notNull().default(0),
    /** When converge has work to do; null: settled. */
    dueAt: at('due_at'),
    leaseUntil: at('lease_until').notNull().default(0),
    attempts: integer('attempts').notNull().default(0),
    /** The trace that the work belongs to which is due, as a `traceparent`; null: nobody records any. Of who asked last, until all is settled. */
    trace: text('trace'),
    error: json<{ code: CloudErrorCode; message: string; cloudCode?: string; at: number }>('error'),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.kind, t.resourceId, t.cloudId, t.scope] }),
    index('bindings_due').on(t.dueAt),
    index('bindings_by_native').on(t.cloudId, t.kind, t.nativeId),
    index('bindings_by_resource').on(t.resourceId),
    index('bindings_by_scope').on(t.scope).where(sql`scope <> ''`),
    index('bindings_leased').on(t.leaseUntil).where(sql`lease_until > 0`),
    index('bindings_gone').on(t.updatedAt).where(sql`phase = 'gone'`),
    index('bindings_sealed')
      .on(sql`substr(frozen ->> 'userData', 1, 12)`)
      .where(sql`frozen ->> 'userData' IS NOT NULL`),
    index('bindings_failed').on(t.cloudId, t.kind).where(sql`phase = 'failed'`),
    index('bindings_handed_over').on(t.ownership).where(sql`ownership <> 'ours'`),
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
    /** Somebody said the limit of this project; else it is what projects start with. */
    given: flag('given').notNull().default(false),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.resource] })],
)

/** Limits that projects start with, where an administrator said others than the program. */
export const quotaDefaults = sqliteTable('quota_defaults', {
  resource: text('resource').primaryKey(),
  maximum: integer('maximum').notNull(),
})

/** What one user of a project has, of a server that is resized the larger of both; triggers keep it. */
export const userUse = sqliteTable(
  'user_use',
  {
    projectId: text('project_id').notNull(),
    userId: text('user_id').notNull(),
    servers: integer('servers').notNull(),
    vcpus: integer('vcpus').notNull(),
    ramMib: integer('ram_mib').notNull(),
    diskGib: integer('disk_gib').notNull(),
    serverGroups: integer('server_groups').notNull(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.userId] })],
)

/** So much of what a project may have one user of it may have. */
export const userQuotas = sqliteTable(
  'user_quotas',
  {
    projectId: text('project_id').notNull(),
    userId: text('user_id').notNull(),
    resource: text('resource').notNull(),
    maximum: integer('maximum').notNull(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.userId, t.resource] }), index('user_quotas_by_user').on(t.userId)],
)

/** One row for every mutation, in the same batch as the mutation. */
export const journal = sqliteTable(
  'journal',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    at: at('at').notNull(),
    requestId: text('request_id').notNull(),
    /** What the client called the whole operation: many requests may share it. */
    globalRequestId: text('global_request_id'),
    userId: text('user_id'),
    projectId: text('project_id'),
    action: text('action').notNull(),
    kind: text('kind').notNull(),
    resourceId: text('resource_id').notNull(),
    detail: json<Record<string, Json>>('detail')
      .notNull()
      .default(emptyObject as never),
  },
  (t) => [
    index('journal_by_resource').on(t.resourceId),
    index('journal_by_time').on(t.at),
    index('journal_by_project').on(t.projectId, t.at).where(sql`project_id IS NOT NULL`),
    index('journal_by_user').on(t.userId, t.at).where(sql`user_id IS NOT NULL`),
    index('journal_by_request').on(t.requestId),
    index('journal_by_global_request').on(t.globalRequestId).where(sql`global_request_id IS NOT NULL`),
  ],
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

/** POSTs that carried a key of their own: a repetition gets the first one's answer. */
export const repeatables = sqliteTable(
  'repeatables',
  {
    /** Hash of the user, the project, the route and the client's key. */
    key: text('key').primaryKey(),
    /** Hash of what was asked, sealed: the same key with another body is a conflict. */
    bodyHash: text('body_hash').notNull(),
    /** Where the ids come from that the request makes up. */
    seed: text('seed').notNull(),
    /** Sealed: answers carry passwords and private keys. Null while the request has committed and not yet answered. */
    answer: text('answer'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    index('repeatables_by_time').on(t.createdAt),
    index('repeatables_asked_sealed').on(sql`substr(body_hash, 1, 12)`),
    index('repeatables_answer_sealed').on(sql`substr(answer, 1, 12)`).where(sql`answer IS NOT NULL`),
  ],
)

/** Times of which this database knows nothing, because it was restored or nobody ran: what was made then is not garbage. */
export const lapses = sqliteTable('lapses', {
  /** Minutes since 1970, both included, as in the marks of objects. */
  since: integer('since').primaryKey(),
  until: integer('until').notNull(),
})

/** Objects with our mark that no binding accounts for. */
export const orphans = sqliteTable(
  'orphans',
  {
    /** UUID v5 of cloud, kind and native id. */
    id: text('id').primaryKey(),
    cloudId: text('cloud_id').notNull(),
    kind: text('kind').$type<Kind>().notNull(),
    nativeId: text('native_id').notNull(),
    name: text('name'),
    zone: text('zone'),
    /** The cloud's size, of servers: what it costs follows from it. */
    size: text('size'),
    /** What its mark says. */
    projectId: text('project_id').notNull(),
    resourceId: text('resource_id').notNull(),
    token: text('token').notNull(),
    epoch: integer('epoch').notNull(),
    firstSeenAt: at('first_seen_at').notNull(),
    lastSeenAt: at('last_seen_at').notNull(),
    /** Complete listings that showed it. */
    sweeps: integer('sweeps').notNull().default(1),
  },
  (t) => [index('orphans_by_cloud').on(t.cloudId, t.kind)],
)

/** Where the cloud is not as it was asked to be, and nobody of ours made it so. */
export const drift = sqliteTable(
  'drift',
  {
    kind: text('kind').$type<Kind>().notNull(),
    resourceId: text('resource_id').notNull(),
    /** `power`, `size`, `missing`, `segmentation`. */
    what: text('what').notNull(),
    cloudId: text('cloud_id').notNull(),
    projectId: text('project_id').notNull(),
    intent: text('intent').notNull(),
    observed: text('observed').notNull(),
    firstSeenAt: at('first_seen_at').notNull(),
    /** Written to end it: a trigger tells of it and takes the row away. */
    settledAt: at('settled_at'),
  },
  (t) => [primaryKey({ columns: [t.kind, t.resourceId, t.what, t.cloudId] })],
)

/** Units of reconciliation: one listing each. Due by time, claimed by lease, so that any number of processes share them. */
export const sweeps = sqliteTable(
  'sweeps',
  {
    cloudId: text('cloud_id').notNull(),
    /** Hash of the account: projects that see the same objects share a unit. */
    account: text('account').notNull(),
    kind: text('kind').$type<Kind>().notNull(),
    dueAt: at('due_at').notNull(),
    leaseUntil: at('lease_until').notNull().default(0),
    startedAt: at('started_at'),
    durationMs: integer('duration_ms'),
    /** An unfinished listing: its id, its cursor and how far it is. */
    listing: json<Json>('listing'),
    report: json<Json>('report'),
  },
  (t) => [primaryKey({ columns: [t.cloudId, t.account, t.kind] }), index('sweeps_due').on(t.dueAt)],
)

/** What an unfinished listing has shown in earlier turns: so many objects a row that it stays small, written once. */
export const listingParts = sqliteTable(
  'listing_parts',
  {
    listing: text('listing').notNull(),
    part: integer('part').notNull(),
    shown: json<Json>('shown').notNull(),
  },
  (t) => [primaryKey({ columns: [t.listing, t.part] })],
)
