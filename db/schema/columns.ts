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
