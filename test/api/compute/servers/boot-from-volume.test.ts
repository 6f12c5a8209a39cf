import { beforeEach, describe, expect, test } from 'vitest'
import { plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import type { Answer } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from './world.ts'

let w: World
beforeEach(async () => {
  w = await newWorld()
})
const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message
const nobody = '11111111-2222-4333-8444-555555555555'

type Mapping = Record<string, unknown>
const ofImage = (more: Mapping = {}): Mapping => ({
  ...{ uuid: w.image, source_type: 'image', destination_type: 'volume', boot_index: 0, volume_size: 4 },
  ...more,
})
const blank = (more: Mapping = {}): Mapping => ({
  ...{ source_type: 'blank', destination_type: 'volume', boot_index: -1, volume_size: 2 },
  ...more,
})
const of = (source_type: string, uuid: string, more: Mapping = {}): Mapping => ({
  ...{ uuid, source_type, destination_type: 'volume', boot_index: 0 },
  ...more,
})
const asked = (mappings: Mapping[], more: Mapping = {}) => ({
  imageRef: '',
  block_device_mapping_v2: mappings,
  ...more,
})
const boot = (mappings: Mapping[], more: Mapping = {}) => w.boot(asked(mappings, more))
const running = (mappings: Mapping[], more: Mapping = {}) => w.running(asked(mappings, more))

const volumes = async () => (await w.demo.get(`${w.cinder}/volumes/detail`)).body.volumes
const volume = async (id: string) => (await w.demo.get(`${w.cinder}/volumes/${id}`)).body.volume
const newVolume = async (more: Mapping): Promise<string> => {
  const made = await w.demo.post(`${w.cinder}/volumes`, { volume: more })
  await w.plimsoll.settle()
  return made.body.volume.id
}
const attachedTo = async (id: string) => (await w.server(id))['os-extended-volumes:volumes_attached']
const onCloud = async (kind: string) => {
  const { host } = w.plimsoll
  const rows = await host.cloudState.list(`${w.plimsoll.cloudId('sandbox')}/objects/main/${kind}/`, 1000)
  return rows.filter(({ value }) => (value as { goneAt: number | null }).goneAt === null)
}
const remove = async (id: string) => {
  expect((await w.demo.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
  await w.plimsoll.settle()
}

describe('a server that boots from a volume of an image', () => {
  test('is ACTIVE with the volume in it, has no image of its own, and takes the volume with it', async () => {
    const id = await running([ofImage({ delete_on_termination: true })])
    const server = await w.server(id)
    expect(server).toMatchObject({ status: 'ACTIVE', image: '' })
    const [attached] = server['os-extended-volumes:volumes_attached']
    expect(attached).toEqual({ id: expect.any(String), delete_on_termination: true })
    expect(await volume(attached.id)).toMatchObject({
      ...{ status: 'in-use', size: 4, bootable: 'true', name: '', volume_type: 'default' },
      availability_zone: server['OS-EXT-AZ:availability_zone'],
      volume_image_metadata: { image_id: w.image },
      attachments: [{ server_id: id, volume_id: attached.id, device: '/dev/vda' }],
    })
    expect((await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions`)).body.instanceActions).toMatchObject([
      { action: 'create' },
    ])
    await remove(id)
    expect(await volumes()).toEqual([])
    expect([...(await onCloud('volume')), ...(await onCloud('server'))]).toEqual([])
  })

  test('leaves it behind where nobody said that it goes, and another server boots from it', async () => {
    const first = await running([ofImage()])
    const [{ id: kept }] = await attachedTo(first)
    await remove(first)
    expect(await volume(kept)).toMatchObject({ status: 'available', bootable: 'true', attachments: [] })
    const second = await running([of('volume', kept, { delete_on_termination: false })])
    expect(await w.server(second)).toMatchObject({ status: 'ACTIVE', image: '' })
    expect(await attachedTo(second)).toEqual([{ id: kept, delete_on_termination: false }])
    expect(await volumes()).toHaveLength(1)
  })

  test('stops, starts and is resized, whatever disk its flavors have', async () => {
    const id = await running([ofImage()])
    for (const [action, status] of [
      [{ 'os-stop': null }, 'SHUTOFF'],
      [{ 'os-start': null }, 'ACTIVE'],
      [{ resize: { flavorRef: '2' } }, 'VERIFY_RESIZE'],
    ] as const) {
      expect((await w.act(id, action)).status).toBe(202)
      await w.plimsoll.settle()
      expect((await w.server(id)).status).toBe(status)
    }
    expect(await volume((await attachedTo(id))[0].id)).toMatchObject({ size: 4, status: 'in-use' })
  })

  test('keeps its volume: it is not taken out, and no image is written over it', async () => {
    const id = await running([ofImage()])
    const [{ id: root }] = await attachedTo(id)
    const detached = await w.newest.delete(`${NOVA}/servers/${id}/os-volume_attachments/${root}`)
    expect([detached.status, message(detached)]).toEqual([400, 'Cannot detach a root device volume'])
    const deleted = await w.demo.delete(`${w.cinder}/volumes/${root}`)
    expect(deleted.status).toBe(400)
    const rebuilt = await w.act(id, { rebuild: { imageRef: w.image } })
    expect([rebuilt.status, message(rebuilt)]).toEqual([409, expect.stringMatching(/boots from a volume/)])
  })

  test('is one of several, each with a volume of its own', async () => {
    await boot([ofImage({ delete_on_termination: true }), blank({ delete_on_termination: true })], { min_count: 2 })
    await w.plimsoll.settle()
    const { servers } = (await w.newest.get(`${NOVA}/servers/detail`)).body
    expect(servers.map(({ status }: { status: string }) => status)).toEqual(['ACTIVE', 'ACTIVE'])
    expect(new Set((await volumes()).map(({ id }: { id: string }) => id)).size).toBe(4)
    for (const { id } of servers) await remove(id)
    expect([...(await volumes()), ...(await onCloud('volume'))]).toEqual([])
  })

  test('that names the image besides shows it, as Nova does', async () => {
    const id = await running([ofImage()], { imageRef: w.image })
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', image: { id: w.image } })
    expect(await attachedTo(id)).toHaveLength(1)
  })
})

describe('the disks of a server', () => {
  test('are made of an image, a snapshot and nothing, with sizes and types, each as it was asked for', async () => {
    const source = await newVolume({ size: 3, imageRef: w.image })
    const made = await w.demo.post(`${w.cinder}/snapshots`, { snapshot: { volume_id: source } })
    await w.plimsoll.settle()
    const snapshot = made.body.snapshot.id
    const id = await running([
      ofImage({ volume_size: 5, volume_type: 'fast' }),
      of('snapshot', snapshot, { boot_index: 1, delete_on_termination: true }),
      blank({ volume_size: 7, boot_index: null }),
    ])
    const ids = (await attachedTo(id)).map((each: { id: string }) => each.id)
    const shown = await Promise.all(ids.map(volume))
    expect(shown.map(({ size, snapshot_id, bootable }) => [size, snapshot_id, bootable]).toSorted()).toEqual([
      [3, snapshot, 'true'],
      [5, null, 'true'],
      [7, null, 'false'],
    ])
    expect(shown.every(({ status }) => status === 'in-use')).toBe(true)
    const [root] = (await w.newest.get(`${NOVA}/servers/${id}/os-volume_attachments`)).body.volumeAttachments
    expect(await volume(root.volumeId)).toMatchObject({ size: 5, volume_type: 'fast' })
  })

  test('are made beside a root on a local disk too', async () => {
    const local = { uuid: w.image, source_type: 'image', destination_type: 'local', boot_index: 0 }
    const id = await w.running({ block_device_mapping_v2: [local, blank({ delete_on_termination: true })] })
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', image: { id: w.image } })
    expect(await volume((await attachedTo(id))[0].id)).toMatchObject({ size: 2, status: 'in-use' })
    await remove(id)
    expect(await volumes()).toEqual([])
  })

  test('were said in other words before: the first device is the root', async () => {
    const root = await newVolume({ size: 3, imageRef: w.image })
    const id = await w.running({ imageRef: '', block_device_mapping: [{ volume_id: root, device_name: '/dev/vda' }] })
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', image: '' })
    expect(await attachedTo(id)).toEqual([{ id: root, delete_on_termination: false }])
  })

  test('keep a server where they are', async () => {
    const root = await newVolume({ size: 3, imageRef: w.image, availability_zone: 'sandbox.b' })
    const id = await running([of('volume', root)])
    expect((await w.server(id))['OS-EXT-AZ:availability_zone']).toBe('sandbox.b')
  })
})

describe('is refused, and nothing is made', () => {
  test.each<[string, () => Mapping[], number, string | RegExp]>([
    ['no size of an image', () => [ofImage({ volume_size: undefined })], 400, /^Images with destination_type 'volume'/],
    ['no size of a blank disk', () => [ofImage(), blank({ volume_size: undefined })], 400, /^Blank volumes/],
    ['no image', () => [ofImage({ uuid: nobody })], 400, /failed to get image 1111/],
    ['no snapshot', () => [of('snapshot', nobody)], 400, /failed to get snapshot 1111/],
    ['no volume', () => [of('volume', nobody)], 400, /failed to get volume 1111/],
    ['no source', () => [ofImage({ uuid: undefined })], 400, 'Block Device Mapping is Invalid: Missing device UUID.'],
    ['a source of nothing', () => [ofImage(), blank({ uuid: nobody })], 400, /Invalid device UUID/],
    ['no root', () => [blank()], 400, /Boot sequence/],
    ['two roots', () => [ofImage(), ofImage()], 400, /Boot sequence/],
    ['an unknown type', () => [ofImage({ volume_type: 'gold' })], 400, 'Volume type gold could not be found.'],
    ['a type of what is there', () => [of('volume', nobody, { volume_type: 'x' })], 400, /volume type to existing/],
    [
      'more disks than can be',
      () => [ofImage(), ...Array.from({ length: 255 }, () => blank())],
      400,
      /at most|expected|too/i,
    ],
    ['an image on a local disk', () => [ofImage({ destination_type: 'local' })], 400, /Mapping image to local/],
  ])('%s', async (_, mappings, status, words) => {
    const answer = await boot(mappings())
    expect([answer.status, message(answer)]).toEqual([
      status,
      typeof words === 'string' ? words : expect.stringMatching(words),
    ])
    expect((await w.newest.get(`${NOVA}/servers`)).body.servers).toEqual([])
    expect(await volumes()).toEqual([])
  })

  test('a volume of no image, until somebody says that it can be booted from', async () => {
    const plain = await newVolume({ size: 3 })
    const answer = await boot([of('volume', plain)])
    expect([answer.status, message(answer)]).toEqual([400, `Block Device ${plain} is not bootable.`])
    await w.demo.post(`${w.cinder}/volumes/${plain}/action`, { 'os-set_bootable': { bootable: true } })
    expect((await boot([of('volume', plain)])).status).toBe(202)
  })

  test('a volume for several servers, or one that is in another', async () => {
    const root = await newVolume({ size: 3, imageRef: w.image })
    expect(await boot([of('volume', root)], { min_count: 2 })).toMatchObject({ status: 400 })
    await running([of('volume', root)])
    const answer = await boot([of('volume', root)])
    expect([answer.status, message(answer)]).toEqual([400, expect.stringMatching(/in-use/)])
  })

  test.each([
    ['volumes', { volumes: 1 }, /Quota exceeded for volumes: Requested 2, but already used 0 of 1/],
    ['gigabytes', { gigabytes: 5 }, /Quota exceeded for gigabytes: Requested 6, but already used 0 of 5/],
    ['the size of one', { per_volume_gigabytes: 3 }, /per_volume_gigabytes/],
  ])('what is beyond the limit on %s', async (_, limits, words) => {
    const project = w.plimsoll.projectId('demo')
    const admin = `/volume/v3/${w.plimsoll.projectId('admin')}`
    expect((await w.admin.put(`${admin}/os-quota-sets/${project}`, { quota_set: limits })).status).toBe(200)
    const answer = await boot([ofImage(), blank()])
    expect([answer.status, message(answer)]).toEqual([403, expect.stringMatching(words)])
    expect([...(await volumes()), ...(await onCloud('volume'))]).toEqual([])
    const usage = await w.demo.get(`${w.cinder}/os-quota-sets/${project}?usage=true`)
    expect(usage.body.quota_set.gigabytes.in_use).toBe(0)
  })
})

describe('an image of a server that boots from a volume', () => {
  test('is a list of snapshots of all its volumes, of which another server is made', async () => {
    const id = await running([ofImage({ delete_on_termination: true }), blank({ delete_on_termination: true })])
    const { body } = await w.act(id, { createImage: { name: 'as it is', metadata: { stage: 'gold' } } })
    await w.plimsoll.settle()
    const image = (await w.demo.get(`/image/v2/images/${body.image_id}`)).body
    expect(image).toMatchObject({
      status: 'active',
      size: 0,
      bdm_v2: 'True',
      root_device_name: '/dev/vda',
      stage: 'gold',
    })
    const mapped = JSON.parse(image.block_device_mapping)
    expect(mapped.map(({ boot_index, volume_size }: Mapping) => [boot_index, volume_size])).toEqual([
      [0, 4],
      [null, 2],
    ])
    const { snapshots } = (await w.demo.get(`${w.cinder}/snapshots/detail`)).body
    expect(snapshots.map(({ name, status }: Mapping) => [name, status])).toEqual([
      ['snapshot for as it is', 'available'],
      ['snapshot for as it is', 'available'],
    ])
    const actions = (await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions`)).body.instanceActions
    expect(actions.map(({ action }: Mapping) => action)).toEqual(['createImage', 'create'])

    const second = await w.running({ imageRef: body.image_id })
    expect(await w.server(second)).toMatchObject({ status: 'ACTIVE', image: { id: body.image_id } })
    const made = await Promise.all((await attachedTo(second)).map((each: { id: string }) => volume(each.id)))
    expect(made.map(({ size, bootable, snapshot_id }) => [size, bootable, typeof snapshot_id]).toSorted()).toEqual([
      [2, 'false', 'string'],
      [4, 'true', 'string'],
    ])
    // A volume with snapshots stays, as with Cinder.
    await remove(id)
    expect((await volumes()).filter(({ status }: Mapping) => status === 'available')).toHaveLength(2)
  })

  test('names no more disks than a server may be asked for with', async () => {
    const mapped = { source_type: 'snapshot', destination_type: 'volume', snapshot_id: nobody, volume_size: 1 }
    const several = JSON.stringify(Array.from({ length: 256 }, (_, i) => ({ ...mapped, boot_index: i ? -1 : 0 })))
    const wish = { name: 'large', disk_format: 'raw', container_format: 'bare', block_device_mapping: several }
    const { body } = await w.demo.post('/image/v2/images', wish)
    const answer = await w.boot({ imageRef: body.id })
    expect([answer.status, message(answer)]).toEqual([400, expect.stringMatching(/256 disks .* 255 at most\.$/)])
  })

  test('counts against the limits of snapshots', async () => {
    const id = await running([ofImage()])
    const project = w.plimsoll.projectId('demo')
    const admin = `/volume/v3/${w.plimsoll.projectId('admin')}`
    await w.admin.put(`${admin}/os-quota-sets/${project}`, { quota_set: { snapshots: 0 } })
    const answer = await w.act(id, { createImage: { name: 'one too many' } })
    expect([answer.status, message(answer)]).toEqual([403, expect.stringMatching(/Quota exceeded .*snapshots/)])
    expect((await w.demo.get('/image/v2/images?visibility=private')).body.images).toEqual([])
  })
})

describe('where the cloud cannot', () => {
  const fault = (match: string) =>
    plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), [{ method: match, fault: 'definitive' }])

  test('make the volume, the server is ERROR with the reason, and what was made with it goes', async () => {
    await fault('volume.create')
    const id = await running([ofImage({ delete_on_termination: true })])
    expect(await w.server(id)).toMatchObject({ status: 'ERROR', fault: { message: expect.any(String) } })
    await fault('nothing')
    await w.plimsoll.settle()
    await remove(id)
    expect([...(await volumes()), ...(await onCloud('volume'))]).toEqual([])
  })

  test('make the server, its volume goes if it was to go with it', async () => {
    await fault('server.create')
    const id = await running([ofImage({ delete_on_termination: true }), blank()])
    expect(await w.server(id)).toMatchObject({ status: 'ERROR' })
    expect((await volumes()).map(({ size, status }: Mapping) => [size, status])).toEqual([[2, 'available']])
    await remove(id)
    expect(await onCloud('volume')).toHaveLength(1)
  })

  test('make the server, its volume stays if it has snapshots, as it would if the server went', async () => {
    const id = await newVolume({ size: 4, imageRef: w.image })
    await w.demo.post(`${w.cinder}/snapshots`, { snapshot: { volume_id: id } })
    await w.plimsoll.settle()
    await fault('server.create')
    const server = await running([of('volume', id, { delete_on_termination: true })])
    expect(await w.server(server)).toMatchObject({ status: 'ERROR' })
    expect(await volume(id)).toMatchObject({ status: 'available' })
    await remove(server)
    expect(await volume(id)).toMatchObject({ status: 'available' })
  })
})

describe('what a crash or a lost answer leaves is found by its mark', () => {
  test.each(['volume.create', 'server.create', 'attachment.create', 'volume.remove', 'server.remove'])(
    '%s: one server, one volume each, and nothing when it is gone',
    async (method) => {
      const faults = (['lost_answer', 'crash', 'ambiguous_before'] as const).map((fault) => ({
        method,
        fault,
        count: 1,
      }))
      await plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), faults)
      const id = await running([ofImage({ delete_on_termination: true }), blank({ delete_on_termination: true })])
      expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', image: '' })
      expect([await onCloud('server'), await onCloud('volume')].map(({ length }) => length)).toEqual([1, 2])
      expect((await volumes()).map(({ status }: Mapping) => status)).toEqual(['in-use', 'in-use'])
      await remove(id)
      expect([...(await volumes()), ...(await onCloud('volume')), ...(await onCloud('server'))]).toEqual([])
    },
  )
})
