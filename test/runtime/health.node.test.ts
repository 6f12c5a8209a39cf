import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { migrate, readMigrations } from '../../db/migrate.ts'
import { listRoles, projectByName, userByName } from '../../db/queries/identity/identity.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { createApp } from '../../functions/app.ts'
import { sealToken } from '../../functions/auth/token.ts'
import { keyring } from '../../functions/crypto/keyring.ts'
import { issue } from '../../functions/identity/issue.ts'
import { bootstrap } from '../../functions/runtime/bootstrap.ts'
import { openHost, settingsFrom } from '../../functions/runtime/host.ts'
import { MemoryStore } from '../support/memory-store.ts'

/** A database that was migrated, and has no rows yet. */
let empty: string
let folder: string
let path: string
const opened: { close(): void }[] = []
beforeAll(async () => {
  empty = join(mkdtempSync(join(tmpdir(), 'plimsoll-')), 'empty.db')
  const d1 = openSqlite(empty)
  await migrate(d1, await readMigrations('db/migrations'))
  await d1.prepare('pragma wal_checkpoint(truncate)').first()
  d1.close()
})
afterAll(() => rmSync(dirname(empty), { recursive: true }))
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plimsoll-'))
  path = join(folder, 'plimsoll.db')
  copyFileSync(empty, path)
})
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
  rmSync(folder, { recursive: true })
})

const start = async () => {
  const d1 = openSqlite(path)
  opened.push(d1)
  let ending = false
  const host = await openHost({
    d1,
    settings: settingsFrom({}, 'node', 'a'.repeat(64)),
    cloudState: new MemoryStore(),
    defer: () => {},
    log: () => {},
    ending: () => ending,
  })
  await bootstrap(host, { hashOf: async () => 'scrypt$16$1$1$AAAA$AAAA' })
  const app = createApp(host)
  const ask = async (what: string) => {
    const response = await app.fetch(new Request(`http://localhost${what}`))
    const { status, reason } = (await response.json()) as { status: string; reason?: string }
    return [response.status, reason ?? status]
  }
  const end = () => {
    ending = true
  }
  return { d1, host, app, ask, end }
}
/** Answers of health are good for a second. */
const later = () => vi.spyOn(performance, 'now').mockImplementation(() => process.hrtime()[0] * 1000 + 100_000_000)

test('a broker that can read and write is alive, healthy and ready', async () => {
  const { ask } = await start()
  for (const what of ['/livez', '/healthz', '/readyz']) expect(await ask(what)).toEqual([200, 'ok'])
})

test('one that can read and not write is alive, and tells monitors that it serves nobody', async () => {
  const { d1, ask } = await start()
  await d1.prepare('pragma query_only = on').first()
  expect(await ask('/livez')).toEqual([200, 'ok'])
  for (const what of ['/healthz', '/readyz']) expect(await ask(what)).toEqual([503, 'The database cannot be written.'])
})

test('one whose disk is full says so to whoever asks for something that is to be written', async () => {
  const { d1, app, host } = await start()
  await d1.prepare('pragma max_page_count = 1').first()
  const fill = (key: string) =>
    d1.prepare('insert into settings (key, value) values (?, hex(randomblob(100000)))').bind(key).run()
  await expect(fill('a').then(() => fill('b'))).rejects.toThrow('SQLITE_FULL')
  const user = await userByName(host.db, 'default', 'admin')
  const project = await projectByName(host.db, 'default', 'admin')
  const roles = await listRoles(host.db, { name: 'admin' })
  const entry = { kind: 'project' as const, place: { ...project!, domainName: 'Default' }, roles }
  const token = issue(host, { user: user!, entry, methods: ['password'] })
  let answer: Response
  do {
    const request = new Request('http://localhost/identity/v3/projects', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-Auth-Token': sealToken(token, keyring(host.settings.secretKeys, 'token')),
      },
      body: JSON.stringify({ project: { name: crypto.randomUUID(), description: 'x'.repeat(16_000) } }),
    })
    answer = await app.fetch(request)
  } while (answer.status === 201)
  expect([answer.status, await answer.text()]).toEqual([
    503,
    expect.stringContaining('The disk of the database is full.'),
  ])
  expect(answer.headers.get('Retry-After')).toBe('5')
}, 20_000)

test('one whose file was damaged somewhere says so from the first who meets it on', async () => {
  const first = await start()
  const { root } = (await first.d1
    .prepare("select rootpage as root from sqlite_master where name = 'flavors'")
    .first<{ root: number }>())!
  await first.d1.prepare('pragma wal_checkpoint(truncate)').first()
  for (const each of opened.splice(0)) each.close()
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, (root - 1) * 4096)
  closeSync(file)
  const { d1, ask } = await start()
  expect(await ask('/healthz')).toEqual([200, 'ok'])
  await expect(d1.prepare('select * from flavors').first()).rejects.toThrow(/SQLITE_CORRUPT/)
  expect(await ask('/healthz')).toEqual([503, 'The database is damaged.'])
  expect(await ask('/livez')).toEqual([200, 'ok'])
})

test('one that is about to end is healthy no more, so that nobody is sent to it', async () => {
  const { ask, end } = await start()
  end()
  expect(await ask('/readyz')).toEqual([503, 'The process is ending.'])
  expect(await ask('/livez')).toEqual([200, 'ok'])
})

test('one whose database another program holds goes on with all else, waits for a while, and says so', async () => {
  const { d1 } = await start()
  const other = new DatabaseSync(path)
  opened.push(other)
  other.exec('begin immediate')
  const write = d1.prepare("insert into settings (key, value) values ('a', 'b')").run()
  let ticks = 0
  let longest = 0
  let last = performance.now()
  const watch = setInterval(() => {
    ticks++
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 10)
  await new Promise((resolve) => setTimeout(resolve, 600))
  clearInterval(watch)
  expect(ticks).toBeGreaterThan(10)
  expect(longest).toBeLessThan(400)
  other.exec('commit')
  expect((await write).meta.changes).toBe(1)

  other.exec('begin immediate')
  later()
  await expect(d1.batch([d1.prepare("delete from settings where key = 'a'")])).rejects.toThrow('SQLITE_BUSY')
  other.exec('rollback')
}, 20_000)
