import { sql } from 'drizzle-orm'
import { beforeEach, expect, test } from 'vitest'
import { newWorld, type World } from '../../compute/servers/world.ts'
import { listenTo, sleeping } from './stream.ts'

/* Where one process writes all that there is, a stream hears of it from the commit. */

let w: World
let time: ReturnType<typeof sleeping>
beforeEach(async () => {
  w = await newWorld()
  time = sleeping(w.plimsoll)
})

const boot = async () => {
  w.plimsoll.clock.advance(100)
  await w.boot({ networks: 'none' })
  await w.plimsoll.settle()
  await time.rest()
}

test('a stream tells what happens while it sleeps, each once', async () => {
  const listener = await listenTo(w.plimsoll, await w.demo.token())
  await time.rest()
  await boot()
  const types = ['ready', 'server.status', 'server.placed', 'server.status']
  expect(listener.events.map(({ event }) => event)).toEqual(types)
  // However often it was woken, it looks once more when its pause is over.
  expect(time.asleep()).toBe(1)
  await time.pass(1)
  expect([listener.events.length, time.asleep()]).toEqual([types.length, 1])
  await listener.leave()
})

test('a stream looks ten times a second at most, and misses nothing', async () => {
  const listener = await listenTo(w.plimsoll, await w.demo.token())
  await time.rest()
  await boot()
  const before = listener.events.length
  for (let i = 0; i < 3; i++) {
    await w.plimsoll.db.run(sql`insert into notices (project_id, seq, id, type, kind, resource_id, at, data)
      select project_id, seq + 1, 'msg_' || lower(hex(randomblob(16))), 'server.lock', 'server', 's', ${w.plimsoll.clock.now}, '{}'
      from listeners where project_id = ${w.plimsoll.projectId('demo')}`)
    await time.rest()
  }
  expect(listener.events.length).toBe(before)
  await time.pass(1)
  expect(listener.events.length).toBe(before + 3)
  await listener.leave()
})

test('a stream sleeps through what happens to others', async () => {
  await w.plimsoll.newProject('other', { clouds: ['sandbox'] })
  const other = await listenTo(w.plimsoll, await w.plimsoll.as('other').token())
  const own = await listenTo(w.plimsoll, await w.demo.token())
  await time.rest()
  const { onTold } = w.plimsoll.host
  const rung: string[] = []
  for (const name of ['demo', 'other']) onTold!(w.plimsoll.projectId(name), () => rung.push(name))
  await boot()
  expect(new Set(rung)).toEqual(new Set(['demo']))
  expect(other.events.map(({ event }) => event)).toEqual(['ready'])
  expect(own.events.length).toBe(4)
})
