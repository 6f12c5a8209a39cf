import { expect, test } from 'vitest'
import { CLOUD_STATE_MIGRATIONS, MIGRATIONS } from '../../db/known.ts'
import { NewerDatabase, pendingOf } from '../../db/migrate.ts'
import { freshDatabase, runtime } from '../support/runtime.ts'

const LATER = '9999_from_the_future.sql'

test('a database that this version made is current', async () => {
  expect(await pendingOf(await freshDatabase(), MIGRATIONS)).toEqual([])
})
test('one that lacks something is told from it', async () => {
  expect(await pendingOf(await freshDatabase(), [...MIGRATIONS, LATER])).toEqual([LATER])
})
test('one that a newer version changed is refused in one line, which says by what and what to do', async () => {
  const refusal = await pendingOf(await freshDatabase(), MIGRATIONS.slice(0, -1)).catch((error) => error)
  expect(refusal).toBeInstanceOf(NewerDatabase)
  expect(refusal.message).toContain(MIGRATIONS.at(-1))
  expect(refusal.message).toMatch(/^the database is of a newer version.*backup[^\n]*$/)
})

const files = {
  migrations: Object.keys(import.meta.glob('../../db/migrations/*.sql')),
  cloudState: Object.keys(import.meta.glob('../../db/cloud-state/*.sql')),
}
test('the program knows the names of all its migrations', () => {
  const names = (paths: string[]) => paths.map((path) => path.slice(path.lastIndexOf('/') + 1)).sort()
  expect(names(files.migrations)).toEqual(MIGRATIONS)
  expect(names(files.cloudState)).toEqual(CLOUD_STATE_MIGRATIONS)
})

test.runIf(runtime === 'workerd')(
  'a Worker says so instead of an answer, and says as well what it lacks',
  async () => {
    const d1 = await freshDatabase()
    const cloudState = await freshDatabase('CLOUD_STATE')
    const { default: worker } = await import('../../functions/runtime/worker.ts')
    const env = {
      DB: d1,
      CLOUD_STATE: cloudState,
      PLIMSOLL_SECRET_KEY: '5b'.repeat(32),
      PLIMSOLL_ADMIN_PASSWORD: 'long enough',
    }
    const healthz = () => worker.fetch(new Request('http://plimsoll.test/healthz'), env)
    const said = async (response: Response) => [
      response.status,
      ((await response.json()) as { error: { message: string } }).error.message,
    ]

    await d1.prepare('insert into d1_migrations (name) values (?)').bind(LATER).run()
    expect(await said(await healthz())).toEqual([503, expect.stringContaining(LATER)])

    await d1.prepare('delete from d1_migrations where name in (?, ?)').bind(LATER, MIGRATIONS.at(-1)).run()
    expect(await said(await healthz())).toEqual([503, expect.stringContaining('not migrated')])
  },
  // The whole program is loaded for it.
  30_000,
)
