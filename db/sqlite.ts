import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type {
  D1Database,
  D1DatabaseSession,
  D1ExecResult,
  D1PreparedStatement,
  D1Result,
} from '@cloudflare/workers-types'
import { d1Error } from './d1-error.ts'
import { toObject, toSql } from './d1-values.ts'
import { mayBeForgotten } from './durable.ts'

/** What D1 refuses, SQLite itself refuses here too: https://developers.cloudflare.com/d1/platform/limits/ */
const LIMITS = {
  attach: 0,
  column: 100,
  compoundSelect: 5,
  exprDepth: 100,
  functionArg: 32,
  length: 2_000_000,
  likePatternLength: 50,
  sqlLength: 100_000,
  triggerDepth: 10,
  variableNumber: 100,
}
/** Strings, quoted names and comments, in which neither `?` nor `;` counts. */
const OPAQUE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\//g
const STATEMENTS_KEPT = 500

/** How long a statement waits for another program to let go of the file, and how often it looks, in milliseconds. */
const PATIENCE = 5_000
const LOOK = 20

/** Told what sort of statement was answered, and how long it took, in milliseconds; a batch is one, with all that is in it. */
type OnStatement = (what: 'read' | 'write' | 'batch', ms: number) => void

type Counted = { changes: number; id: number }
type Prepared = { statement: StatementSync; columns: string[]; parameters: number; reads: boolean; schema: boolean }

/** D1's interface over `node:sqlite`, so that one program runs on Workers and on Node. A commit to a file is durable before its promise resolves, but for `durable.ts`. */
class Sqlite implements D1Database {
  #db: DatabaseSync
  #prepared = new Map<string, Prepared>()
  #counters: StatementSync
  #measure: StatementSync | null = null
  #count: Counted | null = null
  #damage: string | null = null
  /** What was inserted and is not committed yet, and who is told of it then, each by its table and column. */
  #inserted = new Map<string, Set<string>>()
  #listeners = new Map<string, ((values: ReadonlySet<string>) => void)[]>()
  #timed: OnStatement | null = null

  constructor(path: string, dump?: ArrayBuffer) {
    this.#db = new DatabaseSync(path, { timeout: PATIENCE, defensive: true, limits: LIMITS })
    if (dump) this.#db.deserialize(new Uint8Array(dump))
    // FULL: an intention must survive a power cut before the cloud hears of it; NORMAL may lose the last commits of a WAL.
    this.#db.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on',
    )
    // From here on a statement that waits for another program lets this one go on meanwhile: SQLite itself would hold the thread.
    this.#db.exec('pragma busy_timeout = 0')
    this.#counters = this.#db.prepare('select total_changes() as changes, last_insert_rowid() as id')
  }

  prepare(sql: string): Statement {
    return new Statement(this, sql, [])
  }

  /** One transaction: all statements or none. */
  async batch<T = unknown>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    if (statements.length === 0) throw d1Error('No SQL statements detected.')
    const lightly = mayBeForgotten((statements as Statement[]).map(({ sql }) => sql))
    const began = this.#timed ? performance.now() : 0
    return this.patiently(() => {
      try {
        if (lightly) this.#db.exec('pragma synchronous = normal')
        this.#db.exec('begin immediate')
        const results = (statements as Statement[]).map((each) => this.result<T>(each))
        this.#db.exec('commit')
        this.#committed()
        this.#timed?.('batch', performance.now() - began)
        return results
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('rollback')
        this.#inserted.clear()
        throw this.#told(d1Error(error))
      } finally {
        if (lightly) this.#db.exec('pragma synchronous = full')
      }
    })
  }

  /**
   * Tells, after each commit of this connection that inserted into a table, what the new rows have in a column of text: by a trigger
   * that is this connection's alone, and is no part of the file.
   */
  onInsert(table: string, column: string, heard: (values: ReadonlySet<string>) => void): void {
    const what = `${table}.${column}`
    const others = this.#listeners.get(what)
    this.#listeners.set(what, [...(others ?? []), heard])
    if (others) return
    this.#db.function('was_inserted', (what, value) => {
      this.#inserted.set(String(what), (this.#inserted.get(String(what)) ?? new Set()).add(String(value)))
      return null
    })
    this.#db.exec(
      `create temp trigger "inserted ${what}" after insert on "${table}" begin select was_inserted('${what}', new."${column}"); end`,
    )
  }

  /** From now on tells of every statement; of one that fails nothing is told. */
  onStatement(timed: OnStatement): void {
    this.#timed = timed
  }

  /** In bytes, without what is only in the log. */
  get size(): number {
    this.#measure ??= this.#db.prepare('select page_count * page_size as size from pragma_page_count, pragma_page_size')
    return Number(this.#measure.get()!.size)
  }

  #committed(): void {
    if (this.#inserted.size === 0 || this.#db.isTransaction) return
    const inserted = this.#inserted
    this.#inserted = new Map()
    for (const [what, values] of inserted) for (const heard of this.#listeners.get(what) ?? []) heard(values)
  }

  /** Why the file cannot be trusted any more, once a statement has met it; null: nothing is known against it. */
  get damage(): string | null {
    return this.#damage
  }

  #told(error: Error): Error {
    if (/SQLITE_(CORRUPT|NOTADB)/.test(error.message)) this.#damage ??= error.message
    return error
  }

  /** Done at once, but while another program holds the file, which nothing of ours waits for meanwhile. */
  patiently<T>(work: () => T): T | Promise<T> {
    try {
      return work()
    } catch (error) {
      if (!isHeld(error)) throw error
      return this.#again(work, performance.now() + PATIENCE)
    }
  }

  async #again<T>(work: () => T, until: number): Promise<T> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK))
      try {
        return work()
      } catch (error) {
        if (!isHeld(error) || performance.now() >= until) throw error
      }
    }
  }

  /** One statement a line, as D1 wants it. */
  async exec(sql: string): Promise<D1ExecResult> {
    const started = performance.now()
    const lines = sql.split('\n').filter((line) => line.trim() !== '')
    for (const line of lines) await this.patiently(() => this.rows(line, []))
    return { count: lines.length, duration: performance.now() - started }
  }

  /** There is one copy of a file: every session reads its own writes. */
  withSession(): D1DatabaseSession {
    return {
      prepare: (sql) => this.prepare(sql),
      batch: (statements) => this.batch(statements),
      getBookmark: () => null,
    }
  }

  /** Everything that it holds, as a file would. */
  async dump(): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = this.#db.serialize()
    return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
  }

  close(): void {
    this.#prepared.clear()
    this.#db.close()
  }

  /** Rows as arrays, from a statement prepared once per SQL text. */
  rows(
    sql: string,
    values: SQLInputValue[],
    only1st = false,
  ): { columns: string[]; rows: unknown[][]; reads: boolean } {
    const began = this.#timed ? performance.now() : 0
    try {
      const { statement, columns, parameters, reads, schema } = this.#prepare(sql)
      if (!reads) this.#count = null
      if (values.length !== parameters) throw new Error('Wrong number of parameter bindings for SQL query.')
      if (columns.length === 0) {
        statement.run(...values)
        if (schema) this.#prepared.clear()
        this.#committed()
        this.#tellTime(reads, began)
        return { columns, rows: [], reads }
      }
      const first = only1st && reads ? statement.get(...values) : undefined
      const found = only1st && reads ? (first ? [first] : []) : statement.all(...values)
      this.#committed()
      this.#tellTime(reads, began)
      const rows = found as unknown as unknown[][]
      for (const row of rows)
        for (let i = 0; i < row.length; i++) {
          const value = row[i]
          // The type first: it costs next to nothing, and almost nothing is a blob.
          if (typeof value === 'object' && value instanceof Uint8Array) row[i] = [...value]
        }
      return { columns, rows, reads }
    } catch (error) {
      if (!this.#db.isTransaction) this.#inserted.clear()
      throw this.#told(d1Error(error))
    }
  }

  #tellTime(reads: boolean, began: number): void {
    if (this.#timed && !this.#db.isTransaction) this.#timed(reads ? 'read' : 'write', performance.now() - began)
  }

  result<T>({ sql, values }: Statement): D1Result<T> {
    const started = performance.now()
    const before = this.#counted()
    const { columns, rows } = this.rows(sql, values)
    const after = this.#counted()
    const changes = after.changes - before.changes
    // biome-ignore format: a table
    const meta = {
      served_by: 'node:sqlite', duration: performance.now() - started, size_after: 0, changes, changed_db: changes > 0,
      last_row_id: after.id, rows_read: rows.length, rows_written: changes,
    }
    return { success: true, meta, results: rows.map((row) => toObject(columns, row)) as T[] }
  }

  /** What was written so far; asked only after something was. */
  #counted(): Counted {
    this.#count ??= this.#counters.get() as unknown as Counted
    return this.#count
  }

  #prepare(sql: string): Prepared {
    const kept = this.#prepared.get(sql)
    if (kept) {
      // The order of use matters only to what has to make room soon.
      if (this.#prepared.size > STATEMENTS_KEPT / 2) {
        this.#prepared.delete(sql)
        this.#prepared.set(sql, kept)
      }
      return kept
    }
    const bare = sql.replace(OPAQUE, ' ')
    const verb = /^[\s(]*(\w*)/.exec(bare)?.[1]?.toLowerCase() ?? ''
    if (/^(begin|commit|end|rollback|savepoint|release)$/.test(verb))
      throw new Error('D1 has no transactions: use batch()')
    const statement = this.#db.prepare(sql)
    if (/\S/.test(sql.slice(statement.sourceSQL.length))) throw new Error('One statement at a time: use batch()')
    statement.setReturnArrays(true)
    const marks = bare.match(/\?\d*/g) ?? []
    const parameters = marks.reduce(
      (most, mark) => (mark === '?' ? most + 1 : Math.max(most, Number(mark.slice(1)))),
      0,
    )
    const columns = statement.columns().map((column) => column.name)
    const schema = /^(create|alter|drop)$/.test(verb)
    const prepared = { statement, columns, parameters, reads: /^(select|values|explain|pragma)$/.test(verb), schema }
    this.#prepared.set(sql, prepared)
    if (this.#prepared.size > STATEMENTS_KEPT) this.#prepared.delete(this.#prepared.keys().next().value as string)
    return prepared
  }
}

class Statement implements D1PreparedStatement {
  #db: Sqlite
  readonly sql: string
  readonly values: SQLInputValue[]

  constructor(db: Sqlite, sql: string, values: SQLInputValue[]) {
    this.#db = db
    this.sql = sql
    this.values = values
  }

  bind(...values: unknown[]): Statement {
    return new Statement(this.#db, this.sql, values.map(toSql))
  }

  async first<T>(column?: string): Promise<T | null> {
    const { columns, rows } = await this.#db.patiently(() => this.#db.rows(this.sql, this.values, true))
    if (!rows[0]) return null
    if (column === undefined) return toObject(columns, rows[0]) as T
    if (!columns.includes(column)) throw new Error(`D1_COLUMN_NOTFOUND: Column not found (${column})`)
    return rows[0][columns.lastIndexOf(column)] as T
  }

  async run<T>(): Promise<D1Result<T>> {
    return this.#db.patiently(() => this.#db.result<T>(this))
  }

  async all<T>(): Promise<D1Result<T>> {
    return this.#db.patiently(() => this.#db.result<T>(this))
  }

  async raw<T = unknown[]>(options?: { columnNames?: boolean }): Promise<[string[], ...T[]] & T[]> {
    const { columns, rows } = await this.#db.patiently(() => this.#db.rows(this.sql, this.values))
    return (options?.columnNames ? [columns, ...rows] : rows) as [string[], ...T[]] & T[]
  }
}

const isHeld = (error: unknown): boolean => /SQLITE_(BUSY|LOCKED)/.test(String(error))

/** Opens (or creates) a SQLite file, or a database that lives in memory only: an empty one, or what another's `dump` holds. */
export function openSqlite(path: string, dump?: ArrayBuffer): LocalDatabase {
  return new Sqlite(path, dump)
}

/** What D1 has not: an end, a look at its own health and size, and a word when something is inserted or answered. */
export type LocalDatabase = D1Database & Pick<Sqlite, 'close' | 'damage' | 'onInsert' | 'onStatement' | 'size'>
