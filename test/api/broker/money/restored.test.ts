import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Json } from '../../../../adapters/contract.ts'
import { plantFaults, remembered } from '../../../../adapters/sandbox/backdoor.ts'
import { runCron } from '../../../../functions/cron.ts'
import type { Beginning } from '../../../support/databases/beginnings.ts'
import { type Answer, startPlimsoll } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const MINUTE = 60_000
const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message
const usd = (amount: string) => ({ amount, currency: 'USD' })

let w: World
beforeEach(async () => {
  const sizes = [{ name: 'one', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 1 }]
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
  // The tenth of a month, at noon: the month does not end while the story is told. The cloud is no new one.
  w.plimsoll.clock.now = Date.UTC(2031, 2, 10, 12)
  await w.plimsoll.db.run(sql`update clouds set created_at = 0`)
  await cron()
})

const decree = async (policy: Record<string, Json>) => {
  const answer = await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
const cron = async (): Promise<void> => {
  await runCron(w.plimsoll.host)
  await w.plimsoll.settle()
}
const pass = async (minutes: number) => {
  for (let i = 0; i < minutes; i++) {
    w.plimsoll.clock.advance(MINUTE)
    await cron()
  }
}
const boot = (more: Record<string, unknown> = {}) => w.boot({ networks: 'none', ...more })
const running = (more: Record<string, unknown> = {}) => w.running({ networks: 'none', ...more })
/** Machines that the cloud has, by its own memory. */
const onCloud = async (): Promise<number> => {
  const { host, cloudId } = w.plimsoll
  return (await remembered(host.cloudState, cloudId('sandbox'), 'server')).filter(({ goneAt }) => goneAt === null)
    .length
}

/** The same broker with a database of an earlier time, over the cloud as it is now, some minutes later. */
const restore = async (backup: Beginning, minutes: number) => {
  const cloudState = w.plimsoll.host.cloudState as Beginning['cloudState']
  const now = w.plimsoll.clock.now + minutes * MINUTE
  const plimsoll = await startPlimsoll({ like: { ...backup, cloudState: cloudState.copy() } })
  plimsoll.clock.now = now
  const demo = plimsoll.as('demo')
  w = {
    ...w,
    plimsoll,
    demo,
    newest: demo.with({ 'OpenStack-API-Version': 'compute 2.96' }),
    admin: plimsoll.as('admin'),
  }
  w.boot = (more = {}, client = w.newest) =>
    client.post(`${NOVA}/servers`, { server: { name: 'one', flavorRef: '1', imageRef: w.image, ...more } })
}

describe('a database that is put back as it was before something was bought', () => {
  test.each([
    ['an hourly cap', { max_hourly_cost: usd('3') }],
    ['a budget', { budget: { ...usd('3.5'), period: 'month' } }],
  ])('buys nothing under %s before all that there is was listed, and what was found counts', async (_, policy) => {
    await decree(policy)
    await running()
    const backup = await w.plimsoll.keep()
    await pass(2)
    await running()
    await running()
    await pass(6)
    await restore(backup, 1)
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(1)
    const early = await boot()
    expect([early.status, early.headers.get('retry-after'), message(early)]).toEqual([
      409,
      '60',
      expect.stringMatching(/^The database was not kept for \d+ minutes, .* Ask again in a minute\.$/),
    ])
    await plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), [
      { method: 'server.list', fault: 'throttled', count: 2 },
    ])
    await cron()
    const still = await boot()
    expect([still.status, message(still)]).toEqual([
      409,
      expect.stringContaining('since then nobody has listed what the project has on sandbox.'),
    ])
    await pass(3)
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toHaveLength(3)
    expect((await boot()).status).toBe(403)
    expect(await onCloud()).toBe(3)
    // From the minute in which it was asked for, as its mark says.
    const { body } = await w.demo.get(`/broker/v1/costs?from=2031-03-10&to=2031-03-11&group_by=server`)
    for (const { seconds } of body.costs) expect(seconds).toBeGreaterThan(600)
  })

  test('goes on where money has no limit', async () => {
    await running()
    const backup = await w.plimsoll.keep()
    await pass(8)
    await restore(backup, 1)
    expect((await boot()).status).toBe(202)
  })

  test('buys again once an administrator said what becomes of a server that nobody counts', async () => {
    await decree({ max_hourly_cost: usd('10') })
    await running()
    const backup = await w.plimsoll.keep()
    await pass(2)
    const lost = await running()
    await pass(6)
    await restore(backup, 1)
    // It cannot come back: the database says that it was removed.
    await w.plimsoll.db.run(sql`insert into journal (at, request_id, action, kind, resource_id)
      values (${w.plimsoll.clock.now}, 'req-before', 'delete', 'server', ${lost})`)
    await pass(2)
    const answer = await boot()
    expect([answer.status, message(answer)]).toEqual([
      409,
      expect.stringContaining('the project got a server that nobody counts'),
    ])
    const [{ id }] = (await w.admin.get('/broker/v1/orphans')).body.orphans
    expect((await w.admin.post(`/broker/v1/orphans/${id}/delete`)).status).toBe(204)
    expect((await boot()).status).toBe(202)
  })
})
