import { Column, is, SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'

/** One column of an order. Nulls sort as the empty string does: a marker may stand on one. */
export interface SortKey {
  column: SQL | { getSQL(): SQL }
  descending: boolean
}

/** A column that is never null, by itself: an index on it can be gone along. */
const neverNull = (column: unknown): boolean => {
  if (is(column, Column)) return column.notNull
  if (!is(column, SQL)) return false
  const columns = column.queryChunks.filter((chunk) => is(chunk, Column))
  const words = column.queryChunks.filter((chunk) => !is(chunk, Column))
  return columns.length === 1 && columns[0]!.notNull && words.every((word) => /^\s*$/.test(textOf(word)))
}
const textOf = (chunk: unknown): string => {
  const { value } = chunk as { value?: unknown }
  return Array.isArray(value) ? value.join('') : 'something else'
}

/** What a key compares. */
const comparedAs = ({ column }: SortKey): SQL => (neverNull(column) ? sql`${column}` : sql`coalesce(${column}, '')`)

export const orderOf = (keys: SortKey[]): SQL[] =>
  keys.map((key) => (key.descending ? sql`${comparedAs(key)} desc` : sql`${comparedAs(key)} asc`))

/**
 * What comes after a marker in that order. `marker` holds the marker's values in the order of the keys. The last key must
 * be unique. Where all keys go one way it is `(a, b) > (x, y)`, and SQLite begins at the marker.
 */
export const after = (keys: SortKey[], marker: unknown[]): SQL => {
  if (!keys.length) return sql`0`
  const { descending } = keys[0]!
  if (!keys.every((key) => key.descending === descending)) return spelledOut(keys, marker)
  const [here, there] = [keys.map(comparedAs), marker.map((value) => sql`${value ?? ''}`)]
  const list = (values: SQL[]) => sql`(${sql.join(values, sql`, `)})`
  return descending ? sql`${list(here)} < ${list(there)}` : sql`${list(here)} > ${list(there)}`
}

const spelledOut = ([first, ...rest]: SortKey[], [at, ...others]: unknown[]): SQL => {
  const here = comparedAs(first!)
  const beyond = first!.descending ? sql`${here} < ${at ?? ''}` : sql`${here} > ${at ?? ''}`
  return rest.length ? sql`(${beyond} or (${here} = ${at ?? ''} and ${spelledOut(rest, others)}))` : beyond
}

/**
 * What a key is in the row that is marked: as a value, for two columns have no affinity together, and SQLite would not begin
 * at the second key.
 */
export const markedAs = (key: SortKey, table: SQLiteTable, marked: SQL | undefined): SQL =>
  sql`(select +${comparedAs(key)} from ${table} where ${marked})`

/** The same behind a row of a table, told by the condition that it alone meets; behind one that is none comes nothing. */
export const behind = (keys: SortKey[], table: SQLiteTable, marked: SQL): SQL =>
  after(
    keys,
    keys.map((key) => markedAs(key, table, marked)),
  )
