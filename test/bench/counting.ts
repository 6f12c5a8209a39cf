import type { D1Database, D1PreparedStatement } from '@cloudflare/workers-types'

/** What one piece of work cost outside of its own process, were it on Workers. */
export interface Trips {
  /** Round trips to the database: a batch is one. */
  database: number
  statements: number
  /** Of them, batches; and of those, the ones that write. */
  batches: number
  writes: number
  /** The most that was asked at once: statements of one batch, and parameters, text and values of one statement, in bytes. */
  largest: { statements: number; parameters: number; text: number; value: number }
  /** Looks into or changes of the embedded cloud's state, and requests to any other cloud. */
  cloud: number
  /** The statements that were read with, to be read with again without the program. */
  reads: { sql: string; values: unknown[] }[]
}

export class Counter {
  trips: Trips = nothing()

  /** Counts what `work` does. */
  async of(work: () => Promise<unknown>): Promise<Trips> {
    const counted = nothing()
    this.trips = counted
    await work()
    this.trips = nothing()
    return counted
  }

  d1(db: D1Database): D1Database {
    const one = (sql: string, values: unknown[]) => {
      this.trips.database++
      this.trips.statements++
      this.#measure([{ text: sql, values }])
      if (isRead(sql)) this.trips.reads.push({ sql, values })
    }
    const wrap = (statement: D1PreparedStatement, sql: string, values: unknown[]): D1PreparedStatement =>
      new Proxy(statement, {
        get: (target, key) => {
          if (key === 'bind') return (...bound: unknown[]) => wrap(target.bind(...bound), sql, bound)
          if (key === 'inner') return target
          if (key === 'text') return sql
          if (key === 'values') return values
          const member = Reflect.get(target, key)
          if (typeof member !== 'function') return member
          return (...args: unknown[]) => {
            one(sql, values)
            return member.apply(target, args)
          }
        },
      })
    return {
      prepare: (sql: string) => wrap(db.prepare(sql), sql, []),
      batch: (statements: D1PreparedStatement[]) => {
        this.trips.database++
        this.trips.batches++
        this.trips.statements += statements.length
        const wrapped = statements as unknown as { inner: D1PreparedStatement; text: string; values: unknown[] }[]
        for (const { text, values } of wrapped) if (isRead(text)) this.trips.reads.push({ sql: text, values })
        this.#measure(wrapped)
        if (wrapped.some(({ text }) => !isRead(text))) this.trips.writes++
        return db.batch(wrapped.map(({ inner }) => inner))
      },
      exec: db.exec.bind(db),
      dump: db.dump.bind(db),
      withSession: db.withSession.bind(db),
    } as D1Database
  }

  #measure(statements: { text: string; values: unknown[] }[]): void {
    const { largest } = this.trips
    largest.statements = Math.max(largest.statements, statements.length)
    for (const { text, values } of statements) {
      largest.parameters = Math.max(largest.parameters, values.length)
      largest.text = Math.max(largest.text, text.length)
      for (const value of values) if (typeof value === 'string') largest.value = Math.max(largest.value, value.length)
    }
  }

  /** Every method of a cloud's way out counts as a call. */
  cloud<T extends object>(way: T): T {
    return new Proxy(way, {
      get: (target, key) => {
        const member = Reflect.get(target, key)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          this.trips.cloud++
          return member.apply(target, args)
        }
      },
    })
  }

  fetch: typeof fetch = (...args) => {
    this.trips.cloud++
    return fetch(...args)
  }
}

const isRead = (sql: string): boolean =>
  /^\s*(select|with)\b/i.test(sql) && !/\b(insert into|update|delete from)\b/i.test(sql)

const nothing = (): Trips => ({
  ...{ database: 0, statements: 0, batches: 0, writes: 0, cloud: 0, reads: [] },
  largest: { statements: 0, parameters: 0, text: 0, value: 0 },
})
