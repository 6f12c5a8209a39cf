import type { D1Database } from '@cloudflare/workers-types'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Row = { key: string; value: string; version: number }

/** Sorts after every character that a key may have. */
const END = '\u{10FFFF}'

/** The `Store` of adapters/contract.ts over the table of `db/cloud-state`: each write is one statement, so versions decide who was first. */
export class DatabaseStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  async get(key: string): Promise<{ value: Json; version: number } | null> {
    const row = await this.#db.prepare('select value, version from cloud_state where key = ?').bind(key).first<Row>()
    return row && { value: JSON.parse(row.value), version: row.version }
  }

  async put(key: string, value: Json, expected: number): Promise<boolean> {
    const text = JSON.stringify(value)
    const statement =
      expected === 0
        ? this.#db
            .prepare('insert into cloud_state (key, value, version) values (?, ?, 1) on conflict do nothing')
            .bind(key, text)
        : this.#db
            .prepare('update cloud_state set value = ?, version = version + 1 where key = ? and version = ?')
            .bind(text, key, expected)
    return (await statement.run()).meta.changes === 1
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    const statement =
      expected === undefined
        ? this.#db.prepare('delete from cloud_state where key = ?').bind(key)
        : this.#db.prepare('delete from cloud_state where key = ? and version = ?').bind(key, expected)
    return (await statement.run()).meta.changes === 1
  }

  async list(prefix: string, limit: number, after?: string): Promise<{ key: string; value: Json; version: number }[]> {
    const from = after === undefined || after < prefix ? prefix : after
    const { results } = await this.#db
      .prepare(
        'select key, value, version from cloud_state where key >= ?1 and key <> ?2 and key < ?3 order by key limit +?4',
      )
      .bind(from, after ?? '', prefix + END, limit)
      .all<Row>()
    return results.map(({ key, value, version }) => ({ key, value: JSON.parse(value), version }))
  }
}
