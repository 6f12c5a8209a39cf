import { sql } from 'drizzle-orm'
import { index, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Json } from '../../../adapters/contract.ts'
import { at, emptyObject, json } from '../columns.ts'

/* OAuth 1.0a: https://docs.openstack.org/api-ref/identity/v3-ext/#os-oauth1-api. Secrets are sealed. */

/** Programs that ask users for access. */
export const consumers = sqliteTable(
  'consumers',
  {
    id: text('id').primaryKey(),
    description: text('description'),
    secret: text('secret').notNull(),
    extra: json<Record<string, Json>>('extra')
      .notNull()
      .default(emptyObject as never),
  },
  () => [index('consumers_sealed').on(sql`substr(secret, 1, 12)`)],
)

/** What a program asks for, and once a user agreed, what it is given. */
export const requestTokens = sqliteTable(
  'request_tokens',
  {
    id: text('id').primaryKey(),
    consumerId: text('consumer_id').notNull(),
    secret: text('secret').notNull(),
    projectId: text('project_id').notNull(),
    /** Who agreed; null: nobody yet. */
    userId: text('user_id'),
    roles: json<string[]>('roles'),
    verifier: text('verifier'),
    expiresAt: at('expires_at').notNull(),
  },
  (t) => [
    index('request_tokens_by_consumer').on(t.consumerId),
    index('request_tokens_by_end').on(t.expiresAt),
    index('request_tokens_by_user').on(t.userId),
    index('request_tokens_by_project').on(t.projectId),
    index('request_tokens_sealed').on(sql`substr(secret, 1, 12)`),
  ],
)

/** What lets a program log in as a user, in a project, with some roles. */
export const accessTokens = sqliteTable(
  'access_tokens',
  {
    id: text('id').primaryKey(),
    consumerId: text('consumer_id').notNull(),
    secret: text('secret').notNull(),
    userId: text('user_id').notNull(),
    projectId: text('project_id').notNull(),
    roles: json<string[]>('roles').notNull(),
    expiresAt: at('expires_at').notNull(),
  },
  (t) => [
    index('access_tokens_by_user').on(t.userId),
    index('access_tokens_by_consumer').on(t.consumerId),
    index('access_tokens_by_project').on(t.projectId),
    index('access_tokens_by_end').on(t.expiresAt),
    index('access_tokens_sealed').on(sql`substr(secret, 1, 12)`),
  ],
)

/** What proves something once: requests that were signed, and one-time passwords. */
export const usedOnce = sqliteTable(
  'used_once',
  {
    /** SHA-256 of what was used. */
    id: text('id').primaryKey(),
    until: at('until').notNull(),
  },
  (t) => [index('used_once_by_end').on(t.until)],
)
