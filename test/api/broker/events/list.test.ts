import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { runCron } from '../../../../functions/cron.ts'
import { sweepLeftovers } from '../../../../functions/janitor.ts'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'

let w: World
beforeEach(async () => {
  w = await newWorld()
})

const EVENTS = '/broker/v1/events'
const boot = () => w.running({ networks: 'none' })
const page = async (query = '') => (await w.demo.get(EVENTS + query)).body
const types = (events: { type: string }[]) => events.map(({ type }) => type)
const rows = async () => (await w.plimsoll.db.get<{ n: number }>(sql`select count(*) as n from notices`))!.n

test('nothing is written where nobody listens', async () => {
  await boot()
  expect(await rows()).toBe(0)
})

test('events are read page by page from the first question on', async () => {
  await boot()
  const first = await page()
  expect(first).toEqual({ events: [], next: '0.', gap: false })
  await boot()
  const second = await page(`?after=${first.next}&limit=2`)
  const third = await page(`?after=${second.next}&limit=2`)
  expect([types(second.events), types(third.events)]).toEqual([['server.status', 'server.placed'], ['server.status']])
  expect([second.gap, third.gap]).toEqual([false, false])
  expect(await page(`?after=${third.next}`)).toEqual({ events: [], next: third.next, gap: false })
  expect(types((await page('?types=server.placed,drift.found')).events)).toEqual(['server.placed'])
})

test('what is told of a server that goes on, is stopped by its lease, or locked', async () => {
  await page()
  const id = await w.running({ networks: 'none', metadata: { 'plimsoll:lease': '1h' } })
  await w.act(id, { lock: null }, w.admin)
  await w.act(id, { unlock: null }, w.admin)
  w.plimsoll.clock.advance(3_700_000)
  await runCron(w.plimsoll.host)
  await w.plimsoll.settle()
  const { events } = await page()
  expect(types(events)).toEqual([
    ...['server.status', 'server.placed', 'server.status'],
    ...['server.lock', 'server.unlock', 'server.lease_end', 'server.status'],
  ])
  expect(events.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('a change that was refused is not told', async () => {
  await page()
  await w.admin.put(`${NOVA}/os-quota-sets/${w.plimsoll.projectId('demo')}`, { quota_set: { instances: 0 } })
  expect((await w.boot({ networks: 'none' })).status).toBe(403)
  expect(await rows()).toBe(0)
})

test('events go after three days, and a reader that was away for longer is told of the gap', async () => {
  const { next } = await page()
  await boot()
  const read = await page(`?after=${next}`)
  for (let hours = 0; hours < 71; hours += 20) {
    w.plimsoll.clock.advance(20 * 3_600_000)
    await page()
  }
  await boot()
  await sweepLeftovers(w.plimsoll.context())
  expect(await rows()).toBe(3)
  expect(await page(`?after=${next}`)).toMatchObject({ gap: true, events: [{ seq: 4 }, { seq: 5 }, { seq: 6 }] })
  expect((await page(`?after=${read.next}`)).gap).toBe(true)
  w.plimsoll.clock.advance(80 * 3_600_000)
  await sweepLeftovers(w.plimsoll.context())
  // The newest stays, so that whoever heard it goes on without a gap.
  expect(await rows()).toBe(1)
})

test('a stranger sees nothing, and learns nothing', async () => {
  await w.plimsoll.newProject('other', { clouds: ['sandbox'] })
  await page()
  await boot()
  const other = w.plimsoll.as('other')
  expect((await other.get(EVENTS)).body.events).toEqual([])
  const theirs = await other.get(`${EVENTS}?project_id=${w.plimsoll.projectId('demo')}`)
  const none = await other.get(`${EVENTS}?project_id=${'0'.repeat(32)}`)
  expect([theirs.status, none.status]).toEqual([404, 404])
  const admins = await w.admin.get(`${EVENTS}?project_id=${w.plimsoll.projectId('demo')}`)
  expect(admins.body.events.length).toBe(3)
})

test.each(['types=server.nothing', 'types=constructor', 'after=x', 'limit=0', 'limit=1001', 'token=x'])(
  '%s is refused',
  async (query) => {
    expect((await w.demo.get(`${EVENTS}?${query}`)).status).toBe(400)
  },
)
