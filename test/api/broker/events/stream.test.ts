import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { NOVA, newWorld, type World } from '../../compute/servers/world.ts'
import { type Listener, listenTo, sleeping } from './stream.ts'

let w: World
let time: ReturnType<typeof sleeping>
beforeEach(async () => {
  w = await newWorld()
  time = sleeping(w.plimsoll)
})

const listening = async (query = '', last?: string): Promise<Listener> => {
  const listener = await listenTo(w.plimsoll, await w.demo.token(), { query, last })
  expect(listener.status).toBe(200)
  await time.rest()
  return listener
}
const boot = async (): Promise<string> => (await w.boot({ networks: 'none' })).body.server.id
const settle = async () => {
  await w.plimsoll.settle()
  await time.pass(1)
}
const heard = ({ events }: Listener) =>
  events.flatMap(({ event, data }) => (event === 'server.status' ? [data.data.status] : []))

describe('a stream of events', () => {
  test('tells what becomes of a server, with where it is, from now on', async () => {
    await boot()
    await w.plimsoll.settle()
    const listener = await listening()
    expect(listener.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const id = await boot()
    await settle()
    await w.newest.delete(`${NOVA}/servers/${id}`)
    await settle()
    expect(listener.events.map(({ event }) => event)).toEqual([
      'ready',
      'server.status',
      'server.placed',
      'server.status',
      'server.status',
    ])
    expect(heard(listener)).toEqual(['BUILD', 'ACTIVE', 'DELETED'])
    const [, built, placed] = listener.events
    expect(built!.data).toMatchObject({
      ...{ type: 'server.status', seq: 1, project_id: w.plimsoll.projectId('demo'), resource: { kind: 'server', id } },
      data: { name: 'one', status: 'BUILD', before: null },
    })
    expect(built!.data.id).toMatch(/^msg_[0-9a-f]{32}$/)
    expect(placed!.data.data).toMatchObject({ cloud: 'sandbox', before: null })
    expect(placed!.data.data.zone).toMatch(/^sandbox\./)
  })

  test('goes on where a reader was, and tells nothing twice', async () => {
    const first = await listening()
    const id = await boot()
    await settle()
    await first.leave()
    await w.newest.post(`${NOVA}/servers/${id}/action`, { 'os-stop': null })
    await w.plimsoll.settle()
    const second = await listening('', first.last)
    await time.pass(1)
    expect([heard(first), heard(second)]).toEqual([['BUILD', 'ACTIVE'], ['SHUTOFF']])
    expect(second.events.map(({ event }) => event)).not.toContain('gap')
  })

  test('says so where something is not known any more', async () => {
    const first = await listening()
    await boot()
    await settle()
    await first.leave()
    // Nobody listens for two days, and what happens is not written.
    w.plimsoll.clock.advance(2 * 86_400_000)
    const id = await boot()
    await w.plimsoll.settle()
    const second = await listening('', first.last)
    await w.newest.delete(`${NOVA}/servers/${id}`)
    await settle()
    expect(second.events.map(({ event }) => event)).toEqual(['ready', 'gap', 'server.status'])
    const restored = await listening('', '999.msg_01234567')
    await time.pass(1)
    expect(restored.events.map(({ event }) => event)).toEqual(['ready', 'gap'])
  })

  test('tells the types that are asked for', async () => {
    const listener = await listening('?types=server.placed')
    await boot()
    await settle()
    expect(listener.events.map(({ event }) => event)).toEqual(['ready', 'server.placed'])
    // What was not told is behind the reader too.
    const next = await listening('', listener.last)
    await time.pass(1)
    expect(heard(next)).toEqual([])
  })

  test('is quiet with a line each fifteen seconds', async () => {
    w = await newWorld({ settings: { runtime: 'node' } })
    time = sleeping(w.plimsoll)
    const listener = await listening()
    await time.pass(31)
    expect([listener.comments, listener.events.length]).toEqual([2, 1])
  })

  test('is of one project, whoever else does what', async () => {
    await w.plimsoll.newProject('other', { clouds: ['sandbox'] })
    const other = await listenTo(w.plimsoll, await w.plimsoll.as('other').token())
    await boot()
    await settle()
    expect(other.events.map(({ event }) => event)).toEqual(['ready'])
    const theirs = await listenTo(w.plimsoll, await w.plimsoll.as('other').token(), {
      query: `?project_id=${w.plimsoll.projectId('demo')}`,
    })
    expect(theirs.status).toBe(404)
    const admins = await listenTo(w.plimsoll, await w.admin.token(), {
      query: `?project_id=${w.plimsoll.projectId('demo')}`,
    })
    await time.rest()
    await boot()
    await settle()
    expect(heard(admins)).toEqual(['BUILD', 'ACTIVE'])
  })
})

describe('a stream ends', () => {
  test('within seconds when its token is revoked', async () => {
    const token = await w.demo.token()
    const listener = await listening()
    await w.plimsoll.bearer(token).delete('/identity/v3/auth/tokens', { 'X-Subject-Token': token })
    await time.pass(2)
    expect([listener.ended, listener.events.at(-1)!.event, listener.events.at(-1)!.data.reason]).toEqual([
      'closed',
      'end',
      'token',
    ])
  })

  test('when it runs out, its user is disabled or the role is taken', async () => {
    const ends: (() => Promise<unknown>)[] = [
      async () => w.plimsoll.clock.advance(3_600_000),
      async () => w.admin.patch(`/identity/v3/users/${w.plimsoll.userId('demo')}`, { user: { enabled: false } }),
    ]
    for (const end of ends) {
      const listener = await listening()
      await end()
      await time.pass(2)
      expect([listener.ended, listener.events.at(-1)!.data.reason]).toEqual(['closed', 'token'])
    }
  })

  test('where its reader takes nothing, with all that waited', async () => {
    const token = await w.demo.token()
    const listener = await listenTo(w.plimsoll, token, { reads: false })
    const told = async (count: number) => {
      for (let i = 0; i < count; i++)
        await w.plimsoll.db.run(sql`insert into notices (project_id, seq, id, type, kind, resource_id, at, data)
          select project_id, seq + 1, 'msg_' || lower(hex(randomblob(16))), 'server.lock', 'server', 'x', 0,
            json_object('message', ${'x'.repeat(3_000)}) from listeners`)
    }
    await told(100)
    await time.pass(3)
    expect(listener.ended).toBeNull()
    await time.pass(31)
    expect(listener.ended).toBe('broken')
  })

  test('on a Worker after 500 looks, and the next goes on where it was', async () => {
    w = await newWorld({ settings: { runtime: 'workers' } })
    time = sleeping(w.plimsoll)
    const listener = await listening()
    await time.looks(499)
    expect(listener.ended).toBeNull()
    const id = await boot()
    await w.plimsoll.settle()
    await time.pass(2)
    expect([listener.ended, listener.events.at(-1)!.data]).toEqual([
      'closed',
      { reason: 'renew', message: 'Come again: a stream does not live longer here.' },
    ])
    const next = await listening('', listener.last)
    await w.newest.delete(`${NOVA}/servers/${id}`)
    await settle()
    expect([...heard(listener), ...heard(next)]).toEqual(['BUILD', 'ACTIVE', 'DELETED'])
    expect(next.events.map(({ event }) => event)).not.toContain('gap')
  })

  test('with its process', async () => {
    let ending = false
    w.plimsoll.host.ending = () => ending
    const listener = await listening()
    ending = true
    await time.pass(1)
    expect([listener.ended, listener.events.at(-1)!.data.reason]).toEqual(['closed', 'ending'])
  })

  test('when its reader leaves, which makes room for another', async () => {
    const listeners: Listener[] = []
    for (let i = 0; i < 10; i++) listeners.push(await listening())
    const late = await listenTo(w.plimsoll, await w.demo.token())
    expect([late.status, late.headers.get('retry-after')]).toEqual([429, '60'])
    await listeners[3]!.leave()
    await time.pass(1)
    await listening()
  })

  test('at once where only its headers were asked for', async () => {
    const heads = await Promise.all(
      Array.from({ length: 10 }, () => w.demo.head('/broker/v1/events/stream', { Accept: 'text/event-stream' })),
    )
    expect(heads.map(({ status, body }) => [status, body])).toEqual(heads.map(() => [200, null]))
    for (let i = 0; i < 10; i++) await listening()
  })
})

describe('on a Worker', () => {
  beforeEach(async () => {
    w = await newWorld({ settings: { runtime: 'workers' } })
    time = sleeping(w.plimsoll)
  })

  test('a stream has a line each three seconds, by which it is told that its reader left', async () => {
    const listener = await listening()
    await time.pass(10)
    expect([listener.comments, listener.events.length]).toEqual([3, 1])
  })

  test('a reader that leaves makes room at once, whatever the stream is at, and one that vanished within a minute', async () => {
    const listeners: Listener[] = []
    for (let i = 0; i < 10; i++) listeners.push(await listening())
    time.vanish()
    const late = async () => (await listenTo(w.plimsoll, await w.demo.token())).status
    expect(await late()).toBe(429)
    await listeners[3]!.leave()
    expect([await late(), await late()]).toEqual([200, 429])
    w.plimsoll.clock.advance(61_000)
    expect(await late()).toBe(200)
  })
})

describe('a stream is refused', () => {
  test('to whoever does not ask for one', async () => {
    const answer = await w.demo.get('/broker/v1/events/stream')
    expect([answer.status, answer.body.error.message]).toEqual([
      406,
      'This is a stream of events: ask for it with Accept: text/event-stream.',
    ])
  })

  test('with its token in the address', async () => {
    const { nobody } = w.plimsoll
    const stream = { Accept: 'text/event-stream' }
    for (const name of ['token', 'X-Auth-Token', 'access_token'])
      expect((await nobody.get(`/broker/v1/events/stream?${name}=${await w.demo.token()}`, stream)).status).toBe(401)
    expect((await w.demo.get('/broker/v1/events/stream?token=x', stream)).status).toBe(400)
  })

  test.each(['x', '1', '1.msg_', '-1.', `${'9'.repeat(30)}.`])('from the place %s, which is none', async (last) => {
    const listener = await listenTo(w.plimsoll, await w.demo.token(), { last })
    expect(listener.status).toBe(400)
  })
})
