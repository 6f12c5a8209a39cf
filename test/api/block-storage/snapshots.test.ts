import { beforeEach, describe, expect, it } from 'vitest'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let base: string
let volumeId: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  base = `/volume/v3/${plimsoll.projectId('demo')}`
  const { body } = await at('3.70').post(`${base}/volumes`, { volume: { size: 2 } })
  volumeId = body.volume.id
  await plimsoll.settle()
})
const at = (version: string, who = 'demo') => plimsoll.as(who).with({ 'OpenStack-API-Version': `volume ${version}` })
const taken = async (snapshot: Record<string, unknown> = {}): Promise<string> => {
  const { body } = await at('3.65').post(`${base}/snapshots`, { snapshot: { volume_id: volumeId, ...snapshot } })
  await plimsoll.settle()
  return body.snapshot.id
}
const shown = async (id: string, version = '3.65') => (await at(version).get(`${base}/snapshots/${id}`)).body.snapshot
const absolute = async () => (await at('3.0').get(`${base}/limits`)).body.limits.absolute

describe('a snapshot', () => {
  it('is taken of a volume, and counts until it is gone', async () => {
    const { status, body } = await at('3.0').post(`${base}/snapshots`, {
      snapshot: { volume_id: volumeId, name: 's', metadata: { a: 'b' } },
    })
    expect(status).toBe(202)
    expect(body.snapshot).toEqual({
      id: expect.any(String),
      name: 's',
      description: null,
      created_at: expect.stringMatching(/^2026-03-01T12:00:\d\d\.\d{3}000$/),
      updated_at: null,
      status: 'creating',
      size: 2,
      metadata: { a: 'b' },
      volume_id: volumeId,
    })
    await plimsoll.settle()
    const { id } = body.snapshot
    expect(await shown(id)).toMatchObject({
      status: 'available',
      consumes_quota: true,
      user_id: plimsoll.userId('demo'),
      'os-extended-snapshot-attributes:progress': '100%',
    })
    expect(await shown(id, '3.0')).not.toHaveProperty('user_id')
    expect(await absolute()).toMatchObject({ totalSnapshotsUsed: 1, totalGigabytesUsed: 4 })

    expect((await at('3.0').delete(`${base}/snapshots/${id}`)).status).toBe(202)
    await plimsoll.settle()
    const gone = await at('3.0').get(`${base}/snapshots/${id}`)
    expect([gone.status, gone.body.itemNotFound.message]).toEqual([404, `Snapshot ${id} could not be found.`])
    expect(await absolute()).toMatchObject({ totalSnapshotsUsed: 0, totalGigabytesUsed: 2 })
  })

  it('becomes a volume again', async () => {
    const id = await taken()
    const { body } = await at('3.0').post(`${base}/volumes`, { volume: { snapshot_id: id } })
    await plimsoll.settle()
    const volume = (await at('3.0').get(`${base}/volumes/${body.volume.id}`)).body.volume
    expect(volume).toMatchObject({ size: 2, snapshot_id: id, status: 'available' })
  })

  it('keeps its volume from being deleted, unless it goes too', async () => {
    const id = await taken()
    const kept = await at('3.0').delete(`${base}/volumes/${volumeId}`)
    expect([kept.status, kept.body.badRequest.message]).toEqual([
      400,
      expect.stringMatching(/^Invalid volume: Volume status must be .*have snapshots/),
    ])
    expect((await at('3.0').delete(`${base}/volumes/${volumeId}?cascade=True`)).status).toBe(202)
    await plimsoll.settle()
    expect(await shown(id)).toBeUndefined()
    expect(await absolute()).toMatchObject({ totalVolumesUsed: 0, totalSnapshotsUsed: 0, totalGigabytesUsed: 0 })
  })

  it('is refused for a volume that is not there or not ready', async () => {
    const wish = async (snapshot: object, version = '3.0') => {
      const { status, body } = await at(version).post(`${base}/snapshots`, { snapshot })
      return [status, (Object.values(body)[0] as { message: string }).message]
    }
    expect(await wish({ volume_id: null })).toEqual([404, 'Volume None could not be found.'])
    expect((await wish({ volume_id: 'x' }))[0]).toBe(400)
    expect((await wish({ volume_id: volumeId, force: false }, '3.66'))[0]).toBe(400)
    await at('3.0', 'admin').post(`${base}/volumes/${volumeId}/action`, { 'os-reset_status': { status: 'error' } })
    expect(await wish({ volume_id: volumeId })).toEqual([
      400,
      `Invalid volume: Volume ${volumeId} status must be available, but current status is: error.`,
    ])
  })

  it('of a volume in use needs force until 3.65', async () => {
    await plimsoll.host.d1.prepare("update volumes set status = 'in-use'").run()
    const wish = async (snapshot: object, version: string) =>
      (await at(version).post(`${base}/snapshots`, { snapshot: { volume_id: volumeId, ...snapshot } })).status
    expect(await wish({}, '3.65')).toBe(400)
    expect(await wish({ force: true }, '3.65')).toBe(202)
    expect(await wish({}, '3.66')).toBe(202)
  })

  it('is renamed, tagged with metadata and reset', async () => {
    const id = await taken({ name: 'a' })
    const demo = at('3.0')
    expect(
      (await demo.put(`${base}/snapshots/${id}`, { snapshot: { name: 'b', description: 'c' } })).body.snapshot,
    ).toMatchObject({ name: 'b', description: 'c' })
    expect((await demo.put(`${base}/snapshots/${id}`, { snapshot: {} })).status).toBe(400)
    expect((await demo.post(`${base}/snapshots/${id}/metadata`, { metadata: { a: '1' } })).body).toEqual({
      metadata: { a: '1' },
    })
    expect((await demo.put(`${base}/snapshots/${id}/metadata`, { metadata: { b: '2' } })).body).toEqual({
      metadata: { b: '2' },
    })
    expect((await demo.put(`${base}/snapshots/${id}/metadata/b`, { meta: { b: '3' } })).body).toEqual({
      meta: { b: '3' },
    })
    expect((await demo.get(`${base}/snapshots/${id}/metadata/b`)).body).toEqual({ meta: { b: '3' } })
    expect((await demo.delete(`${base}/snapshots/${id}/metadata/b`)).status).toBe(200)
    expect((await demo.get(`${base}/snapshots/${id}/metadata`)).body).toEqual({ metadata: {} })
    const admin = at('3.0', 'admin')
    expect((await demo.post(`${base}/snapshots/${id}/action`, { 'os-reset_status': { status: 'error' } })).status).toBe(
      403,
    )
    expect(
      (await admin.post(`${base}/snapshots/${id}/action`, { 'os-reset_status': { status: 'creating' } })).status,
    ).toBe(202)
    const kept = await demo.delete(`${base}/snapshots/${id}`)
    expect([kept.status, kept.body.badRequest.message]).toEqual([
      400,
      'Invalid snapshot: Snapshot status must be available or error and must not be part of a group.',
    ])
    expect((await admin.post(`${base}/snapshots/${id}/action`, { 'os-force_delete': {} })).status).toBe(202)
    await plimsoll.settle()
    expect(await shown(id)).toBeUndefined()
  })
})

describe('a status that an administrator sets', () => {
  const STATUSES = ['available', 'error', 'creating', 'deleting', 'error_deleting']
  const reset = async (id: string, status: string) =>
    (await at('3.0', 'admin').post(`${base}/snapshots/${id}/action`, { 'os-reset_status': { status } })).status

  it.each(STATUSES)('%s is left by force, and the snapshot goes', async (status) => {
    const id = await taken()
    expect(await reset(id, status)).toBe(202)
    expect((await at('3.0', 'admin').post(`${base}/snapshots/${id}/action`, { 'os-force_delete': {} })).status).toBe(
      202,
    )
    await plimsoll.settle()
    expect(await shown(id)).toBeUndefined()
  })

  it.each(STATUSES)('%s is left by another one, after which its owner deletes it', async (status) => {
    const id = await taken()
    expect([await reset(id, status), await reset(id, 'available')]).toEqual([202, 202])
    expect((await at('3.0').delete(`${base}/snapshots/${id}`)).status).toBe(202)
    await plimsoll.settle()
    expect(await shown(id)).toBeUndefined()
  })
})

describe('lists of snapshots', () => {
  it('are paged, sorted and filtered', async () => {
    for (const name of ['a', 'b', 'c']) {
      await taken({ name, metadata: { n: name } })
      plimsoll.clock.advance(1_000)
    }
    const names = async (search: string, version = '3.65') =>
      (await at(version).get(`${base}/snapshots/detail?${search}`)).body.snapshots?.map(
        ({ name }: { name: string }) => name,
      )
    expect(await names('')).toEqual(['c', 'b', 'a'])
    expect(await names('name=b')).toEqual(['b'])
    expect(await names(`volume_id=${volumeId}&sort=name:asc`)).toEqual(['a', 'b', 'c'])
    expect(await names('volume_id=x')).toEqual([])
    expect(await names(`metadata=${encodeURIComponent("{'n': 'a'}")}`)).toEqual(['a'])
    expect(await names(`metadata=${encodeURIComponent("{'n': 'a'}")}`, '3.0')).toEqual(['c', 'b', 'a'])
    const page = (await at('3.0').get(`${base}/snapshots?limit=2`)).body
    expect(Object.keys(page.snapshots[0])).not.toContain('os-extended-snapshot-attributes:progress')
    expect((await at('3.0').get(page.snapshots_links[0].href)).body.snapshots).toHaveLength(1)
    expect((await at('3.45').get(`${base}/snapshots?limit=1&with_count=1`)).body.count).toBe(3)
  })
})
