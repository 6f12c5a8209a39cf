import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import type { Json } from '../../../../adapters/contract.ts'
import { runCron } from '../../../../functions/cron.ts'
import type { Answer } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

const HOUR = 3600
const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message

let w: World
beforeEach(async () => {
  const sizes = [{ name: 'one', vcpus: 1, ram_mib: 1_024, disk_gib: 10, price: 1 }]
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
  // The tenth of a month, at noon: the month does not end while the story is told.
  w.plimsoll.clock.now = Date.UTC(2031, 2, 10, 12)
  await pass(0)
})

const budget = async (amount: string, more: Record<string, Json> = {}) => {
  const policy = { budget: { amount, currency: 'USD', period: 'month', ...more } }
  const answer = await w.admin.put(`/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`, { policy })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
const pass = async (seconds: number) => {
  for (let left = seconds; left >= 0; left -= 1800) {
    w.plimsoll.clock.advance(Math.min(left, 1800) * 1000)
    await runCron(w.plimsoll.host)
    await w.plimsoll.settle()
  }
}
const boot = (more: Record<string, unknown> = {}) => w.boot({ networks: 'none', ...more })
const running = (more: Record<string, unknown> = {}) => w.running({ networks: 'none', ...more })
const told = async (): Promise<string[]> =>
  (
    await w.plimsoll.db.all<{ action: string }>(
      sql`select action from journal where action glob 'budget_*' order by id`,
    )
  ).map(({ action }) => action)

test('an hour of each server is kept of a budget, and what went is given back to the second', async () => {
  await budget('3')
  const ids = [await running(), await running(), await running()]
  const fourth = await boot()
  expect([fourth.status, message(fourth)]).toEqual([
    403,
    expect.stringContaining('Size one costs 1 an hour: of 3 this month 0 are left.'),
  ])
  w.plimsoll.clock.advance(360_000)
  for (const id of ids) await w.newest.delete(`${NOVA}/servers/${id}`)
  await w.plimsoll.settle()
  // Nothing was settled yet: what ended is paid before the next is planned.
  for (const each of [await boot(), await boot()]) expect(each.status).toBe(202)
  expect((await boot()).status).toBe(403)
})

test('as much is kept as a lease is long', async () => {
  await budget('1')
  const metadata = { 'plimsoll:lease': '15m' }
  for (let i = 0; i < 4; i++) expect((await boot({ metadata })).status).toBe(202)
  expect((await boot({ metadata })).status).toBe(403)
})

test('many at once do not pass it', async () => {
  await budget('5')
  const answers = await Promise.all(Array.from({ length: 16 }, () => boot()))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(5).fill(202), ...Array(11).fill(403)])
})

test('most of it is told once, all of it too, and then servers stop that are marked so', async () => {
  await budget('10', { at_100: 'stop-marked' })
  const marked = await running({ metadata: { 'plimsoll:stop_at_budget': 'true' } })
  const other = await running()
  await pass(2 * HOUR)
  expect(await told()).toEqual([])
  await pass(1.5 * HOUR)
  expect(await told()).toEqual(['budget_warned'])
  await pass(2 * HOUR)
  expect(await told()).toEqual(['budget_warned', 'budget_exhausted'])
  expect([(await w.server(marked)).status, (await w.server(other)).status]).toEqual(['SHUTOFF', 'ACTIVE'])
  expect((await boot()).status).toBe(403)
  const actions = (await w.newest.get(`${NOVA}/servers/${marked}/os-instance-actions`)).body.instanceActions
  expect(actions.map(({ action }: { action: string }) => action)).toEqual(['budget_end', 'stop', 'create'])
})

test('without that word none is stopped, and the next month is a new one', async () => {
  await budget('3')
  const marked = await running({ metadata: { 'plimsoll:stop_at_budget': 'true' } })
  await pass(4 * HOUR)
  expect(await told()).toEqual(['budget_warned', 'budget_exhausted'])
  expect((await w.server(marked)).status).toBe('ACTIVE')
  expect((await boot()).status).toBe(403)
  await w.newest.delete(`${NOVA}/servers/${marked}`)
  await w.plimsoll.settle()
  expect((await boot()).status).toBe(403)
  w.plimsoll.clock.now = Date.UTC(2031, 3, 1, 0, 0, 1)
  await pass(0)
  expect((await w.demo.with({}).get('/compute/v2.1/servers')).status).toBe(200)
  expect((await boot()).status).toBe(202)
})

test('a mark that is neither true nor false is refused', async () => {
  expect((await boot({ metadata: { 'plimsoll:stop_at_budget': 'yes' } })).status).toBe(400)
})
