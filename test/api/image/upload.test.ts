import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { runCron } from '../../../functions/cron.ts'
import { isoDisk, noise, ovaArchive, qcow2Disk, rawDisk, vmdkDisk } from '../../support/disks.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
})
const demo = () => plimsoll.as('demo')
const OCTETS = { 'Content-Type': 'application/octet-stream' }
const path = (id: string, what = '') => `/image/v2/images/${id}${what}`
/** Glance words its errors in HTML. */
const sentence = (body: string) => /<\/h1>\s*(.*)<br \/><br \/>/.exec(body)?.[1]?.replaceAll('&#x27;', "'")

const queued = async (disk_format: string | null = 'raw', container_format: string | null = 'bare', more = {}) =>
  (await demo().post('/image/v2/images', { name: 'own', disk_format, container_format, ...more })).body.id as string
const upload = (id: string, data: Uint8Array | ReadableStream, headers: Record<string, string> = {}) =>
  demo().put(path(id, '/file'), data, { ...OCTETS, ...headers })
const shown = async (id: string) => (await demo().get(path(id))).body
const hash = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')
const kept = () => [...plimsoll.blobs.kept.keys()]

/** Hands a body out piece by piece; `between` happens before each, and may break it. */
const slowly = (bytes: Uint8Array, between: (at: number) => unknown, piece = 50_000) => {
  let at = 0
  return new ReadableStream<Uint8Array>({
    async pull(to) {
      await between(at)
      if (at >= bytes.length) return to.close()
      to.enqueue(bytes.slice(at, at + piece))
      at += piece
    },
  })
}

describe('an upload', () => {
  it('makes the image active, with its size, its hashes and the size of the disk inside', async () => {
    const id = await queued('qcow2')
    const bytes = qcow2Disk()
    const { status, body } = await upload(id, bytes)
    expect([status, body]).toEqual([204, null])
    expect(await shown(id)).toMatchObject({
      status: 'active',
      size: bytes.length,
      virtual_size: 2 * 2 ** 30,
      min_disk: 0,
      checksum: hash('md5', bytes),
      os_hash_algo: 'sha512',
      os_hash_value: hash('sha512', bytes),
    })
    expect(kept()).toHaveLength(1)
  })

  it('streams: the image is saving while the data comes in, of whatever length', async () => {
    const id = await queued()
    const statuses = new Set<string>()
    const bytes = rawDisk(300_000)
    const body = slowly(bytes, async (at) => at > 0 && statuses.add((await shown(id)).status))
    expect((await upload(id, body)).status).toBe(204)
    expect([...statuses]).toEqual(['saving'])
    expect(await shown(id)).toMatchObject({ status: 'active', size: 300_000, min_disk: 0 })
  })

  it('says that it goes on, as long as it does', async () => {
    const id = await queued()
    let last = 0
    const body = slowly(rawDisk(300_000), async () => {
      plimsoll.clock.advance(10 * 60_000)
      await runCron(plimsoll.host)
      const { status, updated_at } = await shown(id)
      expect(status).toBe('saving')
      expect(Date.parse(updated_at)).toBeGreaterThanOrEqual(last)
      last = Date.parse(updated_at)
    })
    expect((await upload(id, body)).status).toBe(204)
    expect((await shown(id)).status).toBe('active')
  })

  it('keeps the larger of the disk that was asked for and the one inside', async () => {
    const id = await queued('vmdk', 'ova', { min_disk: 8 })
    expect((await upload(id, ovaArchive())).status).toBe(204)
    expect(await shown(id)).toMatchObject({ min_disk: 8, virtual_size: 3 * 2 ** 30 })
  })

  it('comes once: an image that has data takes no other', async () => {
    const id = await queued()
    await upload(id, rawDisk())
    for (const what of ['/file', '/stage']) {
      const { status, body } = await demo().put(path(id, what), rawDisk(), OCTETS)
      const to = what === '/file' ? 'saving' : 'uploading'
      expect([status, sentence(body)]).toEqual([409, `Image status transition from active to ${to} is not allowed`])
    }
    expect(kept()).toHaveLength(1)
  })

  it('of two at once is one', async () => {
    const id = await queued()
    const second: number[] = []
    const body = slowly(rawDisk(200_000), async (at) => {
      if (at === 50_000) second.push((await upload(id, rawDisk())).status)
    })
    expect((await upload(id, body)).status).toBe(204)
    expect(second).toEqual([409])
    expect([(await shown(id)).size, kept().length]).toEqual([200_000, 1])
  })
})

describe('an upload is refused', () => {
  it('before it is read, when it is no data or the image is not ready for any', async () => {
    const id = await queued()
    const other = await demo().put(path(id, '/file'), { a: 1 })
    expect(other.status).toBe(415)
    expect((await upload(id, rawDisk(), { 'Content-Type': 'text/plain' })).status).toBe(415)
    const none = await queued(null, null)
    const { status, body } = await upload(none, rawDisk())
    expect([status, sentence(body)]).toEqual([
      400,
      'Properties disk_format, container_format must be set prior to saving data.',
    ])
    expect(sentence((await upload(await queued('raw', null), rawDisk())).body)).toBe(
      'Property container_format must be set prior to saving data.',
    )
    expect((await upload('11111111-2222-4333-8444-555555555555', rawDisk())).status).toBe(404)
    expect([(await shown(id)).status, kept()]).toEqual(['queued', []])
  })

  it('to whoever is not its owner', async () => {
    const id = await queued('raw', 'bare', { visibility: 'community' })
    await plimsoll.newProject('stranger')
    const refused = await plimsoll.as('stranger').put(path(id, '/file'), rawDisk(), OCTETS)
    expect([refused.status, sentence(refused.body)]).toEqual([
      403,
      'You are not authorized to complete upload_image action.',
    ])
    expect((await shown(id)).status).toBe('queued')
  })

  it('when it is something else than the image says', async () => {
    for (const [disk, container, bytes, words] of [
      ['qcow2', 'bare', rawDisk(), 'Image disk_format qcow2 does not match stream data raw'],
      ['vmdk', 'ova', vmdkDisk(), 'Image container_format ova does not match stream data vmdk'],
      ['raw', 'bare', isoDisk(), 'Image disk_format raw does not match stream data iso'],
      ['qcow2', 'bare', qcow2Disk({ backing: 7 }), 'Image failed safety checks: it has a backing file'],
    ] as const) {
      const id = await queued(disk, container)
      const { status, body } = await upload(id, bytes)
      expect([status, sentence(body)]).toEqual([415, words])
      expect(await shown(id)).toMatchObject({ status: 'queued', size: null, checksum: null })
      expect(kept()).toEqual([])
    }
  })

  it('as soon as its beginning shows it, not at its end', async () => {
    const id = await queued('qcow2')
    let answered = false
    const endless = new ReadableStream<Uint8Array>({
      async pull(to) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        if (answered) to.close()
        else to.enqueue(noise(10_000))
      },
    })
    expect((await upload(id, endless)).status).toBe(415)
    answered = true
  })

  it('when it is too large, by its announcement or by its bytes', async () => {
    plimsoll.host.settings.imageSizeCap = 100_000
    const id = await queued()
    const announced = await upload(id, rawDisk(200_000), { 'x-openstack-image-size': '200000' })
    expect([announced.status, sentence(announced.body)]).toEqual([
      413,
      expect.stringMatching(/^The incoming image is too large: it is larger than 100000 bytes\./),
    ])
    const streamed = await upload(
      id,
      slowly(rawDisk(200_000), () => {}),
    )
    expect(streamed.status).toBe(413)
    expect([(await shown(id)).status, kept()]).toEqual(['queued', []])
    expect((await upload(id, rawDisk(100_000))).status).toBe(204)
  })

  it('on Workers with the ways that larger ones have', async () => {
    plimsoll.host.settings.imageSizeCap = 100_000
    plimsoll.host.settings.runtime = 'workers'
    const { status, body } = await upload(await queued(), rawDisk(200_000))
    expect([status, sentence(body)]).toEqual([413, expect.stringContaining('Plimsoll on Node streams images')])
  })

  it('where there is no place for it, and then no import is offered', async () => {
    const without = (await startWithoutStore()).as('demo')
    const { body, headers } = await without.post('/image/v2/images', { disk_format: 'raw', container_format: 'bare' })
    expect(headers.get('OpenStack-image-import-methods')).toBeNull()
    for (const what of ['/file', '/stage']) {
      const refused = await without.put(path(body.id, what), rawDisk(), OCTETS)
      expect([refused.status, sentence(refused.body)]).toEqual([
        501,
        expect.stringMatching(/^There is no place for image data here/),
      ])
    }
    expect((await without.get('/image/v2/info/import')).body['import-methods'].value).toEqual([])
    expect((await without.get(path(body.id))).body.status).toBe('queued')
  })
  const startWithoutStore = () => startPlimsoll({ clouds: [], blobs: null })
})

describe('an upload that breaks off', () => {
  it('leaves an image that waits for data, and takes it', async () => {
    const id = await queued()
    const broken = slowly(rawDisk(), (at) => {
      if (at > 100_000) throw new Error('the client left')
    })
    const { status, body } = await upload(id, broken)
    expect([status, sentence(body)]).toEqual([400, 'The image data ended before all of it was there.'])
    expect(await shown(id)).toMatchObject({ status: 'queued', size: null })
    expect(kept()).toEqual([])
    expect((await upload(id, rawDisk())).status).toBe(204)
    expect((await shown(id)).status).toBe('active')
  })

  it('by fewer bytes than were announced is not an image', async () => {
    const id = await queued()
    expect((await upload(id, rawDisk(1_000), { 'x-openstack-image-size': '1001' })).status).toBe(400)
    expect((await upload(id, rawDisk(1_000), { 'x-openstack-image-size': 'many' })).status).toBe(400)
    expect([(await shown(id)).status, kept()]).toEqual(['queued', []])
  })

  it('because the image was deleted meanwhile ends, and nothing is kept', async () => {
    const id = await queued()
    const body = slowly(rawDisk(), async (at) => {
      if (at === 100_000) await demo().delete(path(id))
      plimsoll.clock.advance(31_000)
    })
    const { status, body: words } = await upload(id, body)
    expect([status, sentence(words)]).toEqual([410, expect.stringMatching(/could not be found after upload/)])
    expect(kept()).toEqual([])
  })

  it('because the store failed is told, and can be repeated', async () => {
    const id = await queued()
    const { write } = plimsoll.blobs
    plimsoll.blobs.write = async (_key, data) => {
      await data.getReader().read()
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    }
    const { status, body } = await upload(id, rawDisk())
    expect([status, sentence(body)]).toEqual([413, 'Image storage media is full: there is no space left.'])
    plimsoll.blobs.write = write
    expect((await upload(id, rawDisk())).status).toBe(204)
  })

  it('because its process died is noticed, and its image waits again', async () => {
    const id = await queued()
    await plimsoll.host.d1.prepare("update images set status = 'saving', blob = 'half' where id = ?").bind(id).run()
    await plimsoll.blobs.write('half', new Blob(['half of it']).stream())
    plimsoll.clock.advance(14 * 60_000)
    await runCron(plimsoll.host)
    expect((await shown(id)).status).toBe('saving')
    plimsoll.clock.advance(50 * 60_000)
    await runCron(plimsoll.host)
    expect([(await shown(id)).status, kept()]).toEqual(['queued', []])
  })
})

describe('the janitor', () => {
  it('removes data that no image names, after a while, and never what one does', async () => {
    const id = await queued()
    await upload(id, rawDisk())
    const [mine] = kept()
    await plimsoll.blobs.write('nobody', new Blob(['left over']).stream())
    await runCron(plimsoll.host)
    expect(kept()).toEqual([mine, 'nobody'])
    plimsoll.clock.advance(2 * 3_600_000)
    await runCron(plimsoll.host)
    expect(kept()).toEqual([mine])
    expect((await demo().get(path(id, '/file'))).status).toBe(200)
  })
})

describe('a download', () => {
  const bytes = rawDisk(200_000)
  let id: string
  beforeEach(async () => {
    id = await queued()
    await upload(id, bytes)
  })
  const part = (range: string) => demo().get(path(id, '/file'), { Range: range })

  it('gives back what was uploaded', async () => {
    const { status, headers, body } = await demo().get(path(id, '/file'))
    expect(status).toBe(200)
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '200000',
      'content-md5': hash('md5', bytes),
    })
    expect(headers.get('X-Openstack-Request-Id')).toMatch(/^req-/)
    expect(hash('sha512', body)).toBe(hash('sha512', bytes))
  })

  it('gives a range of it', async () => {
    for (const [range, from, to] of [
      ['bytes=0-9', 0, 9],
      ['bytes=199990-', 199_990, 199_999],
      ['bytes=-10', 199_990, 199_999],
      ['bytes=199999-500000', 199_999, 199_999],
      ['bytes=-500000', 0, 199_999],
    ] as const) {
      const { status, headers, body } = await part(range)
      expect([range, status, headers.get('content-range')]).toEqual([range, 206, `bytes ${from}-${to}/200000`])
      expect(headers.get('content-length')).toBe(String(to - from + 1))
      expect(hash('md5', body)).toBe(hash('md5', bytes.slice(from, to + 1)))
    }
  })

  it('gives no range that is not there', async () => {
    for (const range of ['bytes=200000-', 'bytes=5-2', 'bytes=-', 'lines=1-2'])
      expect((await part(range)).status).toBe(416)
    expect(sentence((await part('bytes=200000-')).body)).toContain('inclusive range [0, 199999]')
    expect((await part('bytes=0-1,5-6')).status).toBe(400)
  })

  it('is for whoever sees the image, and not while it is out of use', async () => {
    await plimsoll.newProject('stranger')
    expect((await plimsoll.as('stranger').get(path(id, '/file'))).status).toBe(404)
    const V21 = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }
    await plimsoll.as('admin').patch(path(id), [{ op: 'replace', path: '/visibility', value: 'public' }], V21)
    expect((await plimsoll.as('stranger').get(path(id, '/file'))).status).toBe(200)
    await demo().post(path(id, '/actions/deactivate'))
    expect((await demo().get(path(id, '/file'))).status).toBe(403)
    expect((await plimsoll.as('admin').get(path(id, '/file'))).status).toBe(200)
  })

  it('ends with the image: its data goes too', async () => {
    expect((await demo().delete(path(id))).status).toBe(204)
    await plimsoll.settle()
    expect(kept()).toEqual([])
    expect((await demo().get(path(id, '/file'))).status).toBe(404)
  })
})

describe('the import of what was staged', () => {
  const stage = (id: string, data: Uint8Array) => demo().put(path(id, '/stage'), data, OCTETS)
  const importing = (id: string, name = 'glance-direct') => demo().post(path(id, '/import'), { method: { name } })

  it('is offered, and takes two steps', async () => {
    const created = await demo().post('/image/v2/images', { disk_format: 'qcow2', container_format: 'bare' })
    expect(created.headers.get('OpenStack-image-import-methods')).toBe('glance-direct,web-download,copy-image')
    expect((await demo().get('/image/v2/info/import')).body['import-methods'].value).toEqual([
      'glance-direct',
      'web-download',
      'copy-image',
    ])
    const { id } = created.body
    expect((await stage(id, qcow2Disk())).status).toBe(204)
    expect(await shown(id)).toMatchObject({ status: 'uploading', size: qcow2Disk().length })
    expect((await demo().get(path(id, '/file'))).status).toBe(204)
    expect((await importing(id)).status).toBe(202)
    expect(await shown(id)).toMatchObject({ status: 'active', virtual_size: 2 * 2 ** 30, min_disk: 0 })
    expect(hash('md5', (await demo().get(path(id, '/file'))).body)).toBe(hash('md5', qcow2Disk()))
  })

  it('is refused for what is not there, not staged, or not known', async () => {
    const id = await queued()
    const early = await importing(id)
    expect([early.status, sentence(early.body)]).toEqual([
      409,
      "Image needs to be staged before 'glance-direct' method can be used",
    ])
    const other = await importing(id, 'glance-download')
    expect([other.status, sentence(other.body)]).toEqual([400, "Unknown import method name 'glance-download'."])
    const bare = await queued(null, null)
    await stage(bare, rawDisk())
    const { status, body } = await importing(bare)
    expect([status, sentence(body)]).toEqual([409, "'container_format' needs to be set before import"])
    await stage(id, rawDisk())
    await importing(id)
    expect((await importing(id)).status).toBe(409)
  })

  it('looks at what it is: another thing than the image says lets it wait again', async () => {
    const id = await queued('vmdk')
    await stage(id, rawDisk())
    expect((await importing(id)).status).toBe(202)
    const [task] = (await demo().get(path(id, '/tasks'))).body.tasks
    expect(task).toMatchObject({
      status: 'failure',
      message: 'Image disk_format vmdk does not match stream data raw',
      input: { import_req: { method: { name: 'glance-direct' } } },
    })
    expect(await shown(id)).toMatchObject({ os_glance_failed_import: 'plimsoll' })
    expect(await shown(id)).toMatchObject({ status: 'queued', size: null, checksum: null })
    expect(kept()).toEqual([])
    await stage(id, vmdkDisk())
    expect((await importing(id)).status).toBe(202)
  })

  it('may come much later', async () => {
    const id = await queued()
    await stage(id, rawDisk())
    plimsoll.clock.advance(5 * 3_600_000)
    await runCron(plimsoll.host)
    expect((await importing(id)).status).toBe(202)
    expect((await demo().get(path(id, '/file'))).status).toBe(200)
  })
})
