import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1'
import * as schema from './schema/index.ts'

export type Database = DrizzleD1Database<typeof schema>

/** drizzle over D1, or over `db/sqlite.ts`, which looks the same. */
export const openDatabase = (d1: D1Database): Database => drizzle(d1, { schema })
