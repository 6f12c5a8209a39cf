import { sql } from 'drizzle-orm'
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Money } from './clouds.ts'
import { at, json } from './columns.ts'

/** What each member is made of. */
export interface BurstWish {
  flavorId: string
  /** What was asked for where no flavor was named: the flavor was chosen by it. Memory in MiB. */
  needs: { vcpus: number; ram: number; gpus: number } | null
  imageId: string
  /** Null: the one that there is. */
  networks: string[] | 'none' | null
  keyName: string | null
  zone: string | null
  securityGroups: string[] | null
  metadata: Record<string, string>
  tags: string[]
}

/** What becomes of the members when all of them have said that they are done. */
export type OnDone = 'delete' | 'stop' | 'keep'

/** Many servers of one wish. How one stands follows from this, its members and their servers (`queries/bursts/standing`). */
export const bursts = sqliteTable(
  'bursts',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    /** Whose servers they are. */
    userId: text('user_id').notNull(),
    name: text('name').notNull(),
    /** Fewer than `least` are none; there are never more than `most`. */
    least: integer('least').notNull(),
    most: integer('most').notNull(),
    wish: json<BurstWish>('wish').notNull(),
    /** Sealed (`broker/burst/member`). */
    userData: text('user_data'),
    /** What an hour of its members may cost, and all of it. */
    maxHourlyCost: json<Money>('max_hourly_cost'),
    budget: json<Money>('budget'),
    /** When it is drained. */
    deadline: at('deadline'),
    onDone: text('on_done').$type<OnDone>().notNull(),
    /** The server group that was made for it. */
    groupId: text('group_id'),
    /** When it was last said how many it is to have: what users deleted before that counts no more. */
    countedAt: at('counted_at').notNull(),
    drainingAt: at('draining_at'),
    /** All members had said that they are done, or failed. */
    finishedAt: at('finished_at'),
    /** It is over, and nothing of it is left. */
    endedAt: at('ended_at'),
    /** Why it came to nothing; null: it did not. */
    failure: text('failure'),
    /** Why it has no more members than it has, in the words that servers get; null: nothing is in the way. */
    reason: text('reason'),
    /** When it is looked at next; null: it is over. */
    dueAt: at('due_at'),
    createdAt: at('created_at').notNull(),
    updatedAt: at('updated_at').notNull(),
  },
  (t) => [
    index('bursts_by_project').on(t.projectId, t.createdAt, t.id),
    index('bursts_by_time').on(t.createdAt, t.id),
    index('bursts_due').on(t.dueAt).where(sql`due_at IS NOT NULL`),
    index('bursts_ended').on(t.endedAt).where(sql`ended_at IS NOT NULL`),
    index('bursts_sealed').on(sql`substr(user_data, 1, 12)`).where(sql`user_data IS NOT NULL`),
  ],
)

/** A server of a burst; it stays when the server is gone, so that what it cost is still the burst's. */
export const burstMembers = sqliteTable(
  'burst_members',
  {
    serverId: text('server_id').primaryKey(),
    burstId: text('burst_id').notNull(),
    /** From 0; no two that are there have the same. */
    position: integer('position').notNull(),
    /** MAC of the word with which it reports; null: it cannot, or has said its last. */
    word: text('word'),
    /** What it said of itself. */
    reported: text('reported').$type<'running' | 'done' | 'failed'>(),
    message: text('message'),
    reportedAt: at('reported_at'),
    /** Why the burst takes it away (`replaced`: it never ran; `lost`: it broke, or its cloud took it back); null: it does not. */
    leaving: text('leaving').$type<'replaced' | 'lost' | 'surplus' | 'drained'>(),
    createdAt: at('created_at').notNull(),
    /** When its server was gone: a trigger writes it. */
    endedAt: at('ended_at'),
  },
  (t) => [
    uniqueIndex('burst_members_there').on(t.burstId, t.position).where(sql`ended_at IS NULL`),
    index('burst_members_by_burst').on(t.burstId, t.createdAt, t.position, t.serverId),
    uniqueIndex('burst_members_by_word').on(t.word).where(sql`word IS NOT NULL`),
  ],
)

/** What members of a burst cost, in micros: triggers count it, nothing else does. */
export const burstUse = sqliteTable('burst_use', {
  burstId: text('burst_id').primaryKey(),
  /** An hour of all that are there. */
  hourly: integer('hourly').notNull(),
  /** Paid so far, and kept for what runs beyond that. */
  settled: integer('settled').notNull(),
  reserved: integer('reserved').notNull(),
})
