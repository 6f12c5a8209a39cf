import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { deliverDue } from '../../../../functions/broker/notices/deliver.ts'
import { sweepLeftovers } from '../../../../functions/janitor.ts'
import { NOVA } from '../../compute/servers/world.ts'
import { newReceiver } from './receiver.ts'

const HOOKS = '/broker/v1/webhooks'
const DAY = 86_400
let w: Awaited<ReturnType<typeof newReceiver>>
beforeEach(async () => {
  w = await newReceiver()
})

const running = () => w.world.running({ networks: 'none' })
const down = () => Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }))
const journal = async () =>
  (await w.plimsoll.db.all<{ action: string }>(sql`select action from journal where kind = 'webhook' order by id`)).map(
    ({ action }) => action,
  )

describe('where a receiver is away', () => {
  test('each event is tried again, later and later, under one id, and arrives in the order of its resource', async () => {
    const hook = await w.hook({ types: ['server.status'] })
    w.receiver.says = down
    const [one, other] = [await running(), await running()]
    await w.demo.delete(`${NOVA}/servers/${one}`)
    await w.plimsoll.settle()
    await w.pass(600, 5)
    const tried = w.receiver.arrivals.filter(({ body }) => body.resource.id === one)
    // Nothing of it went before the first has arrived.
    expect(new Set(tried.map(({ id }) => id)).size).toBe(1)
    const pauses = tried.slice(1).map(({ at }, i) => at - tried[i]!.at)
    expect(pauses.length).toBeGreaterThan(5)
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
    const [last] = (await w.deliveries(hook.id, '?status=pending')).slice(-1)
    expect(last).toMatchObject({ status: 'pending', error: 'The receiver could not be reached: connect ECONNREFUSED' })
    expect((await w.shown(hook.id)).failing_since).not.toBeNull()
    const before = w.receiver.arrivals.length
    w.receiver.says = () => new Response('ok')
    await w.pass(1800)
    const arrived = w.receiver.arrivals.slice(before)
    expect(arrived.map(({ id }) => id).length).toBe(new Set(arrived.map(({ id }) => id)).size)
    const statuses = (id: string) => arrived.flatMap(({ body }) => (body.resource.id === id ? [body.data.status] : []))
    expect([statuses(one), statuses(other)]).toEqual([
      ['BUILD', 'ACTIVE', 'DELETED'],
      ['BUILD', 'ACTIVE'],
    ])
    expect((await w.shown(hook.id)).failing_since).toBeNull()
    expect(arrived.every(({ headers, at }) => headers.get('webhook-timestamp') === String(Math.floor(at / 1000)))).toBe(
      true,
    )
  })

  test('one resource waits for nobody else', async () => {
    await w.hook({ types: ['server.status'] })
    const stuck = await running()
    await w.plimsoll.runDeferred()
    w.receiver.says = ({ body }) => new Response('no', { status: body.resource.id === stuck ? 500 : 200 })
    await w.demo.delete(`${NOVA}/servers/${stuck}`)
    await w.plimsoll.settle()
    const other = await running()
    await w.plimsoll.runDeferred()
    expect(w.receiver.statuses(other)).toEqual(['BUILD', 'ACTIVE'])
  })

  test('it is sent nothing any more after a day, which the journal and the webhook say', async () => {
    const hook = await w.hook()
    w.receiver.says = () => new Response('broken', { status: 500 })
    const id = await running()
    await w.pass(DAY - 3600, 600)
    expect((await w.shown(hook.id)).enabled).toBe(true)
    await w.pass(4 * 3600, 600)
    expect(await w.shown(hook.id)).toMatchObject({
      enabled: false,
      disabled_reason: 'Nothing arrived for a day. The receiver answered 500.',
    })
    expect(await journal()).toEqual(['webhook.create', 'webhook.disable'])
    expect((await w.deliveries(hook.id)).map(({ status }: { status: string }) => status)).toEqual([
      'failed',
      'failed',
      'failed',
    ])
    const before = w.receiver.arrivals.length
    await w.pass(DAY, 3600)
    expect(w.receiver.arrivals.length).toBe(before)
    // Switched on again it is sent what is asked for, and what happens from then on.
    w.receiver.says = () => new Response('ok')
    await w.demo.patch(`${HOOKS}/${hook.id}`, { webhook: { enabled: true } })
    const [, , first] = await w.deliveries(hook.id)
    expect((await w.demo.post(`${HOOKS}/${hook.id}/deliveries/${first.id}/replay`)).status).toBe(202)
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect(w.receiver.arrivals.slice(before).map(({ body }) => body.data.status)).toEqual(['BUILD', 'DELETED'])
  })

  test('what one receiver never takes is given up after a day, and the next of its resource goes', async () => {
    const hook = await w.hook({ types: ['server.status'] })
    const stuck = await running()
    await w.plimsoll.runDeferred()
    w.receiver.says = ({ body }) => new Response(null, { status: body.data.status === 'SHUTOFF' ? 500 : 200 })
    await w.world.act(stuck, { 'os-stop': null })
    await w.plimsoll.settle()
    await w.demo.delete(`${NOVA}/servers/${stuck}`)
    await w.plimsoll.settle()
    for (let hour = 0; hour < 28; hour++) {
      await w.demo.post(`${HOOKS}/${hook.id}/test`)
      await w.pass(3600, 1200)
    }
    expect((await w.shown(hook.id)).enabled).toBe(true)
    expect(w.receiver.statuses(stuck).at(-1)).toBe('DELETED')
    const [failed] = await w.deliveries(hook.id, '?status=failed')
    expect(failed).toMatchObject({ status: 'failed', error: 'The receiver answered 500.' })
  })
})

describe('an answer', () => {
  test('that points elsewhere is a failure, and is not followed', async () => {
    const hook = await w.hook()
    w.receiver.says = () => new Response(null, { status: 302, headers: { Location: 'http://169.254.169.254/' } })
    await running()
    await w.plimsoll.runDeferred()
    expect(w.receiver.arrivals.every(({ url }) => url === 'https://hooks.test/in')).toBe(true)
    const [last] = (await w.deliveries(hook.id)).slice(-1)
    expect([last.status, last.answer.status, last.error]).toEqual([
      'pending',
      302,
      'The receiver answered 302: it points elsewhere, and that is not followed.',
    ])
  })

  test('of 410 switches the webhook off at once', async () => {
    const hook = await w.hook()
    w.receiver.says = () => new Response(null, { status: 410 })
    await running()
    await w.plimsoll.runDeferred()
    expect(await w.shown(hook.id)).toMatchObject({
      enabled: false,
      disabled_reason: 'Its receiver answered 410: it wants nothing any more.',
    })
    expect(w.receiver.arrivals.length).toBe(1)
  })

  test('that asks for a pause has it', async () => {
    await w.hook({ types: ['server.placed'] })
    w.receiver.says = () => new Response(null, { status: 429, headers: { 'Retry-After': '900' } })
    await running()
    await w.pass(1200, 30)
    const [first, second] = w.receiver.arrivals
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(900_000)
  })

  test('is kept as far as its first 1,024 bytes', async () => {
    const hook = await w.hook({ types: ['server.placed'] })
    let taken = 0
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          taken++
          controller.enqueue(new Uint8Array(600).fill(120))
        },
      })
    w.receiver.says = () => new Response(endless(), { status: 500 })
    await running()
    await w.plimsoll.runDeferred()
    const [last] = await w.deliveries(hook.id)
    expect([last.answer.body, taken < 10]).toEqual(['x'.repeat(1024), true])
  })
})

describe('once more', () => {
  test('is sent what is asked for, under its id', async () => {
    const hook = await w.hook({ types: ['server.placed'] })
    await running()
    await w.plimsoll.runDeferred()
    const [sent] = await w.deliveries(hook.id)
    expect((await w.demo.post(`${HOOKS}/${hook.id}/deliveries/${sent.id}/replay`)).status).toBe(202)
    await w.plimsoll.runDeferred()
    expect(w.receiver.arrivals.map(({ id }) => id)).toEqual([sent.id, sent.id])
    expect((await w.demo.post(`${HOOKS}/${hook.id}/deliveries/msg_none/replay`)).status).toBe(404)
  })

  test('is sent what a process that was killed had sent and not written down', async () => {
    const hook = await w.hook({ types: ['server.placed'] })
    w.receiver.says = () => new Promise(() => undefined)
    const id = (await w.world.boot({ networks: 'none' })).body.server.id
    // It never comes back from this.
    void deliverDue(w.plimsoll.context(), 10_000)
    while (!w.receiver.arrivals.length) await new Promise((resolve) => setTimeout(resolve, 0))
    w.receiver.says = () => new Response('ok')
    await w.pass(30, 10)
    expect(w.receiver.arrivals.length).toBe(1)
    await w.pass(60, 10)
    expect(w.receiver.arrivals.map(({ id: notice, body }) => [notice, body.resource.id])).toEqual([
      [w.receiver.arrivals[0]!.id, id],
      [w.receiver.arrivals[0]!.id, id],
    ])
    expect((await w.deliveries(hook.id))[0]).toMatchObject({ status: 'delivered', tries: 1 })
  })

  test('is sent nothing by two processes at a time', async () => {
    await w.hook()
    for (let i = 0; i < 4; i++) await w.world.boot({ networks: 'none' })
    await Promise.all(Array.from({ length: 4 }, () => deliverDue(w.plimsoll.context(), 10_000)))
    const ids = w.receiver.arrivals.map(({ id }) => id)
    expect([ids.length, new Set(ids).size]).toEqual([8, 8])
  })
})

describe('all of a time', () => {
  const replay = async (hook: string, wish: object) => w.demo.post(`${HOOKS}/${hook}/replay`, { replay: wish })
  const lifeOf = async () => {
    const id = await running()
    await w.world.act(id, { 'os-stop': null })
    await w.plimsoll.settle()
    return id
  }

  test('is sent again under its ids, in the order of each resource, before what is newer of it', async () => {
    const hook = await w.hook({ types: ['server.status'] })
    const from = new Date(w.plimsoll.clock.now).toISOString()
    const ids = [await lifeOf(), await lifeOf()]
    const first = w.receiver.arrivals.splice(0)
    w.receiver.says = down
    expect(await replay(hook.id, { from })).toMatchObject({ status: 202, body: { replay: { events: 6, next: null } } })
    await w.plimsoll.runDeferred()
    for (const id of ids) await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    w.receiver.arrivals.length = 0
    w.receiver.says = () => new Response('ok')
    await w.pass(600)
    for (const id of ids) {
      expect(w.receiver.statuses(id)).toEqual(['BUILD', 'ACTIVE', 'SHUTOFF', 'DELETED'])
      const told = (all: typeof first) => all.flatMap(({ id: notice, body }) => (body.resource.id === id ? notice : []))
      expect(told(w.receiver.arrivals).slice(0, 3)).toEqual(told(first))
    }
  })

  test('goes to a webhook that was not there then, from one event to another, of the types that are asked for', async () => {
    await w.hook()
    const [one, other] = [await lifeOf(), await lifeOf()]
    const told = (await w.demo.get('/broker/v1/events')).body.events
    const late = await w.hook({ url: 'https://hooks.test/late', types: ['server.placed'] })
    w.receiver.arrivals.length = 0
    const last = told.findLast(({ resource }: { resource: { id: string } }) => resource.id === one)
    const wish = { from: told[0].id, to: last.id, types: ['server.status'] }
    expect((await replay(late.id, wish)).body.replay).toEqual({ events: 3, next: null })
    await w.plimsoll.runDeferred()
    expect(w.receiver.arrivals.every(({ url }) => url === 'https://hooks.test/late')).toBe(true)
    expect([w.receiver.statuses(one), w.receiver.statuses(other)]).toEqual([['BUILD', 'ACTIVE', 'SHUTOFF'], []])
    // Of what is not named, as always.
    await replay(late.id, { from: told[0].id })
    await w.plimsoll.runDeferred()
    expect(w.receiver.arrivals.slice(3).map(({ body }) => body.type)).toEqual(['server.placed', 'server.placed'])
  })

  test('is all of it where what was told first was begun last', async () => {
    const hook = await w.hook()
    const { now } = w.plimsoll.clock
    for (const [seq, at] of [now + 200, now - 1_000, now - 2_000].entries())
      await w.plimsoll.db.run(sql`insert into notices (project_id, seq, id, type, kind, resource_id, at, data)
        values (${w.plimsoll.projectId('demo')}, ${seq + 1}, 'msg_' || printf('%032x', ${seq + 1}), 'server.lock', 'server', 's', ${at}, '{}')`)
    const at = (ms: number) => new Date(now + ms).toISOString()
    const all = { events: 3, next: null }
    expect((await replay(hook.id, { from: at(-5_000) })).body.replay).toEqual(all)
    expect((await replay(hook.id, { from: at(0), to: at(200) })).body.replay).toEqual(all)
  })

  test('is a thousand events at a time', async () => {
    const hook = await w.hook()
    await w.plimsoll.db.run(sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < 1200)
      insert into notices (project_id, seq, id, type, kind, resource_id, at, data)
        select ${w.plimsoll.projectId('demo')}, i, 'msg_' || printf('%032x', i), 'server.lock', 'server', i % 7, ${w.plimsoll.clock.now}, '{}' from n`)
    await w.plimsoll.db.run(sql`update deliveries set status = 'delivered', due_at = null`)
    const id = (i: number) => `msg_${i.toString(16).padStart(32, '0')}`
    const first = (await replay(hook.id, { from: id(1) })).body.replay
    expect(first).toEqual({ events: 1000, next: id(1001) })
    expect((await replay(hook.id, { from: first.next })).body.replay).toEqual({ events: 200, next: null })
    const due = await w.plimsoll.db.all(sql`select seq from deliveries where due_at is not null order by seq`)
    expect(due).toEqual([1, 2, 3, 4, 5, 6, 7].map((seq) => ({ seq })))
  })

  test('is what is still known, and nothing for a webhook that is off', async () => {
    const hook = await w.hook()
    const id = await running()
    await w.plimsoll.runDeferred()
    const [{ id: newest }] = await w.deliveries(hook.id)
    const long = '2026-01-01T00:00:00+01:00'
    expect((await replay(hook.id, { from: long, to: long })).body.replay).toEqual({ events: 0, next: null })
    expect((await replay(hook.id, { from: `msg_${'0'.repeat(32)}` })).status).toBe(404)
    for (const wish of [{ from: 'yesterday' }, { from: 'msg_1' }, {}, { from: long, types: ['server.nothing'] }])
      expect([wish, (await replay(hook.id, wish)).status]).toEqual([wish, 400])
    w.plimsoll.clock.advance((3 * DAY + 3600) * 1000)
    await w.demo.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    await sweepLeftovers(w.plimsoll.context())
    expect((await replay(hook.id, { from: newest })).status).toBe(404)
    expect((await replay(hook.id, { from: long })).body.replay).toEqual({ events: 1, next: null })
    await w.demo.patch(`${HOOKS}/${hook.id}`, { webhook: { enabled: false } })
    expect((await replay(hook.id, { from: long })).status).toBe(409)
  })
})

test('deliveries go after three days, read page by page until then', async () => {
  const hook = await w.hook()
  await running()
  await w.plimsoll.runDeferred()
  const all = await w.deliveries(hook.id)
  expect(await w.deliveries(hook.id, `?limit=1&before=${all[0].seq}`)).toEqual([all[1]])
  w.plimsoll.clock.advance((3 * DAY + 3600) * 1000)
  await sweepLeftovers(w.plimsoll.context())
  expect(await w.deliveries(hook.id)).toEqual([])
})
