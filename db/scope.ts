import { eq, type SQL } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'

/** Whose rows may be touched. Every table function takes one, so that a forgotten tenant check does not compile. */
export type Scope = { projectId: string } | { every: true }

export const everyProject: Scope = { every: true }

/** The condition on the column that holds the owner; undefined (no condition) for `everyProject`. */
export const within = (column: SQLiteColumn, scope: Scope): SQL | undefined =>
  'every' in scope ? undefined : eq(column, scope.projectId)
