import { beforeEach, describe, expect, it } from 'vitest'
import { actionsOf } from '../../../db/queries/compute/server-parts.ts'
import { everyProject } from '../../../db/scope.ts'
import { createServerImage, imageFor } from '../../../functions/broker/image/image.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { serverOn } from '../block-storage/a-server.ts'

let plimsoll: Plimsoll
const start = async (options = {}) => {
  plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', options }] })
}
beforeEach(() => start())
const shown = async (id: string) => (await plimsoll.as('demo').get(`/image/v2/images/${id}`)).body
const boundPhases = async (id: string) =>
  (await plimsoll.host.d1.prepare('select phase from bindings where resource_id = ?').bind(id).all()).results.map(
    (row) => row.phase,
  )

describe('an image of a server', () => {
  it('is queued, saved and active, and carries what its parent said', async () => {
    const server = await serverOn(plimsoll)
    const id = await createServerImage(plimsoll.context('demo'), server, 'snap', { own: 'yes' })
    expect(await shown(id)).toMatchObject({
      status: 'queued',
      visibility: 'private',
      owner: plimsoll.projectId('demo'),
    })
    await plimsoll.runDeferred()
    expect((await shown(id)).status).toBe('saving')
    expect((await plimsoll.as('demo').get('/image/v2/images?status=saving')).body.images).toHaveLength(1)
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({
      name: 'snap',
      status: 'active',
      size: expect.any(Number),
      min_disk: 10,
      image_type: 'snapshot',
      instance_uuid: server.id,
      base_image_ref: server.imageId,
      os_type: 'linux',
      own: 'yes',
      'plimsoll:clouds': 'sandbox',
    })
    expect(await actionsOf(plimsoll.db, everyProject, { id: server.id, deleted: true }, { limit: 1 })).toMatchObject([
      { action: 'createImage', state: 'done' },
    ])
    const found = await imageFor(plimsoll.context('demo'), id)
    expect(found!.bindings.map(({ cloudId, phase }) => [cloudId, phase])).toEqual([
      [plimsoll.cloudId('sandbox'), 'bound'],
    ])

    expect((await plimsoll.as('demo').delete(`/image/v2/images/${id}`)).status).toBe(204)
    await plimsoll.settle()
    expect(await boundPhases(id)).toEqual(['gone'])
  })

  it('is renamed on its cloud too', async () => {
    const id = await createServerImage(plimsoll.context('demo'), await serverOn(plimsoll), 'snap', {})
    await plimsoll.settle()
    const patch = [{ op: 'replace', path: '/name', value: 'kept' }]
    const headers = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }
    await plimsoll.as('demo').patch(`/image/v2/images/${id}`, patch, headers)
    await plimsoll.settle()
    const state = await plimsoll.host.cloudState.list('', 1000)
    expect(JSON.stringify(state)).toContain('"kept"')
  })

  it('that the cloud refuses is killed, and the server is free again', async () => {
    await start({ faults: [{ method: 'image.create', fault: 'definitive', message: 'Not this one.' }] })
    const server = await serverOn(plimsoll)
    const id = await createServerImage(plimsoll.context('demo'), server, 'snap', {})
    await plimsoll.settle()
    expect((await shown(id)).status).toBe('killed')
    const [entry] = await actionsOf(plimsoll.db, everyProject, { id: server.id, deleted: true }, { limit: 1 })
    expect([entry!.state, entry!.message]).toEqual(['failed', 'Not this one.'])
    await plimsoll.as('demo').delete(`/image/v2/images/${id}`)
    await plimsoll.settle()
    expect(await boundPhases(id)).toEqual(['gone'])
  })

  it('that is deleted while it is made leaves nothing behind', async () => {
    const server = await serverOn(plimsoll)
    const id = await createServerImage(plimsoll.context('demo'), server, 'snap', {})
    await plimsoll.runDeferred()
    await plimsoll.as('demo').delete(`/image/v2/images/${id}`)
    await plimsoll.settle()
    expect(await boundPhases(id)).toEqual(['gone'])
    expect(await actionsOf(plimsoll.db, everyProject, { id: server.id, deleted: true }, { limit: 1 })).toMatchObject([
      { action: 'createImage', state: 'failed' },
    ])
  })
})
