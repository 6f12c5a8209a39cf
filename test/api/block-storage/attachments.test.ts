import { beforeEach, describe, expect, it } from 'vitest'
import { attachmentBetween } from '../../../db/queries/block-storage/attachments.ts'
import { actionsOf } from '../../../db/queries/compute/server-parts.ts'
import { everyProject } from '../../../db/scope.ts'
import {
  attachVolume,
  detachVolume,
  endAttachments,
  keepVolume,
} from '../../../functions/broker/block-storage/attachment.ts'
import { volumeFor } from '../../../functions/broker/block-storage/volume.ts'
import { VolumeRefused } from '../../../functions/broker/block-storage/volume-refusal.ts'
import { Refused } from '../../../functions/broker/line/refused.ts'
import { unwanted } from '../../../functions/broker/line/resources.ts'
import { createVolume } from '../../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { serverOn } from './a-server.ts'

let plimsoll: Plimsoll
let base: string
const start = async (options = {}) => {
  plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', options }] })
  base = `/volume/v3/${plimsoll.projectId('demo')}`
}
beforeEach(() => start())
const demo = () => plimsoll.as('demo').with({ 'OpenStack-API-Version': 'volume 3.70' })
const aVolume = (wish = {}) => createVolume(plimsoll, demo(), wish)
const statusOf = async (id: string) => (await demo().get(`${base}/volumes/${id}`)).body.volume?.status

const aServer = () => serverOn(plimsoll)
const OPTIONS = { device: null, tag: null, deleteOnTermination: false }
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error) => (error instanceof VolumeRefused || error instanceof Refused ? error.refusal : error),
  )

describe('a volume in a server', () => {
  it('grows there, and the history of the server tells how that went', async () => {
    await start({ faults: [{ method: 'volume.update', fault: 'definitive', after: 2, count: 1, message: 'No room.' }] })
    const [server, id] = [await aServer(), await aVolume()]
    const context = plimsoll.context('demo')
    await attachVolume(context, server, (await volumeFor(context, id))!, OPTIONS)
    await plimsoll.settle()
    const nova = plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.96' })
    const history = `/compute/v2.1/servers/${server.id}/os-instance-actions`
    const grow = async (new_size: number) => {
      const grown = await demo().post(`${base}/volumes/${id}/action`, { 'os-extend': { new_size } })
      expect(grown.status).toBe(202)
      const [newest] = (await nova.get(history)).body.instanceActions
      expect(newest).toMatchObject({ action: 'extend_volume', project_id: server.projectId, message: null })
      const during = (await nova.get(`${history}/${newest.request_id}`)).body.instanceAction.events
      expect(during).toMatchObject([{ event: 'compute_extend_volume', result: null, finish_time: null }])
      await plimsoll.settle()
      return (await nova.get(`${history}/${newest.request_id}`)).body.instanceAction
    }
    expect((await grow(2)).events).toMatchObject([{ result: 'Success', finish_time: expect.any(String) }])
    expect(await statusOf(id)).toBe('in-use')
    expect(await grow(3)).toMatchObject({
      message: expect.stringContaining('No room.'),
      events: [{ event: 'compute_extend_volume', result: 'Error' }],
    })
    expect(await statusOf(id)).toBe('error_extending')
  })

  it('that grows when an administrator resets it is told as not grown', async () => {
    const [server, id] = [await aServer(), await aVolume()]
    const context = plimsoll.context('demo')
    await attachVolume(context, server, (await volumeFor(context, id))!, OPTIONS)
    await plimsoll.settle()
    await demo().post(`${base}/volumes/${id}/action`, { 'os-extend': { new_size: 2 } })
    await plimsoll.as('admin').post(`${base}/volumes/${id}/action`, { 'os-reset_status': { status: 'in-use' } })
    const [newest] = await actionsOf(plimsoll.db, everyProject, { id: server.id, deleted: true }, { limit: 1 })
    expect(newest).toMatchObject({ action: 'extend_volume', state: 'failed', message: 'The state was reset.' })
  })

  it('goes in and comes out, and the server remembers it', async () => {
    const [server, id] = [await aServer(), await aVolume()]
    const context = plimsoll.context('demo')
    await attachVolume(context, server, (await volumeFor(context, id))!, OPTIONS)
    expect(await statusOf(id)).toBe('reserved')
    expect((await demo().get(`${base}/volumes/${id}`)).body.volume.attachments).toEqual([])
    await plimsoll.runDeferred()
    expect(await statusOf(id)).toBe('attaching')
    await plimsoll.settle()
    const { volume } = (await demo().get(`${base}/volumes/${id}`)).body
    expect(volume).toMatchObject({
      status: 'in-use',
      attachments: [{ id, volume_id: id, server_id: server.id, device: expect.stringMatching(/^\/dev\//) }],
    })

    const [listed] = (await demo().get(`${base}/attachments?volume_id=${id}`)).body.attachments
    expect(listed).toEqual({
      id: volume.attachments[0].attachment_id,
      status: 'attached',
      instance: server.id,
      volume_id: id,
    })
    expect((await demo().get(`${base}/attachments/detail`)).body.attachments[0]).toMatchObject({ attach_mode: 'rw' })
    expect((await demo().get(`${base}/attachments/${listed.id}`)).body.attachment).toMatchObject({ status: 'attached' })
    expect((await demo().get(`${base}/attachments/x`)).status).toBe(404)
    expect((await demo().delete(`${base}/volumes/${id}`)).status).toBe(400)
    expect((await demo().post(`${base}/volumes/${id}/action`, { 'os-extend': { new_size: 2 } })).status).toBe(202)
    await plimsoll.settle()
    expect(await statusOf(id)).toBe('in-use')

    const attachment = (await attachmentBetween(plimsoll.db, everyProject, server.id, id))!
    await keepVolume(context, attachment, true)
    await detachVolume(context, server, attachment)
    expect(await statusOf(id)).toBe('detaching')
    expect(await refusalOf(detachVolume(context, server, { ...attachment, status: 'detaching' }))).toMatchObject({
      kind: 'status',
    })
    await plimsoll.settle()
    expect(await statusOf(id)).toBe('available')
    const history = await actionsOf(plimsoll.db, everyProject, { id: server.id, deleted: true }, { limit: 10 })
    expect(history.map(({ action, state, args }) => [action, state, args.volume_id])).toEqual([
      ['detach_volume', 'done', id],
      ['extend_volume', 'done', id],
      ['attach_volume', 'done', id],
    ])
    expect((await demo().get(`${base}/attachments`)).body.attachments).toEqual([])
  })

  it('is listed newest first, page by page', async () => {
    const [server, first, second] = [await aServer(), await aVolume(), await aVolume()]
    for (const id of [first, second]) {
      await attachVolume(plimsoll.context('demo'), server, (await volumeFor(plimsoll.context('demo'), id))!, OPTIONS)
      await plimsoll.settle()
      plimsoll.clock.advance(1_000)
    }
    const page = async (query: string) => (await demo().get(`${base}/attachments?${query}`)).body.attachments
    const volumesOn = async (query: string) =>
      (await page(query)).map(({ volume_id }: { volume_id: string }) => volume_id)
    const [newest, older] = await page('')
    expect([newest.volume_id, older.volume_id]).toEqual([second, first])
    expect(await volumesOn('limit=1')).toEqual([second])
    expect(await volumesOn(`limit=1&marker=${newest.id}`)).toEqual([first])
    expect(await volumesOn('offset=1')).toEqual([first])
    expect(await volumesOn('sort=created_at:asc')).toEqual([first, second])
    expect(await page(`marker=${older.id}`)).toEqual([])

    expect((await demo().get(`${base}/attachments?marker=x`)).status).toBe(404)
    expect((await demo().get(`${base}/attachments?sort=secret`)).status).toBe(400)
  })

  it('is refused before any cloud is asked when they are in different places', async () => {
    await plimsoll.addCloud({ name: 'other', type: 'sandbox' })
    const server = await aServer()
    const context = plimsoll.context('demo')
    const refused = async (wish: object) =>
      refusalOf(attachVolume(context, server, (await volumeFor(context, await aVolume(wish)))!, OPTIONS))
    expect(await refused({ availability_zone: 'sandbox.b' })).toEqual({
      kind: 'elsewhere',
      what: 'server',
      here: 'b',
      there: 'a',
    })
    expect(await refused({ availability_zone: 'other' })).toMatchObject({ kind: 'elsewhere', here: 'other.a' })
  })

  it('is in one server at a time, whoever asks first', async () => {
    const [one, two, id] = [await aServer(), await aServer(), await aVolume()]
    const context = plimsoll.context('demo')
    const volume = (await volumeFor(context, id))!
    const results = await Promise.all(
      [one, two].map((server) => refusalOf(attachVolume(context, server, volume, OPTIONS).then(() => 'done'))),
    )
    expect(results).toContain('done')
    expect(results).toContainEqual({ kind: 'guard', what: 'volume-status' })
    await plimsoll.settle()
    expect(await statusOf(id)).toBe('in-use')
  })

  it('that is read-only stays out', async () => {
    const [server, id] = [await aServer(), await aVolume()]
    await demo().post(`${base}/volumes/${id}/action`, { 'os-update_readonly_flag': { readonly: true } })
    const context = plimsoll.context('demo')
    expect(await refusalOf(attachVolume(context, server, (await volumeFor(context, id))!, OPTIONS))).toEqual({
      kind: 'readonly',
    })
  })

  it('is free again when the cloud refuses it', async () => {
    await start({ faults: [{ method: 'attachment.create', fault: 'definitive', message: 'No slot is left.' }] })
    const [server, id] = [await aServer(), await aVolume()]
    const context = plimsoll.context('demo')
    await attachVolume(context, server, (await volumeFor(context, id))!, OPTIONS)
    await plimsoll.settle()
    expect(await statusOf(id)).toBe('available')
    const [entry] = await actionsOf(plimsoll.db, everyProject, { id: server.id, deleted: true }, { limit: 1 })
    expect([entry!.state, entry!.message]).toEqual(['failed', 'No slot is left.'])
    const left = await plimsoll.host.d1.prepare("select phase from bindings where kind = 'attachment'").all()
    expect(left.results).toEqual([{ phase: 'gone' }])
  })

  it('is free again when its server goes, or goes with it', async () => {
    const [server, kept, doomed] = [await aServer(), await aVolume(), await aVolume()]
    const context = plimsoll.context('demo')
    for (const [id, deleteOnTermination] of [
      [kept, false],
      [doomed, true],
    ] as const)
      await attachVolume(context, server, (await volumeFor(context, id))!, { ...OPTIONS, deleteOnTermination })
    await plimsoll.settle()
    await plimsoll.db.batch((await endAttachments(context, server.id)) as never)
    await plimsoll.db.batch([unwanted(context, 'server', server.id) as never])
    expect(await statusOf(kept)).toBe('available')
    expect(await statusOf(doomed)).toBe('deleting')
    await plimsoll.settle()
    expect([await statusOf(kept), await statusOf(doomed)]).toEqual(['available', undefined])
    expect(await endAttachments(context, server.id)).toEqual([])
  })
})
