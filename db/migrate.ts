import type { D1Database } from '@cloudflare/workers-types'

/** One file of `db/migrations`: its name ends in `.sql`, as wrangler records it. */
export type Migration = { name: string; sql: string }

/** Wrangler's own table, so that a database migrated by either is current for the other. */
export const TABLE = `create table if not exists "d1_migrations"(
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

/** Applies what is not yet applied, in order, each file in one transaction together with its record. Answers the names applied. */
export async function migrate(db: D1Database, migrations: Migration[]): Promise<string[]> {
  await db.prepare(TABLE).run()
  const { results } = await db.prepare('select name from d1_migrations').all<{ name: string }>()
  const applied = new Set(results.map(({ name }) => name))
  const pending = migrations.filter(({ name }) => !applied.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name, sql } of pending) {
    const record = db.prepare('insert into d1_migrations (name) values (?)').bind(name)
    await db.batch([...splitSql(sql).map((statement) => db.prepare(statement)), record])
  }
  return pending.map(({ name }) => name)
}

/** The database was changed by a newer version of this program, which would not know what it holds. */
export class NewerDatabase extends Error {
  constructor(names: string[]) {
    super(
      `the database is of a newer version of Plimsoll (${names.join(', ')}): start that version, or put back a backup from before it`,
    )
    this.name = 'NewerDatabase'
  }
}

/**
 * Which of the migrations that this program knows a database still lacks; all of them in one that is empty.
 * Throws `NewerDatabase` if one was applied that it does not know.
 */
export const pendingOf = async (db: D1Database, known: readonly string[]): Promise<string[]> => {
  await db.prepare(TABLE).run()
  const { results } = await db.prepare('select name from d1_migrations order by name').all<{ name: string }>()
  const applied = results.map(({ name }) => name)
  const unknown = applied.filter((name) => !known.includes(name))
  if (unknown.length) throw new NewerDatabase(unknown)
  return known.filter((name) => !applied.includes(name))
}

/** The statements of a script. A trigger's body, up to its own `end`, is one statement. */
export function splitSql(script: string): string[] {
  const tokens = /('(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`)|--[^\n]*|\/\*[\s\S]*?\*\/|;|\b(?:begin|case|end)\b/gi
  const statements: string[] = []
  let text = ''
  let from = 0
  let depth = 0
  for (const match of script.matchAll(tokens)) {
    const [token, quoted] = match
    text += script.slice(from, match.index)
    from = match.index + token.length
    if (token === ';' && depth === 0) {
      statements.push(text.trim())
      text = ''
      continue
    }
    if (token.startsWith('--') || token.startsWith('/*')) continue
    text += token
    if (quoted !== undefined || !/^\s*create\s+(?:temp\w*\s+)?trigger\b/i.test(text)) continue
    if (/^(?:begin|case)$/i.test(token)) depth++
    else if (/^end$/i.test(token)) depth--
  }
  statements.push((text + script.slice(from)).trim())
  return statements.filter((statement) => statement !== '')
}

/** The migrations in a folder, for Node. Imported when called, so that this module also loads where there is no file system. */
export async function readMigrations(folder: string | URL): Promise<Migration[]> {
  const { readdir, readFile } = await import('node:fs/promises')
  const { fileURLToPath } = await import('node:url')
  const path = typeof folder === 'string' ? folder : fileURLToPath(folder)
  const names = (await readdir(path)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(names.map(async (name) => ({ name, sql: await readFile(`${path}/${name}`, 'utf8') })))
}
