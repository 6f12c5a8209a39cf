import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1'

/** drizzle, with the database below it. */
export type Database = DrizzleD1Database & { $client: D1Database }

interface Prepared {
  getQuery(): { sql: string; params: unknown[] }
  mapResult(result: unknown, isFromBatch: boolean): unknown
}

/** A statement that failed, told without its values: they may be secrets, and errors are logged. */
export class QueryFailed extends Error {
  constructor(text: string, cause: unknown) {
    super(`Failed query: ${text}`, { cause })
    this.name = 'QueryFailed'
  }
}

/** Where drizzle words the error of a statement, with every value in it. */
interface Session {
  prepareQuery(...given: unknown[]): {
    queryWithCache?(text: string, values: unknown, ask: () => Promise<unknown>): unknown
  }
}

const tellNoValues = (session: Session): void => {
  const prepareQuery = session.prepareQuery.bind(session)
  session.prepareQuery = (...given) =>
    Object.assign(prepareQuery(...given), {
      queryWithCache: async (text: string, _values: unknown, ask: () => Promise<unknown>) => {
        try {
          return await ask()
        } catch (error) {
          throw new QueryFailed(text, error)
        }
      },
    })
}

/** drizzle over D1, or over `db/sqlite.ts`, which looks the same. */
export const openDatabase = (d1: D1Database): Database => {
  // Without the schema: it is for queries of another kind, and to read every table for them takes longer than most requests.
  const db = drizzle(d1)
  tellNoValues((db as unknown as { session: Session }).session)
  // drizzle's own `batch` breaks on `db.run(sql…)` with parameters: it looks for a statement that raw SQL never has.
  const batch = async (queries: readonly { _prepare(): unknown }[]) => {
    const prepared = queries.map((query) => query._prepare() as Prepared)
    const statements = prepared.map((each) => {
      const { sql, params } = each.getQuery()
      return d1.prepare(sql).bind(...params)
    })
    const results = await d1.batch(statements)
    return results.map((result, i) => prepared[i]!.mapResult(result, true))
  }
  return Object.assign(db, { batch: batch as never })
}
