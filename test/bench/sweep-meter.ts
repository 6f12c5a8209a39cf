import type { D1Database, D1PreparedStatement } from '@cloudflare/workers-types'

/** What a piece of work took. */
export interface Cost {
  ms: number
  cpuMs: number
  statements: number
  /** Rows written, by table. */
  written: Record<string, number>
  /** Most that it held at a time, garbage collected, above what was held before it; 0 unless looked at. */
  liveMb: number
  /** Most that the heap had grown by, garbage and all. */
  heapMb: number
}

const MB = 1024 * 1024
const WRITES = /^\s*(?:update|insert into|delete from) ["`]?(\w+)/i
const round = (value: number): number => Math.round(value * 100) / 100

/** Counts statements, rows written, time and heap of whatever is done through its database. */
export class Meter {
  #cost: Cost = nothing()
  #exact = false
  #base = 0
  /** Microseconds of the processor that went into looking, and into making listings up. */
  #looking = 0
  readonly #elsewhere: () => number

  constructor(elsewhere: () => number) {
    this.#elsewhere = elsewhere
  }

  /** `exact` collects garbage at every statement to see what is really held; it takes its time. */
  async of(work: () => Promise<unknown>, exact = false): Promise<Cost> {
    this.#collect()
    this.#cost = nothing()
    this.#exact = exact
    this.#base = process.memoryUsage().heapUsed
    const foreign = this.#looking + this.#elsewhere()
    const from = process.cpuUsage()
    const started = performance.now()
    await work()
    this.#exact = false
    const { user, system } = process.cpuUsage(from)
    const { liveMb, heapMb, ...cost } = this.#cost
    const cpuMs = (user + system - (this.#looking + this.#elsewhere() - foreign)) / 1000
    const ms = round(performance.now() - started)
    return { ...cost, ms, cpuMs: round(cpuMs), liveMb: round(liveMb), heapMb: round(heapMb) }
  }

  d1(db: D1Database): D1Database {
    const wrap = (statement: D1PreparedStatement, sql: string): D1PreparedStatement =>
      new Proxy(statement, {
        get: (target, key) => {
          if (key === 'bind') return (...bound: unknown[]) => wrap(target.bind(...bound), sql)
          if (key === 'inner') return [target, sql]
          const member = Reflect.get(target, key)
          if (typeof member !== 'function') return member
          return async (...args: unknown[]) => {
            const result: unknown[] | { meta?: { changes: number } } | null = await member.apply(target, args)
            this.#note(sql, Array.isArray(result) ? result.length : (result?.meta?.changes ?? 0))
            return result
          }
        },
      })
    return {
      prepare: (sql: string) => wrap(db.prepare(sql), sql),
      batch: async (statements: D1PreparedStatement[]) => {
        const inner = statements.map((each) => (each as unknown as { inner: [D1PreparedStatement, string] }).inner)
        const results = await db.batch(inner.map(([statement]) => statement))
        results.forEach((result, i) => {
          this.#note(inner[i]![1], result.meta.changes)
        })
        return results
      },
      exec: db.exec.bind(db),
      dump: db.dump.bind(db),
      withSession: db.withSession.bind(db),
    } as D1Database
  }

  #note(sql: string, changes: number): void {
    const cost = this.#cost
    cost.statements++
    const table = WRITES.exec(sql)?.[1]
    if (table && changes) cost.written[table] = (cost.written[table] ?? 0) + changes
    this.look()
  }

  /** Looks at the heap, as after every statement. */
  look(): void {
    const cost = this.#cost
    cost.heapMb = Math.max(cost.heapMb, (process.memoryUsage().heapUsed - this.#base) / MB)
    if (!this.#exact) return
    this.#collect()
    cost.liveMb = Math.max(cost.liveMb, (process.memoryUsage().heapUsed - this.#base) / MB)
  }

  #collect(): void {
    const before = process.cpuUsage()
    globalThis.gc?.()
    const { user, system } = process.cpuUsage(before)
    this.#looking += user + system
  }
}

const nothing = (): Cost => ({ ms: 0, cpuMs: 0, statements: 0, written: {}, liveMb: 0, heapMb: 0 })
