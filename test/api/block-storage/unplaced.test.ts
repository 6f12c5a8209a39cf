import { beforeEach, describe, expect, test } from 'vitest'
import { createServer } from '../../support/builders.ts'
import { rawDisk } from '../../support/disks.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* Volumes in the zone that leaves the choice to the broker: made where they are first used. */

const NOVA = '/compute/v2.1'
let plimsoll: Plimsoll
let demo: Client
let admin: Client
let cinder: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'dc1', type: 'sandbox' },
      { name: 'dc2', type: 'sandbox' },
    ],
  })
  demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
  cinder = `/volume/v3/${plimsoll.projectId('demo')}`
  await say({ zones: 'policy', chain: ['dc1', 'dc2'] })
})

const say = (policy: object) => admin.put(`/broker/v1/projects/${plimsoll.projectId('demo')}/policy`, { policy })
const create = (more: object = {}) =>
  demo.post(`${cinder}/volumes`, { volume: { size: 3, availability_zone: 'burst', ...more } })
const made = async (more: object = {}): Promise<string> => (await create(more)).body.volume.id
const show = async (id: string, client = demo) => (await client.get(`${cinder}/volumes/${id}`)).body.volume
const imageOf = async (cloud: string): Promise<string> => {
  const { images } = (await demo.get('/image/v2/images?name=sandbox-linux')).body
  return images.find((each: Record<string, string>) => each['plimsoll:clouds']?.includes(cloud)).id
}
const serverOn = async (cloud: string, more: object = {}) =>
  createServer(plimsoll, demo, { imageRef: await imageOf(cloud), availability_zone: cloud, ...more })
const attach = (server: string, volumeId: string) =>
  demo.post(`${NOVA}/servers/${server}/os-volume_attachments`, { volumeAttachment: { volumeId } })
const used = async () => {
  const { quota_set } = (await demo.get(`${cinder}/os-quota-sets/${plimsoll.projectId('demo')}?usage=true`)).body
  return [quota_set.volumes.in_use, quota_set.gigabytes.in_use]
}
const bound = (id: string) =>
  plimsoll.db.all<{ cloud: string }>(
    `select c.name as cloud from bindings b join clouds c on c.id = b.cloud_id where b.resource_id = '${id}' and b.phase <> 'gone'`,
  )

test('such a volume is there at once, counts, and is on no cloud', async () => {
  const { status, body } = await create({ name: 'data' })
  expect([status, body.volume.status, body.volume.availability_zone]).toEqual([202, 'available', 'burst'])
  await plimsoll.settle()
  const { id } = body.volume
  expect(await show(id)).toMatchObject({ status: 'available', size: 3, availability_zone: 'burst' })
  expect(await show(id)).not.toHaveProperty('plimsoll:zone')
  expect((await show(id, admin))['os-vol-host-attr:host']).toBeNull()
  expect([await used(), await bound(id)]).toEqual([[1, 3], []])
  const listed = async (zone: string) =>
    (await demo.get(`${cinder}/volumes?availability_zone=${zone}`)).body.volumes.length
  expect([await listed('burst'), await listed('dc1')]).toEqual([1, 0])
})

test.each(['dc1', 'dc2'])('it is made where it is first attached: in %s', async (cloud) => {
  const id = await made()
  const server = await serverOn(cloud)
  expect((await attach(server, id)).status).toBe(200)
  await plimsoll.settle()
  expect(await show(id)).toMatchObject({
    status: 'in-use',
    availability_zone: 'burst',
    'plimsoll:zone': expect.stringMatching(new RegExp(`^${cloud}\\.`)),
  })
  expect(await bound(id)).toEqual([{ cloud }])
  expect(await used(), 'what counted counts once').toEqual([1, 3])
})

test('it stays where it was made', async () => {
  const id = await made()
  const server = await serverOn('dc1')
  await attach(server, id)
  await plimsoll.settle()
  await demo.delete(`${NOVA}/servers/${server}/os-volume_attachments/${id}`)
  await plimsoll.settle()
  expect(await show(id)).toMatchObject({ status: 'available', availability_zone: 'burst' })
  const elsewhere = await attach(await serverOn('dc2'), id)
  expect(elsewhere.status).toBe(400)
})

test('a server takes it along to wherever it goes, and boots from it', async () => {
  const image = await imageOf('dc2')
  const root = await made({ imageRef: image, size: 20 })
  expect(await show(root)).toMatchObject({ status: 'available', bootable: 'true' })
  const data = await made()
  const server = {
    name: 's',
    flavorRef: '1',
    networks: 'none',
    availability_zone: 'burst',
    block_device_mapping_v2: [
      { boot_index: 0, uuid: root, source_type: 'volume', destination_type: 'volume' },
      { boot_index: -1, uuid: data, source_type: 'volume', destination_type: 'volume' },
    ],
  }
  const answer = await demo.post(`${NOVA}/servers`, { server }, { 'OpenStack-API-Version': 'compute 2.96' })
  expect([answer.status, answer.body]).toEqual([202, expect.anything()])
  await plimsoll.settle()
  const shown = (await demo.get(`${NOVA}/servers/${answer.body.server.id}`)).body.server
  expect(shown).toMatchObject({ status: 'ACTIVE', 'OS-EXT-AZ:availability_zone': 'burst' })
  expect(shown['plimsoll:zone'], 'the image of its disk is on the second cloud alone').toMatch(/^dc2\./)
  for (const id of [root, data])
    expect(await show(id)).toMatchObject({ status: 'in-use', 'plimsoll:zone': shown['plimsoll:zone'] })
})

test('many who delete or extend it at once count it once', async () => {
  const [id] = [await made(), await made({ size: 7 })]
  const path = `${cinder}/volumes/${id}`
  const larger = await Promise.all(
    [4, 5, 6].map((new_size) => demo.post(`${path}/action`, { 'os-extend': { new_size } })),
  )
  expect(larger.filter(({ status }) => status === 202).length).toBeGreaterThan(0)
  expect(await used()).toEqual([2, 7 + (await show(id)).size])
  const answers = await Promise.all(Array.from({ length: 4 }, () => demo.delete(path)))
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
  expect(await used()).toEqual([1, 7])
})

test('its image stays while it is nowhere', async () => {
  const { id: image } = (
    await demo.post('/image/v2/images', { name: 'i', disk_format: 'raw', container_format: 'bare' })
  ).body
  await demo.put(`/image/v2/images/${image}/file`, rawDisk(), { 'Content-Type': 'application/octet-stream' })
  const id = await made({ imageRef: image })
  const refused = await demo.delete(`/image/v2/images/${image}`)
  expect([refused.status, JSON.stringify(refused.body)]).toEqual([
    409,
    expect.stringContaining(`Image ${image} could not be deleted because it is in use: A volume is to be made of it`),
  ])
  await attach(await serverOn('dc2'), id)
  await plimsoll.settle()
  expect(await show(id)).toMatchObject({ status: 'in-use', 'plimsoll:zone': expect.stringMatching(/^dc2/) })
  expect((await demo.delete(`/image/v2/images/${image}`)).status).toBe(204)
})

test('it grows, is renamed and is deleted while it is nowhere', async () => {
  const id = await made()
  expect((await demo.post(`${cinder}/volumes/${id}/action`, { 'os-extend': { new_size: 5 } })).status).toBe(202)
  await demo.put(`${cinder}/volumes/${id}`, { volume: { name: 'larger' } })
  expect(await show(id)).toMatchObject({ status: 'available', size: 5, name: 'larger' })
  expect(await used()).toEqual([1, 5])
  const server = await serverOn('dc1')
  expect((await demo.delete(`${cinder}/volumes/${id}`)).status).toBe(202)
  expect([await used(), (await demo.get(`${cinder}/volumes/${id}`)).status]).toEqual([[0, 0], 404])
  expect((await attach(server, id)).status).toBe(404)
})

test('a copy of it makes it where the broker chooses: a snapshot, and another volume', async () => {
  const id = await made()
  const snapshot = await demo.post(`${cinder}/snapshots`, { snapshot: { volume_id: id } })
  expect(snapshot.status).toBe(202)
  await plimsoll.settle()
  expect((await show(id))['plimsoll:zone']).toMatch(/^dc1\./)
  expect((await demo.get(`${cinder}/snapshots/${snapshot.body.snapshot.id}`)).body.snapshot.status).toBe('available')

  const parent = await made()
  const child = await made({ source_volid: parent })
  await plimsoll.settle()
  const [one, other] = [await show(parent), await show(child)]
  expect([one.status, other.status, one['plimsoll:zone']]).toEqual(['available', 'available', other['plimsoll:zone']])
})

describe('where it cannot be made', () => {
  test('it is refused, and stays where it was: nowhere', async () => {
    const id = await made({ imageRef: await imageOf('dc1'), size: 20 })
    const refused = await attach(await serverOn('dc2'), id)
    expect(refused.status).toBe(409)
    expect(refused.body.conflictingRequest.message).toMatch(/is made where it is first used, and .* cannot be made/)
    expect(await show(id)).toMatchObject({ status: 'available' })
    expect(await bound(id)).toEqual([])
  })

  test('a cloud that fails to says why, in the volume', async () => {
    plimsoll = await startPlimsoll({
      clouds: [
        { name: 'dc1', type: 'sandbox', options: { faults: [{ method: 'volume.create', fault: 'definitive' }] } },
      ],
    })
    demo = plimsoll.as('demo')
    admin = plimsoll.as('admin')
    cinder = `/volume/v3/${plimsoll.projectId('demo')}`
    await say({ zones: 'policy' })
    const id = await made()
    const server = await serverOn('dc1')
    expect((await attach(server, id)).status).toBe(200)
    await plimsoll.settle()
    expect(await show(id)).toMatchObject({ status: 'error' })
    const { volumeAttachments } = (await demo.get(`${NOVA}/servers/${server}/os-volume_attachments`)).body
    expect(volumeAttachments).toEqual([])
  })
})

test('a zone that is not listed names no place, and who names none keeps to the chain', async () => {
  await say({ chain: ['dc2'] })
  expect((await create()).status).toBe(400)
  const id = await made({ availability_zone: undefined })
  expect((await show(id)).availability_zone).toMatch(/^dc2\./)
  expect(await show(id)).not.toHaveProperty('plimsoll:zone')
})
