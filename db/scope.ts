import { eq, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { always, either } from './conditions.ts'

/**
 * Whose rows may be touched. Every table function takes one, so that a forgotten tenant check does not compile. In a query
 * that is worded beforehand a placeholder stands for the project.
 */
export type Scope<Id = string> = { projectId: Id } | { every: true }

export const everyProject: Scope = { every: true }

/** The condition on the column that holds the owner; one that is always true for `everyProject`. */
export const within = (column: SQLiteColumn, scope: Scope<string | Placeholder>): SQL =>
  'every' in scope ? always : eq(column, scope.projectId)

/** The same for rows that are found by a list of ids: SQLite would rather look through all that the owner has. */
export const foundWithin = (column: SQLiteColumn, scope: Scope<string | Placeholder>): SQL =>
  'every' in scope ? always : sql`+${column} = ${scope.projectId}`

/** Of rows that their owner sees, and everybody of whom `shared` is true: the condition for a scope. */
export const withinOrShared =
  (column: SQLiteColumn, shared: (scope: { projectId: string | Placeholder }) => SQL) =>
  (scope: Scope<string | Placeholder>): SQL =>
    'every' in scope ? always : either(within(column, scope), shared(scope))
