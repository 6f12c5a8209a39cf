import { eq, Param, Placeholder, type SQL, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Database } from './client.ts'
import { everyProject, type Scope, within } from './scope.ts'

interface Kept {
  getQuery(): { sql: string; params: unknown[] }
  mapResult(result: unknown, isFromBatch: boolean): unknown
  execute(values: Record<string, unknown>): Promise<unknown>
}

/** A statement for a batch whose text is written already. */
export const ready = (text: string, params: unknown[], mapResult: Kept['mapResult'] = (result) => result) =>
  ({ _prepare: () => ({ getQuery: () => ({ sql: text, params }), mapResult }) }) as unknown as BatchItem<'sqlite'>

/**
 * A query that is worded once for each database, with `sql.placeholder` for what differs: to word it costs more than
 * SQLite takes to answer. `run` asks it, `statement` puts it into a batch.
 */
export const prepared = <R>(build: (db: Database) => PromiseLike<R> & { prepare(): unknown }) => {
  const kept = new WeakMap<Database, { query: Kept; fill: (values: Record<string, unknown>) => unknown[] }>()
  const of = (db: Database) => {
    const known = kept.get(db)
    if (known) return known
    const query = build(db).prepare() as Kept
    const made = { query, fill: filler(query.getQuery().params) }
    kept.set(db, made)
    return made
  }
  return {
    run: (db: Database, values: Record<string, unknown>): Promise<R> => of(db).query.execute(values) as Promise<R>,
    statement: (db: Database, values: Record<string, unknown>): BatchItem<'sqlite'> & PromiseLike<R> => {
      const { query, fill } = of(db)
      const mapped = (result: unknown, isFromBatch: boolean) => query.mapResult(result, isFromBatch)
      return ready(query.getQuery().sql, fill(values), mapped) as BatchItem<'sqlite'> & PromiseLike<R>
    },
  }
}

/** The same for rows that a scope may see: worded for every project and for one. `mine` is the scope's condition. */
export const preparedWithin = <R>(
  build: (db: Database, mine: (owner: SQLiteColumn) => SQL | undefined) => PromiseLike<R> & { prepare(): unknown },
) => {
  const every = prepared((db) => build(db, (owner) => within(owner, everyProject)))
  const one = prepared((db) => build(db, (owner) => eq(owner, sql.placeholder('scope.projectId'))))
  type Values = Record<string, unknown>
  const filled = (scope: Scope, values: Values): [typeof one, Values] =>
    'every' in scope ? [every, values] : [one, { ...values, 'scope.projectId': scope.projectId }]
  return {
    run: (db: Database, scope: Scope, values: Values) => {
      const [query, all] = filled(scope, values)
      return query.run(db, all)
    },
    statement: (db: Database, scope: Scope, values: Values) => {
      const [query, all] = filled(scope, values)
      return query.statement(db, all)
    },
  }
}

/** Unlike drizzle's own, it keeps null what is null: in a JSON column that is no text. */
const filler = (params: unknown[]) => {
  const slots = params.map((param) => {
    const inner = param instanceof Param ? param.value : param
    if (!(inner instanceof Placeholder)) return () => inner
    const { name } = inner
    const encoder = param instanceof Param ? param.encoder : null
    return (values: Record<string, unknown>) => {
      const value = values[name]
      return value === null || value === undefined ? null : encoder ? encoder.mapToDriverValue(value) : value
    }
  })
  return (values: Record<string, unknown>) => slots.map((slot) => slot(values))
}
