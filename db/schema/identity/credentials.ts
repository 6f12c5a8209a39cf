import { sql } from 'drizzle-orm'
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at, flag, json } from '../columns.ts'

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

/** Roles of one user that another may use in a project, as the one or as himself. */
export const trusts = sqliteTable(
  'trusts',
  {
    id: text('id').primaryKey(),
    trustorId: text('trustor_id').notNull(),
    trusteeId: text('trustee_id').notNull(),
    /** Null: it only lets the one be taken for the other. */
    projectId: text('project_id'),
    /** Whether the trustee is taken for the trustor. */
    impersonation: flag('impersonation').notNull(),
    /** Ids. */
    roles: json<string[]>('roles').notNull(),
    /** Microseconds since 1970; null: it does not end by itself. */
    expiresAt: integer('expires_at'),
    /** How many tokens are still to be had by it; null: as many as are asked for. */
    remainingUses: integer('remaining_uses'),
    createdAt: at('created_at').notNull(),
  },
  (t) => [
    index('trusts_by_trustor').on(t.trustorId, t.trusteeId),
    index('trusts_by_trustee').on(t.trusteeId),
    index('trusts_by_project').on(t.projectId),
    index('trusts_by_end').on(t.expiresAt).where(sql`expires_at IS NOT NULL`),
  ],
)
