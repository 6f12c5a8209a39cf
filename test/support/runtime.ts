/// <reference types="vite/types/importMeta.d.ts" />
import type { D1Database, D1Result, DurableObjectNamespace } from '@cloudflare/workers-types'
import { type Migration, migrate, splitSql, TABLE } from '../../db/migrate.ts'
import { borrow } from './databases/lent.ts'
import { nearDatabase, type Tables } from './databases/near.ts'
import { countAll, NO_ROWS, type Rows, rowsOf, tablesOf } from './databases/rows.ts'
import { onD1Itself } from './rounds.ts'

/** Which of the two runtimes this test runs in. */
export const runtime: 'node' | 'workerd' = navigator.userAgent === 'Cloudflare-Workers' ? 'workerd' : 'node'

const read = (files: Record<string, string>): Migration[] =>
  Object.entries(files).map(([path, sql]) => ({ name: path.slice(path.lastIndexOf('/') + 1), sql }))
/** What a database goes through, by its binding. */
export const MIGRATIONS = {
  DB: read(import.meta.glob<string>('../../db/migrations/*.sql', { query: '?raw', import: 'default', eager: true })),
  CLOUD_STATE: read(
    import.meta.glob<string>('../../db/cloud-state/*.sql', { query: '?raw', import: 'default', eager: true }),
  ),
}
type Binding = keyof typeof MIGRATIONS

/**
 * A migrated database with these rows and no others, or with none but what migrations put there. On Node every call gives another one, in memory, which ends with the test
 * that asks for it; what is asked for in `beforeAll` ends with its file. In workerd there is one per binding: a call empties
 * it, so ask in `beforeEach`, and never for two of the same binding at a time; it is D1 itself with `PLIMSOLL_D1=itself`.
 * @param applied names of migrations; absent: all
 */
export const freshDatabase = async (
  binding: Binding = 'DB',
  applied?: string[],
  rows = NO_ROWS,
): Promise<D1Database> => (runtime === 'node' ? inMemory(binding, applied, rows) : inWorkerd(binding, applied, rows))

/** Databases as they begin, so that migrations run once. */
const dumps = new Map<Binding, ArrayBuffer>()

const inMemory = async (binding: Binding, applied: string[] | undefined, rows: Rows): Promise<D1Database> => {
  const { openSqlite } = await import('../../db/sqlite.ts')
  const made = async () => {
    const dump = applied ? undefined : dumps.get(binding)
    const db = openSqlite(':memory:', dump)
    if (dump) return db
    await migrate(db, wanted(binding, applied))
    if (applied) return db
    dumps.set(binding, await db.dump())
    shapes.set(binding, await shapeOf(db))
    return db
  }
  const filled = async () => {
    const db = await made()
    if (rows.statements.length) await script(db, rows.statements)
    return db
  }
  return borrow(applied ? null : binding, (db) => emptied(db, binding, rows), filled)
}

const wanted = (binding: Binding, applied?: string[]): Migration[] =>
  MIGRATIONS[binding].filter(({ name }) => applied?.includes(name) ?? true)

/** What the tables of a binding look like when every migration was applied. */
interface Shape {
  tables: string[]
  shape: unknown
  /** What migrations put there. */
  rows: Rows
}
const shapes = new Map<Binding, Shape>()
const SHAPE = 'select count(*) as objects, sum(length(sql)) as letters from sqlite_master'

const shapeOf = async (db: D1Database): Promise<Shape> => ({
  tables: await tablesOf(db),
  shape: await db.prepare(SHAPE).first(),
  rows: await rowsOf(db),
})

/** D1 itself, of workerd, without tables of the program. */
export const d1Itself = (): Promise<D1Database> => inWorkerd('DB', [], NO_ROWS, true)

const inWorkerd = async (
  binding: Binding,
  applied: string[] | undefined,
  rows: Rows,
  itself = onD1Itself,
): Promise<D1Database> => {
  const { env } = await import('cloudflare:workers')
  const objects = env.TABLES as DurableObjectNamespace
  const db = itself
    ? handleOf(env[binding] as D1Database)
    : nearDatabase(objects.getByName(binding) as unknown as Tables)
  if (applied) await rebuild(db, wanted(binding, applied), rows)
  else if (!(await emptied(db, binding, rows))) {
    await rebuild(db, wanted(binding), NO_ROWS)
    shapes.set(binding, await shapeOf(db))
    if (rows.statements.length) await script(db, rows.statements)
  }
  return db
}

/** Another name for the same: a process keeps what it knows by its database, and each world is one of its own. */
const handleOf = (d1: D1Database): D1Database =>
  new Proxy(d1, {
    get: (target, name) => {
      const member = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })

/** Leaves the tables as they are and takes out the rows. False: it was not possible, or is not what was wanted. */
const emptied = async (db: D1Database, binding: Binding, rows: Rows): Promise<boolean> => {
  const known = shapes.get(binding)
  if (!known) return false
  const { tables, shape } = known
  const { statements, counts: expected } = rows.statements.length ? rows : known.rows
  const deletes = [...tables, 'sqlite_sequence'].map((table) => `delete from "${table}"`)
  const looks = [SHAPE, ...countAll(tables)].map((text) => db.prepare(text))
  const results = await script(db, [...deletes, ...statements], looks).catch(() => null)
  const [found, ...counted] = results?.slice(-looks.length).map((each) => each.results[0]) ?? []
  const counts = Object.fromEntries(tables.map((table) => [table, expected[table] ?? 0]))
  return JSON.stringify([found, Object.assign({}, ...counted)]) === JSON.stringify([shape, counts])
}

const rebuild = async (db: D1Database, migrations: Migration[], rows: Rows): Promise<void> => {
  const known = await db
    .prepare(
      "select type, name from sqlite_master where type in ('table', 'view') and name not glob 'sqlite_*' and name not glob '_cf_*'",
    )
    .all<{ type: string; name: string }>()
  const drops = known.results.map(({ type, name }) => `drop ${type} "${name}"`)
  const records = migrations.map(({ name }) => `insert into d1_migrations (name) values ('${name}')`)
  await script(db, [...drops, TABLE, ...migrations.flatMap(({ sql }) => splitSql(sql)), ...records, ...rows.statements])
}

/** All in one go; in workerd as few texts, which only a local D1 takes: each costs more than what it does, and there are many tests. */
const script = (
  db: D1Database,
  statements: string[],
  looks: ReturnType<D1Database['prepare']>[] = [],
): Promise<D1Result[]> =>
  db.batch([...(runtime === 'node' ? statements : lengthsOf(statements)).map((text) => db.prepare(text)), ...looks])

/** D1 takes statements of 100,000 bytes, and counts many that are sent as one for one. */
const LONGEST = 50_000

const lengthsOf = (statements: string[]): string[] => {
  const parts: string[][] = []
  let length = LONGEST
  for (const statement of statements) {
    if (length + statement.length >= LONGEST) {
      parts.push([])
      length = 0
    }
    parts.at(-1)!.push(statement)
    length += statement.length
  }
  return parts.map((part) => part.join(';\n'))
}
