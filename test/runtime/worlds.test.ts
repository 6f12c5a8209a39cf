import { expect, test } from 'vitest'
import { endTest } from '../support/databases/lent.ts'
import { startPlimsoll } from '../support/harness.ts'
import { freshDatabase } from '../support/runtime.ts'

const MARK = "insert into d1_migrations (name) values ('mark')"
const UNMARK = "delete from d1_migrations where name = 'mark'"

// To build one for every story would take longer than the stories.
test('a world that is asked for again has the tables of the one before, emptied and filled', async () => {
  let kept = 0
  for (const turn of ['its first start', 'a copy', 'a copy again']) {
    const { host } = await startPlimsoll()
    kept = (await host.d1.prepare(UNMARK).run()).meta.changes
    if (turn !== 'a copy again') await host.d1.prepare(MARK).run()
    endTest()
  }
  expect(kept).toBe(1)
})

test('a database that is asked for again has what migrations put there', async () => {
  const rules = async () =>
    (await (await freshDatabase()).prepare('select id from default_security_group_rules').all()).results
  const first = await rules()
  endTest()
  expect(first).toHaveLength(4)
  expect(await rules()).toEqual(first)
})
