import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { recall } from '../../../adapters/sandbox/backdoor.ts'
import { bindingsOf } from '../../../db/queries/line/bindings.ts'
import { createServer } from '../../support/builders.ts'
import { ovaArchive, qcow2Disk } from '../../support/disks.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/** Two clouds, and what is uploaded once is for both. */
const CLOUDS = [
  { name: 'harbour', type: 'sandbox' },
  { name: 'island', type: 'sandbox' },
]
let plimsoll: Plimsoll
const start = async (island: object = {}) => {
  plimsoll = await startPlimsoll({ clouds: [CLOUDS[0]!, { ...CLOUDS[1]!, options: island }] })
}
beforeEach(() => start())

const demo = () => plimsoll.as('demo')
const OCTETS = { 'Content-Type': 'application/octet-stream' }
const V21 = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' }
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const uploaded = async (bytes: Uint8Array = qcow2Disk(), disk_format = 'qcow2', container_format = 'bare') => {
  const { body } = await demo().post('/image/v2/images', { name: 'own', disk_format, container_format })
  expect((await demo().put(`/image/v2/images/${body.id}/file`, bytes, OCTETS)).status).toBe(204)
  return body.id as string
}
const boot = async (image: string, zone?: string, who = 'demo') => {
  const id = await createServer(plimsoll, plimsoll.as(who), {
    imageRef: image,
    flavorRef: '2',
    ...(zone ? { availability_zone: zone } : {}),
  })
  return (await plimsoll.as('admin').get(`/compute/v2.1/servers/${id}`)).body.server
}
const shown = async (id: string) => (await demo().get(`/image/v2/images/${id}`)).body
const bindings = async (id: string) => (await bindingsOf(plimsoll.db, id)).filter(({ kind }) => kind === 'image')
/** What a cloud itself holds of it. */
const onCloud = async (id: string, cloud: string) => {
  const cloudId = plimsoll.cloudId(cloud)
  const here = (await bindings(id)).filter((each) => each.cloudId === cloudId && each.nativeId)
  return Promise.all(here.map((each) => recall(plimsoll.host.cloudState, cloudId, 'image', each.nativeId!)))
}

describe('an image that was uploaded once', () => {
  it('is on no cloud until somebody needs it there', async () => {
    const id = await uploaded()
    await plimsoll.settle()
    expect(await bindings(id)).toEqual([])
    expect((await shown(id))['plimsoll:clouds']).toBeUndefined()
  })

  it('boots on each, and each has all of its bytes', async () => {
    const id = await uploaded()
    for (const cloud of ['harbour', 'island']) {
      const server = await boot(id, cloud)
      expect(server).toMatchObject({ status: 'ACTIVE', image: { id } })
      expect(server['OS-EXT-AZ:availability_zone']).toMatch(new RegExp(`^${cloud}\\.`))
      expect(await onCloud(id, cloud)).toMatchObject([
        { sha256: sha256(qcow2Disk()), sizeBytes: qcow2Disk().length, minDiskGiB: 2 },
      ])
    }
    expect(await shown(id)).toMatchObject({ status: 'active', 'plimsoll:clouds': 'harbour,island' })
  })

  it('is made there once, for however many servers', async () => {
    const id = await uploaded(ovaArchive(), 'vmdk', 'ova')
    const [first] = [await boot(id, 'island'), await boot(id, 'island')]
    expect(first.status).toBe('ACTIVE')
    expect(await bindings(id)).toHaveLength(1)
  })

  it('boots where there is room, like any other', async () => {
    const id = await uploaded()
    expect((await boot(id)).status).toBe('ACTIVE')
    expect((await bindings(id)).map(({ phase }) => phase)).toEqual(['bound'])
  })

  it('is what volumes are made of', async () => {
    const id = await uploaded()
    const volume = { size: 2, imageRef: id, availability_zone: 'island.a' }
    const made = await demo().post(`/volume/v3/${plimsoll.projectId('demo')}/volumes`, { volume })
    expect(made.status).toBe(202)
    await plimsoll.settle()
    const { body } = await demo().get(`/volume/v3/${plimsoll.projectId('demo')}/volumes/${made.body.volume.id}`)
    expect(body.volume).toMatchObject({
      status: 'available',
      bootable: 'true',
      volume_image_metadata: { image_id: id, disk_format: 'qcow2' },
    })
    const small = await demo().post(`/volume/v3/${plimsoll.projectId('demo')}/volumes`, {
      volume: { ...volume, size: 1 },
    })
    expect(small.status).toBe(400)
  })

  it('becomes the disk of a server that was made of another', async () => {
    const { images } = (await demo().get('/image/v2/images?name=sandbox-linux')).body
    const first = images.find((each: Record<string, string>) => each['plimsoll:clouds'] === 'island')
    const server = await boot(first.id, 'island')
    const id = await uploaded()
    const rebuild = { imageRef: id }
    expect((await demo().post(`/compute/v2.1/servers/${server.id}/action`, { rebuild })).status).toBe(202)
    await plimsoll.settle()
    expect((await demo().get(`/compute/v2.1/servers/${server.id}`)).body.server).toMatchObject({
      status: 'ACTIVE',
      image: { id },
    })
    expect(await onCloud(id, 'island')).toHaveLength(1)
  })

  it('goes everywhere when it is deleted: from the clouds and from the store', async () => {
    const id = await uploaded()
    for (const cloud of ['harbour', 'island']) await boot(id, cloud)
    expect((await demo().delete(`/image/v2/images/${id}`)).status).toBe(204)
    await plimsoll.settle()
    expect((await bindings(id)).map(({ phase }) => phase)).toEqual(['gone', 'gone'])
    for (const cloud of ['harbour', 'island']) expect(await onCloud(id, cloud)).toEqual([undefined])
    expect([...plimsoll.blobs.kept]).toEqual([])
  })

  it('gets a new name on every cloud that has it', async () => {
    const id = await uploaded()
    for (const cloud of ['harbour', 'island']) await boot(id, cloud)
    await demo().patch(`/image/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'renamed' }], V21)
    await plimsoll.settle()
    for (const cloud of ['harbour', 'island']) expect(await onCloud(id, cloud)).toMatchObject([{ name: 'renamed' }])
  })
})

describe('of projects that share an image', () => {
  it('each has it in its own account', async () => {
    await plimsoll.newProject('guest', { clouds: ['island'] })
    const id = await uploaded()
    await plimsoll
      .as('admin')
      .patch(`/image/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: 'public' }], V21)
    expect((await boot(id, 'island', 'guest')).status).toBe('ACTIVE')
    expect((await boot(id, 'island')).status).toBe('ACTIVE')
    const made = await bindings(id)
    expect(made.map(({ projectId }) => projectId).sort()).toEqual(
      [plimsoll.projectId('demo'), plimsoll.projectId('guest')].sort(),
    )
    expect((await shown(id))['plimsoll:clouds']).toBe('island')
  })
})

describe('a cloud that cannot make it', () => {
  it('is told to the server there, and does not spoil the image', async () => {
    await start({ faults: [{ method: 'image.create', fault: 'definitive', message: 'Not this one.', count: 1 }] })
    const id = await uploaded()
    const server = await boot(id, 'island')
    expect(server).toMatchObject({ status: 'ERROR', fault: { message: 'Not this one.' } })
    expect((await shown(id)).status).toBe('active')
    expect((await boot(id, 'harbour')).status).toBe('ACTIVE')
    // The next server asks again.
    expect((await boot(id, 'island')).status).toBe('ACTIVE')
  })

  it('because it found other bytes than were announced, says so', async () => {
    const id = await uploaded()
    const [key] = plimsoll.blobs.kept.keys()
    plimsoll.blobs.kept.set(key!, new Uint8Array(5))
    const server = await boot(id, 'island')
    expect(server).toMatchObject({
      status: 'ERROR',
      fault: { message: `The data has 5 bytes and should have ${qcow2Disk().length}.` },
    })
  })

  it('because it lost the answer, makes it once all the same', async () => {
    await start({ faults: [{ method: 'image.create', fault: 'lost_answer', count: 1 }] })
    const id = await uploaded()
    expect((await boot(id, 'island')).status).toBe('ACTIVE')
    const found = await plimsoll.host.cloudState.list(`${plimsoll.cloudId('island')}/objects/`, 1_000)
    expect(found.filter(({ key }) => key.includes('/image/'))).toHaveLength(1)
  })
})

describe('a format that no cloud of the project takes', () => {
  it('leaves the server without a host, with the formats and the clouds', async () => {
    const id = await uploaded(new Uint8Array(2_000), 'ami', 'ami')
    const server = await boot(id)
    expect(server.status).toBe('ERROR')
    expect(server.fault.message).toMatch(
      /^No valid host was found\. Image [0-9a-f-]{36} is ami\/ami, and harbour takes /,
    )
    expect(server.fault.message).toMatch(/vmdk\/ova; island takes raw\/bare/)
    const named = await boot(id, 'island')
    expect(named.fault.message).toMatch(/is ami\/ami, and island takes raw\/bare/)
    expect(await bindings(id)).toEqual([])
  })

  it('makes no volume', async () => {
    const id = await uploaded(new Uint8Array(2_000), 'ami', 'ami')
    const { status, body } = await demo().post(`/volume/v3/${plimsoll.projectId('demo')}/volumes`, {
      volume: { size: 2, imageRef: id },
    })
    expect(status).toBe(400)
    expect(JSON.stringify(body)).toContain('ami/ami, which no cloud of the project makes volumes of')
  })
})
