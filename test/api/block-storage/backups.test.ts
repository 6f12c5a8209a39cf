import { beforeEach, describe, expect, it } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { createVolume, imageNamed } from '../../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let base: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  base = `/volume/v3/${plimsoll.projectId('demo')}`
})
const at = (who = 'demo', version = '3.70') => plimsoll.as(who).with({ 'OpenStack-API-Version': `volume ${version}` })
const volumeOf = async (id: string) => (await at().get(`${base}/volumes/${id}`)).body.volume
const backupOf = async (id: string) => (await at().get(`${base}/backups/${id}`)).body.backup
const backedUp = async (volume_id: string, more = {}): Promise<string> => {
  const { status, body } = await at().post(`${base}/backups`, { backup: { volume_id, ...more } })
  expect([status, body]).toMatchObject([202, { backup: { id: expect.any(String) } }])
  await plimsoll.settle()
  return body.backup.id
}
const act = (id: string, body: unknown, who = 'demo') => at(who).post(`${base}/volumes/${id}/action`, body)
const inventory = async <K extends 'volume' | 'snapshot'>(kind: K) =>
  (await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), kind)).filter(
    ({ goneAt }) => goneAt === null,
  )
const usage = async () => {
  const { absolute: a } = (await at().get(`${base}/limits`)).body.limits
  return [a.totalBackupsUsed, a.totalBackupGigabytesUsed, a.totalSnapshotsUsed, a.totalGigabytesUsed]
}

describe('a backup', () => {
  it('is kept by the cloud when its volume is gone, and volumes are made of it', async () => {
    const volume = await createVolume(plimsoll, at(), { name: 'db', size: 2, volume_type: 'fast' })
    const id = await backedUp(volume, { name: 'nightly', description: 'of the db', metadata: { a: 'b' } })
    expect(await backupOf(id)).toMatchObject({
      ...{
        name: 'nightly',
        description: 'of the db',
        status: 'available',
        size: 2,
        volume_id: volume,
        snapshot_id: null,
      },
      ...{ is_incremental: false, has_dependent_backups: false, fail_reason: null, metadata: { a: 'b' } },
    })
    expect(await usage()).toEqual([1, 2, 0, 2])
    expect((await at().get(`${base}/snapshots`)).body.snapshots).toEqual([])
    expect((await at().get(`${base}/snapshots/${id}`)).status).toBe(404)
    expect((await at().get(`${base}/backups?name=nightly`)).body.backups).toMatchObject([{ id, name: 'nightly' }])
    expect((await at().get(`${base}/backups/detail?volume_id=${volume}`)).body.backups).toMatchObject([{ id }])
    expect((await at().get(`${base}/backups/detail?with_count=True&limit=1`)).body.count).toBe(1)
    expect((await at().get(`${base}/backups?with_count=True&name=weekly`)).body).toEqual({ backups: [], count: 0 })
    expect((await at('demo', '3.44').get(`${base}/backups?with_count=True`)).body).not.toHaveProperty('count')
    expect((await at().delete(`${base}/volumes/${volume}`)).status).toBe(202)
    await plimsoll.settle()
    expect([await inventory('volume'), (await inventory('snapshot')).length]).toEqual([[], 1])
    const restored = await at().post(`${base}/backups/${id}/restore`, { restore: { name: 'again' } })
    expect([restored.status, restored.body.restore]).toMatchObject([202, { backup_id: id, volume_name: 'again' }])
    expect((await backupOf(id)).status).toBe('restoring')
    await plimsoll.settle()
    const copy = await volumeOf(restored.body.restore.volume_id)
    expect(copy).toMatchObject({ name: 'again', status: 'available', size: 2, snapshot_id: null, volume_type: 'fast' })
    const [snapshot] = await inventory('snapshot')
    expect((await inventory('volume'))[0]!.spec.source).toEqual({ kind: 'snapshot', id: snapshot!.id })
    const larger = await at().post(`${base}/volumes`, { volume: { size: 3, backup_id: id } })
    expect(larger.status).toBe(202)
    await plimsoll.settle()
    expect((await at().put(`${base}/backups/${id}`, { backup: { name: 'weekly' } })).body.backup.name).toBe('weekly')
    expect((await at().delete(`${base}/backups/${id}`)).status).toBe(202)
    await plimsoll.settle()
    expect((await at().get(`${base}/backups/${id}`)).status).toBe(404)
    expect(await inventory('snapshot')).toEqual([])
    expect(await usage()).toEqual([0, 0, 0, 5])
  })

  it('is written over a volume, which keeps its id, and nothing is left of what was there', async () => {
    const [volume, other] = [
      await createVolume(plimsoll, at(), { size: 1 }),
      await createVolume(plimsoll, at(), { size: 2, name: 'target' }),
    ]
    const id = await backedUp(volume)
    const restored = await at().post(`${base}/backups/${id}/restore`, { restore: { volume_id: other } })
    expect([restored.status, restored.body.restore]).toMatchObject([202, { volume_id: other, volume_name: 'target' }])
    expect((await volumeOf(other)).status).toBe('restoring-backup')
    await plimsoll.settle()
    expect(await volumeOf(other)).toMatchObject({ status: 'available', size: 2 })
    expect((await backupOf(id)).status).toBe('available')
    const disks = await inventory('volume')
    const [snapshot] = await inventory('snapshot')
    expect(disks.map(({ mark, spec }) => [mark?.resource, spec.source]).toSorted()).toEqual(
      [
        [volume, null],
        [other, { kind: 'snapshot', id: snapshot!.id }],
      ].toSorted(),
    )
    expect((await at().delete(`${base}/volumes/${other}`)).status).toBe(202)
    await plimsoll.settle()
    expect(await inventory('volume')).toHaveLength(1)
    const small = await createVolume(plimsoll, at(), { size: 1 })
    const big = await backedUp(await createVolume(plimsoll, at(), { size: 2 }))
    expect((await at().post(`${base}/backups/${big}/restore`, { restore: { volume_id: small } })).status).toBe(400)
    expect((await at().post(`${base}/backups/${big}/restore`, { restore: { colour: 1 } })).status).toBe(400)
  })

  it('builds on another where that is asked for, which stays as long', async () => {
    const volume = await createVolume(plimsoll, at(), {})
    const first = await at().post(`${base}/backups`, { backup: { volume_id: volume, incremental: true } })
    expect([first.status, first.body.badRequest.message]).toEqual([
      400,
      'Invalid backup: No backups available to do an incremental backup.',
    ])
    const full = await backedUp(volume)
    const next = await backedUp(volume, { incremental: true })
    expect((await backupOf(full)).has_dependent_backups).toBe(true)
    expect((await backupOf(next)).is_incremental).toBe(true)
    const { status, body } = await at().delete(`${base}/backups/${full}`)
    expect([status, body.badRequest.message]).toEqual([
      400,
      'Invalid backup: Incremental backups exist for this backup.',
    ])
    expect((await at().delete(`${base}/backups/${next}`)).status).toBe(202)
    await plimsoll.settle()
    expect((await at().delete(`${base}/backups/${full}`)).status).toBe(202)
  })

  it('is what an admin says it is, and counted against a quota', async () => {
    const volume = await createVolume(plimsoll, at(), {})
    const id = await backedUp(volume)
    const reset = (status: string, who: string) =>
      at(who).post(`${base}/backups/${id}/action`, { 'os-reset_status': { status } })
    expect((await reset('error', 'demo')).status).toBe(403)
    expect((await reset('lost', 'admin')).status).toBe(400)
    expect((await reset('error', 'admin')).status).toBe(202)
    expect((await backupOf(id)).status).toBe('error')
    expect((await at().post(`${base}/backups/${id}/restore`, { restore: {} })).status).toBe(400)
    expect((await at('admin').get(`${base}/backups/${id}/export_record`)).status).toBe(501)
    const take = (record: unknown) => {
      const backup_url = typeof record === 'string' ? record : btoa(JSON.stringify(record))
      const body = { 'backup-record': { backup_service: 'clouds', backup_url } }
      return at('admin').post(`${base}/backups/import_record`, body)
    }
    expect((await at('admin').post(`${base}/backups/import_record`, {})).status).toBe(400)
    expect((await take('no record')).body.badRequest.message).toMatch("Can't parse backup record.")
    expect((await take({ a: 1 })).body.badRequest.message).toMatch('Provided backup record is missing an id')
    expect((await take({ id: 'x' })).body.badRequest.message).toMatch('missing size attribute')
    expect((await take({ id, size: 1 })).body.badRequest.message).toMatch('Backup already exists in database.')
    expect((await take({ id: crypto.randomUUID(), size: 1 })).status).toBe(501)
    expect((await at('admin').post(`${base}/backups/${id}/action`, { 'os-force_delete': null })).status).toBe(202)
    await plimsoll.settle()
    const project = plimsoll.projectId('demo')
    await at('admin').put(`${base}/os-quota-sets/${project}`, { quota_set: { backups: 0 } })
    expect((await at().post(`${base}/backups`, { backup: { volume_id: volume } })).status).toBe(413)
    expect((await at().post(`${base}/backups`, { backup: {} })).status).toBe(400)
    expect((await at().put(`${base}/backups/${id}`, { backup: {} })).status).toBe(400)
  })
})

describe('a volume that is written anew', () => {
  it('goes back to its latest snapshot', async () => {
    const volume = await createVolume(plimsoll, at(), {})
    const shot = async () => {
      const { body } = await at().post(`${base}/snapshots`, { snapshot: { volume_id: volume } })
      await plimsoll.settle()
      plimsoll.clock.advance(1_000)
      return body.snapshot.id as string
    }
    const [older, latest] = [await shot(), await shot()]
    expect((await act(volume, { revert: { snapshot_id: older } })).status).toBe(400)
    expect((await act(volume, { revert: { snapshot_id: volume } })).status).toBe(404)
    expect((await act(volume, { revert: { snapshot_id: latest } })).status).toBe(202)
    expect((await volumeOf(volume)).status).toBe('reverting')
    expect((await at().delete(`${base}/snapshots/${latest}`)).status).toBe(400)
    await plimsoll.settle()
    expect((await volumeOf(volume)).status).toBe('available')
    const [disk, ...others] = await inventory('volume')
    expect([disk!.spec.source?.kind, others]).toEqual(['snapshot', []])
    expect((await at().delete(`${base}/snapshots/${latest}`)).status).toBe(202)
  })

  it('has an image in place of what was in it', async () => {
    const volume = await createVolume(plimsoll, at(), { size: 10 })
    const image_id = await imageNamed(plimsoll.as('demo'), 'sandbox-linux')
    expect((await act(volume, { 'os-reimage': { image_id: volume } })).status).toBe(400)
    expect((await act(volume, { 'os-reimage': {} })).status).toBe(400)
    expect((await act(volume, { 'os-reimage': { image_id } })).status).toBe(202)
    expect((await volumeOf(volume)).status).toBe('downloading')
    await plimsoll.settle()
    expect(await volumeOf(volume)).toMatchObject({
      status: 'available',
      bootable: 'true',
      volume_image_metadata: { image_id },
    })
    const [disk, ...others] = await inventory('volume')
    expect([disk!.spec.source?.kind, others]).toEqual(['image', []])
  })
})
