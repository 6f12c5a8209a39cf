import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { migrate, readMigrations } from '../../db/migrate.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { SERVED } from '../support/served.ts'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-newer-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('`npm start` on the data of a newer version ends in one line, and changes nothing', async () => {
  const path = join(folder, 'plimsoll.db')
  const newer = openSqlite(path)
  const known = await readMigrations('db/migrations')
  await migrate(newer, [
    ...known.slice(0, -1),
    { name: '9999_from_the_future.sql', sql: 'create table futures (id integer)' },
  ])
  newer.close()

  const { status, stderr } = spawnSync(process.execPath, SERVED, {
    encoding: 'utf8',
    env: { ...process.env, PLIMSOLL_DATA: folder, PORT: '0' },
  })
  expect(status).toBe(1)
  expect(stderr.trim()).toBe(
    `plimsoll: ${path}: the database is of a newer version of Plimsoll (9999_from_the_future.sql): start that version, or put back a backup from before it`,
  )
  const again = openSqlite(path)
  const { results } = await again.prepare('select name from d1_migrations').all<{ name: string }>()
  again.close()
  expect(results.map(({ name }) => name)).not.toContain(known.at(-1)!.name)
}, 60_000)
