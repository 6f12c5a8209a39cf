/// <reference types="vite/types/importMeta.d.ts" />
import type { D1Database } from '@cloudflare/workers-types'
import { type Migration, migrate, splitSql, TABLE } from '../../db/migrate.ts'

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

/**
 * An empty, migrated database. On Node every call gives another one, in memory. In workerd there is one per binding: a
 * call empties it, so ask in `beforeEach`, and never for two of the same binding at a time.
 * @param applied names of migrations; absent: all
 */
export async function freshDatabase(binding: keyof typeof MIGRATIONS = 'DB', applied?: string[]): Promise<D1Database> {
  const migrations = MIGRATIONS[binding].filter(({ name }) => applied?.includes(name) ?? true)
  if (runtime === 'node') {
    const { openSqlite } = await import('../../db/sqlite.ts')
    const db = openSqlite(':memory:')
    await migrate(db, migrations)
    return db
  }
  const { env } = await import('cloudflare:workers')
  const db = env[binding] as D1Database
  const known = await db
    .prepare(
      "select type, name from sqlite_master where type in ('table', 'view') and name not glob 'sqlite_*' and name not glob '_cf_*'",
    )
    .all<{ type: string; name: string }>()
  const drops = known.results.map(({ type, name }) => `drop ${type} "${name}"`)
  const records = migrations.map(({ name }) => `insert into d1_migrations (name) values ('${name}')`)
  // All in one go, which only the local D1 takes: half the time of migrate(), and there are many tests.
  const script = [...drops, TABLE, ...migrations.flatMap(({ sql }) => splitSql(sql)), ...records].join(';\n')
  await db.batch([db.prepare('pragma defer_foreign_keys = on'), db.prepare(script)])
  return db
}
