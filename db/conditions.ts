import { and, or, type SQL, sql } from 'drizzle-orm'

/** True of every row: what stands for "no condition" where one is combined with others. */
export const always: SQL = sql`1`

/**
 * At least one holds; of none, nothing does. In place of drizzle's `or`, which leaves out what is undefined: a condition
 * that means "every row" would vanish among its neighbours and take the rows with it.
 */
export const either = (...conditions: SQL[]): SQL => or(...conditions) ?? sql`0`

/** All hold; undefined is no condition, as with drizzle's `and`. */
export const both = (...conditions: (SQL | undefined)[]): SQL => and(...conditions) ?? always
