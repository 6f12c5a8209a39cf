import { expect, it } from 'vitest'
import { remembered } from '../../../adapters/sandbox/backdoor.ts'
import { createVolume } from '../../support/builders.ts'
import { startPlimsoll } from '../../support/harness.ts'
import { strangerOn } from '../broker/foreign.ts'

it('a volume is given up to its cloud, listed as one of its own, and taken over again', async () => {
  const plimsoll = await startPlimsoll()
  const base = `/volume/v3/${plimsoll.projectId('demo')}`
  const at = (who: string) => plimsoll.as(who).with({ 'OpenStack-API-Version': 'volume 3.70' })
  const admin = at('admin')
  const id = await createVolume(plimsoll, at('demo'), { size: 2, name: 'ours', availability_zone: 'sandbox.a' })
  const unmanage = (who: string) => at(who).post(`${base}/volumes/${id}/action`, { 'os-unmanage': {} })
  expect((await unmanage('demo')).status).toBe(403)
  const list = async (path = '', host = 'sandbox@a') =>
    (await admin.get(`${base}/manageable_volumes${path}?host=${host}`)).body['manageable-volumes']
  expect(await list()).toEqual([])
  expect((await unmanage('admin')).status).toBe(202)
  expect((await at('demo').get(`${base}/volumes/${id}`)).status).toBe(404)
  const [found] = await list()
  expect(found).toMatchObject({ size: 2, safe_to_manage: true })
  expect(await list('', 'sandbox@b')).toEqual([])
  expect((await admin.get(`${base}/manageable_volumes/detail?host=sandbox`)).body['manageable-volumes']).toMatchObject([
    { ...found, cinder_id: null },
  ])
  const volume = { host: 'sandbox@a#default', ref: found.reference, name: 'again', metadata: { a: 'b' } }
  const managed = await admin.post(`${base}/manageable_volumes`, { volume })
  expect([managed.status, managed.body.volume]).toMatchObject([202, { name: 'again', size: 2, metadata: { a: 'b' } }])
  await plimsoll.settle()
  expect((await at('demo').get(`${base}/volumes/${managed.body.volume.id}`)).body.volume.status).toBe('available')
  expect(await list()).toEqual([])
  const { make, strip } = strangerOn(plimsoll)
  const theirs = await make('volume', { name: 'theirs', sizeGiB: 1, zone: 'a', type: 'fast', source: null })
  await strip('volume', theirs)
  const old = { volume: { host: 'sandbox@a', ref: { 'source-name': theirs } } }
  expect((await admin.post(`${base}/os-volume-manage`, old)).body.volume).toMatchObject({ volume_type: 'fast' })
  const refused = { volume: { host: 'sandbox@a', ref: { 'source-id': 'none' } } }
  expect((await admin.post(`${base}/os-volume-manage`, refused)).status).toBe(400)
  expect((await admin.post(`${base}/os-volume-manage`, { volume: { host: 'x@y', ref: {} } })).status).toBe(400)
  expect((await admin.get(`${base}/manageable_volumes`)).status).toBe(400)
})

it('neither what is no volume nor what the project has already is taken over as a volume', async () => {
  const plimsoll = await startPlimsoll()
  const base = `/volume/v3/${plimsoll.projectId('demo')}`
  const admin = plimsoll.as('admin').with({ 'OpenStack-API-Version': 'volume 3.70' })
  const { make, strip } = strangerOn(plimsoll)
  const manage = async (ref: string) => {
    const volume = { host: 'sandbox@a', ref: { 'source-id': ref }, name: 'taken' }
    return admin.post(`${base}/manageable_volumes`, { volume })
  }
  const network = await make('network', { name: 'theirs', cidrs: ['10.9.0.0/24'] })
  await strip('network', network)
  expect((await manage(network)).status).toBe(400)
  expect((await plimsoll.as('demo').get('/network/v2.0/networks?name=theirs')).body.networks).toEqual([])
  const disk = await make('volume', { name: 'theirs', sizeGiB: 1, zone: 'a', type: 'fast', source: null })
  await strip('volume', disk)
  const { body } = await manage(disk)
  expect(body.volume).toMatchObject({ name: 'taken' })
  const renamed = { volume: { name: 'kept' } }
  expect((await admin.put(`${base}/volumes/${body.volume.id}`, renamed)).status).toBe(200)
  const again = await manage(disk)
  expect([again.status, again.body.badRequest.message]).toEqual([400, expect.stringMatching(/managed already/)])
  expect((await admin.get(`${base}/volumes/${body.volume.id}`)).body.volume.name).toBe('kept')
})

it('a snapshot is given up to its cloud, and then its volume may be', async () => {
  const plimsoll = await startPlimsoll()
  const base = `/volume/v3/${plimsoll.projectId('demo')}`
  const at = (who: string) => plimsoll.as(who).with({ 'OpenStack-API-Version': 'volume 3.70' })
  const volume_id = await createVolume(plimsoll, at('demo'))
  const made = await at('demo').post(`${base}/snapshots`, { snapshot: { volume_id, name: 'kept' } })
  const { id } = made.body.snapshot
  const unmanage = (who: string) => at(who).post(`${base}/snapshots/${id}/action`, { 'os-unmanage': {} })
  const early = await unmanage('admin')
  expect([early.status, early.body.badRequest.message]).toEqual([
    400,
    'Invalid snapshot: Snapshot status must be available or error and must not be part of a group.',
  ])
  await plimsoll.settle()
  expect((await unmanage('demo')).body.forbidden.message).toBe(
    "Policy doesn't allow snapshot_extension:snapshot_unmanage to be performed.",
  )
  expect((await unmanage('admin')).status).toBe(202)
  expect((await at('demo').get(`${base}/snapshots/${id}`)).status).toBe(404)
  expect((await at('demo').get(`${base}/limits`)).body.limits.absolute.totalSnapshotsUsed).toBe(0)
  const below = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'snapshot')
  expect(below).toMatchObject([{ mark: null, goneAt: null }])
  // Nothing is lost with it any more.
  expect((await at('admin').post(`${base}/volumes/${volume_id}/action`, { 'os-unmanage': {} })).status).toBe(202)
})

it('a snapshot is listed as one of its cloud, and taken over again for the volume that it is of', async () => {
  const plimsoll = await startPlimsoll()
  const base = `/volume/v3/${plimsoll.projectId('demo')}`
  const at = (who: string) => plimsoll.as(who).with({ 'OpenStack-API-Version': 'volume 3.70' })
  const admin = at('admin')
  const [volume_id, other] = [await createVolume(plimsoll, at('demo')), await createVolume(plimsoll, at('demo'))]
  const made = await at('demo').post(`${base}/snapshots`, { snapshot: { volume_id, name: 'kept' } })
  const { id } = made.body.snapshot
  await plimsoll.settle()
  const list = async () => (await admin.get(`${base}/manageable_snapshots?host=sandbox@a`)).body['manageable-snapshots']
  expect(await list()).toEqual([])
  await admin.post(`${base}/snapshots/${id}/action`, { 'os-unmanage': {} })
  const [found] = await list()
  expect(found).toMatchObject({
    size: 1,
    safe_to_manage: true,
    source_reference: { 'source-name': expect.any(String) },
  })
  const full = (await admin.get(`${base}/manageable_snapshots/detail?host=sandbox@a`)).body['manageable-snapshots']
  expect(full).toEqual([{ ...found, reason_not_safe: null, cinder_id: null, extra_info: 'kept' }])
  const manage = (more: object, client = admin) =>
    client.post(`${base}/manageable_snapshots`, { snapshot: { volume_id, ref: found.reference, ...more } })
  const refused = async (more: object) => {
    const { status, body } = await manage(more)
    return [status, (Object.values(body)[0] as { message: string }).message]
  }
  expect((await manage({}, at('demo'))).status).toBe(403)
  expect(await refused({ volume_id: other })).toEqual([400, expect.stringContaining('It is of another volume.')])
  expect(await refused({ ref: { 'source-name': 'none' } })).toEqual([400, expect.stringContaining('no such snapshot')])
  expect(await refused({ volume_id: crypto.randomUUID() })).toEqual([
    404,
    expect.stringContaining('could not be found'),
  ])
  expect(await refused({ ref: {} })).toEqual([400, 'Reference must contain source-id or source-name element.'])
  expect((await refused({ colour: 'red' }))[0]).toBe(400)
  const { status, body } = await manage({ name: 'again', metadata: { a: 'b' } })
  expect([status, body.snapshot]).toMatchObject([202, { name: 'again', volume_id, size: 1, metadata: { a: 'b' } }])
  await plimsoll.settle()
  expect((await at('demo').get(`${base}/snapshots/${body.snapshot.id}`)).body.snapshot.status).toBe('available')
  expect([await list(), (await refused({}))[0]]).toEqual([[], 400])
  const old = { snapshot: { volume_id, ref: found.reference } }
  expect((await admin.post(`${base}/os-snapshot-manage`, old)).body.badRequest.message).toMatch(/managed already/)
  const copy = { volume: { size: 1, snapshot_id: body.snapshot.id } }
  expect((await at('demo').post(`${base}/volumes`, copy)).status).toBe(202)
  await plimsoll.settle()
  expect((await at('demo').delete(`${base}/snapshots/${body.snapshot.id}`)).status).toBe(202)
  await plimsoll.settle()
  const below = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'snapshot')
  expect(below.filter(({ goneAt }) => goneAt === null)).toEqual([])
  expect((await admin.get(`${base}/manageable_snapshots`)).status).toBe(400)
  expect((await admin.get(`${base}/manageable_snapshots?host=nowhere@a`)).status).toBe(404)
})
