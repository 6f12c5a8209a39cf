import { and, is, or, Placeholder, type SQL, sql } from 'drizzle-orm'

/** True of every row: what stands for "no condition" where one is combined with others. */
export const always: SQL = sql`1`

/**
 * At least one holds; of none, nothing does. In place of drizzle's `or`, which leaves out what is undefined: a condition
 * that means "every row" would vanish among its neighbours and take the rows with it.
 */
export const either = (...conditions: SQL[]): SQL => or(...conditions) ?? sql`0`

/** All hold; undefined is no condition, as with drizzle's `and`. */
export const both = (...conditions: (SQL | undefined)[]): SQL => and(...conditions) ?? always

/** The values of a JSON list, as the right side of an `in`, in text that is bound by hand. */
export const AMONG = '(select value from json_each(?))'

/** Values as the right side of an `in`: one JSON parameter in place of many, for D1 takes a hundred. A placeholder stands for the JSON. */
export const among = (values: Iterable<unknown> | Placeholder): SQL =>
  sql`(select value from json_each(${is(values, Placeholder) ? values : JSON.stringify([...(values as Iterable<unknown>)])}))`

/** Whether a column, or an expression, has one of the values. */
export const anyOf = (expression: SQL | { getSQL(): SQL }, values: Iterable<unknown> | Placeholder): SQL =>
  sql`${expression} in ${among(values)}`
