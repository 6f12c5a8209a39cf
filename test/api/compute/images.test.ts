import { beforeEach, describe, expect, test } from 'vitest'
import { insertImage, updateImage } from '../../../db/queries/image/images.ts'
import { ORIGIN, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const IMAGES = '/compute/v2.1/images'
const at = (minor: number) => ({ 'OpenStack-API-Version': `compute 2.${minor}` })

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  await insertImage(plimsoll.db, {
    id: 'mine',
    projectId: plimsoll.projectId('demo'),
    name: 'my image',
    visibility: 'private',
    status: 'active',
    sizeBytes: 5,
    properties: { image_type: 'snapshot', instance_uuid: 's1' },
    serverId: 's1',
    createdAt: plimsoll.clock.now,
    updatedAt: plimsoll.clock.now,
  })
})

describe('images, until 2.35', () => {
  test('are listed, filtered and paged', async () => {
    const demo = plimsoll.as('demo')
    const all = (await demo.get(IMAGES)).body.images
    expect(all.length).toBeGreaterThan(1)
    expect(all.map(({ id }: { id: string }) => id)).toContain('mine')
    expect(Object.keys(all[0]).sort()).toEqual(['id', 'links', 'name'])
    const only = async (query: string) =>
      (await demo.get(`${IMAGES}/detail?${query}`)).body.images.map(({ id }: { id: string }) => id)
    for (const query of [
      'name=my+image',
      'server=http://x/servers/s1',
      'type=snapshot',
      'property-image_type=snapshot',
    ])
      expect(await only(query)).toEqual(['mine'])
    expect(await only('status=SAVING')).toEqual([])
    expect(await only('changes-since=2030-01-01T00:00:00Z')).toEqual([])
    expect((await demo.get(`${IMAGES}?changes-since=then`)).status).toBe(400)
    const page = (await demo.get(`${IMAGES}?limit=1`)).body
    expect(page.images_links[0].href).toBe(`${ORIGIN}${IMAGES}?limit=1&marker=${page.images[0].id}`)
    expect((await demo.get(`${IMAGES}?marker=x`)).status).toBe(400)
  })

  test('one shows what Nova shows', async () => {
    const { status, body } = await plimsoll.as('demo').get(`${IMAGES}/mine`)
    expect(status).toBe(200)
    const { links, server, ...rest } = body.image
    expect(rest).toEqual({
      id: 'mine',
      name: 'my image',
      status: 'ACTIVE',
      progress: 100,
      minDisk: 0,
      minRam: 0,
      created: '2026-03-01T12:00:00Z',
      updated: '2026-03-01T12:00:00Z',
      metadata: { image_type: 'snapshot', instance_uuid: 's1' },
      'OS-EXT-IMG-SIZE:size': 5,
    })
    expect(links.map(({ rel }: { rel: string }) => rel)).toEqual(['self', 'bookmark', 'alternate'])
    expect(server.id).toBe('s1')
  })

  test('one is deleted by its project alone', async () => {
    await plimsoll.newProject('other')
    const missing = await plimsoll.as('other').delete(`${IMAGES}/mine`)
    expect([missing.status, missing.body.itemNotFound.message]).toEqual([404, 'Image not found.'])
    const { status, body } = await plimsoll.as('demo').delete(`${IMAGES}/mine`)
    expect([status, body]).toEqual([204, null])
    expect((await plimsoll.as('demo').get(`${IMAGES}/mine`)).status).toBe(404)
    const [catalogue] = (await plimsoll.as('demo').get(IMAGES)).body.images
    const refused = await plimsoll.as('demo').delete(`${IMAGES}/${catalogue.id}`)
    expect([refused.status, refused.body.forbidden.message]).toEqual([403, 'You are not allowed to delete the image.'])
  })

  test('a protected one stays', async () => {
    await updateImage(plimsoll.db, 'mine', { protected: true })
    expect((await plimsoll.as('demo').delete(`${IMAGES}/mine`)).status).toBe(403)
  })

  test("are the image service's from then on", async () => {
    for (const path of ['', '/detail', '/mine'])
      expect((await plimsoll.as('demo').get(IMAGES + path, at(36))).status).toBe(404)
    expect((await plimsoll.as('demo').get(`${IMAGES}/mine/metadata`, at(38))).status).toBe(200)
    expect((await plimsoll.as('demo').get(`${IMAGES}/mine/metadata`, at(39))).status).toBe(404)
  })
})

test('metadata of an image', async () => {
  const demo = plimsoll.as('demo')
  const path = `${IMAGES}/mine/metadata`
  expect((await demo.put(path, { metadata: { a: '1' } })).body).toEqual({ metadata: { a: '1' } })
  expect((await demo.post(path, { metadata: { b: '2' } })).body).toEqual({ metadata: { a: '1', b: '2' } })
  expect((await demo.put(`${path}/b`, { meta: { b: '3' } })).body).toEqual({ meta: { b: '3' } })
  expect((await demo.put(`${path}/b`, { meta: { c: '3' } })).body.badRequest.message).toBe(
    'Request body and URI mismatch',
  )
  expect((await demo.get(`${path}/b`)).body).toEqual({ meta: { b: '3' } })
  expect((await demo.delete(`${path}/a`)).status).toBe(204)
  expect((await demo.delete(`${path}/a`)).status).toBe(404)
  expect((await demo.get(`${path}/a`)).status).toBe(404)
  expect((await demo.get(path)).body).toEqual({ metadata: { b: '3' } })
  expect((await demo.put(path, { metadata: { a: 1 } })).status).toBe(400)
  await plimsoll
    .as('admin')
    .put(`/compute/v2.1/os-quota-sets/${plimsoll.projectId('demo')}`, { quota_set: { metadata_items: 1 } })
  const full = await demo.post(path, { metadata: { c: '4' } })
  expect([full.status, full.body.forbidden.message]).toEqual([403, 'Image metadata limit exceeded'])
  const [catalogue] = (await demo.get(`${IMAGES}?status=ACTIVE`)).body.images.filter(
    ({ id }: { id: string }) => id !== 'mine',
  )
  expect((await demo.put(`${IMAGES}/${catalogue.id}/metadata`, { metadata: {} })).status).toBe(403)
})
