import { beforeEach, describe, expect, it } from 'vitest'
import { plant, remembered, vanish } from '../../../adapters/sandbox/backdoor.ts'
import { createVolume } from '../../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { serverOn } from './a-server.ts'
import { askedWhile } from './asked-while.ts'

/* Volumes that are put into servers, and taken out, by the block storage API. */

let plimsoll: Plimsoll
let base: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  base = `/volume/v3/${plimsoll.projectId('demo')}`
})
const at = (who = 'demo', version = '3.70') => plimsoll.as(who).with({ 'OpenStack-API-Version': `volume ${version}` })
const aVolume = (wish = {}) => createVolume(plimsoll, at(), wish)
const shown = async (id: string) => (await at().get(`${base}/volumes/${id}`)).body.volume
const act = (id: string, body: object, client = at()) => client.post(`${base}/volumes/${id}/action`, body)
const words = (answer: { status: number; body: Record<string, { message: string }> }) => [
  answer.status,
  Object.values(answer.body)[0]?.message,
]
const NOBODY = '11111111-2222-4333-8444-555555555555'

describe('actions of a volume', () => {
  it('put it into a server and take it out, and the server shows it', async () => {
    const [server, id] = [await serverOn(plimsoll), await aVolume()]
    expect((await act(id, { 'os-attach': { instance_uuid: server.id, mountpoint: '/dev/vdc' } })).status).toBe(202)
    await plimsoll.settle()
    const [attachment] = (await shown(id)).attachments
    expect(attachment).toMatchObject({ server_id: server.id })
    const inside = await plimsoll.as('demo').get(`/compute/v2.1/servers/${server.id}/os-volume_attachments`)
    expect(inside.body.volumeAttachments).toMatchObject([{ volumeId: id }])

    expect((await act(id, { 'os-begin_detaching': null })).status).toBe(202)
    expect((await shown(id)).status).toBe('detaching')
    expect((await act(id, { 'os-roll_detaching': null })).status).toBe(202)
    expect((await shown(id)).status).toBe('in-use')
    expect((await act(id, { 'os-detach': { attachment_id: NOBODY } })).status).toBe(404)
    expect((await act(id, { 'os-detach': { attachment_id: attachment.attachment_id } })).status).toBe(202)
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ status: 'available', attachments: [] })
    expect((await act(id, { 'os-detach': {} })).status).toBe(202)
    expect(words(await act(id, { 'os-begin_detaching': null }))).toEqual([
      400,
      "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
    ])
  })

  it('keep it for somebody, and give it back', async () => {
    const [server, id] = [await serverOn(plimsoll), await aVolume()]
    expect((await act(id, { 'os-reserve': null })).status).toBe(202)
    expect((await shown(id)).status).toBe('attaching')
    expect((await act(id, { 'os-reserve': null })).status).toBe(400)
    expect((await act(id, { 'os-unreserve': null })).status).toBe(202)
    expect((await shown(id)).status).toBe('available')
    expect((await act(id, { 'os-unreserve': null })).status).toBe(202)
    await act(id, { 'os-reserve': null })
    expect((await act(id, { 'os-attach': { instance_uuid: server.id, mountpoint: '/dev/vdb' } })).status).toBe(202)
    await act(id, { 'os-unreserve': null })
    await plimsoll.settle()
    expect((await shown(id)).status).toBe('in-use')
  })

  it('take it out by force, whatever its status is said to be', async () => {
    const [server, id] = [await serverOn(plimsoll), await aVolume()]
    await act(id, { 'os-attach': { instance_uuid: server.id, mountpoint: '/dev/vdb' } })
    await plimsoll.settle()
    await act(id, { 'os-reset_status': { status: 'error' } }, at('admin'))
    expect((await act(id, { 'os-force_detach': {} })).status).toBe(403)
    expect((await act(id, { 'os-force_detach': { connector: null } }, at('admin'))).status).toBe(202)
    await plimsoll.settle()
    expect((await shown(id)).attachments).toEqual([])
  })

  it('leave a server that the compute API would leave alone', async () => {
    const [server, id] = [await serverOn(plimsoll), await aVolume()]
    await act(id, { 'os-attach': { instance_uuid: server.id, mountpoint: '/dev/vdb' } })
    await plimsoll.settle()
    const { attachment_id } = (await shown(id)).attachments[0]
    const other = await aVolume()
    const asked = () => [
      act(id, { 'os-detach': {} }),
      at().delete(`${base}/attachments/${attachment_id}`),
      act(other, { 'os-attach': { instance_uuid: server.id, mountpoint: '/dev/vdc' } }),
    ]
    await plimsoll.db.$client.prepare('update servers set locked = 1').run()
    for (const answer of await Promise.all(asked()))
      expect(words(answer)).toEqual([409, `Instance ${server.id} is locked`])
    await plimsoll.db.$client.prepare("update servers set locked = 0, vm_state = 'suspended'").run()
    const [first, ...others] = (await Promise.all(asked())).map(words)
    expect(first).toEqual([409, `Cannot 'detach_volume' instance ${server.id} while it is in vm_state suspended`])
    expect(others.map(([status]) => status)).toEqual([409, 409])
    expect((await shown(id)).status).toBe('in-use')
    await plimsoll.db.$client.prepare("update servers set vm_state = 'active'").run()
    expect((await act(id, { 'os-detach': {} })).status).toBe(202)
  })

  it('give back one that was kept for somebody when it is taken out of nothing', async () => {
    const id = await aVolume()
    await act(id, { 'os-reserve': null })
    expect((await act(id, { 'os-detach': {} })).status).toBe(202)
    expect((await shown(id)).status).toBe('available')
  })

  it('know servers, and no hosts', async () => {
    const id = await aVolume()
    const attach = (body: object) => act(id, { 'os-attach': { mountpoint: '/dev/vdb', ...body } })
    expect(words(await attach({}))).toEqual([400, 'Invalid request to attach volume to an invalid target'])
    expect(words(await attach({ host_name: 'h' }))).toEqual([501, expect.stringMatching(/connector of a host/)])
    expect(words(await attach({ instance_uuid: NOBODY }))).toEqual([
      400,
      `Invalid input received: there is no server ${NOBODY}.`,
    ])
    const server = await serverOn(plimsoll)
    expect((await attach({ instance_uuid: server.id, mode: 'ro' })).status).toBe(400)
    expect((await act(id, { 'os-attach': { mountpoint: 7 } })).status).toBe(400)
  })
})

describe('attachments', () => {
  it('are made and undone as the compute API makes them', async () => {
    const [server, id] = [await serverOn(plimsoll), await aVolume()]
    const made = await at().post(`${base}/attachments`, { attachment: { volume_uuid: id, instance_uuid: server.id } })
    expect([made.status, made.body.attachment]).toEqual([
      200,
      expect.objectContaining({ status: 'attaching', instance: server.id, volume_id: id, attach_mode: 'rw' }),
    ])
    const path = `${base}/attachments/${made.body.attachment.id}`
    expect((await at().post(`${path}/action`, { 'os-complete': null })).status).toBe(204)
    await plimsoll.settle()
    expect((await at().get(path)).body.attachment.status).toBe('attached')
    const again = await at().post(`${base}/attachments`, { attachment: { volume_uuid: id, instance_uuid: server.id } })
    expect(again.status).toBe(400)
    const gone = await at().delete(path)
    expect([gone.status, gone.body.attachments]).toEqual([200, [expect.objectContaining({ status: 'detaching' })]])
    expect((await at().delete(path)).status).toBe(400)
    await plimsoll.settle()
    expect((await at().get(path)).status).toBe(404)
    expect((await shown(id)).status).toBe('available')
  })

  it('keep a volume for somebody, where no server is named yet', async () => {
    const [server, id] = [await serverOn(plimsoll), await aVolume()]
    const make = (more: object = {}) => at().post(`${base}/attachments`, { attachment: { volume_uuid: id, ...more } })
    const { status, body } = await make({ connector: {} })
    const kept = body.attachment
    expect([status, kept]).toEqual([
      200,
      expect.objectContaining({
        status: 'reserved',
        instance: null,
        volume_id: id,
        attached_at: '',
        connection_info: {},
      }),
    ])
    const path = `${base}/attachments/${kept.id}`
    expect(await shown(id)).toMatchObject({ status: 'reserved', attachments: [] })
    expect((await at().get(path)).body.attachment).toEqual(kept)
    expect((await at().get(`${base}/attachments?status=reserved`)).body.attachments).toMatchObject([{ id: kept.id }])
    // Nobody else has it meanwhile, and nobody says that a host has connected what no host can.
    expect((await make({ instance_uuid: server.id })).status).toBe(400)
    expect((await make()).status).toBe(400)
    expect((await at().delete(`${base}/volumes/${id}`)).status).toBe(400)
    expect((await at().put(path, { attachment: { connector: { host: 'h' } } })).status).toBe(501)
    expect((await at().post(`${path}/action`, { 'os-complete': null })).status).toBe(400)
    const gone = await at().delete(path)
    expect([gone.status, gone.body]).toEqual([200, { attachments: [] }])
    expect([(await at().delete(path)).status, (await shown(id)).status]).toEqual([404, 'available'])
    expect((await make({ instance_uuid: server.id })).status).toBe(200)
  })

  it('that only keep a volume do so though it is lost and found again', async () => {
    const id = await aVolume()
    const { body } = await at().post(`${base}/attachments`, { attachment: { volume_uuid: id } })
    const [state, cloud] = [plimsoll.host.cloudState, plimsoll.cloudId('sandbox')]
    const [below] = await remembered(state, cloud, 'volume')
    const renamed = async (name: string) => {
      expect((await at().put(`${base}/volumes/${id}`, { volume: { name } })).status).toBe(200)
      await plimsoll.settle()
      return (await shown(id)).status
    }
    await vanish(state, cloud, 'volume', below!.id)
    expect(await renamed('lost')).toBe('error')
    await plant(state, cloud, below!)
    expect(await renamed('found')).toBe('reserved')
    expect((await at().delete(`${base}/attachments/${body.attachment.id}`)).status).toBe(200)
    expect((await at().delete(`${base}/volumes/${id}`)).status).toBe(202)
  })

  it('that only keep a volume are gone where an administrator says that it is free', async () => {
    const id = await aVolume()
    await at().post(`${base}/attachments`, { attachment: { volume_uuid: id } })
    const reset = (status: string) =>
      at('admin').post(`${base}/volumes/${id}/action`, { 'os-reset_status': { status } })
    expect((await reset('error')).status).toBe(202)
    expect((await at().get(`${base}/attachments`)).body.attachments).toHaveLength(1)
    expect((await reset('available')).status).toBe(202)
    expect((await at().get(`${base}/attachments`)).body.attachments).toEqual([])
    expect((await at().delete(`${base}/volumes/${id}`)).status).toBe(202)
  })

  it('are of servers, and of no hosts with connectors', async () => {
    const [server, id] = [await serverOn(plimsoll), await aVolume()]
    const make = (more: object, version = '3.70') =>
      at('demo', version).post(`${base}/attachments`, { attachment: { volume_uuid: id, ...more } })
    expect((await make({ connector: { host: 'h' } })).status).toBe(501)
    expect((await make({ instance_uuid: server.id, connector: { host: 'h' } })).status).toBe(501)
    expect((await make({ instance_uuid: server.id, mode: 'ro' })).status).toBe(400)
    expect((await make({ instance_uuid: server.id, mode: 'rw' }, '3.53')).status).toBe(400)
    expect((await make({ instance_uuid: NOBODY })).status).toBe(400)
    expect((await make({ volume_uuid: NOBODY, instance_uuid: server.id })).status).toBe(404)
    const made = (await make({ instance_uuid: server.id })).body.attachment.id
    const put = (body: object) => at().put(`${base}/attachments/${made}`, { attachment: body })
    expect([(await put({ connector: { host: 'h' } })).status, (await put({})).status]).toEqual([501, 400])
    expect((await at('demo', '3.43').post(`${base}/attachments/${made}/action`, { 'os-complete': null })).status).toBe(
      404,
    )
  })
})

describe('a snapshot under way', () => {
  it('is as far as somebody says', async () => {
    const volume = await aVolume()
    const { id } = (await at().post(`${base}/snapshots`, { snapshot: { volume_id: volume } })).body.snapshot
    await plimsoll.settle()
    const path = `${base}/snapshots/${id}`
    const tell = (body: object) => at().post(`${path}/action`, { 'os-update_snapshot_status': body })
    expect(words(await tell({ status: 'error' }))).toEqual([
      400,
      'Snapshot status available not allowed for update_snapshot_status',
    ])
    await at('admin').post(`${path}/action`, { 'os-reset_status': { status: 'creating' } })
    expect((await tell({ status: 'error', progress: 'much' })).status).toBe(400)
    expect((await tell({ status: 'deleting' })).status).toBe(400)
    const reset = () => at('admin').post(`${path}/action`, { 'os-reset_status': { status: 'deleting' } })
    const late = await askedWhile(plimsoll, reset, () => tell({ status: 'available' }))
    expect(words(late)).toEqual([400, 'Invalid snapshot: Its status has changed.'])
    expect((await at().get(path)).body.snapshot.status).toBe('deleting')
    await at('admin').post(`${path}/action`, { 'os-reset_status': { status: 'creating' } })
    expect((await tell({ status: 'error', progress: '80%' })).status).toBe(202)
    expect((await at().get(path)).body.snapshot).toMatchObject({
      ...{ status: 'error', 'os-extended-snapshot-attributes:progress': '80%' },
    })
  })
})
