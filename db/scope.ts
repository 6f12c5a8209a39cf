import { eq, type SQL } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { always } from './conditions.ts'

/** Whose rows may be touched. Every table function takes one, so that a forgotten tenant check does not compile. */
export type Scope = { projectId: string } | { every: true }

export const everyProject: Scope = { every: true }

/** The condition on the column that holds the owner; one that is always true for `everyProject`. */
export const within = (column: SQLiteColumn, scope: Scope): SQL =>
  'every' in scope ? always : eq(column, scope.projectId)
