import { beforeEach, expect, test } from 'vitest'
import { at, NOVA, newWorld, type World } from './servers/world.ts'

const PATH = '/compute/v2.1/os-migrations'
let world: World
beforeEach(async () => {
  world = await newWorld()
})
const list = async (query = '', minor = '2.96') => (await world.admin.with(at(minor)).get(PATH + query)).body
const resized = async (id: string, flavorRef = '2') => {
  expect((await world.act(id, { resize: { flavorRef } })).status).toBe(202)
}

test('a resize is a migration, and what is said of it then', async () => {
  const id = await world.running()
  expect((await world.admin.get('/compute/v2.1/os-migrations')).body).toEqual({ migrations: [] })
  await resized(id)
  const [first] = (await list('', '2.1')).migrations
  expect(first).toEqual({
    id: expect.any(Number),
    instance_uuid: id,
    status: expect.stringMatching(/^(migrating|finished)$/),
    source_compute: 'sandbox',
    source_node: expect.stringMatching(/^sandbox\./),
    dest_compute: 'sandbox',
    dest_node: expect.stringMatching(/^sandbox\./),
    dest_host: null,
    old_instance_type_id: 1,
    new_instance_type_id: 2,
    created_at: expect.stringMatching(/^2026-.*\.\d{6}$/),
    updated_at: expect.stringMatching(/^2026-.*\.\d{6}$/),
  })
  await world.plimsoll.settle()
  const [second] = (await list()).migrations
  expect(second).toMatchObject({
    status: 'finished',
    migration_type: 'resize',
    uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    project_id: world.plimsoll.projectId('demo'),
    user_id: world.plimsoll.userId('demo'),
  })
  await world.act(id, { confirmResize: null })
  await world.plimsoll.settle()
  expect((await list()).migrations[0].status).toBe('confirmed')
  await resized(id, '1')
  await world.plimsoll.settle()
  await world.act(id, { revertResize: null })
  await world.plimsoll.settle()
  expect((await list()).migrations.map(({ status }: { status: string }) => status)).toEqual(['reverted', 'confirmed'])
})

test('migrations are filtered, and come in pages', async () => {
  const [one, other] = [await world.running(), await world.running()]
  await resized(one)
  await world.plimsoll.settle()
  world.plimsoll.clock.now += 60_000
  const between = new Date(world.plimsoll.clock.now - 30_000).toISOString()
  await resized(other)
  await world.plimsoll.settle()
  const ids = async (query: string) =>
    (await list(query)).migrations.map((each: { instance_uuid: string }) => each.instance_uuid)
  expect(await ids('')).toEqual([other, one])
  expect(await ids(`?instance_uuid=${one}`)).toEqual([one])
  expect(await ids('?status=finished&migration_type=resize&host=sandbox&source_compute=sandbox')).toEqual([other, one])
  for (const query of ['status=error', 'migration_type=evacuation', 'host=other', 'hidden=true', 'user_id=nobody'])
    expect(await ids(`?${query}`)).toEqual([])
  expect(await ids(`?changes-since=${between}`)).toEqual([other])
  expect(await ids(`?changes-before=${between}`)).toEqual([one])
  const page = await list('?limit=1')
  expect(page.migrations[0].instance_uuid).toBe(other)
  expect(page.migrations_links[0]).toMatchObject({ rel: 'next', href: expect.stringContaining('marker=') })
  expect(await ids(new URL(page.migrations_links[0].href).search)).toEqual([one])
  for (const [query, minor] of [
    ['?marker=x', '2.59'],
    ['?marker=6d696772-6174-4000-8000-00000000ffff', '2.59'],
    ['?limit=x', '2.59'],
    ['?changes-since=x', '2.59'],
    ['?changes-before=2026-01-01', '2.59'],
    ['?project_id=x', '2.59'],
    ['?changes-since=2026-02-01&changes-before=2026-01-01', '2.66'],
    ['?colour=red', '2.80'],
  ] as const)
    expect((await world.admin.with(at(minor)).get(PATH + query)).status).toBe(400)
  expect((await list('?colour=red', '2.23')).migrations).toHaveLength(2)
  expect((await world.demo.get(PATH)).status).toBe(403)
})

test('what no index finds is looked for among the newest', async () => {
  const id = await world.running()
  await resized(id)
  await world.plimsoll.settle()
  const found = async (query: string) => (await list(query)).migrations.length
  expect(await found('?status=finished')).toBe(1)
  await world.plimsoll.db.$client
    .prepare(`insert into server_actions (server_id, project_id, user_id, request_id, action, state, args, started_at, updated_at, finished_at)
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 10000)
      select 'else', 'p', 'u', 'r', 'resize', 'failed', '{}', n, n, n from numbers`)
    .run()
  expect(await found('?status=finished')).toBe(0)
  expect(await found(`?status=finished&instance_uuid=${id}`)).toBe(1)
  expect(await found('?status=error&limit=2')).toBe(2)
})

test('there are no live migrations to be ended or given up', async () => {
  const id = await world.running()
  const newest = world.admin.with(at('2.96'))
  const forced = await newest.post(`${NOVA}/servers/${id}/migrations/7/action`, { force_complete: null })
  expect([forced.status, forced.body.badRequest.message]).toEqual([400, `Migration 7 not found for instance ${id}`])
  expect((await newest.delete(`${NOVA}/servers/${id}/migrations/7`)).status).toBe(404)
  expect((await newest.post(`${NOVA}/servers/${id}/migrations/7/action`, { force_complete: 1 })).status).toBe(400)
})

test('consoles of a hypervisor that is no more are gone', async () => {
  const id = await world.running()
  const gone = await Promise.all([
    world.demo.get(`/compute/v2.1/servers/${id}/consoles`),
    world.demo.post(`/compute/v2.1/servers/${id}/consoles`, {}),
    world.demo.get(`/compute/v2.1/servers/${id}/consoles/1`),
    world.demo.delete(`/compute/v2.1/servers/${id}/consoles/1`),
  ])
  expect(gone.map(({ status }) => status)).toEqual([410, 410, 410, 410])
})
