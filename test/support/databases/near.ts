import type { D1Database, D1DatabaseSession, D1PreparedStatement, D1Result } from '@cloudflare/workers-types'
import { d1Error } from '../../../db/d1-error.ts'
import { type SqlValue, toObject, toSql } from '../../../db/d1-values.ts'

/** What one statement did, and found. */
interface Told {
  columns: string[]
  rows: unknown[][]
  changes: number
  id: number
}
type Asked = Pick<Statement, 'sql' | 'values'>
/** The object of `object.js`, from another Worker. */
export interface Tables {
  ask(statements: Asked[]): Promise<{ error: string } | { answers: Told[] }>
}

/**
 * D1's interface over the tables of a Durable Object, in workerd. It answers in a tenth of the time that the local D1 takes, which
 * stands on the same; `test/runtime.test.ts` says of both that they are alike.
 */
export const nearDatabase = (tables: Tables): D1Database => {
  const prepare = (sql: string) => new Statement(tables, sql, [])
  const batch = async <T>(statements: D1PreparedStatement[]) =>
    (await answersOf(tables, statements as Statement[])).map((each) => resultOf<T>(each))
  return {
    prepare,
    batch,
    exec: async (text) => {
      const lines = text.split('\n').filter((line) => line.trim() !== '')
      for (const line of lines) await prepare(line).run()
      return { count: lines.length, duration: 0 }
    },
    withSession: () => ({ prepare, batch, getBookmark: () => null }) as D1DatabaseSession,
    dump: () => Promise.reject(new Error('there is no file of it')),
  }
}

const answersOf = async (tables: Tables, statements: Asked[]): Promise<Told[]> => {
  if (statements.length === 0) throw d1Error(new Error('No SQL statements detected.'))
  const told = await tables.ask(statements.map(({ sql, values }) => ({ sql, values })))
  if ('error' in told) throw d1Error(new Error(told.error))
  for (const { rows } of told.answers)
    for (const row of rows)
      for (const [i, value] of row.entries()) if (value instanceof ArrayBuffer) row[i] = [...new Uint8Array(value)]
  return told.answers
}

const resultOf = <T>({ columns, rows, changes, id }: Told): D1Result<T> => ({
  success: true,
  results: rows.map((row) => toObject(columns, row)) as T[],
  // biome-ignore format: a table
  meta: {
    served_by: 'object', duration: 0, size_after: 0, changes, changed_db: changes > 0, last_row_id: id, rows_read: rows.length,
    rows_written: changes,
  },
})

class Statement implements D1PreparedStatement {
  #tables: Tables
  readonly sql: string
  readonly values: SqlValue[]

  constructor(tables: Tables, sql: string, values: SqlValue[]) {
    this.#tables = tables
    this.sql = sql
    this.values = values
  }

  bind(...values: unknown[]): Statement {
    return new Statement(this.#tables, this.sql, values.map(toSql))
  }

  async #ask(): Promise<Told> {
    return (await answersOf(this.#tables, [this]))[0]!
  }

  async first<T>(column?: string): Promise<T | null> {
    const { columns, rows } = await this.#ask()
    if (!rows[0]) return null
    if (column === undefined) return toObject(columns, rows[0]) as T
    if (!columns.includes(column)) throw new Error(`D1_COLUMN_NOTFOUND: Column not found (${column})`)
    return rows[0][columns.lastIndexOf(column)] as T
  }

  async run<T>(): Promise<D1Result<T>> {
    return resultOf(await this.#ask())
  }

  async all<T>(): Promise<D1Result<T>> {
    return resultOf(await this.#ask())
  }

  async raw<T = unknown[]>(options?: { columnNames?: boolean }): Promise<[string[], ...T[]] & T[]> {
    const { columns, rows } = await this.#ask()
    return (options?.columnNames ? [columns, ...rows] : rows) as [string[], ...T[]] & T[]
  }
}
