import type { LocalDatabase } from '../../../db/sqlite.ts'

/*
 * Databases in memory that story after story uses, on Node: to read what the tables look like, and to prepare every statement
 * anew, takes longer than most stories.
 */

/** What a database is for: its binding, or that it has not all tables and is of no use afterwards. */
type Kind = string | null
type Listener = Parameters<LocalDatabase['onInsert']>[2]

interface Kept {
  db: LocalDatabase
  kind: Kind
  /** What the story hears that has it, by table and column. */
  listeners: Map<string, Listener[]>
}

interface Lent {
  kept: Kept
  /** Whoever goes on with it after this is told that it is over. */
  end(): void
}

/** Those that stories have; from the mark on they are of the test that is under way. */
const lent: Lent[] = []
let mark = 0
/** Those that no story has, and how many are kept for the next. */
let free: Kept[] = []
const MOST = 6

/** What no story has is asked whether it can begin anew; otherwise one is made. */
export const borrow = async (
  kind: Kind,
  anew: (db: LocalDatabase) => Promise<boolean>,
  make: () => Promise<LocalDatabase>,
): Promise<LocalDatabase> => {
  for (;;) {
    const known = free.findLast((each) => each.kind === kind)
    if (!known) return lend({ db: await make(), kind, listeners: new Map() })
    free = free.filter((each) => each !== known)
    if (await anew(known.db)) return lend(known)
    known.db.close()
  }
}

/** What is asked for from here on is for one test. */
export const beginTest = (): void => {
  mark = lent.length
}

/** What the test asked for ends with it. */
export const endTest = (): void => giveBack(mark)

/** Ends what stories have that nobody needs any more. */
export const endDatabases = (): void => giveBack(0)

const giveBack = (from: number): void => {
  for (const { kept, end } of lent.splice(from)) {
    end()
    if (kept.kind !== null && free.length < MOST) free.push(kept)
    else kept.db.close()
  }
  mark = Math.min(mark, lent.length)
}

const lend = (kept: Kept): LocalDatabase => {
  let over = false
  const db = (): LocalDatabase => {
    if (over) throw new Error('this database ended with its test: one that tests share is asked for in `beforeAll`')
    return kept.db
  }
  lent.push({
    kept,
    end: () => {
      over = true
      for (const listeners of kept.listeners.values()) listeners.length = 0
    },
  })
  return {
    prepare: (text) => db().prepare(text),
    batch: (statements) => db().batch(statements),
    exec: (text) => db().exec(text),
    withSession: () => db().withSession(),
    dump: () => db().dump(),
    close: () => db().close(),
    get damage() {
      return db().damage
    },
    get size() {
      return db().size
    },
    onStatement: (timed) => db().onStatement(timed),
    onInsert: (table, column, heard) => hear(kept, table, column, heard),
  }
}

/** The database itself is asked once, for all who have it one after another. */
const hear = ({ db, listeners }: Kept, table: string, column: string, heard: Listener): void => {
  const what = `${table}.${column}`
  const known = listeners.get(what)
  if (known) {
    known.push(heard)
    return
  }
  const all = [heard]
  listeners.set(what, all)
  db.onInsert(table, column, (values) => {
    for (const each of all) each(values)
  })
}
