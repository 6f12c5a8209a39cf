import type { D1Database, D1PreparedStatement, D1Result } from '@cloudflare/workers-types'
import type { Store } from '../../adapters/contract.ts'
import type { Life, Scheduler } from './scheduler.ts'

/** Whoever acts through a database or a store at the moment, and what is looked at after each of its commits. */
export interface Actor {
  scheduler(): Scheduler
  life(): Life
  /** Null: this statement changes nothing that is looked at. */
  after(sql: string): (() => Promise<void>) | null
}

/** A database of which every call is a step. */
export const steppedDatabase = (d1: D1Database, actor: Actor): D1Database =>
  ({
    prepare: (sql: string) => new SteppedStatement(d1.prepare(sql), sql, actor),
    batch: (list: SteppedStatement[]) =>
      actor.scheduler().step(
        actor.life(),
        () => d1.batch(list.map(({ real }) => real)),
        list.reduce<ReturnType<Actor['after']>>((found, { sql }) => actor.after(sql) ?? found, null),
        list.map(({ sql }) => sql).join(';'),
      ),
  }) as unknown as D1Database

class SteppedStatement {
  readonly real: D1PreparedStatement
  readonly sql: string
  readonly #actor: Actor

  constructor(real: D1PreparedStatement, sql: string, actor: Actor) {
    this.real = real
    this.sql = sql
    this.#actor = actor
  }

  bind(...values: unknown[]): SteppedStatement {
    return new SteppedStatement(this.real.bind(...values), this.sql, this.#actor)
  }

  #step<T>(effect: () => Promise<T>): Promise<T> {
    return this.#actor.scheduler().step(this.#actor.life(), effect, this.#actor.after(this.sql), this.sql)
  }

  all(): Promise<D1Result> {
    return this.#step(() => this.real.all())
  }

  run(): Promise<D1Result> {
    return this.#step(() => this.real.run())
  }

  raw(): Promise<unknown[]> {
    return this.#step(() => this.real.raw())
  }

  first(column: string): Promise<unknown> {
    return this.#step(() => (column === undefined ? this.real.first() : this.real.first(column)))
  }
}

/** A cloud's memory of which every call is a step on behalf of one process. */
export const steppedStore = (store: Store, scheduler: Scheduler, life: Life): Store & { life: Life } => {
  const step = <T>(label: string, effect: () => Promise<T>) => scheduler.step(life, effect, null, label, true)
  return {
    life,
    get: (key) => step(`get ${key}`, () => store.get(key)),
    put: (key, value, expected) => step(`put ${key}`, () => store.put(key, value, expected)),
    delete: (key, expected) => step(`delete ${key}`, () => store.delete(key, expected)),
    list: (prefix, limit, after) => step(`list ${prefix}`, () => store.list(prefix, limit, after)),
  }
}
