import { sql } from 'drizzle-orm'
import { integer, text } from 'drizzle-orm/sqlite-core'

/** Milliseconds since 1970; the broker's clock writes it, never SQLite's. */
export const at = (name: string) => integer(name)
/** A column of true and false, which SQLite keeps as 1 and 0. */
export const flag = (name: string) => integer(name, { mode: 'boolean' })
/** A column that holds JSON as text, of the type that is named. */
export const json = <T>(name: string) => text(name, { mode: 'json' }).$type<T>()
export const emptyList = sql`'[]'`
export const emptyObject = sql`'{}'`

/** What things of the network have in common: Neutron's standard attributes, and whose they are. */
export const standard = {
  id: text('id').primaryKey(),
  projectId: text('project_id').notNull(),
  name: text('name').notNull().default(''),
  description: text('description').notNull().default(''),
  tags: json<string[]>('tags')
    .notNull()
    .default(emptyList as never),
  revision: integer('revision').notNull().default(0),
  createdAt: at('created_at').notNull(),
  updatedAt: at('updated_at').notNull(),
}
