import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { Database } from '../client.ts'
import { after, orderOf } from './keyset.ts'

/** What lists of Cinder and Glance share: how a page is asked for, and how rows are compared. */

export interface Sort {
  key: string
  descending: boolean
}
export interface Slice {
  sort: Sort[]
  limit: number
  offset?: number
  marker?: string | undefined
}

export type Comparison = 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq'
const comparisons: Record<Comparison, SQL> = {
  gt: sql`>`,
  gte: sql`>=`,
  lt: sql`<`,
  lte: sql`<=`,
  eq: sql`=`,
  neq: sql`<>`,
}

/** When a row was made and changed; `at` in milliseconds since 1970. */
export interface Time {
  column: 'created_at' | 'updated_at'
  comparison: Comparison
  at: number
}

/** All of these times are met: one condition for each column and comparison, however many times there are. */
export const timesMet = (columns: Record<Time['column'], SQLiteColumn>, times: Time[] = []): SQL[] =>
  [...Map.groupBy(times, ({ column, comparison }) => `${column} ${comparison}`).values()].map((alike) => {
    const { column, comparison } = alike[0]!
    return sql`not exists (select 1 from json_each(${JSON.stringify(alike.map(({ at }) => at))}) w
      where (${columns[column]} ${comparisons[comparison]} w.value) is not true)`
  })

/** Each key and value of an object must be there. */
export const contains = (
  column: SQL | { getSQL(): SQL },
  wanted: Record<string, string> | undefined,
): SQL | undefined =>
  wanted &&
  sql`not exists (select 1 from json_each(${JSON.stringify(wanted)}) w where not exists
    (select 1 from json_each(${column}) h where h.key = w.key and h.value = w.value))`

/**
 * Where a page begins, and its order. `sortable` are the columns by the names of the API. Null: the marker is none of the
 * rows that the condition `seen` lets through.
 */
export const startOf = async (
  db: Database,
  table: SQLiteTable & { id: SQLiteColumn },
  sortable: Record<string, SQLiteColumn>,
  { sort, marker }: Slice,
  seen: SQL | undefined,
): Promise<{ beyond: SQL | undefined; orderBy: SQL[] } | null> => {
  const keys = sort.map(({ key, descending }) => ({ column: sortable[key]!, descending }))
  const orderBy = orderOf(keys)
  if (marker === undefined) return { beyond: undefined, orderBy }
  const [row] = await db
    .select(Object.fromEntries(keys.map(({ column }, i) => [`k${i}`, sql`${column}`])))
    .from(table)
    .where(and(eq(table.id, marker), seen))
  if (!row) return null
  const values = keys.map((_, i) => row[`k${i}`])
  return { beyond: after(keys, values), orderBy }
}
