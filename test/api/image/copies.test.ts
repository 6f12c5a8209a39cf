import { beforeEach, describe, expect, it } from 'vitest'
import { recall } from '../../../adapters/sandbox/backdoor.ts'
import { bindingsOf } from '../../../db/queries/line/bindings.ts'
import { refreshInventory } from '../../../functions/broker/clouds/inventory.ts'
import { createServer, imageNamed } from '../../support/builders.ts'
import { qcow2Disk } from '../../support/disks.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/** Two clouds whose catalogues know nothing of each other. */
const images = (name: string, ...more: object[]) => [{ name, min_disk_gib: 1 }, ...more]
const HARBOUR = { name: 'harbour', type: 'sandbox', options: { images: images('ami-noble') } }
const ISLAND = {
  name: 'island',
  type: 'sandbox',
  options: {
    images: images('noble-template', { name: 'arm-template', arch: 'aarch64' }, { name: 'win', os: 'windows' }),
  },
}
let plimsoll: Plimsoll
const start = async (clouds: Parameters<typeof startPlimsoll>[0] = { clouds: [HARBOUR, ISLAND] }) => {
  plimsoll = await startPlimsoll(clouds)
}
beforeEach(() => start())

const demo = () => plimsoll.as('demo')
const admin = () => plimsoll.as('admin')
const OCTETS = { 'Content-Type': 'application/octet-stream' }
const copiesOf = async (id: string, who = demo()) => {
  const { body } = await who.get(`/broker/v1/images/${id}/copies`)
  return Object.fromEntries(body.copies.map((copy: { cloud: string }) => [copy.cloud, copy]))
}
const named = (id: string, cloud: string, native_id: string) =>
  admin().put(`/broker/v1/images/${id}/copies/${cloud}`, { native_id })
const taken = (id: string, cloud: string) => admin().delete(`/broker/v1/images/${id}/copies/${cloud}`)
const record = async (more: object = {}) => {
  const { body } = await demo().post('/image/v2/images', { name: 'noble', ...more })
  return body.id as string
}
const uploaded = async (disk_format = 'qcow2') => {
  const id = await record({ disk_format, container_format: 'bare' })
  expect((await demo().put(`/image/v2/images/${id}/file`, qcow2Disk(), OCTETS)).status).toBe(204)
  return id
}
const booted = async (imageRef: string, availability_zone: string) => {
  const id = await createServer(plimsoll, demo(), { imageRef, availability_zone, flavorRef: '2' })
  const { server } = (await demo().get(`/compute/v2.1/servers/${id}`)).body
  const [binding] = await bindingsOf(plimsoll.db, id)
  return { ...server, madeOf: (binding!.frozen as { image: string } | null)?.image }
}
const listed = async () =>
  (await demo().get('/image/v2/images')).body.images.map(
    (image: Record<string, string>) => `${image.name} on ${image['plimsoll:clouds']}`,
  )
const volumes = () => `/volume/v3/${plimsoll.projectId('demo')}/volumes`
const shown = async (id: string) => (await demo().get(`/image/v2/images/${id}`)).body

describe('an image of which an administrator names the copies', () => {
  it('is one image, and boots on each cloud from what that has of it', async () => {
    const id = await record()
    expect((await shown(id)).status).toBe('queued')
    const first = await named(id, 'harbour', 'sbx-img-ami-noble')
    expect([first.status, first.body.copy]).toMatchObject([
      200,
      { cloud: 'harbour', state: 'ready', native_id: 'sbx-img-ami-noble', named: true, format: null },
    ])
    expect((await named(id, 'island', 'sbx-img-noble-template')).status).toBe(200)
    expect(await shown(id)).toMatchObject({ status: 'active', min_disk: 1, 'plimsoll:clouds': 'harbour,island' })
    for (const [cloud, native] of [
      ['harbour', 'sbx-img-ami-noble'],
      ['island', 'sbx-img-noble-template'],
    ] as const)
      expect(await booted(id, cloud)).toMatchObject({ status: 'ACTIVE', image: { id }, madeOf: native })
  })

  it('is listed in place of what the catalogues show, whose ids still name them', async () => {
    const entry = await imageNamed(demo(), 'ami-noble')
    const id = await record()
    await named(id, 'harbour', 'sbx-img-ami-noble')
    expect(await listed()).not.toContain('ami-noble on harbour')
    expect(await booted(entry, 'harbour')).toMatchObject({ status: 'ACTIVE', image: { id: entry } })
    await taken(id, 'harbour')
    expect(await listed()).toContain('ami-noble on harbour')
  })

  it('waits for data again when the last of them is taken back, and the object stays', async () => {
    const id = await record()
    await named(id, 'island', 'sbx-img-noble-template')
    const server = await booted(id, 'island')
    expect((await taken(id, 'island')).status).toBe(204)
    expect((await shown(id)).status).toBe('queued')
    expect((await copiesOf(id)).island).toMatchObject({ state: 'absent' })
    expect((await demo().get(`/compute/v2.1/servers/${server.id}`)).body.server.status).toBe('ACTIVE')
    expect((await taken(id, 'island')).body).toMatchObject({
      error: { message: expect.stringContaining('No copy of image') },
    })
  })

  it('can be deleted, which removes nothing that was named', async () => {
    await plimsoll.newProject('maker', { clouds: ['island'] })
    const imageRef = await imageNamed(plimsoll.as('maker'), 'noble-template')
    const maker = await createServer(plimsoll, plimsoll.as('maker'), { imageRef })
    const { headers } = await plimsoll
      .as('maker')
      .post(`/compute/v2.1/servers/${maker}/action`, { createImage: { name: 'made' } })
    await plimsoll.settle()
    const made = headers.get('location')!.split('/').at(-1)!
    const native = (await bindingsOf(plimsoll.db, made))[0]!.nativeId!
    const id = await record()
    expect((await named(id, 'island', native)).status).toBe(200)
    expect((await demo().delete(`/image/v2/images/${id}`)).status).toBe(204)
    await plimsoll.settle()
    const object = () => recall(plimsoll.host.cloudState, plimsoll.cloudId('island'), 'image', native)
    expect(await object()).toMatchObject({ id: native, goneAt: null })
    expect((await plimsoll.as('maker').get(`/image/v2/images/${made}`)).body.status).toBe('active')
  })

  it('can still be renamed by its owner', async () => {
    const id = await record()
    await named(id, 'island', 'sbx-img-noble-template')
    const change = [{ op: 'replace', path: '/name', value: 'noble numbat' }]
    const patched = await demo().patch(`/image/v2/images/${id}`, change, {
      'Content-Type': 'application/openstack-images-v2.1-json-patch',
    })
    expect([patched.status, patched.body.name]).toEqual([200, 'noble numbat'])
    await plimsoll.settle()
    expect((await copiesOf(id)).island).toMatchObject({ state: 'ready' })
  })

  it('may be what a catalogue shows', async () => {
    const entry = await imageNamed(demo(), 'ami-noble')
    expect((await named(entry, 'island', 'sbx-img-noble-template')).status).toBe(200)
    expect(await listed()).toEqual(expect.arrayContaining(['ami-noble on harbour,island', 'arm-template on island']))
    expect(await booted(entry, 'island')).toMatchObject({ status: 'ACTIVE', madeOf: 'sbx-img-noble-template' })
  })
})

describe('what is named and cannot be', () => {
  const reasons: [what: string, native: string, cloud: string, reason: RegExp][] = [
    ['an object that is not there', 'sbx-img-none', 'island', /shows no image sbx-img-none to its operator/],
    ['one for other processors', 'sbx-img-arm-template', 'island', /It is for aarch64, and image [\w-]+ for x86_64/],
    ['one of another system', 'sbx-img-win', 'island', /It is of windows, and image [\w-]+ of linux/],
  ]
  it.each(reasons)('%s is refused in words', async (_, native, cloud, reason) => {
    const id = await record()
    await named(id, 'harbour', 'sbx-img-ami-noble')
    const { status, body } = await named(id, cloud, native)
    expect(status).toBe(409)
    expect(body.error.message).toMatch(reason)
    expect((await copiesOf(id)).island).toMatchObject({ state: 'absent' })
  })

  it('the entry of the catalogue that the image is, and what nobody named', async () => {
    const entry = await imageNamed(demo(), 'ami-noble')
    expect((await named(entry, 'harbour', 'sbx-img-ami-noble')).body.error.message).toMatch(
      /itself shows in its catalogue/,
    )
    expect((await taken(entry, 'harbour')).body.error.message).toMatch(/shows it in its catalogue/)
  })

  it('where the cloud itself made the image, of a server', async () => {
    const server = await booted(await imageNamed(demo(), 'noble-template'), 'island')
    const createImage = { createImage: { name: 'made' } }
    const { headers } = await demo().post(`/compute/v2.1/servers/${server.id}/action`, createImage)
    await plimsoll.settle()
    const id = headers.get('location')!.split('/').at(-1)!
    const { status, body } = await named(id, 'island', 'sbx-img-noble-template')
    expect([status, body.error.message]).toEqual([
      409,
      'Cloud island has made the image itself, of a server or a volume.',
    ])
    expect((await named(id, 'harbour', 'sbx-img-ami-noble')).status).toBe(200)
    expect(await booted(id, 'harbour')).toMatchObject({ status: 'ACTIVE', madeOf: 'sbx-img-ami-noble' })
  })

  it('cannot be taken back while a server is being made of it', async () => {
    const id = await record()
    await named(id, 'island', 'sbx-img-noble-template')
    const server = { name: 's', imageRef: id, flavorRef: '1', availability_zone: 'island' }
    expect((await demo().post('/compute/v2.1/servers', { server })).status).toBe(202)
    const { status, body } = await taken(id, 'island')
    expect([status, body.error.message]).toEqual([
      409,
      'Something is being made of the image; ask again when it is there.',
    ])
    await plimsoll.settle()
    expect((await taken(id, 'island')).status).toBe(204)
  })

  it('is for administrators to name, of images and clouds that there are', async () => {
    const id = await record()
    const body = { native_id: 'sbx-img-ami-noble' }
    expect((await demo().put(`/broker/v1/images/${id}/copies/harbour`, body)).status).toBe(403)
    expect((await demo().delete(`/broker/v1/images/${id}/copies/harbour`)).status).toBe(403)
    expect((await named('nobody', 'harbour', 'x')).status).toBe(404)
    expect((await named(id, 'nowhere', 'x')).status).toBe(404)
  })

  it('on a cloud that is only looked at, where nothing is made of it', async () => {
    await start({ clouds: [HARBOUR, { ...ISLAND, options: { ...ISLAND.options, read_only: true } }] })
    const { status, body } = await named(await record(), 'island', 'sbx-img-noble-template')
    expect([status, body.error.message]).toEqual([409, expect.stringContaining('is connected read-only')])
  })
})

describe('an image that was uploaded', () => {
  it('says of every cloud what that has, or would be handed', async () => {
    const id = await uploaded()
    expect(await copiesOf(id)).toMatchObject({
      harbour: { state: 'absent', format: 'qcow2/bare', converted: false, native_id: null, reason: null, at: null },
      island: { state: 'absent' },
    })
    const { body } = await demo().post('/compute/v2.1/servers', {
      server: { name: 's', imageRef: id, flavorRef: '2', availability_zone: 'island' },
    })
    await plimsoll.runDeferred()
    expect((await copiesOf(id)).island).toMatchObject({
      state: 'copying',
      format: 'qcow2/bare',
      share: expect.any(Number),
      project_id: plimsoll.projectId('demo'),
    })
    await plimsoll.settle()
    const ready = (await copiesOf(id)).island
    expect(ready).toMatchObject({ state: 'ready', share: 1, format: 'qcow2/bare', named: false })
    expect(Date.parse(ready.at)).toBeGreaterThan(0)
    expect((await demo().get(`/compute/v2.1/servers/${body.server.id}`)).body.server.status).toBe('ACTIVE')
  })

  it('is not made where it has a copy already', async () => {
    const id = await uploaded()
    await named(id, 'island', 'sbx-img-noble-template')
    expect(await booted(id, 'island')).toMatchObject({ status: 'ACTIVE', madeOf: 'sbx-img-noble-template' })
    expect((await bindingsOf(plimsoll.db, id)).map(({ named }) => named)).toEqual([true])
    const volume = { size: 2, imageRef: id, availability_zone: 'island' }
    const made = await demo().post(volumes(), { volume })
    expect([made.status, made.body]).toEqual([202, expect.anything()])
    await plimsoll.settle()
    expect((await demo().get(`${volumes()}/${made.body.volume.id}`)).body.volume.status).toBe('available')
    expect((await bindingsOf(plimsoll.db, id)).map(({ named }) => named)).toEqual([true])
    // Taken back, it is made of the data.
    await taken(id, 'island')
    expect(await booted(id, 'island')).toMatchObject({ status: 'ACTIVE' })
    expect((await copiesOf(id)).island).toMatchObject({ state: 'ready', named: false, format: 'qcow2/bare' })
  })

  it('says why a cloud has none', async () => {
    await start({
      clouds: [
        HARBOUR,
        {
          ...ISLAND,
          options: {
            ...ISLAND.options,
            faults: [{ method: 'image.create', fault: 'definitive', message: 'Not this one.', count: 1 }],
          },
        },
      ],
    })
    const id = await uploaded()
    expect((await booted(id, 'island')).status).toBe('ERROR')
    expect((await copiesOf(id)).island).toMatchObject({ state: 'failed', reason: 'Not this one.', native_id: null })
  })

  it('is nobody else’s to look at', async () => {
    await plimsoll.newProject('stranger', { clouds: ['island'] })
    const id = await uploaded()
    expect((await plimsoll.as('stranger').get(`/broker/v1/images/${id}/copies`)).status).toBe(404)
  })
})

describe('entries of several catalogues that go by one name', () => {
  const both = (island: object[] = images('noble-template')) => ({
    clouds: [
      { ...HARBOUR, options: { ...HARBOUR.options, 'images.as': { 'ubuntu-24.04': 'ami-*' } } },
      { ...ISLAND, options: { images: island, 'images.as': { 'ubuntu-24.04': 'noble-*' } } },
    ],
  })
  const seesAgain = async (cloud: string, options: object) => {
    const { status, body } = await admin().patch(`/broker/v1/clouds/${cloud}`, { cloud: { options } })
    expect([status, body.error]).toEqual([200, undefined])
    await plimsoll.runDeferred()
  }

  it('are one image', async () => {
    await start(both())
    expect(await listed()).toEqual(['ubuntu-24.04 on harbour,island'])
    const id = await imageNamed(demo(), 'ubuntu-24.04')
    expect(await copiesOf(id)).toMatchObject({
      harbour: { state: 'ready', native_id: 'sbx-img-ami-noble', named: false },
      island: { state: 'ready', native_id: 'sbx-img-noble-template' },
    })
    expect(await booted(id, 'harbour')).toMatchObject({ status: 'ACTIVE', madeOf: 'sbx-img-ami-noble' })
    expect(await booted(id, 'island')).toMatchObject({ status: 'ACTIVE', madeOf: 'sbx-img-noble-template' })
  })

  it('become one under servers that were booted from them, whose images keep their ids', async () => {
    const entry = await imageNamed(demo(), 'ami-noble')
    const server = await booted(entry, 'harbour')
    await seesAgain('harbour', { ...HARBOUR.options, 'images.as': { 'ubuntu-24.04': 'ami-noble' } })
    await seesAgain('island', { ...ISLAND.options, 'images.as': { 'ubuntu-24.04': 'noble-template' } })
    expect(await listed()).toContain('ubuntu-24.04 on harbour,island')
    expect(await listed()).not.toContain('ami-noble on harbour')
    expect((await demo().get(`/compute/v2.1/servers/${server.id}`)).body.server.image.id).toBe(entry)
    expect(await shown(entry)).toMatchObject({ name: 'ami-noble', status: 'active', os_hidden: true })
    const rebuild = { imageRef: entry }
    expect((await demo().post(`/compute/v2.1/servers/${server.id}/action`, { rebuild })).status).toBe(202)
    await plimsoll.settle()
    expect((await demo().get(`/compute/v2.1/servers/${server.id}`)).body.server.status).toBe('ACTIVE')
    // Without the rules everything is as it was.
    await seesAgain('harbour', HARBOUR.options)
    await seesAgain('island', ISLAND.options)
    expect(await listed()).toEqual(expect.arrayContaining(['ami-noble on harbour', 'noble-template on island']))
    expect((await listed()).join()).not.toContain('ubuntu-24.04')
  })

  it('follow what the catalogues show: the same image, for as long as one of them has it', async () => {
    await start(both())
    const id = await imageNamed(demo(), 'ubuntu-24.04')
    const rule = { 'images.as': { 'ubuntu-24.04': 'noble-*' } }
    await seesAgain('island', { images: images('other'), ...rule })
    expect(await listed()).toEqual(expect.arrayContaining(['ubuntu-24.04 on harbour', 'other on island']))
    await seesAgain('harbour', { images: images('other'), 'images.as': { 'ubuntu-24.04': 'ami-*' } })
    expect((await demo().get(`/image/v2/images/${id}`)).status).toBe(404)
    await seesAgain('island', { images: images('noble-2'), ...rule })
    expect(await shown(id)).toMatchObject({ id, name: 'ubuntu-24.04', status: 'active', 'plimsoll:clouds': 'island' })
    expect((await copiesOf(id)).island).toMatchObject({ native_id: 'sbx-img-noble-2' })
  })

  it('are left with the clouds that are left', async () => {
    await start(both())
    const id = await imageNamed(demo(), 'ubuntu-24.04')
    const mapping = `/broker/v1/projects/${plimsoll.projectId('demo')}/clouds/harbour`
    await admin().delete(mapping)
    expect((await admin().delete('/broker/v1/clouds/harbour')).status).toBe(204)
    expect(await shown(id)).toMatchObject({ status: 'active', 'plimsoll:clouds': 'island' })
    expect(await booted(id, 'island')).toMatchObject({ status: 'ACTIVE' })
  })

  it('are not one where they are other machines, and the copies say so', async () => {
    await start(both([{ name: 'noble-arm', arch: 'aarch64', min_disk_gib: 1 }]))
    const id = await imageNamed(demo(), 'ubuntu-24.04')
    expect(await shown(id)).toMatchObject({ architecture: 'x86_64', 'plimsoll:clouds': 'harbour' })
    expect((await copiesOf(id)).island).toMatchObject({
      state: 'failed',
      reason: 'The image sbx-img-noble-arm is for aarch64, and on other clouds for x86_64.',
    })
    const refused = await demo().post('/compute/v2.1/servers', {
      server: { name: 's', imageRef: id, flavorRef: '1', availability_zone: 'island', networks: 'none' },
    })
    expect(refused.status).not.toBe(500)
    expect((await booted(id, 'harbour')).status).toBe('ACTIVE')
  })

  it('give way to what an administrator names, for as long as it is named', async () => {
    await start(both([...images('noble-template'), { name: 'better', min_disk_gib: 2 }]))
    const id = await imageNamed(demo(), 'ubuntu-24.04')
    expect((await named(id, 'island', 'sbx-img-better')).status).toBe(200)
    const cloud = (await import('../../../db/queries/clouds/clouds.ts')).cloudByName
    await refreshInventory(plimsoll.context(), (await cloud(plimsoll.db, 'island'))!)
    expect((await copiesOf(id)).island).toMatchObject({ native_id: 'sbx-img-better', named: true })
    expect(await shown(id)).toMatchObject({ min_disk: 2 })
    await taken(id, 'island')
    await refreshInventory(plimsoll.context(), (await cloud(plimsoll.db, 'island'))!)
    expect((await copiesOf(id)).island).toMatchObject({ native_id: 'sbx-img-noble-template', named: false })
  })

  it('need rules that are rules', async () => {
    for (const rule of [[], 'ami', { '': 'x' }, { name: 3 }, { name: '' }]) {
      const { status, body } = await admin().post('/broker/v1/clouds', {
        cloud: { name: 'third', type: 'sandbox', options: { 'images.as': rule } },
      })
      expect([status, body.error.message]).toEqual([400, expect.stringContaining('images.as must be an object')])
    }
    const cloud = {
      name: 'aws',
      type: 'aws',
      region: 'us-east-1',
      options: { images: { owners: ['099720109477'], as: { 'ubuntu-24.04': 'ubuntu/images/*' } } },
      credentials: { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret' },
    }
    const { status, body } = await admin().post('/broker/v1/clouds', { cloud })
    expect([status, body.error]).toEqual([201, undefined])
  })
})
