import { beforeEach, describe, expect, it } from 'vitest'
import { rawDisk } from '../../support/disks.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const MIB = 2 ** 20
let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
})
const demo = () => plimsoll.as('demo')
const quotaPath = () => `/broker/v1/projects/${plimsoll.projectId('demo')}/quotas/image`
const limit = async (quota: object) => expect((await plimsoll.as('admin').put(quotaPath(), { quota })).status).toBe(200)
const create = () => demo().post('/image/v2/images', { name: 'own', disk_format: 'raw', container_format: 'bare' })
const created = async () => (await create()).body.id as string
const put = (id: string, what: 'file' | 'stage', data: Uint8Array | ReadableStream) =>
  demo().put(`/image/v2/images/${id}/${what}`, data, { 'Content-Type': 'application/octet-stream' })
const status = async (id: string) => (await demo().get(`/image/v2/images/${id}`)).body.status
const usage = async () => (await demo().get('/image/v2/info/usage')).body.usage
const passed = (resource: string, most: number, used: number, delta: number) =>
  `Project ${plimsoll.projectId('demo')} is over a limit for [Resource ${resource} is over limit of ${most} due to current usage ${used} and delta ${delta}]`

/** Of unknown length, in pieces; `between` happens before each. */
const pieces = (bytes: Uint8Array, between: () => unknown = () => {}) => {
  let at = 0
  return new ReadableStream<Uint8Array>({
    async pull(to) {
      await between()
      if (at >= bytes.length) return to.close()
      to.enqueue(bytes.slice(at, at + 100_000))
      at += 100_000
    },
  })
}

describe('limits on images', () => {
  it('are shown to the project with what it uses, and set by administrators', async () => {
    expect(await usage()).toEqual({
      image_size_total: { limit: 1048576, usage: 0 },
      image_stage_total: { limit: 1048576, usage: 0 },
      image_count_total: { limit: 100, usage: 0 },
      image_count_uploading: { limit: 20, usage: 0 },
    })
    await limit({ image_count_total: 7, image_size_total: -1 })
    expect((await put(await created(), 'file', rawDisk(3 * MIB))).status).toBe(204)
    expect(await usage()).toMatchObject({
      image_size_total: { limit: -1, usage: 3 },
      image_count_total: { limit: 7, usage: 1 },
    })
    const admin = plimsoll.as('admin')
    expect((await admin.get(quotaPath())).body.quota).toMatchObject({ image_count_total: { limit: 7, used: 1 } })
    expect((await admin.delete(quotaPath())).status).toBe(204)
    expect((await usage()).image_count_total).toEqual({ limit: 100, usage: 1 })
    expect((await admin.put(quotaPath(), { quota: { instances: 1 } })).status).toBe(400)
    expect((await admin.put(quotaPath(), { quota: { image_count_total: -2 } })).status).toBe(400)
    expect((await admin.get('/broker/v1/projects/none/quotas/image')).status).toBe(404)
    expect((await demo().put(quotaPath(), { quota: { image_count_total: 9 } })).status).toBe(403)
  })

  it('on their number hold for requests that come at once', async () => {
    await limit({ image_count_total: 3 })
    const answers = await Promise.all(Array.from({ length: 8 }, create))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 413, 413, 413, 413, 413])
    const refused = await create()
    expect([refused.status, refused.body]).toEqual([413, expect.stringContaining(passed('image_count_total', 3, 3, 1))])
    const [mine] = (await demo().get('/image/v2/images?limit=1')).body.images
    expect((await demo().delete(`/image/v2/images/${mine.id}`)).status).toBe(204)
    expect((await create()).status).toBe(201)
  })

  it('on their size refuse before a byte is read what says how long it is, and cut off what does not', async () => {
    await limit({ image_size_total: 2 })
    const [first, second, third] = [await created(), await created(), await created()]
    expect((await put(first, 'file', rawDisk(1.5 * MIB))).status).toBe(204)
    let read = 0
    const announced = await demo().put(
      `/image/v2/images/${second}/file`,
      pieces(rawDisk(MIB), () => read++),
      { 'Content-Type': 'application/octet-stream', 'X-OpenStack-Image-Size': String(MIB) },
    )
    expect([announced.status, read <= 1]).toEqual([413, true])
    expect(announced.body).toContain(passed('image_size_total', 2, 1, 1))
    expect((await put(third, 'file', pieces(rawDisk(MIB)))).status).toBe(413)
    expect(await Promise.all([first, second, third].map(status))).toEqual(['active', 'queued', 'queued'])
    expect([...plimsoll.blobs.kept.keys()]).toHaveLength(1)
    expect((await put(third, 'file', pieces(rawDisk(MIB / 2)))).status).toBe(204)
  })

  it('on their size hold for uploads that each would fit alone', async () => {
    await limit({ image_size_total: 2 })
    const ids = [await created(), await created()]
    const answers = await Promise.all(ids.map((id) => put(id, 'file', pieces(rawDisk(1.5 * MIB)))))
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 413])
    expect((await Promise.all(ids.map(status))).sort()).toEqual(['active', 'queued'])
  })

  it('count what is staged apart, until it is imported', async () => {
    await limit({ image_stage_total: 1, image_size_total: 1 })
    const [staged, other] = [await created(), await created()]
    expect((await put(staged, 'stage', rawDisk(MIB))).status).toBe(204)
    expect(await usage()).toMatchObject({ image_stage_total: { usage: 1 }, image_size_total: { usage: 0 } })
    expect((await put(other, 'stage', rawDisk(MIB))).status).toBe(413)
    expect((await put(other, 'file', rawDisk(MIB))).status).toBe(204)
    const imported = await demo().post(`/image/v2/images/${staged}/import`, { method: { name: 'glance-direct' } })
    expect([imported.status, imported.body]).toEqual([
      413,
      expect.stringContaining(passed('image_size_total', 1, 1, 1)),
    ])
    expect(await status(staged)).toBe('uploading')
  })

  it('on uploads at a time count those that go on', async () => {
    await limit({ image_count_uploading: 1 })
    const [first, second] = [await created(), await created()]
    let meanwhile: number | undefined
    const body = pieces(rawDisk(900_000), async () => {
      if ((await status(first)) === 'saving') meanwhile ??= (await put(second, 'file', rawDisk(1000))).status
    })
    expect((await put(first, 'file', body)).status).toBe(204)
    expect(meanwhile).toBe(413)
    expect((await put(second, 'file', rawDisk(1000))).status).toBe(204)
  })
})

it('an image of a server counts: Nova refuses it with 403', async () => {
  plimsoll = await startPlimsoll()
  const image = (await demo().get('/compute/v2.1/images')).body.images[0].id
  const network = await demo().post('/network/v2.0/networks', { network: { name: 'n' } })
  const network_id = network.body.network.id
  await demo().post('/network/v2.0/subnets', { subnet: { network_id, cidr: '10.0.0.0/24', ip_version: 4 } })
  const server = await demo().post('/compute/v2.1/servers', {
    server: { name: 'a', flavorRef: '1', imageRef: image, networks: [{ uuid: network_id }] },
  })
  expect(server.status).toBe(202)
  await plimsoll.settle()
  await limit({ image_count_total: 0 })
  const path = `/compute/v2.1/servers/${server.body.server.id}/action`
  const refused = await demo().post(path, { createImage: { name: 'snap' } })
  expect([refused.status, refused.body.forbidden?.message]).toEqual([
    403,
    'Quota exceeded for resources: image_count_total',
  ])
  await limit({ image_count_total: 1 })
  expect((await demo().post(path, { createImage: { name: 'snap' } })).status).toBe(202)
})
