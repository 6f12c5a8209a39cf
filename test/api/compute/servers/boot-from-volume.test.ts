import { beforeEach, describe, expect, test } from 'vitest'
import { plantFaults } from '../../../../adapters/sandbox/backdoor.ts'
import type { Fault } from '../../../../adapters/sandbox/faults.ts'
import type { Answer } from '../../../support/harness.ts'
import { outOfStep } from '../../../support/in-step.ts'
import { askedWhile } from '../../block-storage/asked-while.ts'
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

  test('keeps its volume: it is not taken out', async () => {
    const id = await running([ofImage()])
    const [{ id: root }] = await attachedTo(id)
    const detached = await w.newest.delete(`${NOVA}/servers/${id}/os-volume_attachments/${root}`)
    expect([detached.status, message(detached)]).toEqual([400, 'Cannot detach a root device volume'])
    const deleted = await w.demo.delete(`${w.cinder}/volumes/${root}`)
    expect(deleted.status).toBe(400)
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

  test('are of types that operators made: the one that is named, else the one that the project has by default', async () => {
    const madeType = async (name: string, extra_specs: Mapping): Promise<string> =>
      (await w.admin.post(`${w.cinder}/types`, { volume_type: { name, extra_specs } })).body.volume_type.id
    const zones = { 'RESKEY:availability_zones': 'sandbox.b' }
    const id = await madeType('quick', { volume_backend_name: 'fast', ...zones })
    await madeType('usual', { volume_backend_name: 'standard' })
    await madeType('nowhere', { volume_backend_name: 'gold' })
    const sealed = await madeType('sealed', {})
    const encryption = { provider: 'luks', control_location: 'front-end' }
    await w.admin.post(`${w.cinder}/types/${sealed}/encryption`, { encryption })
    const path = `${w.cinder}/default-types/${w.plimsoll.projectId('demo')}`
    const inAdmin = w.admin.with({ 'OpenStack-API-Version': 'volume 3.62' })
    expect((await inAdmin.put(path, { default_type: { volume_type: 'usual' } })).status).toBe(200)
    const server = await running([ofImage({ volume_type: 'quick' }), blank()])
    const ids = (await attachedTo(server)).map((each: { id: string }) => each.id)
    const shown = await Promise.all(ids.map(volume))
    expect(shown.map(({ volume_type, availability_zone }) => [volume_type, availability_zone]).toSorted()).toEqual([
      ['quick', 'sandbox.b'],
      ['usual', 'sandbox.b'],
    ])
    expect((await w.admin.delete(`${w.cinder}/types/${id}`)).status, 'it is in use').toBe(400)
    const { snapshot } = (await w.demo.post(`${w.cinder}/snapshots`, { snapshot: { volume_id: ids[0], force: true } }))
      .body
    await w.plimsoll.settle()
    const [first] = shown
    const copy = await running([of('snapshot', snapshot.id, { boot_index: -1 })], { imageRef: w.image })
    const [{ id: copied }] = await attachedTo(copy)
    expect((await volume(copied)).volume_type).toBe(first.volume_type)
    const refused = await boot([ofImage({ volume_type: 'sealed' })])
    expect([refused.status, message(refused)]).toEqual([409, expect.stringMatching(/sealed is encrypted by luks/)])
    const unplaced = await boot([ofImage({ volume_type: 'nowhere' })])
    expect(unplaced.status).toBe(202)
    expect(await w.server(unplaced.body.server.id)).toMatchObject({
      status: 'ERROR',
      fault: { message: expect.stringMatching(/^No valid host was found/) },
    })
    const older = await w.demo.post(`${NOVA}/os-volumes`, { volume: { size: 1 } })
    expect([older.status, older.body.volume.volumeType]).toEqual([200, 'usual'])
  })

  test('are not of a type that is changed while they are asked for', async () => {
    const made = await w.admin.post(`${w.cinder}/types`, { volume_type: { name: 'sealed' } })
    const encryption = { provider: 'luks', control_location: 'front-end' }
    const answer = await askedWhile(
      w.plimsoll,
      () => w.admin.post(`${w.cinder}/types/${made.body.volume_type.id}/encryption`, { encryption }),
      () => boot([ofImage({ volume_type: 'sealed' })]),
    )
    expect([answer.status, message(answer)]).toEqual([409, expect.stringMatching(/sealed is encrypted by luks/)])
    expect(await volumes()).toEqual([])
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

describe('a rebuild of a server that boots from a volume', () => {
  const old = () => w.demo.with({ 'OpenStack-API-Version': 'compute 2.92' })
  const minimal = async (): Promise<string> => {
    const { images } = (await w.demo.get('/image/v2/images')).body
    return images.find(({ name }: { name: string }) => name === 'sandbox-linux-minimal').id
  }
  /** Below the line: volumes by their ids, and from which the server boots. */
  const below = async (id: string) => {
    const bound = w.plimsoll.host.d1.prepare('select native_id as native from bindings where resource_id = ?').bind(id)
    const native = (await bound.first<{ native: string }>())!.native
    const machine = (await onCloud('server')).find(({ key }) => key.endsWith(`/${native}`))!
    const { spec } = machine.value as unknown as { spec: { boot: { volume: string } } }
    return { volumes: (await onCloud('volume')).map(({ key }) => key.split('/').at(-1)!), root: spec.boot.volume }
  }
  const plant = (method: string, fault: Fault, count: number) =>
    plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), [{ method, fault, count }])

  test('writes its volume anew from another image: the volume keeps its id, and nothing else is left', async () => {
    const id = await running([ofImage(), blank()], { metadata: { role: 'db' } })
    const before = await attachedTo(id)
    const first = await below(id)
    const imageRef = await minimal()
    const answer = await w.act(id, { rebuild: { imageRef, name: 'anew' } }, w.newest)
    expect([answer.status, answer.body.server]).toMatchObject([202, { status: 'REBUILD', name: 'anew', image: '' }])
    await w.plimsoll.settle()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', name: 'anew', image: '', metadata: { role: 'db' } })
    expect(await attachedTo(id)).toEqual(before)
    const [root, data] = await Promise.all(before.map((each: { id: string }) => volume(each.id)))
    expect([root, data]).toMatchObject([
      { status: 'in-use', size: 4, bootable: 'true', volume_image_metadata: { image_id: imageRef } },
      { status: 'in-use', size: 2, bootable: 'false' },
    ])
    const after = await below(id)
    expect(after.volumes).toHaveLength(2)
    expect(after.volumes).toContain(after.root)
    expect(first.volumes).not.toContain(after.root)
    // It lives on as any other: it is deleted with its server, or kept.
    await remove(id)
    expect(await volume(root.id)).toMatchObject({ status: 'available' })
    await w.demo.delete(`${w.cinder}/volumes/${root.id}`)
    await w.plimsoll.settle()
    expect((await onCloud('volume')).length).toBe(1)
    expect(await outOfStep(w.plimsoll)).toEqual([])
  })

  test('leaves one that was off, off', async () => {
    const id = await running([ofImage()])
    await w.act(id, { 'os-stop': null })
    await w.plimsoll.settle()
    const first = await below(id)
    expect((await w.act(id, { rebuild: { imageRef: w.image } }, w.newest)).status).toBe(202)
    await w.plimsoll.settle()
    expect((await w.server(id)).status).toBe('SHUTOFF')
    expect((await below(id)).root).not.toBe(first.root)
  })

  test('before 2.93 takes its own image alone, and keeps what is on the volume', async () => {
    const id = await running([ofImage()])
    const first = await below(id)
    const other = await minimal()
    const refused = await w.act(id, { rebuild: { imageRef: other } }, old())
    expect([refused.status, message(refused)]).toEqual([
      400,
      `Image ${other} is unacceptable: Unable to rebuild with a different image for a volume-backed server.`,
    ])
    const rebuilt = await w.act(id, { rebuild: { imageRef: w.image, name: 'anew' } }, old())
    expect([rebuilt.status, rebuilt.body.server.status]).toEqual([202, 'REBUILD'])
    await w.plimsoll.settle()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE', name: 'anew' })
    expect(await below(id)).toEqual(first)
  })

  test('needs a volume that is large enough', async () => {
    const id = await running([ofImage()])
    const { body } = await w.demo.post('/image/v2/images', {
      ...{ name: 'large', disk_format: 'raw', container_format: 'bare', min_disk: 40 },
    })
    await w.plimsoll.host.d1.prepare("update images set status = 'active' where id = ?").bind(body.id).run()
    await w.plimsoll.host.d1
      .prepare("update bindings set resource_id = ? where kind = 'image' and resource_id = ?")
      .bind(body.id, w.image)
      .run()
    const refused = await w.act(id, { rebuild: { imageRef: body.id } }, w.newest)
    expect([refused.status, message(refused)]).toEqual([
      400,
      expect.stringMatching(/^Volume is smaller than the minimum/),
    ])
  })

  test.each(['volume.create', 'server.bootFrom', 'volume.remove'])(
    'goes on when %s crashes, or its answer is lost',
    async (method) => {
      const id = await running([ofImage()])
      const faults = (['lost_answer', 'crash', 'ambiguous_before'] as const).map((fault) => ({
        method,
        fault,
        count: 1,
      }))
      await plantFaults(w.plimsoll.host.cloudState, w.plimsoll.cloudId('sandbox'), faults)
      expect((await w.act(id, { rebuild: { imageRef: await minimal() } }, w.newest)).status).toBe(202)
      await w.plimsoll.settle()
      expect(await w.server(id)).toMatchObject({ status: 'ACTIVE' })
      expect((await below(id)).volumes).toHaveLength(1)
    },
  )

  test('that the cloud has no room for leaves the server and its volume as they were', async () => {
    const id = await running([ofImage()])
    const first = await below(id)
    await plant('volume.create', 'capacity', 20)
    expect((await w.act(id, { rebuild: { imageRef: await minimal() } }, w.newest)).status).toBe(202)
    await w.plimsoll.settle()
    expect(await w.server(id)).toMatchObject({ status: 'ACTIVE' })
    expect(await below(id)).toEqual(first)
  })
})
