import { type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { mapperOf } from './rows.ts'

type Columns = Record<string, SQLiteColumn>
type RowOf<C extends Columns> = {
  [Name in keyof C]: C[Name]['_']['data'] | (C[Name]['_']['notNull'] extends true ? never : null)
}

/**
 * Rows that belong to the row of a query, read with it: a column of theirs. `of` is what follows `from`, `r` the name of
 * their table in it, `order` their order. At most 32 columns, as D1 has it of arguments.
 */
export const nested = <C extends Columns>(columns: C, of: SQL, order: SQL): SQL<RowOf<C>[]> => {
  const values = sql.raw(
    Object.values(columns)
      .map(({ name }) => `r."${name}"`)
      .join(', '),
  )
  const map = mapperOf({ fields: Object.entries(columns).map(([name, field]) => ({ path: [name], field })) })!
  return sql<RowOf<C>[]>`(select json_group_array(json_array(${values}) order by ${order}) from ${of})`.mapWith(
    (text: string) => map(JSON.parse(text)) as RowOf<C>[],
  )
}
