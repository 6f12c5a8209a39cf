import { DatabaseSync } from 'node:sqlite'
import type { D1Database } from '@cloudflare/workers-types'
import { describe, expect, test } from 'vitest'
import { openDatabase } from '../../db/client.ts'
import { splitSql } from '../../db/migrate.ts'
import { listSnapshots, type SnapshotFilter } from '../../db/queries/block-storage/snapshots.ts'
import { listVolumes, type VolumeFilter } from '../../db/queries/block-storage/volumes.ts'
import type { Listing } from '../../db/queries/network/network-listing.ts'
import { listPorts } from '../../db/queries/network/ports.ts'
import { listSecurityGroups } from '../../db/queries/network/security/security-groups.ts'
import { freshDatabase, MIGRATIONS } from '../support/runtime.ts'

/*
 * SQLite chooses between an index that has all of a project in its order, and one that has what is asked for in the same
 * order. The first is no fault of its plan, and looks through the project for what few have: here it has to be the second.
 */

const schema = new DatabaseSync(':memory:')
for (const text of MIGRATIONS.DB.flatMap(({ sql }) => splitSql(sql))) schema.exec(text)

/** How SQLite goes about the last statement that is asked meanwhile, or another one of them. */
const planOf = async (ask: (db: ReturnType<typeof openDatabase>) => Promise<unknown>, which = -1): Promise<string> => {
  const d1 = await freshDatabase()
  const texts: string[] = []
  const heard: D1Database = Object.assign(Object.create(d1), {
    prepare: (text: string) => {
      texts.push(text)
      return d1.prepare(text)
    },
  })
  await ask(openDatabase(heard))
  const plan = schema.prepare(`explain query plan ${texts.at(which)}`).all() as { detail: string }[]
  return plan.map(({ detail }) => detail).join('\n')
}

const project = { projectId: 'p' }
const all = { every: true } as const
const page: Listing = {
  ...{ filters: [], tags: [], changedSince: null, sort: [], marker: null, limit: 10, reverse: false },
}
const slice = {
  limit: 10,
  sort: ['created_at', 'id'].map((key) => ({ key, descending: true })),
}

describe('what few have is found by its own index', () => {
  test.each([
    ['name', 'ports_by_name (project_id=? AND name=?)', 'ports_named (name=?)'],
    ['status', 'ports_by_status (project_id=? AND status=?)', 'ports_in_status (status=?)'],
    ['device_owner', 'ports_by_owner (project_id=? AND device_owner=?)', ''],
    ['admin_state_up', 'ports_switched_off', 'ports_switched_off'],
    ['updated_at', 'ports_by_change (project_id=? AND updated_at=?)', 'ports_changed (updated_at=?)'],
    ['binding:host_id', 'servers_by_cloud (cloud_id=? AND deleted_at=?)', 'servers_by_cloud'],
    ['device_id', 'ports_by_device (device_id=?)', 'ports_by_device (device_id=?)'],
    ['network_id', 'ports_by_network (network_id=?)', 'ports_by_network (network_id=?)'],
  ])('ports by %s', async (key, ofProject, ofAll) => {
    const asked = { ...page, filters: [{ key, values: ['x'] }] }
    expect(await planOf((db) => listPorts(db, project, asked))).toContain(ofProject)
    expect(await planOf((db) => listPorts(db, all, asked))).toContain(ofAll)
  })

  test('ports by what changed', async () => {
    expect(await planOf((db) => listPorts(db, project, { ...page, changedSince: 1 }))).toContain(
      'ports_by_change (project_id=? AND updated_at>?)',
    )
  })

  test('security groups by name', async () => {
    const asked = { ...page, filters: [{ key: 'name', values: ['default'] }] }
    // Where it finds none, those that are lent are looked for.
    expect(await planOf((db) => listSecurityGroups(db, project, asked), 0)).toContain(
      'security_groups_by_name (name=? AND project_id=?)',
    )
  })

  test.each<[VolumeFilter, string]>([
    [{ name: 'x' }, 'volumes_by_name (project_id=? AND <expr>=?)'],
    [{ status: 'error' }, 'volumes_by_status (project_id=? AND status=?)'],
    [{ size: 3 }, 'volumes_by_size (project_id=? AND size_gib=?)'],
    [{}, 'volumes_by_project (project_id=? AND deleted_at=?)'],
  ])('volumes by %j', async (filter, index) => {
    expect(await planOf((db) => listVolumes(db, project, filter, slice))).toContain(index)
  })

  test.each<[SnapshotFilter, string]>([
    [{ name: 'x' }, 'snapshots_by_name (project_id=? AND <expr>=?)'],
    [{ status: 'error' }, 'snapshots_by_status (project_id=? AND status=?)'],
    [{ volumeId: 'x' }, 'snapshots_by_volume (volume_id=?)'],
  ])('snapshots by %j', async (filter, index) => {
    expect(await planOf((db) => listSnapshots(db, project, filter, slice))).toContain(index)
  })
})
