import type { D1Database } from '@cloudflare/workers-types'
import { beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../../db/migrate.ts'
import { DatabaseStore } from '../../db/store.ts'
import { operations } from '../../functions/app.ts'
import { scryptHere } from '../../functions/auth/password.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { freshDatabase, MIGRATIONS } from '../support/runtime.ts'
import { titleOf, versionHeader, versionOf } from '../sweep/calls.ts'
import { type Kept, PASSWORD, SECRET_KEY } from './kept.ts'

/** What each release left behind; `keep.ts` says how it came about. */
const all = import.meta.glob<Kept>('./kept/*.json', { import: 'default', eager: true })

/** Triggers count again what is loaded. */
const COUNTED = ['address_use', 'zone_use', 'user_use']

/** Tables whose rows are in another now. */
const BECAME: Record<string, string> = { role_assignments: 'grants' }

const load = async (db: D1Database, tables: Kept['tables']): Promise<void> => {
  const written = Object.entries(tables).filter(([table]) => !COUNTED.includes(table))
  const inserts = written.flatMap(([table, rows]) =>
    rows.map((row) => {
      const columns = Object.keys(row)
      const sql = `insert or replace into "${table}" (${columns.join()}) values (${columns.map(() => '?').join()})`
      return db.prepare(sql).bind(...Object.values(row))
    }),
  )
  await db.batch([db.prepare('pragma defer_foreign_keys = on'), ...inserts])
}
const countsOf = async (db: D1Database, tables: string[]): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const table of tables)
    counts[table] = (await db.prepare(`select count(*) as n from "${table}"`).first<{ n: number }>())!.n
  return counts
}

describe.each(Object.entries(all))('a database as %s holds it', { timeout: 30_000 }, (_, kept) => {
  let d1: D1Database
  let before: Record<string, number>
  let plimsoll: Plimsoll
  let demo: Client
  let admin: Client
  beforeEach(async () => {
    d1 = await freshDatabase('DB', kept.migrations)
    await load(d1, kept.tables)
    before = await countsOf(d1, Object.keys(kept.tables))
    await migrate(d1, MIGRATIONS.DB)
    const state = await freshDatabase('CLOUD_STATE', kept.cloudState)
    await load(state, kept.state)
    await migrate(state, MIGRATIONS.CLOUD_STATE)
    const secretKeys = [Uint8Array.from(SECRET_KEY.match(/../g)!, (byte) => Number.parseInt(byte, 16))]
    // Its passwords were hashed at their true cost.
    const cloudState = new DatabaseStore(state)
    plimsoll = await startPlimsoll({ d1, cloudState, clouds: [], settings: { secretKeys }, scrypt: scryptHere })
    plimsoll.clock.now = kept.now + 60_000
    const newest = { 'OpenStack-API-Version': 'compute 2.96, volume 3.70' }
    demo = plimsoll.as('demo').with(newest)
    admin = plimsoll.as('admin').with(newest)
  })
  const one = async (path: string, of: string, name = 'kept') =>
    (await demo.get(path)).body[of].find((each: { name: string }) => each.name === name)

  test('had rows in every table', () => {
    const empty = Object.entries(kept.tables).filter(([name, rows]) => rows.length === 0 && name !== 'guards')
    expect(empty).toEqual([])
  })

  test('loses no row on its way to the newest', async () => {
    const now = (table: string) => BECAME[table] ?? table
    const after = await countsOf(d1, Object.keys(before).map(now))
    expect(Object.keys(before).filter((table) => after[now(table)]! < before[table]!)).toEqual([])
  })

  test('lets its users in, with the passwords that they had', async () => {
    const identity = {
      methods: ['password'],
      password: { user: { name: 'keeper', domain: { id: 'default' }, password: PASSWORD } },
    }
    const answer = await plimsoll.nobody.post('/identity/v3/auth/tokens', { auth: { identity } })
    expect([
      answer.status,
      answer.body.token.project.name,
      answer.body.token.roles.map(({ name }: { name: string }) => name),
    ]).toEqual([201, 'kept', ['member', 'reader']])
  })

  test('shows what was made in it as it was', async () => {
    const server = await one('/compute/v2.1/servers/detail', 'servers')
    expect(server).toMatchObject({
      status: 'ACTIVE',
      key_name: 'kept',
      metadata: { of: 'old' },
      tags: ['of-old'],
      flavor: { original_name: 'kept' },
    })
    expect(
      Object.values(server.addresses as Record<string, { 'OS-EXT-IPS:type': string }[]>)
        .flat()
        .map((each) => each['OS-EXT-IPS:type'])
        .sort(),
    ).toEqual(['fixed', 'fixed', 'floating'])
    expect(await one('/volume/v3/volumes/detail', 'volumes')).toMatchObject({
      status: 'in-use',
      size: 2,
      metadata: { of: 'old' },
      attachments: [{ server_id: server.id }],
    })
    expect(await one('/volume/v3/snapshots/detail', 'snapshots')).toMatchObject({ status: 'available' })
    expect(await one('/image/v2/images', 'images')).toMatchObject({ status: 'active' })
    expect(await one('/image/v2/images', 'images', 'queued')).toMatchObject({ status: 'queued' })
    expect(await one('/network/v2.0/networks', 'networks')).toMatchObject({ status: 'ACTIVE', tags: ['of-old'] })
    expect((await one('/network/v2.0/security-groups', 'security_groups')).security_group_rules).toHaveLength(4)
    expect((await one('/network/v2.0/routers', 'routers')).external_gateway_info).not.toBeNull()
    expect((await demo.get('/compute/v2.1/os-keypairs/kept')).body.keypair.public_key).toMatch(/^ssh-ed25519/)
    expect((await admin.get('/broker/v1/clouds')).body.clouds).toHaveLength(1)
    expect((await admin.get('/broker/v1/orphans')).body.orphans).toHaveLength(1)
    expect((await admin.get('/broker/v1/drift')).body.drift).toHaveLength(1)
  })

  test('gives a network that is on a cloud one segment there, which none of its subnets shows', async () => {
    const { results } = await d1
      .prepare(`select n.id, n.cloud_id as cloudId, s.id as segmentId, s.cloud_id as there
      from networks n left join segments s on s.network_id = n.id order by n.id`)
      .all<Record<string, string | null>>()
    const old = kept.tables.networks!.map(({ id, cloud_id }) => ({ id, cloudId: cloud_id }))
    const expected = old.map(({ id, cloudId }) => ({ id, cloudId, segmentId: cloudId && id, there: cloudId }))
    const byId = (a: { id?: unknown }, b: { id?: unknown }) => (String(a.id) < String(b.id) ? -1 : 1)
    expect(results.toSorted(byId)).toEqual(expected.toSorted(byId))
    const network = await one('/network/v2.0/networks', 'networks')
    expect(network.l2_adjacency).toBe(true)
    expect(await one('/network/v2.0/subnets', 'subnets')).toMatchObject({ network_id: network.id, segment_id: null })
    const { segments } = (await demo.get(`/network/v2.0/segments?network_id=${network.id}`)).body
    expect(segments).toMatchObject([{ id: network.id, physical_network: 'sandbox', network_type: 'flat' }])
  })

  test('answers on every route that lists something', async () => {
    const routes = operations.filter(({ operation: { method, path } }) => method === 'GET' && !path.includes(':'))
    expect(routes.length).toBeGreaterThan(50)
    const failed: string[] = []
    for (const route of routes) {
      const { status } = await admin.get(
        route.service.prefix + route.operation.path,
        versionHeader(route, versionOf(route)),
      )
      if (status >= 500 && status !== 501) failed.push(`${titleOf(route)}: ${status}`)
    }
    expect(failed).toEqual([])
  })

  test('goes on from there: its server stops, lets go of its volume, and is deleted', async () => {
    const server = await one('/compute/v2.1/servers/detail', 'servers')
    const volume = await one('/volume/v3/volumes/detail', 'volumes')
    const path = `/compute/v2.1/servers/${server.id}`
    expect((await demo.post(`${path}/action`, { 'os-stop': null })).status).toBe(202)
    await plimsoll.settle()
    expect((await demo.get(path)).body.server.status).toBe('SHUTOFF')
    expect((await demo.delete(`${path}/os-volume_attachments/${volume.id}`)).status).toBe(202)
    await plimsoll.settle()
    expect((await demo.get(`/volume/v3/volumes/${volume.id}`)).body.volume.status).toBe('available')
    expect((await demo.delete(path)).status).toBe(204)
    await plimsoll.settle()
    expect((await demo.get(path)).status).toBe(404)
  })
})

test('a database of the first release is kept', () => {
  expect(Object.keys(all)).toContain('./kept/0006_volume_types.json')
})
