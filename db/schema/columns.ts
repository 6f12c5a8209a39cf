import { sql } from 'drizzle-orm'
import { integer, text } from 'drizzle-orm/sqlite-core'

/** Milliseconds since 1970; the broker's clock writes it, never SQLite's. */
export const at = (name: string) => integer(name)
export const flag = (name: string) => integer(name, { mode: 'boolean' })
export const json = <T>(name: string) => text(name, { mode: 'json' }).$type<T>()
export const emptyList = sql`'[]'`
export const emptyObject = sql`'{}'`
