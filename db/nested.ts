import { getTableName, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { mapperOf } from './rows.ts'

type Columns = Record<string, SQLiteColumn>
type RowOf<C extends Columns> = {
  [Name in keyof C]: C[Name]['_']['data'] | (C[Name]['_']['notNull'] extends true ? never : null)
}

/**
 * A column with its table, for selects within a query of that table: what is selected from one table alone drizzle writes
 * without it, and in there the bare name is that of an inner column where one is called the same.
 */
export const outer = ({ table, name }: Pick<SQLiteColumn, 'table' | 'name'>): SQL =>
  sql`${sql.identifier(getTableName(table))}.${sql.identifier(name)}`

/**
 * Rows that belong to the row of a query, read with it: a column of theirs. `of` is what follows `from`, `as` the name of
 * their table in it, `order` their order. At most 32 columns, as D1 has it of arguments.
 */
export const nested = <C extends Columns>(columns: C, of: SQL, order: SQL, as = 'r'): SQL<RowOf<C>[]> => {
  const values = sql.raw(
    Object.values(columns)
      .map(({ name }) => `${as}."${name}"`)
      .join(', '),
  )
  const map = mapperOf({ fields: Object.entries(columns).map(([name, field]) => ({ path: [name], field })) })!
  return sql<RowOf<C>[]>`(select json_group_array(json_array(${values}) order by ${order}) from ${of})`.mapWith(
    (text: string) => map(JSON.parse(text)) as RowOf<C>[],
  )
}
