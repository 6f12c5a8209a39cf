import { beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../db/client.ts'
import type { ServerFilter } from '../../db/queries/compute/server-filters.ts'
import { nameServers } from '../../db/queries/compute/server-list.ts'
import { isSortColumn, type ServerOrder, SORT_COLUMNS, type SortColumn } from '../../db/queries/compute/server-order.ts'
import { freshDatabase } from '../support/runtime.ts'

/*
 * A list goes along the index that suits its filters and its order, in parts where that is shorter. Whichever way it goes, its
 * pages are those of the plain question: all that match, sorted.
 */

const PROJECT = 'p'
const COUNT = 6_000
/** More than are put in order at once. */
const MANY = 4_500

/** Every column that is filtered or sorted by has a usual value, some others, and none where it may. */
const COLUMNS: Record<string, string> = {
  id: `printf('%08d', (n * 7919) % 100000)`,
  project_id: `iif(n % 10 = 0, 'other', '${PROJECT}')`,
  user_id: `iif(n % 500 = 1, 'u', 'v')`,
  name: `'name-' || (n * 31 % 1000)`,
  hostname: `'host-' || (n * 17 % 3000)`,
  description: `iif(n % 7 = 0, 'about ' || n % 3, null)`,
  tags: `iif(n % 400 = 3, '["rare","common"]', iif(n % 2, '["common"]', '[]'))`,
  flavor: `json_object('id', iif(n % 600 = 5, '2', '1'), 'vcpus', 1, 'ramMib', 1024, 'diskGib', 5)`,
  image_id: `nullif('image-' || n % 3, 'image-0')`,
  key_name: `nullif('key-' || n % 4, 'key-0')`,
  launch_index: `iif(n % 300 = 9, 3, 0)`,
  config_drive: `n % 250 = 1`,
  locked: `n % 450 = 2`,
  access_ip_v4: `iif(n % 700 = 3, '192.0.2.' || n % 5, '')`,
  access_ip_v6: `iif(n % 800 = 3, '2001:db8::' || n % 5, '')`,
  disk_config: `iif(n % 5 = 1, 'AUTO', 'MANUAL')`,
  status: `iif(n % 350 = 4, 'ERROR', 'ACTIVE')`,
  vm_state: `iif(n % 350 = 4, 'error', 'active')`,
  task_state: `iif(n % 320 = 8, 'deleting', iif(n % 330 = 8, 'rebooting', null))`,
  power_state: `iif(n % 6 = 1, 4, iif(n % 100 = 2, 0, 1))`,
  progress: `iif(n % 90 = 2, 0, 100)`,
  cloud_id: `nullif('cloud-' || n % 3, 'cloud-2')`,
  zone: `iif(n % 200 = 1, 'z', 'a')`,
  pinned_zone: `iif(n % 150 = 1, 'nova', iif(n % 3 = 1, 'one.a', null))`,
  launched_at: `iif(n % 11 = 0, null, 1000000 + (n * 13 % 500) * 700)`,
  terminated_at: `iif(n % 60 = 7, 5000000 + n * 300, null)`,
  // Some were made at once, and some are told apart by nothing but their ids.
  created_at: `1000000 + (n * 37 % 4000) / 3 * 500`,
  updated_at: `2000000 + (n * 53 % 6000) * 100`,
  deleted_at: `iif(n % 60 = 7, 6000000 + n, null)`,
}

let db: Database
beforeAll(async () => {
  const d1 = await freshDatabase()
  await d1.batch([
    ...['one', 'two'].map((name, i) =>
      d1
        .prepare(`insert into clouds (id, name, type, created_at) values (?, ?, 'sandbox', 1)`)
        .bind(`cloud-${i}`, name),
    ),
    d1.prepare(`insert into servers (${Object.keys(COLUMNS)}) with recursive numbers (n) as
      (select 1 union all select n + 1 from numbers where n < ${COUNT}) select ${Object.values(COLUMNS)} from numbers`),
  ])
  db = openDatabase(d1)
})

const LIVE = { projectId: PROJECT, deleted: false }
const idsOf = async (filter: ServerFilter, order: ServerOrder[], limit: number, marker?: string) =>
  (await nameServers(db, { filter, order, marker, limit, now: 1 })).map(({ id }) => id)

/** What the plain question finds: `where` in words of the table. */
const plain = async (where: string, order: ServerOrder[]): Promise<string[]> => {
  const way = (order[0]?.descending ?? true) ? 'desc' : 'asc'
  const keys = order.map(({ key, descending }) => `${SORT_COLUMNS[key]} ${descending ? 'desc' : 'asc'}`)
  const { results } = await db.$client
    .prepare(`select s.id from servers s where ${where} order by ${[...keys, `s.created_at ${way}`, `s.id ${way}`]}`)
    .all<{ id: string }>()
  return results.map(({ id }) => id)
}

/** The list from its first page on, from its middle on, and from near its end. */
const check = async (filter: ServerFilter, where: string, order: ServerOrder[]): Promise<void> => {
  const all = await plain(where, order)
  expect(await idsOf(filter, order, 25)).toEqual(all.slice(0, 25))
  for (const at of [0, Math.floor(all.length / 2), all.length - 5])
    if (all[at]) expect(await idsOf(filter, order, 25, all[at])).toEqual(all.slice(at + 1, at + 26))
}

const ALIVE = `s.project_id = '${PROJECT}' and s.deleted_at is null`
const keys = Object.keys(SORT_COLUMNS).filter(isSortColumn)

describe('pages are those of the plain question', () => {
  test.each(keys)('sorted by %s', async (key) => {
    for (const descending of [true, false]) await check(LIVE, ALIVE, [{ key, descending }])
  })

  test('sorted by two keys, and over all projects', async () => {
    const order: ServerOrder[] = [
      { key: 'locked', descending: false },
      { key: 'display_name', descending: true },
    ]
    await check(LIVE, ALIVE, order)
    await check({ deleted: false }, 's.deleted_at is null', [])
    await check({ deleted: false }, 's.deleted_at is null', [{ key: 'project_id', descending: true }])
  })

  const FILTERS: [ServerFilter, string][] = [
    [{ hostname: 'host-17' }, `s.hostname = 'host-17'`],
    [{ userId: 'u' }, `s.user_id = 'u'`],
    [{ userId: 'v' }, `s.user_id = 'v'`],
    [{ keyName: 'key-1' }, `s.key_name = 'key-1'`],
    [{ keyName: '' }, `s.key_name = ''`],
    [{ image: 'image-1' }, `s.image_id = 'image-1'`],
    [{ flavor: '2' }, `s.flavor ->> 'id' = '2'`],
    [{ flavor: '1' }, `s.flavor ->> 'id' = '1'`],
    [{ statuses: ['ERROR'] }, `s.status = 'ERROR'`],
    [{ statuses: ['ERROR', 'ACTIVE'] }, 'true'],
    [{ vmState: 'active' }, `s.vm_state = 'active'`],
    [{ taskState: 'rebooting' }, `s.task_state = 'rebooting'`],
    [{ powerState: 4 }, 's.power_state = 4'],
    [{ powerState: 1 }, 's.power_state = 1'],
    [{ progress: 0 }, 's.progress = 0'],
    [{ progress: 100 }, 's.progress = 100'],
    [{ launchIndex: 3 }, 's.launch_index = 3'],
    [{ launchIndex: 0 }, 's.launch_index = 0'],
    [{ locked: true }, 's.locked'],
    [{ locked: false }, 'not s.locked'],
    [{ configDrive: true }, 's.config_drive'],
    [{ configDrive: false }, 'not s.config_drive'],
    [{ diskConfig: 'AUTO' }, `s.disk_config = 'AUTO'`],
    [{ diskConfig: 'MANUAL' }, `s.disk_config = 'MANUAL'`],
    [{ accessIpv4: '192.0.2.3' }, `s.access_ip_v4 = '192.0.2.3'`],
    [{ accessIpv4: '' }, `s.access_ip_v4 = ''`],
    [{ accessIpv6: '2001:db8::3' }, `s.access_ip_v6 = '2001:db8::3'`],
    [{ host: 'one' }, `s.cloud_id = 'cloud-0'`],
    [{ node: 'one.z' }, `s.cloud_id = 'cloud-0' and s.zone = 'z'`],
    [{ availabilityZone: 'two.a' }, `s.cloud_id = 'cloud-1' and s.zone = 'a' and s.pinned_zone is not 'nova'`],
    [{ availabilityZone: 'nova' }, `s.pinned_zone = 'nova'`],
    [{ createdAt: 1_100_000 }, 's.created_at / 1000 = 1100'],
    [{ launchedAt: 1_070_000 }, 's.launched_at / 1000 = 1070'],
    [{ description: 'about 1' }, `s.description = 'about 1'`],
    [{ tags: ['rare'] }, `s.tags like '%rare%'`],
    [{ tagsAny: ['rare', 'common'] }, `s.tags <> '[]'`],
    [{ notTags: ['common'] }, `s.tags = '[]'`],
    [{ locked: true, diskConfig: 'AUTO' }, `s.locked and s.disk_config = 'AUTO'`],
  ]
  test.each(FILTERS)('by %j', async (filter, where) => {
    for (const key of [undefined, 'display_name', 'power_state', 'host'] as (SortColumn | undefined)[]) {
      const order = key ? [{ key, descending: false }] : []
      await check({ ...LIVE, ...filter }, `${ALIVE} and ${where}`, order)
    }
    await check({ deleted: false, ...filter }, `s.deleted_at is null and ${where}`, [])
  })

  test.each([
    ['few', 2_595_000],
    ['many', 2_000_000 + (COUNT - MANY) * 100],
    ['all', 1],
  ])('by what changed, where that are %s, with what was deleted', async (_, since) => {
    const where = `s.project_id = '${PROJECT}' and s.updated_at >= ${since}`
    await check({ projectId: PROJECT, changesSince: since }, where, [])
    await check({ projectId: PROJECT, changesSince: since }, where, [{ key: 'display_name', descending: true }])
    await check({ changesSince: since }, `s.updated_at >= ${since}`, [])
    await check(
      { ...LIVE, changesSince: since, changesBefore: 2_596_000 },
      `${ALIVE} and s.updated_at between ${since} and 2596000`,
      [],
    )
  })

  test('of what was deleted', async () => {
    const gone = { projectId: PROJECT, deleted: true }
    const where = `s.project_id = '${PROJECT}' and s.deleted_at is not null`
    await check(gone, where, [])
    await check(gone, where, [{ key: 'display_name', descending: true }])
    await check({ ...gone, terminatedAt: 5_020_000 }, `${where} and s.terminated_at / 1000 = 5020`, [])
  })
})
