import { sql } from 'drizzle-orm'
import { index, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at, flag } from './columns.ts'

/** Volumes that their project gives to whoever has the key. */
export const volumeTransfers = sqliteTable(
  'volume_transfers',
  {
    id: text('id').primaryKey(),
    volumeId: text('volume_id').notNull(),
    /** Whose volume it is until it is accepted. */
    projectId: text('project_id').notNull(),
    name: text('name'),
    /** What is kept of the key. */
    keyHash: text('key_hash').notNull(),
    noSnapshots: flag('no_snapshots').notNull().default(false),
    /** Null: nobody accepted it yet. */
    destinationProjectId: text('destination_project_id'),
    createdAt: at('created_at').notNull(),
    deletedAt: at('deleted_at'),
  },
  (t) => [
    index('volume_transfers_by_project').on(t.projectId, t.deletedAt, t.createdAt, t.id),
    index('volume_transfers_by_volume').on(t.volumeId).where(sql`deleted_at IS NULL`),
    index('volume_transfers_deleted').on(t.deletedAt).where(sql`deleted_at IS NOT NULL`),
  ],
)

/** What users are told of what came to nothing after it was accepted, until it expires. */
export const volumeMessages = sqliteTable(
  'volume_messages',
  {
    id: text('id').primaryKey(),
    projectId: text('project_id').notNull(),
    requestId: text('request_id').notNull(),
    resourceType: text('resource_type').notNull(),
    resourceId: text('resource_id').notNull(),
    eventId: text('event_id').notNull(),
    level: text('level').notNull().default('ERROR'),
    message: text('message').notNull(),
    createdAt: at('created_at').notNull(),
    expiresAt: at('expires_at').notNull(),
  },
  (t) => [
    index('volume_messages_by_project').on(t.projectId, t.createdAt, t.id),
    index('volume_messages_by_time').on(t.createdAt, t.id),
    index('volume_messages_by_expiry').on(t.expiresAt),
  ],
)
