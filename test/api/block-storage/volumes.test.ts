import { beforeEach, describe, expect, it } from 'vitest'
import { createVolume } from '../../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let base: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  base = `/volume/v3/${plimsoll.projectId('demo')}`
})
const at = (version: string, who = 'demo') => plimsoll.as(who).with({ 'OpenStack-API-Version': `volume ${version}` })
const created = (volume: Record<string, unknown>) =>
  createVolume(plimsoll, plimsoll.as('demo'), { size: undefined, ...volume })
const shown = async (id: string, version = '3.70') => (await at(version).get(`${base}/volumes/${id}`)).body.volume
const refusal = async (volume: Record<string, unknown>, version = '3.70') => {
  const { status, body } = await at(version).post(`${base}/volumes`, { volume })
  return [status, (Object.values(body)[0] as { message: string }).message]
}
const used = async () => {
  const id = plimsoll.projectId('demo')
  const { body } = await at('3.70').get(`${base}/os-quota-sets/${id}?usage=True`)
  const { volumes, gigabytes, snapshots } = body.quota_set
  return [volumes.in_use, gigabytes.in_use, snapshots.in_use]
}
const imageId = async () => {
  const { images } = (await plimsoll.as('demo').get('/image/v2/images?name=sandbox-linux')).body
  return images.find((image: Record<string, string>) => image['plimsoll:clouds'] === 'sandbox').id
}

describe('a volume', () => {
  it('is created, becomes available, and is gone when its cloud has let go', async () => {
    const demo = at('3.0')
    const wish = { size: 2, name: 'v1', metadata: { a: 'b' } }
    const { status, body, headers } = await demo.post(`${base}/volumes`, { volume: wish })
    expect(status).toBe(202)
    expect(headers.get('OpenStack-API-Version')).toBe('volume 3.0')
    expect(body.volume).toMatchObject({ ...wish, status: 'creating', bootable: 'false', multiattach: false })
    expect(body.volume.links[0].href).toBe(`http://plimsoll.test${base}/volumes/${body.volume.id}`)
    const { id } = body.volume
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ status: 'available', availability_zone: 'sandbox.a', consumes_quota: true })
    expect(await used()).toEqual([1, 2, 0])

    expect((await demo.delete(`${base}/volumes/${id}?cascade=False&force=False`)).status).toBe(202)
    expect((await demo.get(`${base}/volumes/${id}`)).body.volume.status).toBe('deleting')
    await plimsoll.settle()
    const gone = await demo.get(`${base}/volumes/${id}`)
    expect(gone.status).toBe(404)
    expect(gone.body.itemNotFound.message).toBe(`Volume ${id} could not be found.`)
    expect(await used()).toEqual([0, 0, 0])
  })

  it('shows exactly what its microversion has', async () => {
    const id = await created({ size: 1 })
    const first = Object.keys(await shown(id, '3.0'))
    const added = async (version: string) => Object.keys(await shown(id, version)).filter((key) => !first.includes(key))
    expect(first).toContain('os-vol-tenant-attr:tenant_id')
    expect(first).not.toContain('group_id')
    expect(await added('3.13')).toEqual(['group_id'])
    expect(await added('3.48')).toEqual(['group_id', 'shared_targets', 'service_uuid'])
    expect(await added('3.70')).toEqual([
      'group_id',
      'shared_targets',
      'service_uuid',
      'volume_type_id',
      'consumes_quota',
    ])
    const admin = await at('3.70', 'admin').get(`${base}/volumes/${id}`)
    expect(admin.body.volume['os-vol-host-attr:host']).toMatch(/.+@.+#.+/)
  })

  it('is driven on by whoever reads it', async () => {
    const { body } = await at('3.70').post(`${base}/volumes`, { volume: { size: 1 } })
    await plimsoll.runDeferred()
    plimsoll.clock.advance(5_000)
    await shown(body.volume.id)
    expect(plimsoll.waiting()).toBe(1)
    await plimsoll.runDeferred()
    expect((await shown(body.volume.id)).status).toBe('available')
    expect(plimsoll.waiting()).toBe(0)
  })

  it('is renamed and described', async () => {
    const id = await created({ size: 1, name: 'old', metadata: { a: '1' } })
    const { status, body } = await at('3.70').put(`${base}/volumes/${id}`, {
      volume: { name: ' new ', description: 'text', metadata: { b: '2' } },
    })
    expect([status, body.volume.name, body.volume.description, body.volume.metadata]).toEqual([
      200,
      'new',
      'text',
      { b: '2' },
    ])
    expect((await at('3.70').put(`${base}/volumes/${id}`, { volume: {} })).status).toBe(400)
    expect((await at('3.0').put(`${base}/volumes/${id}`, { volume: {} })).status).toBe(200)
  })

  it('says in Cinder words why it will not be made', async () => {
    expect(await refusal({ name: 'x' })).toEqual([
      400,
      expect.stringContaining('Invalid volume size provided for create request: None'),
    ])
    for (const size of ['', '0', '-1', '#$%', 0, -1]) expect((await refusal({ size }))[0]).toBe(400)
    expect(await refusal({ size: 1, availability_zone: 'nowhere' })).toEqual([
      400,
      "Availability zone 'nowhere' is invalid.",
    ])
    const unknown = '11111111-2222-4333-8444-555555555555'
    expect(await refusal({ size: 1, snapshot_id: unknown })).toEqual([404, `Snapshot ${unknown} could not be found.`])
    expect(await refusal({ size: 1, source_volid: unknown })).toEqual([404, `Volume ${unknown} could not be found.`])
    expect(await refusal({ size: 1, volume_type: 'gold' })).toEqual([
      404,
      'Volume type with name gold could not be found.',
    ])
    expect(await refusal({ size: 1, imageRef: 'no such' })).toEqual([
      400,
      'Invalid image identifier or unable to access requested image.',
    ])
    expect(await refusal({ size: 1, multiattach: true }, '3.0')).toEqual([400, expect.stringContaining('multiattach')])
    expect(await refusal({ size: 1, backup_id: unknown })).toEqual([404, `Backup ${unknown} could not be found.`])
    expect((await refusal({ size: 1, shape: 'round' }))[0]).toBe(400)
    expect(await used()).toEqual([0, 0, 0])
  })

  it('goes where it is told, or where there is room', async () => {
    const full = {
      zones: [
        { name: 'x', vcpus: 1, ram_mib: 1, disk_gib: 100, available: false },
        { name: 'y', vcpus: 1, ram_mib: 1, disk_gib: 100 },
      ],
    }
    await plimsoll.addCloud({ name: 'other', type: 'sandbox', options: full })
    const zone = async (wish: object) => (await shown(await created({ size: 1, ...wish }))).availability_zone
    expect(await zone({ availability_zone: 'sandbox.b' })).toBe('sandbox.b')
    expect(await zone({ availability_zone: 'sandbox' })).toBe('sandbox.a')
    expect(await zone({ availability_zone: 'other' })).toBe('other.y')
    const { body } = await at('3.0').get(`${base}/os-availability-zone`)
    expect(body.availabilityZoneInfo).toContainEqual({ zoneName: 'other.x', zoneState: { available: false } })
  })

  it('goes with or apart from others, as its scheduler hints say', async () => {
    const there = await created({ size: 1, availability_zone: 'sandbox.b' })
    const hinted = (hints: unknown) =>
      at('3.70').post(`${base}/volumes`, { volume: { size: 1 }, 'OS-SCH-HNT:scheduler_hints': hints })
    const made = async (hints: unknown) => {
      const { status, body } = await hinted(hints)
      expect(status).toBe(202)
      await plimsoll.settle()
      const { availability_zone, status: now } = await shown(body.volume.id)
      return [now, availability_zone]
    }
    expect(await made({ same_host: there })).toEqual(['available', 'sandbox.b'])
    expect(await made({ different_host: [there] })).toEqual(['available', 'sandbox.a'])
    expect((await made({ same_host: ['11111111-2222-4333-8444-555555555555'] }))[0]).toBe('error')
    expect((await made({ same_host: [there], different_host: [there] }))[0]).toBe('error')
    expect((await hinted({ same_host: 'there' })).status).toBe(400)
    const unheeded = await hinted({ query: '["=", "$a", 1]' })
    expect([unheeded.status, unheeded.body.badRequest.message]).toEqual([400, expect.stringContaining('hint query')])
  })

  it('of an image, a snapshot or a volume is as large as that and on the same cloud', async () => {
    await plimsoll.addCloud({ name: 'other', type: 'sandbox' })
    const image = await imageId()
    const boot = await shown(await created({ size: 3, imageRef: image, availability_zone: 'sandbox.b' }))
    expect(boot).toMatchObject({
      status: 'available',
      bootable: 'true',
      volume_image_metadata: { image_id: image, image_name: 'sandbox-linux' },
    })
    const copy = await shown(await created({ source_volid: boot.id }))
    expect(copy).toMatchObject({ size: 3, source_volid: boot.id, availability_zone: 'sandbox.b', bootable: 'true' })
    expect(await refusal({ size: 3, source_volid: boot.id, availability_zone: 'other' })).toEqual([
      400,
      'Invalid input received: The source is in sandbox.b, the volume would be in other.',
    ])
    expect(await refusal({ size: 1, source_volid: boot.id })).toEqual([
      400,
      expect.stringContaining("Volume size '1'GB cannot be smaller than the source volume size 3GB"),
    ])
    expect(await refusal({ imageRef: image })).toEqual([400, expect.stringContaining('Invalid volume size')])
    expect(await refusal({ size: 1, imageRef: 'sandbox-linux' })).toEqual([
      409,
      expect.stringContaining('Multiple matches found'),
    ])
  })

  it('stops at the limits of its project', async () => {
    const admin = at('3.70', 'admin')
    const project = plimsoll.projectId('demo')
    const limit = (quota_set: object) => admin.put(`${base}/os-quota-sets/${project}`, { quota_set })
    await limit({ gigabytes: 4, per_volume_gigabytes: 3 })
    expect(await refusal({ size: 4 })).toEqual([413, expect.stringContaining('per_volume_gigabytes')])
    await created({ size: 3 })
    expect(await refusal({ size: 2 })).toEqual([
      413,
      'Requested volume or snapshot exceeds allowed gigabytes quota. Requested 2G, quota is 4G and 3G has been consumed.',
    ])
    await limit({ volumes: 1 })
    expect(await refusal({ size: 1 })).toEqual([
      413,
      "Maximum number of volumes allowed (1) exceeded for quota 'volumes'.",
    ])
    expect(await used()).toEqual([1, 3, 0])
  })

  it('that the cloud refuses is in error, and its quota comes back when it is deleted', async () => {
    const broken = { faults: [{ method: 'volume.create', fault: 'definitive', message: 'No such luck.' }] }
    await plimsoll.addCloud({ name: 'broken', type: 'sandbox', options: broken })
    const id = await created({ size: 1, availability_zone: 'broken' })
    expect((await shown(id)).status).toBe('error')
    expect(await used()).toEqual([1, 1, 0])
    await at('3.0').delete(`${base}/volumes/${id}`)
    await plimsoll.settle()
    expect(await shown(id)).toBeUndefined()
    expect(await used()).toEqual([0, 0, 0])
  })

  it('belongs to one project', async () => {
    const id = await created({ size: 1 })
    await plimsoll.newProject('stranger', { clouds: ['sandbox'] })
    const stranger = plimsoll.as('stranger')
    const own = `/volume/v3/${plimsoll.projectId('stranger')}`
    expect((await stranger.get(`${own}/volumes/${id}`)).status).toBe(404)
    const foreign = await stranger.get(`${base}/volumes/${id}`)
    expect([foreign.status, foreign.body.badRequest.message]).toEqual([400, 'Malformed request url'])
    expect((await stranger.get(`${own}/volumes/detail?all_tenants=1`)).body.volumes).toEqual([])
    expect(
      (await plimsoll.as('admin').get(`/volume/v3/${plimsoll.projectId('admin')}/volumes?all_tenants=1`)).body.volumes,
    ).toHaveLength(1)
    expect((await plimsoll.as('admin').get(`${base}/volumes`)).body.volumes).toHaveLength(1)
  })

  it('needs no project in its URL since 3.67', async () => {
    const id = await created({ size: 1 })
    const { body } = await at('3.67').get(`/volume/v3/volumes/${id}`)
    expect(body.volume.links[0].href).toBe(`http://plimsoll.test/volume/v3/volumes/${id}`)
    expect((await at('3.66').get(`/volume/v3/volumes/${id}`)).status).toBe(404)
  })
})

describe('lists of volumes', () => {
  const names = async (search: string, version = '3.0', path = 'volumes') => {
    const { status, body } = await at(version).get(`${base}/${path}?${search}`)
    return status === 200 ? body.volumes.map((v: { name: string }) => v.name) : status
  }
  beforeEach(async () => {
    for (const [name, size] of [
      ['a', 3],
      ['b', 1],
      ['c', 2],
    ] as const) {
      await at('3.0').post(`${base}/volumes`, {
        volume: { name, size, metadata: { Type: name === 'c' ? 'play' : 'work', n: name } },
      })
      plimsoll.clock.advance(1_000)
    }
    await plimsoll.settle()
  })

  it('come newest first, or sorted as asked', async () => {
    expect(await names('')).toEqual(['c', 'b', 'a'])
    expect(await names('sort_key=size&sort_dir=asc')).toEqual(['b', 'c', 'a'])
    expect(await names('sort=name:asc,size')).toEqual(['a', 'b', 'c'])
    expect(await names('sort=name:up')).toBe(400)
    expect(await names('sort=shape')).toBe(400)
    expect(await names('sort=name&sort_key=name')).toBe(400)
  })

  it('have a next link on every full page, that leads on', async () => {
    const first = await at('3.0').get(`${base}/volumes/detail?limit=2&sort_key=name&sort_dir=asc`)
    expect(first.body.volumes.map((v: { name: string }) => v.name)).toEqual(['a', 'b'])
    const { href, rel } = first.body.volumes_links[0]
    expect(rel).toBe('next')
    expect(href).toBe(
      `http://plimsoll.test${base}/volumes/detail?limit=2&sort_key=name&sort_dir=asc&marker=${first.body.volumes[1].id}`,
    )
    const second = await at('3.0').get(href)
    expect(second.body.volumes.map((v: { name: string }) => v.name)).toEqual(['c'])
    expect(second.body.volumes_links).toBeUndefined()
    expect((await at('3.0').get(`${base}/volumes?limit=3`)).body.volumes_links).toHaveLength(1)
    expect(await names('limit=0')).toEqual([])
    expect(await names('limit=x')).toBe(400)
    expect(await names('limit=-1')).toBe(400)
    expect(await names('marker=11111111-2222-4333-8444-555555555555')).toBe(404)
    expect(await names('offset=1&limit=1')).toEqual(['b'])
  })

  it('are filtered', async () => {
    expect(await names('name=a')).toEqual(['a'])
    expect(await names('status=available&limit=1')).toEqual(['c'])
    expect(await names('status=null')).toEqual([])
    expect(await names(`metadata=${encodeURIComponent("{'Type': 'work'}")}`)).toEqual(['b', 'a'])
    expect(
      await names(`metadata=${encodeURIComponent("{'Type': 'work', 'n': 'b'}")}`, '3.70', 'volumes/detail'),
    ).toEqual(['b'])
    expect(await names('availability_zone=sandbox.a')).toEqual(['c', 'b', 'a'])
    expect(await names('availability_zone=elsewhere')).toEqual([])
    expect(await names('bootable=true')).toEqual([])
    expect(await names('shape=round')).toEqual(['c', 'b', 'a'])
    expect(await names('shape=round', '3.31')).toBe(400)
    expect(await names('name~=a', '3.34')).toEqual(['a'])
    expect(await names('created_at=gt:2030-01-01T00:00:00', '3.60')).toEqual([])
    const many = ['gt:2020-01-01', 'lt:2030-01-01'].map((each) => `${each},`.repeat(400)).join('')
    expect(await names(`created_at=${many}neq:2025-01-01`, '3.60')).toEqual(['c', 'b', 'a'])
    expect(await names(`created_at=${many}eq:2025-01-01`, '3.60')).toEqual([])
    expect(await names('created_at=since:2030-01-01T00:00:00', '3.60')).toBe(400)
  })

  it('are counted since 3.45 and summed since 3.12', async () => {
    expect((await at('3.45').get(`${base}/volumes?with_count=true&limit=1`)).body.count).toBe(3)
    expect((await at('3.44').get(`${base}/volumes?with_count=true&limit=1`)).body.count).toBeUndefined()
    const { body } = await at('3.36').get(`${base}/volumes/summary`)
    expect(body['volume-summary']).toEqual({
      total_count: 3,
      total_size: 6,
      metadata: { Type: ['work', 'play'], n: ['a', 'b', 'c'] },
    })
    expect((await at('3.12').get(`${base}/volumes/summary`)).body['volume-summary']).toEqual({
      total_count: 3,
      total_size: 6,
    })
  })

  it('are not meant by an empty id', async () => {
    expect((await at('3.70').get(`${base}/volumes/`)).status).toBe(404)
    expect((await at('3.70').delete(`${base}/volumes/`)).status).toBe(404)
  })
})
