import { type SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { Database } from '../../client.ts'

/**
 * Gives back what rows hold, for the batch that deletes them and before it does: it counts the rows that are there, so
 * that two deletions at once give back once. The plus keeps SQLite from looking through all rows of the project.
 */
export const releaseRows = (db: Database, resource: string, table: SQLiteTable, which: SQL) =>
  db.run(sql`update quotas set used = used - (select count(*) from ${table} where ${which} and +project_id = quotas.project_id)
    where resource = ${resource} and project_id in (select project_id from ${table} where ${which})`)
