import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { bursts } from '../../../../db/schema/index.ts'
import { end } from '../../../../functions/broker/burst/empty.ts'
import { NOVA } from '../../compute/servers/world.ts'
import { type Bursting, message, newBursting } from './world.ts'

const BURSTS = '/broker/v1/bursts'

let w: Bursting
beforeEach(async () => {
  w = await newBursting()
})

describe('a burst', () => {
  test('becomes ordinary servers in a group of its own, which say whose they are', async () => {
    const asked = await w.ask({ metadata: { role: 'ci' }, tags: ['night'], lease: '2h' })
    expect([asked.status, asked.body.burst.state]).toEqual([202, 'pending'])
    const { id } = asked.body.burst
    await w.plimsoll.settle()
    expect(await w.show(id)).toMatchObject({
      state: 'running',
      reason: null,
      count: { min: 1, max: 3 },
      members: { total: 3, statuses: { ACTIVE: 3 }, clouds: { sandbox: 3 }, reported: {} },
      lease: '2h',
      metadata: { role: 'ci' },
    })
    const servers = await w.servers()
    expect(Object.keys(servers).toSorted()).toEqual(['farm-0', 'farm-1', 'farm-2'])
    expect(servers['farm-1']).toMatchObject({
      status: 'ACTIVE',
      tags: ['night'],
      metadata: { role: 'ci', 'plimsoll:burst': id, 'plimsoll:lease': '2h' },
      user_id: w.plimsoll.userId('demo'),
    })
    const { server_groups: groups } = (await w.newest.get(`${NOVA}/os-server-groups`)).body
    expect(groups).toMatchObject([{ name: 'farm', policy: 'soft-anti-affinity' }])
    expect(groups[0].members.toSorted()).toEqual(
      Object.values(servers)
        .map((server) => server.id)
        .toSorted(),
    )
    expect((await w.members(id)).map(({ index, name, status, cloud }) => [index, name, status, cloud])).toEqual([
      [0, 'farm-0', 'ACTIVE', 'sandbox'],
      [1, 'farm-1', 'ACTIVE', 'sandbox'],
      [2, 'farm-2', 'ACTIVE', 'sandbox'],
    ])
  })

  test('is what its users ask for next: more, fewer, and none', async () => {
    const id = await w.burst()
    const more = await w.demo.patch(`${BURSTS}/${id}`, { count: { min: 2, max: 5 } })
    expect(more.status).toBe(202)
    await w.pass()
    expect(Object.keys(await w.servers())).toHaveLength(5)
    await w.demo.patch(`${BURSTS}/${id}`, { count: { min: 1, max: 2 } })
    await w.pass(0, 2)
    expect(Object.keys(await w.servers()).toSorted()).toEqual(['farm-0', 'farm-1'])
    expect(await w.show(id)).toMatchObject({ state: 'running', members: { total: 2 } })
    const drained = await w.demo.delete(`${BURSTS}/${id}`)
    expect([drained.status, drained.body.burst.state]).toEqual([202, 'draining'])
    await w.pass(0, 2)
    expect(await w.servers()).toEqual({})
    expect(await w.show(id)).toMatchObject({ state: 'done', members: { total: 0 }, ended_at: expect.any(String) })
    expect((await w.newest.get(`${NOVA}/os-server-groups`)).body.server_groups).toEqual([])
    expect((await w.members(id)).map(({ status }) => status)).toEqual(Array(5).fill('DELETED'))
    const late = await w.demo.patch(`${BURSTS}/${id}`, { count: { min: 1, max: 2 } })
    expect([late.status, message(late)]).toEqual([409, expect.stringContaining('The burst is over')])
    expect((await w.demo.delete(`${BURSTS}/${id}`)).body.burst.state).toBe('done')
  })

  test('is drained at its deadline', async () => {
    const deadline = new Date(w.plimsoll.clock.now + 3_600_000).toISOString()
    const id = await w.burst({ deadline })
    await w.pass(3_000)
    expect((await w.show(id)).state).toBe('running')
    const later = new Date(w.plimsoll.clock.now + 3_600_000).toISOString()
    await w.demo.patch(`${BURSTS}/${id}`, { deadline: later })
    await w.pass(1_000)
    expect((await w.show(id)).state).toBe('running')
    await w.pass(3_000, 3)
    expect(await w.show(id)).toMatchObject({ state: 'done', reason: 'Its deadline passed.' })
    expect(await w.servers()).toEqual({})
  })

  test('makes no member again that its user deleted, while the least are left', async () => {
    const id = await w.burst({ count: { min: 2, max: 3 } })
    const gone = async (name: string) => {
      await w.newest.delete(`${NOVA}/servers/${(await w.servers())[name].id}`)
      await w.plimsoll.settle()
      await w.pass(0, 2)
    }
    await gone('farm-1')
    expect(Object.keys(await w.servers()).toSorted()).toEqual(['farm-0', 'farm-2'])
    await gone('farm-0')
    expect(Object.keys(await w.servers())).toHaveLength(2)
    expect(await w.show(id)).toMatchObject({ state: 'running', members: { total: 2 } })
    await w.demo.patch(`${BURSTS}/${id}`, { count: { min: 2, max: 4 } })
    await w.pass()
    expect(Object.keys(await w.servers())).toHaveLength(4)
  })

  test('keeps the item in which its members say whose they are, whatever their users write', async () => {
    const id = await w.burst()
    const server = (await w.servers())['farm-0']
    const metadata = `${NOVA}/servers/${server.id}/metadata`
    expect((await w.newest.put(metadata, { metadata: { a: 'b' } })).body.metadata).toEqual({
      a: 'b',
      'plimsoll:burst': id,
    })
    expect((await w.newest.post(metadata, { metadata: { 'plimsoll:burst': 'other' } })).status).toBe(400)
    expect((await w.newest.delete(`${metadata}/plimsoll:burst`)).status).toBe(400)
    expect((await w.boot({ metadata: { 'plimsoll:burst': id } })).status).toBe(400)
  })

  test('is told of to whoever listens', async () => {
    const events = async (after = '') =>
      (await w.demo.get(`/broker/v1/events?types=burst.created,burst.changed,burst.draining,burst.over${after}`)).body
    const { next } = await events()
    const id = await w.burst()
    await w.demo.patch(`${BURSTS}/${id}`, { count: { min: 1, max: 2 } })
    await w.demo.delete(`${BURSTS}/${id}`)
    await w.pass(0, 2)
    const told = (await events(`&after=${next}`)).events
    expect(told.map(({ type, data }: { type: string; data: object }) => [type, data])).toEqual([
      ['burst.created', { name: 'farm', min: 1, max: 3 }],
      ['burst.changed', { name: 'farm', min: 1, max: 2 }],
      ['burst.draining', { name: 'farm', reason: null, failed: false }],
      ['burst.over', { name: 'farm', reason: null, failed: false }],
    ])
  })

  test('is over once, however many processes end it', async () => {
    const events = async (after = '') => (await w.demo.get(`/broker/v1/events?types=burst.over${after}`)).body
    const { next } = await events()
    const id = await w.burst()
    await w.demo.delete(`${BURSTS}/${id}`)
    const { db } = w.plimsoll
    await w.pass(0, 2)
    const [burst] = await db.select().from(bursts).where(eq(bursts.id, id))
    for (let process = 0; process < 2; process++) await end(w.plimsoll.context(), { ...burst!, groupId: null })
    expect((await events(`&after=${next}`)).events).toHaveLength(1)
  })

  test('chooses the cheapest flavor that is large enough', async () => {
    const { body } = await w.ask({ flavor: undefined, needs: { vcpus: 2, ram: 3_000 } })
    expect(body.burst).toMatchObject({ flavor: '3', needs: { vcpus: 2, ram: 3_000, gpus: 0 } })
    const none = await w.ask({ flavor: undefined, needs: { vcpus: 64_000, ram: 1 } })
    expect([none.status, message(none)]).toEqual([400, 'needs: no flavor on sale to the project is as large'])
    for (const both of [{ needs: { vcpus: 1, ram: 1 } }, { flavor: undefined }])
      expect((await w.ask(both)).status).toBe(400)
  })

  test('has GPUs where it needs some: of the cheapest flavor that has as many', async () => {
    const size = { vcpus: 2, ram_mib: 4_096, disk_gib: 20 }
    const sizes = [
      { name: 'plain', ...size, price: 0.1 },
      { name: 'unpriced', ...size, gpus: 2 },
      { name: 'dear', ...size, gpus: 1, price: 4 },
      { name: 'one', ...size, gpus: 1, price: 2 },
      { name: 'two', ...size, gpus: 2, price: 3 },
    ]
    w = await newBursting({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }] })
    const flavors = (await w.newest.get(`${NOVA}/flavors`)).body.flavors
    const flavorNamed = (name: string) => flavors.find((each: { name: string }) => each.name === name).id
    const chosen = async (gpus: number) => {
      const id = await w.burst({ flavor: undefined, needs: { vcpus: 1, ram: 1_024, gpus }, count: { min: 1, max: 1 } })
      const shown = await w.show(id)
      expect(shown).toMatchObject({ state: 'running', needs: { vcpus: 1, ram: 1_024, gpus } })
      const [member] = await w.members(id)
      const { placement } = (await w.demo.get(`/broker/v1/servers/${member.server_id}/placement`)).body
      expect(placement.at.size).toBe(flavors.find((each: { id: string }) => each.id === shown.flavor).name)
      return shown.flavor
    }
    expect([await chosen(1), await chosen(2)]).toEqual([flavorNamed('one'), flavorNamed('two')])
    const many = await w.ask({ flavor: undefined, needs: { vcpus: 1, ram: 1, gpus: 3 } })
    expect([many.status, message(many)]).toEqual([400, 'needs: no flavor on sale to the project is as large'])
  })

  test('is made once, however often its request is repeated with a key', async () => {
    const key = { 'Idempotency-Key': 'one' }
    const body = { name: 'farm', count: { min: 1, max: 2 }, flavor: '1', image: w.image, networks: [w.network] }
    const first = await w.demo.post(BURSTS, body, key)
    const again = await w.demo.post(BURSTS, body, key)
    expect(again.body.burst.id).toBe(first.body.burst.id)
    await w.plimsoll.settle()
    expect((await w.demo.get(BURSTS)).body.bursts).toHaveLength(1)
    expect(Object.keys(await w.servers())).toHaveLength(2)
    expect((await w.demo.post(BURSTS, { ...body, name: 'other' }, key)).status).toBe(409)
  })
})

describe('bursts of a project', () => {
  test('are listed oldest first, by name and by how they stand, a page at a time', async () => {
    const ids = [await w.burst({ name: 'a' }), await w.burst({ name: 'b' }), await w.burst({ name: 'a' })]
    await w.demo.delete(`${BURSTS}/${ids[0]}`)
    await w.pass(0, 2)
    const list = async (query: string) =>
      (await w.demo.get(`${BURSTS}?${query}`)).body.bursts.map(({ id }: { id: string }) => id)
    expect(await list('')).toEqual(ids)
    expect(await list('name=a')).toEqual([ids[0], ids[2]])
    expect(await list('state=done')).toEqual([ids[0]])
    expect(await list('state=running')).toEqual([ids[1], ids[2]])
    const page = await w.demo.get(`${BURSTS}?limit=2`)
    expect([page.body.bursts.length, page.body.next]).toEqual([2, ids[1]])
    expect(await list(`marker=${ids[1]}`)).toEqual([ids[2]])
    expect((await w.demo.get(`${BURSTS}?marker=none`)).status).toBe(400)
  })

  test('are its own: others neither see nor change them, and readers change none', async () => {
    const id = await w.burst()
    await w.plimsoll.newProject('other', { clouds: ['sandbox'] })
    await w.plimsoll.newUser('reads', 'demo', ['reader'])
    const [other, reader] = [w.plimsoll.as('other'), w.plimsoll.as('reads')]
    expect((await other.get(BURSTS)).body.bursts).toEqual([])
    for (const [method, path, body] of [
      ['GET', `${BURSTS}/${id}`],
      ['GET', `${BURSTS}/${id}/members`],
      ['PATCH', `${BURSTS}/${id}`, { budget: null }],
      ['DELETE', `${BURSTS}/${id}`],
    ] as const)
      expect((await other.send(method, path, body)).status).toBe(404)
    expect((await reader.get(`${BURSTS}/${id}`)).status).toBe(200)
    expect((await reader.delete(`${BURSTS}/${id}`)).status).toBe(403)
  })
})
