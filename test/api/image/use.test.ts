import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { createServer } from '../../support/builders.ts'
import { qcow2Disk, rawDisk } from '../../support/disks.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll()
})
const demo = () => plimsoll.as('demo')
const OCTETS = { 'Content-Type': 'application/octet-stream' }
const V21 = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }
const V20 = { 'Content-Type': 'application/openstack-images-v2.0-json-patch' }
const path = (id: string, what = '') => `/image/v2/images/${id}${what}`
const sentence = (body: string) => /<\/h1>\s*(.*)<br \/><br \/>/.exec(body)?.[1]?.replaceAll('&#x27;', "'")
const refusal = ({ status, body }: { status: number; body: string }) => [status, sentence(body)]
const WISH = { name: 'own', disk_format: 'raw', container_format: 'bare', min_disk: 0, min_ram: 0, protected: false }
const uploaded = async () => {
  const { id } = (await demo().post('/image/v2/images', WISH)).body
  expect((await demo().put(path(id, '/file'), rawDisk(), OCTETS)).status).toBe(204)
  return id as string
}
const shown = async (id: string) => (await demo().get(path(id))).body

describe('an image with data', () => {
  it('is as its owner said, whatever was uploaded, and wherever it was used', async () => {
    const id = await uploaded()
    const hashed = {
      checksum: createHash('md5').update(rawDisk()).digest('hex'),
      os_hash_algo: 'sha512',
      os_hash_value: createHash('sha512').update(rawDisk()).digest('hex'),
    }
    expect(await shown(id)).toMatchObject({ ...WISH, ...hashed, status: 'active' })
    await createServer(plimsoll, demo(), { imageRef: id, flavorRef: '2', networks: 'none' })
    expect(await shown(id)).toMatchObject({ ...WISH, ...hashed, status: 'active', stores: 'plimsoll,sandbox' })
  })

  it('that is out of use is neither downloaded nor booted, and goes on as it was', async () => {
    const id = await uploaded()
    const boot = () =>
      demo().post(
        '/compute/v2.1/servers',
        { server: { name: 's', imageRef: id, flavorRef: '2', networks: 'none' } },
        { 'OpenStack-API-Version': 'compute 2.96' },
      )
    for (const _ of [1, 2]) expect((await demo().post(path(id, '/actions/deactivate'))).status).toBe(204)
    expect(refusal(await demo().get(path(id, '/file')))).toEqual([
      403,
      'The requested image has been deactivated. Image data download is forbidden.',
    ])
    const refused = await boot()
    expect([refused.status, refused.body.badRequest.message]).toEqual([400, `Image ${id} is not active.`])
    for (const _ of [1, 2]) expect((await demo().post(path(id, '/actions/reactivate'))).status).toBe(204)
    expect((await boot()).status).toBe(202)
    const { id: waiting } = (await demo().post('/image/v2/images', WISH)).body
    expect(refusal(await demo().post(path(waiting, '/actions/deactivate')))).toEqual([
      403,
      "Not allowed to deactivate image in status 'queued'",
    ])
    expect(refusal(await demo().post(path(waiting, '/actions/reactivate')))).toEqual([
      403,
      "Not allowed to reactivate image in status 'queued'",
    ])
  })
})

describe('data of another format than its image says', () => {
  const put = async (disk_format: string, data: Uint8Array) => {
    const { id } = (await demo().post('/image/v2/images', { ...WISH, disk_format })).body
    return (await demo().put(path(id, '/file'), data, OCTETS)).status
  }

  it('is refused, unless the deployment believes owners; what leads to other files always is', async () => {
    expect(await put('qcow2', rawDisk())).toBe(415)
    plimsoll = await startPlimsoll({ settings: { imageFormatsChecked: false } })
    expect(await put('qcow2', rawDisk())).toBe(204)
    expect(await put('qcow2', qcow2Disk({ backing: 64 }))).toBe(415)
  })
})

describe('what an image keeps to itself', () => {
  it('is where its data lies', async () => {
    const id = await uploaded()
    expect(await shown(id)).not.toHaveProperty('locations')
    expect(await shown(id)).not.toHaveProperty('direct_url')
    const value = { url: 'file:///etc/passwd', metadata: {} }
    const words = (verb: string) => [403, `It's not allowed to ${verb} locations if locations are invisible.`]
    for (const [verb, change] of [
      ['add', { op: 'add', path: '/locations/-', value }],
      ['update', { op: 'replace', path: '/locations', value: [value] }],
      ['remove', { op: 'remove', path: '/locations/0' }],
    ] as const)
      expect(refusal(await demo().patch(path(id), [change], V21))).toEqual(words(verb))
    expect(refusal(await demo().patch(path(id), [{ add: '/locations/1', value }], V20))).toEqual(words('add'))
    expect((await demo().get(path(id, '/locations'))).status).toBe(404)
  })

  it('is what the broker says of imports', async () => {
    const id = await uploaded()
    const change = { op: 'add', path: '/os_glance_importing_to_stores', value: 'moon' }
    expect(refusal(await demo().patch(path(id), [change], V21))).toEqual([
      403,
      "Attribute 'os_glance_importing_to_stores' is reserved.",
    ])
    expect((await demo().post('/image/v2/images', { ...WISH, os_glance_failed_import: '' })).status).toBe(403)
  })
})

it('has no cache of images', async () => {
  const answer = await plimsoll.as('admin').get('/image/v2/cache')
  expect(refusal(answer)).toEqual([404, 'Caching via API is not supported at this site.'])
  expect((await plimsoll.as('admin').delete('/image/v2/cache')).status).toBe(404)
  expect((await plimsoll.as('admin').put('/image/v2/cache/x')).status).toBe(404)
  expect((await plimsoll.as('admin').delete('/image/v2/cache/x')).status).toBe(404)
})
