import { and, eq, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { Database } from '../client.ts'
import { prepared, type Query, type Slots } from '../prepared.ts'
import type { Scope } from '../scope.ts'
import { behind, orderOf } from './keyset.ts'

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

/** A page as a prepared query is asked for it, besides its filters. `form` is what its text follows from. */
interface Asked {
  scope: Scope
  form: { sort: Sort[] }
  marker?: string | undefined
  limit: number
  offset: number
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
/** Times by what they are compared with and how: one list for each, however many there are. */
export type Times = Partial<Record<`${Time['column']} ${Comparison}`, number[]>>
export const timesBy = (times: Time[] = []): Times => {
  const by: Times = {}
  for (const { column, comparison, at } of times)
    by[`${column} ${comparison}`] = [...(by[`${column} ${comparison}`] ?? []), at]
  return by
}

/** All of these times are met. */
export const timesMet = (columns: Record<Time['column'], SQLiteColumn>, times: Slots<Times>): (SQL | undefined)[] =>
  (['created_at', 'updated_at'] as const).flatMap((column) =>
    (Object.keys(comparisons) as Comparison[]).map((comparison) => {
      const wanted = times[`${column} ${comparison}`]
      return (
        wanted &&
        sql`not exists (select 1 from json_each(${wanted}) w
          where (${columns[column]} ${comparisons[comparison]} w.value) is not true)`
      )
    }),
  )

/** One that has this name, or has none and none is asked for: as the index has it, where no name sorts as the empty one. */
export const named = (column: SQLiteColumn, name: Placeholder): SQL =>
  sql`(coalesce(${column}, '') = coalesce(${name}, '') and ${column} is ${name})`

/** Of two indexes of a project that promise as much SQLite is to take the one that has this value, not the one of all rows. */
export const seldom = (column: SQLiteColumn, value: Placeholder): SQL => sql`unlikely(${column} = ${value})`

/** Each key and value of an object must be there. */
export const contains = (column: SQL | { getSQL(): SQL }, wanted: Placeholder | undefined): SQL | undefined =>
  wanted &&
  sql`not exists (select 1 from json_each(${wanted}) w where not exists
    (select 1 from json_each(${column}) h where h.key = w.key and h.value = w.value))`

/** Conditions, order and size of one page, as a query is built for it. */
interface Page {
  scope: Scope<string | Placeholder>
  where: SQL | undefined
  orderBy: SQL[]
  limit: Placeholder
  offset: Placeholder
}

/**
 * The pages of one kind, each asked for by one query; null: the marker is none of the rows that a scope sees. `sortable` are
 * the columns by the names of the API, `seen` says what a scope may see, `conditions` that and what the filters ask.
 *
 *     const pages = pagesOf(volumes, VOLUME_SORT, visible, conditions, (db, page) => read(db).where(page.where)…)
 *     await pages(db, scope, filter, slice)
 */
export const pagesOf = <Wanted extends { scope: Scope; form?: object }, Row>(
  table: SQLiteTable & { id: SQLiteColumn },
  sortable: Record<string, SQLiteColumn>,
  seen: (scope: Scope<string | Placeholder>) => SQL | undefined,
  conditions: (asked: Slots<Wanted>) => (SQL | undefined)[],
  build: (db: Database, page: Page) => Query<Row[]>,
) => {
  const pages = prepared((db, asked: Slots<Asked>) => {
    const { scope, form, marker, limit, offset } = asked
    const keys = form.sort.map(({ key, descending }) => ({ column: sortable[key]!, descending }))
    const marked = marker && and(eq(table.id, marker), seen(scope))
    const filters = conditions(asked as unknown as Slots<Wanted>)
    const where = and(...filters, marked && behind(keys, table, marked))
    return build(db, { scope, where, orderBy: orderOf(keys), limit, offset })
  })
  const marked = prepared((db, { scope, marker }: Slots<{ scope: Scope; marker: string }>) =>
    db
      .select({ id: table.id })
      .from(table)
      .where(and(eq(table.id, marker), seen(scope))),
  )
  return async (
    db: Database,
    scope: Scope,
    filter: Omit<Wanted, 'scope' | 'form'>,
    slice: Slice,
    form?: Wanted['form'],
  ): Promise<Row[] | null> => {
    const { sort, marker, limit, offset = 0 } = slice
    const rows = await pages.run(db, { ...filter, scope, marker, limit, offset, form: { sort, ...form } })
    if (rows.length || marker === undefined) return rows
    return (await marked.run(db, { scope, marker })).length ? rows : null
  }
}
