import { primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** What operators say of the wiring between two clouds; no row: nothing leads from one to the other. `one` < `other`. */
export const cloudLinks = sqliteTable(
  'cloud_links',
  {
    one: text('one').notNull(),
    other: text('other').notNull(),
    reach: text('reach').$type<'routed' | 'public'>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.one, t.other] })],
)
