import { DurableObject } from 'cloudflare:workers'

/** What was written so far. */
const COUNTERS = 'select total_changes() as changes, last_insert_rowid() as id'

/** The tables of one binding, in what the local D1 stands on as well: SQLite in a Durable Object. */
export class Tables extends DurableObject {
  /**
   * One transaction: all statements or none.
   * @param {{ sql: string, values: unknown[] }[]} statements
   */
  ask(statements) {
    try {
      return { answers: this.ctx.storage.transactionSync(() => statements.map((each) => this.#answer(each))) }
    } catch (error) {
      return { error: error.message }
    }
  }

  #answer({ sql, values }) {
    const before = this.#count()
    const cursor = this.ctx.storage.sql.exec(sql, ...values)
    const rows = [...cursor.raw()]
    const { changes, id } = this.#count()
    return { columns: cursor.columnNames, rows, changes: changes - before.changes, id }
  }

  #count() {
    return this.ctx.storage.sql.exec(COUNTERS).one()
  }
}

export default {}
