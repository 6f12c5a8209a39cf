import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { insertTask, MOST_TASKS, taskById, taskDueAt, tasksOf } from '../../../db/queries/image/tasks.ts'
import { everyProject } from '../../../db/scope.ts'
import { importDue } from '../../../functions/broker/imports/turn.ts'
import { runCron } from '../../../functions/cron.ts'
import { createServer } from '../../support/builders.ts'
import { qcow2Disk, rawDisk } from '../../support/disks.ts'
import { type Plimsoll, type Start, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
const demo = () => plimsoll.as('demo')
const admin = () => plimsoll.as('admin')
const OCTETS = { 'Content-Type': 'application/octet-stream' }
const path = (id: string, what = '') => `/image/v2/images/${id}${what}`
const sentence = (body: string) => /<\/h1>\s*(.*)<br \/><br \/>/.exec(body)?.[1]?.replaceAll('&#x27;', "'")
const shown = async (id: string) => (await demo().get(path(id))).body
const taskOf = async (id: string) => (await demo().get(path(id, '/tasks'))).body.tasks[0]
const kept = () => [...plimsoll.blobs.kept.keys()]
const sha = (bytes: Uint8Array) => createHash('sha512').update(bytes).digest('hex')

/** A server of images: it breaks each answer off after so many bytes, as long as there are any such numbers. */
class Mirror {
  data: Uint8Array = qcow2Disk()
  headers: Record<string, string> = { 'Accept-Ranges': 'bytes', ETag: '"one"' }
  breaks: (number | 'hangs')[] = []
  asked: (string | null)[] = []
  answer: ((url: string) => Response | undefined) | undefined
  release: (() => void) | undefined

  fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const headers = new Headers(init?.headers)
    const range = /^bytes=(\d+)-$/.exec(headers.get('range') ?? '')
    this.asked.push(headers.get('range'))
    const special = this.answer?.(String(input))
    if (special) return special
    const from = range && headers.get('if-range') === this.headers.ETag ? Number(range[1]) : 0
    const rest = this.data.subarray(from)
    const at = this.breaks.shift()
    const sent = typeof at === 'number' ? rest.subarray(0, at) : rest
    let step = 0
    const body = new ReadableStream<Uint8Array>({
      pull: async (to) => {
        if (at === 'hangs') await new Promise<void>((resolve) => (this.release = resolve))
        if (step++ === 0) return to.enqueue(sent)
        if (typeof at === 'number' || at === 'hangs') return to.error(new Error('the line is cut'))
        to.close()
      },
    })
    const length = { 'Content-Length': String(rest.length) }
    if (from === 0) return new Response(body, { headers: { ...this.headers, ...length } })
    const part = `bytes ${from}-${this.data.length - 1}/${this.data.length}`
    return new Response(body, { status: 206, headers: { ...this.headers, ...length, 'Content-Range': part } })
  }
}

/** Answers whose data comes as it is asked for. */
const slowly = (pull: (to: ReadableStreamDefaultController<Uint8Array>) => unknown) => () =>
  new Response(
    new ReadableStream<Uint8Array>(
      {
        pull: async (to) => {
          await pull(to)
        },
      },
      { highWaterMark: 0 },
    ),
  )

const URI = 'http://mirror.test/image'
const start = async (mirror = new Mirror(), { settings, ...more }: Start = {}) => {
  plimsoll = await startPlimsoll({
    fetch: mirror.fetch as typeof fetch,
    settings: { importHosts: ['mirror.test'], ...settings },
    ...more,
  })
  return mirror
}
const record = async (more: object = {}) => {
  const body = { name: 'fetched', disk_format: 'qcow2', container_format: 'bare', ...more }
  return (await demo().post('/image/v2/images', body)).body.id as string
}
const importing = (id: string, method: object, more: object = {}, who = demo()) =>
  who.post(path(id, '/import'), { method, ...more })
const fetching = async (uri = URI, more: object = {}) => {
  const id = await record(more)
  expect((await importing(id, { name: 'web-download', uri })).status).toBe(202)
  return id
}

describe('an image that is fetched', () => {
  it('is made of what is at an address, and hashed', async () => {
    const mirror = await start()
    const id = await fetching(URI, { min_disk: 0 })
    expect(await shown(id)).toMatchObject({ status: 'importing', os_glance_importing_to_stores: 'plimsoll' })
    expect(await taskOf(id)).toMatchObject({ type: 'api_image_import', status: 'pending', image_id: id })
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({
      ...{ status: 'active', size: mirror.data.length, virtual_size: 2 * 2 ** 30, min_disk: 0, stores: 'plimsoll' },
      ...{ os_hash_algo: 'sha512', os_hash_value: sha(mirror.data) },
      ...{ checksum: createHash('md5').update(mirror.data).digest('hex') },
      ...{ os_glance_importing_to_stores: '', os_glance_failed_import: '' },
    })
    expect(await taskOf(id)).toMatchObject({ status: 'success', result: { image_id: id }, message: '' })
    expect(kept()).toHaveLength(1)
    const server = await createServer(plimsoll, demo(), { imageRef: id, flavorRef: '2', networks: 'none' })
    expect((await demo().get(`/compute/v2.1/servers/${server}`)).body.server.status).toBe('ACTIVE')
  })

  it('goes on from where it broke off, also after the process that fetched it has died', async () => {
    const mirror = new Mirror()
    mirror.breaks = [1_000, 'hangs', 500]
    await start(mirror)
    const id = await fetching()
    await plimsoll.runDeferred()
    // The second turn never ends: it is as if its process were dead.
    plimsoll.clock.advance(10_000)
    const dead: Promise<unknown>[] = []
    await importDue({ ...plimsoll.context(), defer: (work) => void dead.push(work()) })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(dead).toHaveLength(1)
    plimsoll.clock.advance(120_000)
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ status: 'active', os_hash_value: sha(mirror.data) })
    expect(mirror.asked).toEqual([null, 'bytes=1000-', 'bytes=1000-', 'bytes=1500-'])
    mirror.release?.()
    await Promise.all(dead)
    expect(await shown(id)).toMatchObject({ status: 'active', os_hash_value: sha(mirror.data) })
    expect(kept()).toHaveLength(1)
  })

  it('is there where only the answer of the database was lost, and nothing works on it any more', async () => {
    await start()
    const id = await fetching()
    const { db } = plimsoll
    let lost = 0
    const batch = async (list: Parameters<typeof db.batch>[0]) => {
      const answer = await db.batch(list)
      if (list.length > 3 && lost++ === 0) throw new Error('the line is cut')
      return answer
    }
    const forgetful = Object.create(db, { batch: { value: batch } })
    const turns: Promise<unknown>[] = []
    await importDue({ ...plimsoll.context(), db: forgetful, defer: (work) => void turns.push(work()) })
    await Promise.all(turns)
    expect(lost).toBe(1)
    expect((await shown(id)).status).toBe('active')
    expect((await demo().get(path(id, '/file'))).status).toBe(200)
    expect(kept()).toHaveLength(1)
    expect(await taskDueAt(db)).toBeNull()
  })

  it('is made an image later where its store could not be read, and is not fetched again', async () => {
    const mirror = await start()
    const id = await fetching()
    const { blobs } = plimsoll
    const { read } = blobs
    blobs.read = async () => {
      blobs.read = read
      const pieces = [new Uint8Array(1)]
      return new ReadableStream({
        pull: (to) => {
          const piece = pieces.pop()
          if (!piece) throw new Error('the store does not answer')
          to.enqueue(piece)
        },
      })
    }
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ status: 'active', os_hash_value: sha(mirror.data) })
    expect(mirror.asked).toEqual([null])
    expect(kept()).toHaveLength(1)
  })

  it('that somebody else goes on with is read no further', async () => {
    await start()
    const id = await fetching()
    const { blobs, db } = plimsoll
    const { read } = blobs
    let left = 0
    blobs.read = async () =>
      new ReadableStream({
        pull: async (to) => {
          plimsoll.clock.advance(10_000)
          await db.run(sql`update image_tasks set fence = fence + 1`)
          to.enqueue(new Uint8Array(1))
        },
        cancel: () => void left++,
      })
    await plimsoll.runDeferred()
    expect(left).toBe(1)
    blobs.read = read
    plimsoll.clock.advance(120_000)
    await plimsoll.settle()
    expect((await shown(id)).status).toBe('active')
  })

  it('begins anew where the data has changed, or its server hands out no ranges', async () => {
    const changed = new Mirror()
    changed.breaks = [1_000]
    await start(changed)
    const first = await fetching()
    await plimsoll.runDeferred()
    changed.headers = { ...changed.headers, ETag: '"two"' }
    changed.data = qcow2Disk({ virtual: 3 * 2 ** 30 })
    await plimsoll.settle()
    expect(await shown(first)).toMatchObject({ status: 'active', os_hash_value: sha(changed.data) })
    const plain = new Mirror()
    plain.headers = {}
    plain.breaks = [1_000]
    await start(plain)
    const second = await fetching()
    await plimsoll.settle()
    expect(await shown(second)).toMatchObject({ status: 'active', os_hash_value: sha(plain.data) })
    expect(plain.asked).toEqual([null, null])
    expect(kept()).toHaveLength(1)
  })

  it('waits for data again when nothing can come of it, and its task says why', async () => {
    const mirror = await start(new Mirror(), { settings: { imageSizeCap: 10_000_000 } })
    const whyNot = async (uri = URI, more: object = {}) => {
      const id = await fetching(uri, more)
      await plimsoll.settle()
      expect(await shown(id)).toMatchObject({ status: 'queued', size: null, os_glance_failed_import: 'plimsoll' })
      expect(kept()).toEqual([])
      const { status, message } = await taskOf(id)
      return [status, message]
    }
    expect(await whyNot(URI, { disk_format: 'vmdk' })).toEqual([
      'failure',
      'Image disk_format vmdk does not match stream data qcow2',
    ])
    mirror.answer = () => new Response('', { status: 404 })
    expect(await whyNot()).toEqual(['failure', 'The server answered 404.'])
    mirror.answer = () => new Response('x', { headers: { 'Content-Length': '10000001' } })
    expect(await whyNot()).toEqual([
      'failure',
      'The image is larger than 10000000 bytes, which is what it may have here.',
    ])
    mirror.answer = () => new Response(null, { status: 302, headers: { Location: 'https://169.254.169.254/' } })
    expect(await whyNot()).toEqual([
      'failure',
      'The server points to where nothing is fetched from. The endpoint is a private address; an operator can name it in PLIMSOLL_IMPORT_HOSTS.',
    ])
    mirror.answer = () => new Response(null, { status: 302, headers: { Location: '/round' } })
    expect(await whyNot()).toEqual(['failure', 'The server points elsewhere more than 5 times.'])
    mirror.answer = () => new Response('', { status: 503 })
    expect(await whyNot()).toEqual(['failure', 'Nothing came in 8 tries. The server answered 503.'])
    let left = 0
    const endless = () => new ReadableStream({ cancel: () => void left++ })
    mirror.answer = () => new Response(endless(), { headers: { 'Content-Encoding': 'zstd' } })
    expect((await whyNot())[1]).toMatch(/^The server sends it packed/)
    expect(left).toBe(1)
  })

  it('follows where its server points', async () => {
    const mirror = new Mirror()
    mirror.answer = (url) =>
      url === URI ? new Response(null, { status: 302, headers: { Location: '/there' } }) : undefined
    await start(mirror)
    const id = await fetching()
    await plimsoll.settle()
    expect((await shown(id)).status).toBe('active')
  })

  it('is left alone once it is deleted, and what was fetched of it goes', async () => {
    const mirror = new Mirror()
    mirror.breaks = [1_000]
    await start(mirror)
    const id = await fetching()
    await plimsoll.runDeferred()
    expect((await demo().delete(path(id))).status).toBe(204)
    await plimsoll.settle()
    expect(kept()).toEqual([])
    const { tasks } = (await admin().get('/image/v2/tasks')).body
    expect(tasks[0]).toMatchObject({ status: 'failure' })
    expect((await admin().get(`/image/v2/tasks/${tasks[0].id}`)).body.message).toBe('The image was deleted.')
  })

  it('is given up soon once it is deleted while it comes, and nothing of it stays', async () => {
    const mirror = await start()
    let sent = 0
    mirror.answer = slowly(async (to) => {
      if (sent === 1) expect((await demo().delete(path(id))).status).toBe(204)
      if (sent > 1) plimsoll.clock.advance(6_000)
      if (sent++ === 50) to.close()
      else to.enqueue(new Uint8Array(200_000))
    })
    const id = await fetching()
    await plimsoll.settle()
    expect(sent).toBe(3)
    expect(kept()).toEqual([])
    const { tasks } = (await admin().get('/image/v2/tasks')).body
    expect(tasks).toMatchObject([{ status: 'failure' }])
  })

  it('is given up where its server sends a byte now and then, and holds nobody up for it', async () => {
    // A Worker's turn ends before that.
    const mirror = await start(new Mirror(), { settings: { runtime: 'node' } })
    let sent = 0
    mirror.answer = slowly((to) => {
      plimsoll.clock.advance(50_000)
      if (sent++ === 1_000) to.close()
      else to.enqueue(new Uint8Array(1))
    })
    const id = await fetching()
    await plimsoll.settle()
    expect(await taskOf(id)).toMatchObject({
      status: 'failure',
      message: expect.stringMatching(/in 8 tries\. The server sends less than 1 MiB a minute\.$/),
    })
    expect(sent).toBe(16)
    expect(kept()).toEqual([])
  })

  it('has to be there in time where its server hands out no ranges', async () => {
    const mirror = await start()
    const piece = new Uint8Array(2 ** 20)
    let sent = 0
    mirror.answer = slowly((to) => {
      plimsoll.clock.advance(50_000)
      if (sent++ === 150) to.close()
      else to.enqueue(piece)
    })
    const id = await fetching()
    await plimsoll.settle()
    expect(await taskOf(id)).toMatchObject({
      status: 'failure',
      message: expect.stringMatching(
        /^The server hands out no ranges, so all of it has to come at once, and did not by /,
      ),
    })
    // An hour of them, or of a Worker's turn the first.
    expect([1, 72]).toContain(sent)
    expect(kept()).toEqual([])
  })

  it('comes beside one other of its project at most, so that others are not held up', async () => {
    const mirror = await start()
    await plimsoll.newProject('other', { clouds: ['sandbox'] })
    const other = plimsoll.as('other')
    let asked = 0
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    mirror.answer = () => {
      asked++
      return slowly(async (to) => {
        await gate
        to.enqueue(mirror.data)
        to.close()
      })()
    }
    const ids: string[] = []
    for (let each = 0; each < 5; each++) ids.push(await fetching())
    const body = { name: 'theirs', disk_format: 'qcow2', container_format: 'bare' }
    const theirs = (await other.post('/image/v2/images', body)).body.id as string
    expect((await importing(theirs, { name: 'web-download', uri: URI }, {}, other)).status).toBe(202)
    const turns: Promise<unknown>[] = []
    await importDue({ ...plimsoll.context(), defer: (work) => void turns.push(work()) })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([turns.length, asked]).toEqual([3, 3])
    open()
    for (let turn = turns.shift(); turn; turn = turns.shift()) await turn
    expect((await other.get(path(theirs))).body.status).toBe('active')
    // Those that waited had the places of the first.
    for (const id of ids) expect((await shown(id)).status).toBe('active')
  })

  it('counts with all that is to come, from the moment in which that is known', async () => {
    const mirror = await start()
    mirror.data = new Uint8Array(3 * 2 ** 20)
    mirror.breaks = [1_000]
    await fetching()
    await plimsoll.runDeferred()
    const { usage } = (await demo().get('/image/v2/info/usage')).body
    expect([usage.image_size_total.usage, usage.image_stage_total.usage]).toEqual([3, 3])
    const quota = { image_size_total: 4 }
    await admin().put(`/broker/v1/projects/${plimsoll.projectId('demo')}/quotas/image`, { quota })
    mirror.breaks = []
    const second = await fetching()
    await plimsoll.runDeferred()
    expect((await taskOf(second)).message).toBe(
      'The image is larger than 1048576 bytes, which is what it may have here.',
    )
  })

  it('is refused where it may not come from, and for images that take no data', async () => {
    await start()
    const id = await record()
    const refused = async (uri?: string) => {
      const { status, body } = await importing(id, { name: 'web-download', ...(uri ? { uri } : {}) })
      return [status, sentence(body)]
    }
    expect(await refused()).toEqual([400, 'URI for web-download does not pass filtering: None. There is none.'])
    for (const uri of [
      ...['http://127.0.0.1/x', 'https://127.0.0.1/x', 'https://[::1]/x', 'https://169.254.169.254/latest'],
      ...['https://localhost/x', 'file:///etc/passwd', 'ftp://example.org/x', 'https://me:me@example.org/x', 'x'],
      ...['https://10.0.0.1/', 'https://[::ffff:10.0.0.1]/', 'https://0x7f000001/', 'https://db.internal/'],
    ])
      expect([uri, (await refused(uri))[0]]).toEqual([uri, 400])
    const bare = await record({ container_format: null })
    const formless = await importing(bare, { name: 'web-download', uri: URI })
    expect([formless.status, sentence(formless.body)]).toEqual([
      409,
      "'container_format' needs to be set before import",
    ])
    await importing(id, { name: 'web-download', uri: URI })
    const twice = await importing(id, { name: 'web-download', uri: URI })
    expect([twice.status, sentence(twice.body)]).toEqual([
      409,
      "Image needs to be in 'queued' state to use 'web-download' method",
    ])
    expect((await demo().put(path(id, '/file'), rawDisk(), OCTETS)).status).toBe(409)
    expect((await demo().post(path(id, '/import'), {})).status).toBe(400)
  })
})

describe('stores', () => {
  it('are the clouds of a project and the broker', async () => {
    await start()
    const { body } = await demo().get('/image/v2/info/stores')
    expect(body.stores.map(({ id }: { id: string }) => id)).toEqual(['sandbox', 'plimsoll'])
    expect(body.stores[1]).toMatchObject({ default: 'true' })
    expect((await demo().get('/image/v2/info/stores/detail')).status).toBe(403)
    const detail = (await plimsoll.as('admin').get('/image/v2/info/stores/detail')).body.stores
    expect(detail.at(-1)).toMatchObject({ id: 'plimsoll', weight: 0, properties: {} })
    const made = await demo().post('/image/v2/images', {})
    expect(made.headers.get('OpenStack-image-store-ids')).toBe('sandbox,plimsoll')
    await start(new Mirror(), { blobs: null })
    expect((await demo().get('/image/v2/info/stores')).status).toBe(404)
  })

  it('get copies of an image that is there, before anything needs them', async () => {
    await start()
    const id = await record()
    await demo().put(path(id, '/file'), qcow2Disk(), OCTETS)
    expect((await shown(id)).stores).toBe('plimsoll')
    expect((await importing(id, { name: 'copy-image' }, { stores: ['sandbox'] })).status).toBe(202)
    expect(await taskOf(id)).toMatchObject({ status: 'processing' })
    expect((await shown(id)).os_glance_importing_to_stores).toBe('sandbox')
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ stores: 'plimsoll,sandbox', os_glance_importing_to_stores: '' })
    expect(await taskOf(id)).toMatchObject({ status: 'success' })
    const again = await importing(id, { name: 'copy-image' }, { stores: ['sandbox'] })
    expect([again.status, sentence(again.body)]).toEqual([400, "Image is already present at store 'sandbox'"])
    expect((await importing(id, { name: 'copy-image' }, { all_stores: true })).status).toBe(202)
    const unknown = await importing(id, { name: 'copy-image' }, { stores: ['moon'] })
    expect([unknown.status, sentence(unknown.body)]).toEqual([409, "Unknown scheme 'moon' found in URI"])
    const both = await importing(id, { name: 'copy-image' }, { stores: ['sandbox'], all_stores: true })
    expect(both.status).toBe(400)
    expect((await importing(await record(), { name: 'copy-image' }, { all_stores: true })).status).toBe(409)
  })

  it('give a copy back, and get it again where it is needed', async () => {
    await start()
    const id = await record()
    await demo().put(path(id, '/file'), qcow2Disk(), OCTETS)
    const gone = async (store: string, who = demo()) => {
      const { status, body } = await who.delete(`/image/v2/stores/${store}/${id}`)
      return [status, ...(body ? [sentence(body)] : [])]
    }
    const only = 'Cannot delete image data from the only store containing it. Consider deleting the image instead.'
    expect(await gone('plimsoll')).toEqual([403, only])
    expect(await gone('sandbox')).toEqual([404, `Image ${id} is not stored in store sandbox.`])
    expect(await gone('moon')).toEqual([409, 'The selected store moon is not available on this node.'])
    await importing(id, { name: 'copy-image' }, { all_stores: true })
    await plimsoll.settle()
    expect((await gone('plimsoll'))[0]).toBe(403)
    expect(await gone('sandbox')).toEqual([204])
    expect((await shown(id)).stores).toBe('plimsoll')
    await plimsoll.settle()
    await importing(id, { name: 'copy-image' }, { stores: ['sandbox'] })
    await plimsoll.settle()
    expect((await shown(id)).stores).toBe('plimsoll,sandbox')
    expect(await gone('sandbox')).toEqual([204])
    await plimsoll.settle()
    await createServer(plimsoll, demo(), { imageRef: id, flavorRef: '2', networks: 'none' })
    expect((await shown(id)).stores).toBe('plimsoll,sandbox')
    await plimsoll.newProject('stranger', { clouds: ['sandbox'] })
    expect((await gone('sandbox', plimsoll.as('stranger')))[0]).toBe(404)
  })

  it('that cannot have a copy are named by the task', async () => {
    await start()
    const id = await record({ disk_format: 'raw', container_format: 'docker' })
    await demo().put(path(id, '/file'), rawDisk(), OCTETS)
    await importing(id, { name: 'copy-image' }, { stores: ['sandbox'] })
    await plimsoll.settle()
    expect(await taskOf(id)).toMatchObject({ status: 'failure', message: expect.stringMatching(/^sandbox: /) })
    expect(await shown(id)).toMatchObject({ status: 'active', os_glance_failed_import: 'sandbox', stores: 'plimsoll' })
  })

  it('that are down are asked after ever less often, and not for longer than a day', async () => {
    await start()
    const id = await record()
    await demo().put(path(id, '/file'), qcow2Disk(), OCTETS)
    await importing(id, { name: 'copy-image' }, { stores: ['sandbox'] })
    const { clock, db } = plimsoll
    // As if its cloud answered nobody.
    await db.run(sql`update bindings set due_at = null, phase = 'calling' where resource_id = ${id}`)
    const pause = async () => {
      await runCron(plimsoll.host)
      await plimsoll.runDeferred()
      return ((await taskDueAt(db)) ?? 0) - clock.now
    }
    expect(await pause()).toBe(2_000)
    clock.advance(600_000)
    expect(await pause()).toBe(60_000)
    clock.advance(12 * 3_600_000)
    expect(await pause()).toBe(300_000)
    clock.advance(12 * 3_600_000)
    await plimsoll.settle()
    expect(await taskOf(id)).toMatchObject({
      status: 'failure',
      message: 'sandbox: The cloud did not have its copy within a day.',
    })
    expect(await shown(id)).toMatchObject({ os_glance_failed_import: 'sandbox', os_glance_importing_to_stores: '' })
  })

  it('get copies of what is imported to them', async () => {
    await start()
    const id = await record()
    await demo().put(path(id, '/stage'), qcow2Disk(), OCTETS)
    expect((await importing(id, { name: 'glance-direct' }, { all_stores: true })).status).toBe(202)
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ status: 'active', stores: 'plimsoll,sandbox' })
    const other = await record()
    await importing(other, { name: 'web-download', uri: URI }, { stores: ['plimsoll', 'sandbox'] })
    await plimsoll.settle()
    expect(await shown(other)).toMatchObject({ status: 'active', stores: 'plimsoll,sandbox' })
    const elsewhere = await demo().put(path(await record(), '/file'), qcow2Disk(), {
      ...OCTETS,
      'X-Image-Meta-Store': 'sandbox',
    })
    expect(elsewhere.status).toBe(400)
  })
})

describe('tasks', () => {
  it('are one at a time for an image, and hold what was asked and nothing else', async () => {
    await start()
    const id = await record()
    await demo().put(path(id, '/file'), qcow2Disk(), OCTETS)
    const method = { name: 'copy-image', junk: 'x' }
    const more = { stores: ['sandbox'], junk: 'x'.repeat(100_000) }
    expect((await importing(id, method, more)).status).toBe(202)
    const asked = { method: { name: 'copy-image' }, stores: ['sandbox'] }
    expect((await taskOf(id)).input).toEqual({ image_id: id, import_req: asked, backend: ['sandbox'] })
    const again = await importing(id, { name: 'copy-image' }, { all_stores: true })
    expect([again.status, sentence(again.body)]).toEqual([409, 'Image has active task'])
    await plimsoll.settle()
    expect((await importing(id, { name: 'copy-image' }, { all_stores: true })).status).toBe(202)
  })

  it('of a project are so many: the oldest that are over make room', async () => {
    await start()
    const id = await record()
    await demo().put(path(id, '/file'), qcow2Disk(), OCTETS)
    const copy = () => importing(id, { name: 'copy-image' }, { all_stores: true })
    await copy()
    await plimsoll.settle()
    const { db } = plimsoll
    const [first] = await tasksOf(db, id)
    const others = Array.from({ length: MOST_TASKS + 20 }, (_, each) => ({
      ...{ ...first!, imageId: 'elsewhere', id: `other-${each}`, createdAt: first!.createdAt + 1 + each },
    }))
    for (const other of others) await insertTask(db, other)
    const count = async () =>
      (await db.all<{ count: number }>(sql`select count(*) as count from image_tasks`))[0]!.count
    expect((await copy()).status).toBe(202)
    expect(await count()).toBe(MOST_TASKS)
    expect(await taskById(db, everyProject, first!.id)).toBeNull()
    expect(await taskById(db, everyProject, 'other-20')).toBeNull()
    expect(await taskById(db, everyProject, 'other-21')).not.toBeNull()
    await plimsoll.settle()
    await db.run(sql`update image_tasks set expires_at = null where image_id = 'elsewhere'`)
    expect((await copy()).status).toBe(202)
    await plimsoll.settle()
    await db.run(sql`update image_tasks set expires_at = null, image_id = 'elsewhere'`)
    const full = await copy()
    expect([full.status, sentence(full.body)]).toEqual([
      409,
      'The project has 200 imports under way, which is as many as there may be.',
    ])
  })

  it('make images of what is at an address, for administrators', async () => {
    const mirror = await start()
    const input = {
      import_from: URI,
      import_from_format: 'qcow2',
      image_properties: { name: 'made', disk_format: 'qcow2', container_format: 'bare', visibility: 'public' },
    }
    expect((await demo().post('/image/v2/tasks', { type: 'import', input })).status).toBe(403)
    const { status, body, headers } = await admin().post('/image/v2/tasks', { type: 'import', input })
    expect([status, headers.get('Location')]).toEqual([201, `/v2/tasks/${body.id}`])
    expect(body).toMatchObject({ type: 'import', status: 'pending', input, schema: '/v2/schemas/task' })
    await plimsoll.settle()
    const task = (await admin().get(`/image/v2/tasks/${body.id}`)).body
    expect(task).toMatchObject({ status: 'success', owner: plimsoll.projectId('admin') })
    expect(await shown(task.result.image_id)).toMatchObject({ name: 'made', os_hash_value: sha(mirror.data) })
    expect((await admin().delete(`/image/v2/tasks/${body.id}`)).status).toBe(405)
    const listed = async (search: string) => (await admin().get(`/image/v2/tasks?${search}`)).body.tasks?.length
    expect(await listed('status=success&type=import')).toBe(1)
    expect(await listed('status=failure')).toBe(0)
    plimsoll.clock.advance(1_000)
    await fetching()
    const page = (await admin().get('/image/v2/tasks?limit=1')).body
    expect(page.tasks[0]).toMatchObject({ type: 'api_image_import' })
    expect(page.tasks[0]).not.toHaveProperty('input')
    expect((await admin().get(`/image${page.next}`)).body.tasks[0].id).toBe(body.id)
    for (const wrong of ['status=x', 'type=x', 'sort_key=x', 'sort_dir=x', 'marker=x'])
      expect((await admin().get(`/image/v2/tasks?${wrong}`)).status).toBe(400)
    expect((await admin().get('/image/v2/tasks/x')).status).toBe(404)
    const wrong = [
      { type: 'import', input: {} },
      { type: 'import', input: { ...input, import_from: 'http://10.0.0.1/' } },
      { type: 'import', input: { ...input, image_properties: {} } },
      { type: 'api_image_import', input },
      {},
    ]
    for (const each of wrong) expect((await admin().post('/image/v2/tasks', each)).status).toBe(400)
  })

  it('are thrown away two days after they are over', async () => {
    await start()
    const id = await fetching()
    await plimsoll.settle()
    plimsoll.clock.advance(47 * 3_600_000)
    await runCron(plimsoll.host)
    expect(await taskOf(id)).toMatchObject({ expires_at: expect.any(String) })
    plimsoll.clock.advance(2 * 3_600_000)
    await runCron(plimsoll.host)
    expect(await taskOf(id)).toBeUndefined()
  })

  it('are seen by who owns the image', async () => {
    await start()
    const id = await fetching(URI, { visibility: 'community' })
    await plimsoll.newProject('stranger')
    expect((await plimsoll.as('stranger').get(path(id, '/tasks'))).body).toEqual({ tasks: [] })
  })
})
