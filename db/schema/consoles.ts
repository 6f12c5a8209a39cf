import { index, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { at, json } from './columns.ts'

/** What opens the console of a server, once and soon. */
export const consoleWords = sqliteTable(
  'console_words',
  {
    /** A MAC of the word. */
    word: text('word').primaryKey(),
    serverId: text('server_id').notNull(),
    protocol: text('protocol').notNull(),
    type: text('type').notNull(),
    /** What the token says by which it was asked for, as `functions/auth/token.ts` has it opened. */
    asker: json<object>('asker').notNull(),
    expiresAt: at('expires_at').notNull(),
  },
  (t) => [index('console_words_by_server').on(t.serverId, t.expiresAt), index('console_words_by_end').on(t.expiresAt)],
)
