import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MIGRATIONS } from '../../db/known.ts'
import type { Kept } from './kept.ts'

test('a release of this version can keep its database, with rows in every table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-kept-'))
  try {
    const { status, stderr } = spawnSync(process.execPath, ['test/migrations/keep.ts', folder], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
    })
    expect([status, stderr]).toEqual([0, ''])
    const [name] = readdirSync(folder)
    const kept = JSON.parse(readFileSync(join(folder, name!), 'utf8')) as Kept
    expect(kept.migrations).toEqual(MIGRATIONS)
    const empty = Object.entries(kept.tables).filter(([table, rows]) => rows.length === 0 && table !== 'guards')
    expect(empty.map(([table]) => table)).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 60_000)
