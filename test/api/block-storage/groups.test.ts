import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { askedWhile } from './asked-while.ts'

let plimsoll: Plimsoll
let base: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  base = `/volume/v3/${plimsoll.projectId('demo')}`
})
const at = (who = 'demo') => plimsoll.as(who).with({ 'OpenStack-API-Version': 'volume 3.70' })
const madeType = async (name: string, group_specs = {}): Promise<string> => {
  const { status, body } = await at('admin').post(`${base}/group_types`, { group_type: { name, group_specs } })
  expect(status).toBe(202)
  return body.group_type.id
}
const madeGroup = async (group_type: string, more = {}): Promise<string> => {
  const group = { name: 'together', group_type, volume_types: ['fast'], ...more }
  const { status, body } = await at().post(`${base}/groups`, { group })
  expect([status, body]).toMatchObject([202, { group: { name: 'together' } }])
  return body.group.id
}
const volumeIn = async (group_id: string): Promise<string> => {
  const volume = { size: 1, volume_type: 'fast', group_id }
  const { status, body } = await at().post(`${base}/volumes`, { volume })
  expect([status, body.volume]).toMatchObject([202, { group_id }])
  await plimsoll.settle()
  return body.volume.id
}

describe('a type of groups', () => {
  it('is made, changed and taken away by operators', async () => {
    const admin = at('admin')
    const id = await madeType('kind', { colour: 'red' })
    expect((await at().get(`${base}/group_types/${id}`)).body.group_type).toEqual({
      ...{ id, name: 'kind', description: null, is_public: true },
    })
    expect((await admin.get(`${base}/group_types/${id}`)).body.group_type.group_specs).toEqual({ colour: 'red' })
    expect((await admin.get(`${base}/group_types/default`)).status).toBe(404)
    expect((await admin.post(`${base}/group_types`, { group_type: { name: 'kind' } })).status).toBe(409)
    expect((await admin.post(`${base}/group_types`, { group_type: {} })).status).toBe(400)
    expect((await admin.put(`${base}/group_types/${id}`, { group_type: { description: 'ours' } })).status).toBe(200)
    expect((await admin.put(`${base}/group_types/${id}`, { group_type: {} })).status).toBe(400)
    expect((await at().get(`${base}/group_types`)).body.group_types).toMatchObject([{ id, description: 'ours' }])
    const hidden = { name: 'alike', is_public: false }
    expect((await admin.post(`${base}/group_types`, { group_type: hidden })).status).toBe(202)
    const names = async (search: string, who = 'admin') =>
      (await at(who).get(`${base}/group_types?${search}`)).body.group_types?.map(({ name }: { name: string }) => name)
    expect(await names('is_public=None&sort=name:desc')).toEqual(['kind', 'alike'])
    expect(await names('is_public=False')).toEqual(['alike'])
    expect(await names('is_public=None', 'demo')).toEqual(['kind'])
    expect(await names('limit=1&is_public=None&sort=name:asc')).toEqual(['alike'])
    expect(await names('is_public=perhaps')).toBeUndefined()
    const group_specs = { size: 'small' }
    expect((await admin.post(`${base}/group_types/${id}/group_specs`, { group_specs })).status).toBe(202)
    expect((await admin.get(`${base}/group_types/${id}/group_specs`)).body.group_specs).toEqual({
      ...{ colour: 'red', size: 'small' },
    })
    expect((await admin.put(`${base}/group_types/${id}/group_specs/size`, { size: 'large' })).status).toBe(200)
    expect((await admin.put(`${base}/group_types/${id}/group_specs/size`, { other: 'large' })).status).toBe(400)
    expect((await admin.get(`${base}/group_types/${id}/group_specs/size`)).body).toEqual({ size: 'large' })
    expect((await admin.delete(`${base}/group_types/${id}/group_specs/size`)).status).toBe(202)
    expect((await admin.delete(`${base}/group_types/${id}/group_specs/size`)).status).toBe(404)
    const group = await madeGroup(id)
    expect((await admin.delete(`${base}/group_types/${id}`)).status).toBe(400)
    expect((await at().post(`${base}/groups/${group}/action`, { delete: {} })).status).toBe(202)
    expect((await admin.delete(`${base}/group_types/${id}`)).status).toBe(202)
    expect((await admin.get(`${base}/group_types/${id}`)).status).toBe(404)
  })
})

describe('a group', () => {
  it('has volumes of its types, which come and go, and goes with them', async () => {
    const type = await madeType('kind')
    const id = await madeGroup(type)
    const first = await volumeIn(id)
    const refused = async (volume: Record<string, unknown>) =>
      (await at().post(`${base}/volumes`, { volume: { size: 1, group_id: id, ...volume } })).status
    expect(await refused({})).toBe(400)
    expect(await refused({ volume_type: 'standard' })).toBe(400)
    expect(await refused({ volume_type: 'fast', group_id: type })).toBe(404)
    const { body } = await at().post(`${base}/volumes`, { volume: { size: 1, volume_type: 'fast' } })
    await plimsoll.settle()
    const second = body.volume.id
    const change = async (group: Record<string, unknown>) => (await at().put(`${base}/groups/${id}`, { group })).status
    expect(await change({ add_volumes: second, name: 'more' })).toBe(202)
    expect(await change({ add_volumes: second })).toBe(400)
    expect(await change({})).toBe(400)
    expect(await change({ remove_volumes: type })).toBe(400)
    expect((await at().get(`${base}/groups/${id}`)).body.group).not.toHaveProperty('volumes')
    const shown = (await at().get(`${base}/groups/${id}?list_volume=True`)).body.group
    expect(shown).toMatchObject({ name: 'more', status: 'available', group_type: type, replication_status: 'disabled' })
    expect(shown.volumes.toSorted()).toEqual([first, second].toSorted())
    expect((await at().get(`${base}/volumes/detail?group_id=${id}`)).body.volumes).toHaveLength(2)
    expect((await at().delete(`${base}/volumes/${first}`)).status).toBe(400)
    expect(await change({ remove_volumes: second })).toBe(202)
    expect((await at().get(`${base}/volumes/${second}`)).body.volume.group_id).toBe(null)
    expect((await at().post(`${base}/groups/${id}/action`, { delete: {} })).status).toBe(400)
    expect((await at().post(`${base}/groups/${id}/action`, { enable_replication: {} })).status).toBe(501)
    expect((await at().post(`${base}/groups/${id}/action`, { reset_status: { status: 'error' } })).status).toBe(403)
    expect((await at('admin').post(`${base}/groups/${id}/action`, { reset_status: { status: 'error' } })).status).toBe(
      202,
    )
    expect((await at().get(`${base}/groups`)).body.groups).toMatchObject([{ id, name: 'more' }])
    expect((await at().get(`${base}/groups/detail`)).body.groups).toMatchObject([{ id, status: 'error' }])
    expect((await at().post(`${base}/groups/${id}/action`, { delete: { 'delete-volumes': true } })).status).toBe(202)
    await plimsoll.settle()
    expect((await at().get(`${base}/groups/${id}`)).status).toBe(404)
    expect((await at().get(`${base}/volumes/${first}`)).status).toBe(404)
    expect((await at().get(`${base}/volumes/${second}`)).status).toBe(200)
  })

  it('is refused where its type promises what no cloud does', async () => {
    const type = await madeType('consistent', { consistent_group_snapshot_enabled: '<is> True' })
    const group = { group_type: type, volume_types: ['fast'] }
    const { status, body } = await at().post(`${base}/groups`, { group })
    expect([status, body.badRequest.message]).toEqual([400, expect.stringMatching(/one by one/)])
    expect((await at().post(`${base}/groups`, { group: {} })).status).toBe(400)
  })

  it('has snapshots of all its volumes, of which another group is made', async () => {
    const type = await madeType('kind')
    const group_id = await madeGroup(type)
    const empty = await at().post(`${base}/group_snapshots`, { group_snapshot: { group_id } })
    expect(empty.status).toBe(400)
    const volumes = [await volumeIn(group_id), await volumeIn(group_id)]
    const made = await at().post(`${base}/group_snapshots`, { group_snapshot: { group_id, name: 'shot' } })
    expect([made.status, made.body.group_snapshot]).toMatchObject([202, { name: 'shot', group_type_id: type }])
    const { id } = made.body.group_snapshot
    const status = async () => (await at().get(`${base}/group_snapshots/${id}`)).body.group_snapshot.status
    expect(await status()).toBe('creating')
    await plimsoll.settle()
    expect(await status()).toBe('available')
    const { snapshots } = (await at().get(`${base}/snapshots/detail`)).body
    expect(snapshots.map((each: Record<string, string>) => each.volume_id).toSorted()).toEqual(volumes.toSorted())
    expect(snapshots[0].group_snapshot_id).toBe(id)
    expect((await at().delete(`${base}/snapshots/${snapshots[0].id}`)).status).toBe(400)
    expect((await at().post(`${base}/groups/${group_id}/action`, { delete: { 'delete-volumes': true } })).status).toBe(
      400,
    )
    const copied = await at().post(`${base}/groups/action`, {
      'create-from-src': { name: 'copy', group_snapshot_id: id },
    })
    expect(copied.status).toBe(202)
    await plimsoll.settle()
    const copy = (await at().get(`${base}/groups/${copied.body.group.id}?list_volume=True`)).body.group
    expect(copy).toMatchObject({
      name: 'copy',
      group_snapshot_id: id,
      volumes: [expect.any(String), expect.any(String)],
    })
    expect((await at().post(`${base}/groups/action`, { 'create-from-src': {} })).status).toBe(400)
    const reset = { reset_status: { status: 'error' } }
    expect((await at('admin').post(`${base}/group_snapshots/${id}/action`, reset)).status).toBe(202)
    expect(await status()).toBe('error')
    expect((await at().get(`${base}/group_snapshots`)).body.group_snapshots).toMatchObject([{ id }])
    expect((await at().get(`${base}/group_snapshots/detail`)).body.group_snapshots).toMatchObject([{ group_id }])
    expect((await at().delete(`${base}/group_snapshots/${id}`)).status).toBe(202)
    await plimsoll.settle()
    expect((await at().get(`${base}/group_snapshots/${id}`)).status).toBe(404)
    expect((await at().get(`${base}/snapshots`)).body.snapshots).toEqual([])
  })

  it('stays with all that is in it where one of its volumes may not go', async () => {
    const id = await madeGroup(await madeType('kind'))
    const [plain, copied] = [await volumeIn(id), await volumeIn(id)]
    expect((await at().post(`${base}/snapshots`, { snapshot: { volume_id: copied } })).status).toBe(202)
    await plimsoll.settle()
    const gone = await at().post(`${base}/groups/${id}/action`, { delete: { 'delete-volumes': true } })
    expect(gone.status).toBe(400)
    await plimsoll.settle()
    const { body } = await at().get(`${base}/groups/${id}?list_volume=True`)
    expect(body.group.volumes.toSorted()).toEqual([plain, copied].toSorted())
  })

  it('is not copied by half', async () => {
    const source_group_id = await madeGroup(await madeType('kind'))
    await volumeIn(source_group_id)
    await volumeIn(source_group_id)
    const quotas = `${base}/os-quota-sets/${plimsoll.projectId('demo')}`
    expect((await at('admin').put(quotas, { quota_set: { volumes: 3 } })).status).toBe(200)
    const copy = () => at().post(`${base}/groups/action`, { 'create-from-src': { source_group_id } })
    expect((await copy()).status).toBe(413)
    expect((await at().get(`${base}/groups`)).body.groups).toMatchObject([{ id: source_group_id }])
    expect((await at().get(`${base}/volumes`)).body.volumes).toHaveLength(2)
    expect((await at('admin').put(quotas, { quota_set: { volumes: 4 } })).status).toBe(200)
    const copied = await copy()
    expect(copied.status).toBe(202)
    await plimsoll.settle()
    const inside = await at().get(`${base}/volumes/detail?group_id=${copied.body.group.id}&status=available`)
    expect(inside.body.volumes).toHaveLength(2)
  })

  it('takes nothing in that is asked for while it goes', async () => {
    const type = await madeType('kind')
    const { body } = await at().post(`${base}/volumes`, { volume: { size: 1, volume_type: 'fast' } })
    await plimsoll.settle()
    const { id } = body.volume
    const fresh = { volume: { size: 1, volume_type: 'fast' } }
    const asked: ((group_id: string) => Promise<Answer>)[] = [
      (group_id) => at().post(`${base}/volumes`, { volume: { ...fresh.volume, group_id } }),
      (group_id) => at().put(`${base}/groups/${group_id}`, { group: { add_volumes: id } }),
      (group_id) => at().post(`${base}/groups/${group_id}/action`, { delete: {} }),
    ]
    for (const ask of asked) {
      const group = await madeGroup(type)
      const remove = async () =>
        expect((await at().post(`${base}/groups/${group}/action`, { delete: {} })).status).toBe(202)
      expect((await askedWhile(plimsoll, remove, () => ask(group))).status).toBe(404)
    }
    const { volumes } = (await at().get(`${base}/volumes/detail`)).body
    expect(volumes).toMatchObject([{ id, group_id: null }])
    expect((await at().delete(`${base}/volumes/${id}`)).status).toBe(202)
  })

  it('goes when the last of its snapshots went with its volume', async () => {
    const group_id = await madeGroup(await madeType('kind'))
    const volume = await volumeIn(group_id)
    const made = await at().post(`${base}/group_snapshots`, { group_snapshot: { group_id } })
    await plimsoll.settle()
    const remove = async () => (await at().post(`${base}/groups/${group_id}/action`, { delete: {} })).status
    expect((await at().put(`${base}/groups/${group_id}`, { group: { remove_volumes: volume } })).status).toBe(202)
    expect(await remove()).toBe(400)
    expect((await at().delete(`${base}/volumes/${volume}?cascade=true`)).status).toBe(202)
    await plimsoll.settle()
    expect((await at().get(`${base}/group_snapshots/${made.body.group_snapshot.id}`)).status).toBe(404)
    expect(await remove()).toBe(202)
    expect(await plimsoll.db.all(sql`select id from group_snapshots`)).toEqual([])
  })

  it('is listed with its volumes in as many statements as others are', async () => {
    const type = await madeType('kind')
    const listed = async () => {
      const { d1 } = plimsoll.host
      const prepare = d1.prepare.bind(d1)
      let statements = 0
      d1.prepare = (text) => {
        statements++
        return prepare(text)
      }
      const { body } = await at().get(`${base}/groups/detail?list_volume=True&sort=created_at:asc`)
      Object.assign(d1, { prepare })
      return { statements, volumes: body.groups.map((group: { volumes: string[] }) => group.volumes.toSorted()) }
    }
    const first = await madeGroup(type)
    const inside = [await volumeIn(first), await volumeIn(first)]
    await listed()
    const one = await listed()
    expect(one.volumes).toEqual([inside.toSorted()])
    plimsoll.clock.advance(1_000)
    await madeGroup(type)
    plimsoll.clock.advance(1_000)
    const other = await volumeIn(await madeGroup(type))
    const three = await listed()
    expect(three.volumes).toEqual([inside.toSorted(), [], [other]])
    expect(three.statements).toBe(one.statements)
  })
})
