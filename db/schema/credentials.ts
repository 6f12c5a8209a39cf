import { sql } from 'drizzle-orm'
import { index, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at } from './columns.ts'

/** What users keep here for others to ask for: keys of EC2, seeds of one-time passwords, certificates. */
export const credentials = sqliteTable(
  'credentials',
  {
    /** Of an EC2 key the SHA-256 of its access key, as Keystone has it. */
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    projectId: text('project_id'),
    type: text('type').notNull(),
    /** Sealed. */
    blob: text('blob').notNull(),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    index('credentials_by_user').on(t.userId, t.type),
    index('credentials_by_project').on(t.projectId),
    index('credentials_sealed').on(sql`substr(blob, 1, 12)`),
  ],
)
