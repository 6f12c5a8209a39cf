import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { bindings } from '../../../db/schema/index.ts'
import { createVolume } from '../../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { strangerOn } from '../broker/foreign.ts'

let plimsoll: Plimsoll
let base: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  base = `/volume/v3/${plimsoll.projectId('demo')}`
})
const at = (version: string, who = 'demo') => plimsoll.as(who).with({ 'OpenStack-API-Version': `volume ${version}` })
const types = async (search = '', path = base, who = 'demo') => {
  const { status, body } = await at('3.70', who).get(`${path}/types?${search}`)
  return status === 200 ? body.volume_types.map(({ name }: { name: string }) => name) : status
}
const created = async (volume: Record<string, unknown>) => {
  const id = await createVolume(plimsoll, plimsoll.as('demo'), volume)
  return (await at('3.70').get(`${base}/volumes/${id}`)).body.volume
}
const refusal = async (volume: Record<string, unknown>) => {
  const { status, body } = await at('3.70').post(`${base}/volumes`, { volume: { size: 1, ...volume } })
  return [status, (Object.values(body)[0] as { message: string }).message]
}
const snapshotOf = async (volume_id: string): Promise<string> => {
  const { body } = await at('3.70').post(`${base}/snapshots`, { snapshot: { volume_id } })
  await plimsoll.settle()
  return body.snapshot.id
}
/** The operator changes what a cloud offers, and the cloud is looked at again. */
const offering = async (cloud: string, volume_types: string[]): Promise<void> => {
  const { status } = await plimsoll
    .as('admin')
    .patch(`/broker/v1/clouds/${cloud}`, { cloud: { options: { volume_types } } })
  expect(status).toBe(200)
  await plimsoll.settle()
}

describe('volume types', () => {
  it('are the default and what the clouds of the project offer, one for each name', async () => {
    await plimsoll.addCloud({ name: 'vault', type: 'sandbox', options: { volume_types: ['fast', 'gold'] } })
    const { body } = await at('3.70').get(`${base}/types?is_public=none`)
    const shape = { id: expect.any(String), is_public: true, 'os-volume-type-access:is_public': true }
    const zones = (...names: string[]) => ({ 'RESKEY:availability_zones': names.join(',') })
    expect(body.volume_types).toEqual([
      { ...shape, name: 'default', description: expect.any(String), extra_specs: {} },
      {
        ...shape,
        name: 'fast',
        description: null,
        extra_specs: zones('sandbox.a', 'sandbox.b', 'vault.a', 'vault.b'),
      },
      { ...shape, name: 'gold', description: null, extra_specs: zones('vault.a', 'vault.b') },
      { ...shape, name: 'standard', description: null, extra_specs: zones('sandbox.a', 'sandbox.b') },
    ])
  })

  it('of a cloud that the project is not mapped to are not there, but for admins', async () => {
    await plimsoll.addCloud({ name: 'vault', type: 'sandbox', options: { volume_types: ['gold'] } })
    await plimsoll.newProject('stranger', { clouds: ['vault'] })
    const own = `/volume/v3/${plimsoll.projectId('stranger')}`
    expect(await types('', own, 'stranger')).toEqual(['default', 'gold'])
    expect((await at('3.70', 'stranger').get(`${own}/types/fast`)).status).toBe(404)
    expect(await types('', base, 'admin')).toEqual(['default', 'fast', 'gold', 'standard'])
    const { status, body } = await at('3.70', 'stranger').post(`${own}/volumes`, {
      volume: { size: 1, volume_type: 'fast' },
    })
    expect([status, body.itemNotFound.message]).toEqual([404, 'Volume type with name fast could not be found.'])
  })

  it('follow what their cloud offers, and go with it', async () => {
    await plimsoll.addCloud({ name: 'vault', type: 'sandbox', options: { volume_types: ['gold'] } })
    await offering('vault', ['silver'])
    expect(await types()).toEqual(['default', 'fast', 'silver', 'standard'])
    expect((await plimsoll.as('admin').delete('/broker/v1/clouds/vault')).status).toBe(204)
    expect(await types('', base, 'admin')).toEqual(['default', 'fast', 'standard'])
  })

  it('are filtered, sorted and paged', async () => {
    expect(await types('is_public=False')).toEqual([])
    expect(await types('is_public=perhaps')).toBe(400)
    expect(await types('name=fast')).toEqual(['fast'])
    expect(await types(`extra_specs=${encodeURIComponent("{'RESKEY:availability_zones': 'sandbox.a'}")}`)).toEqual([])
    const both = encodeURIComponent("{'RESKEY:availability_zones': 'sandbox.a,sandbox.b'}")
    expect(await types(`extra_specs=${both}`)).toEqual(['fast', 'standard'])
    expect(await types('sort=name:desc')).toEqual(['standard', 'fast', 'default'])
    expect(await types('sort=colour')).toBe(400)
    expect(await types('limit=0')).toEqual([])
    const { body } = await at('3.70').get(`${base}/types?limit=2`)
    expect(body.volume_types.map(({ name }: { name: string }) => name)).toEqual(['default', 'fast'])
    const next = await at('3.70').get(body.volume_type_links[0].href)
    expect(next.body.volume_types.map(({ name }: { name: string }) => name)).toEqual(['standard'])
    expect(next.body.volume_type_links).toBeUndefined()
    expect(await types('limit=1&offset=1')).toEqual(['fast'])
    expect(await types('marker=nobody')).toBe(404)
  })

  it('are shown by id and by name, with the zones that have them', async () => {
    const { id } = (await at('3.0').get(`${base}/types/fast`)).body.volume_type
    expect((await at('3.0').get(`${base}/types/${id}`)).body.volume_type.name).toBe('fast')
    expect((await at('3.0').get(`${base}/types/default`)).body.volume_type.name).toBe('default')
    expect((await at('3.0').get(`${base}/types/gold`)).status).toBe(404)
    const specs = { 'RESKEY:availability_zones': 'sandbox.a,sandbox.b' }
    expect((await at('3.0').get(`${base}/types/${id}/extra_specs`)).body).toEqual({ extra_specs: specs })
    expect((await at('3.0').get(`${base}/types/${id}/extra_specs/RESKEY:availability_zones`)).body).toEqual(specs)
    expect((await at('3.0').get(`${base}/types/${id}/extra_specs/colour`)).status).toBe(404)
    expect((await at('3.0').get(`${base}/types/default/extra_specs`)).body).toEqual({ extra_specs: {} })
  })

  it('of the clouds are changed by nobody', async () => {
    const admin = at('3.70', 'admin')
    const { id } = (await admin.get(`${base}/types/fast`)).body.volume_type
    expect((await admin.get(`${base}/types/${id}/os-volume-type-access`)).status).toBe(404)
    expect((await admin.get(`${base}/types/${id}/encryption`)).body).toEqual({})
    const refusals = [
      await admin.put(`${base}/types/${id}`, { volume_type: { name: 'gold' } }),
      await admin.delete(`${base}/types/${id}`),
      await admin.post(`${base}/types/${id}/action`, { addProjectAccess: { project: 'x' } }),
      await admin.post(`${base}/types/${id}/extra_specs`, { extra_specs: { a: 'b' } }),
      await admin.put(`${base}/types/${id}/extra_specs/a`, { a: 'b' }),
      await admin.delete(`${base}/types/${id}/extra_specs/a`),
      await admin.post(`${base}/types/${id}/encryption`, {
        encryption: { provider: 'luks', control_location: 'front-end' },
      }),
    ]
    expect(refusals.map(({ status }) => status)).toEqual(Array(7).fill(409))
    expect((await admin.delete(`${base}/types/gold`)).status).toBe(404)
    expect((await at('3.70').post(`${base}/types`, {})).status).toBe(403)
  })
})

describe('a volume of a type', () => {
  it('is on a cloud that offers it, and made there as that', async () => {
    await plimsoll.addCloud({ name: 'vault', type: 'sandbox', options: { volume_types: ['gold', 'fast'] } })
    const id = (await at('3.70').get(`${base}/types/gold`)).body.volume_type.id
    const shape = { status: 'available', volume_type: 'gold', volume_type_id: id, availability_zone: 'vault.a' }
    const byName = await created({ volume_type: 'gold' })
    expect(byName).toMatchObject(shape)
    expect(await created({ volume_type: id })).toMatchObject(shape)
    expect(await created({ volume_type: 'fast', availability_zone: 'vault.b' })).toMatchObject({
      volume_type: 'fast',
      availability_zone: 'vault.b',
    })
    const asked = async (volume: { id: string }) => {
      const [binding] = await plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, volume.id))
      return binding!.frozen
    }
    expect(await asked(byName)).toMatchObject({ type: 'gold' })
    const plain = await created({})
    expect(plain).toMatchObject({ volume_type: 'default', availability_zone: 'sandbox.a' })
    expect(await asked(plain)).toMatchObject({ type: null })
  })

  it('is refused in a zone that does not have it, with the zones that do', async () => {
    await plimsoll.addCloud({ name: 'vault', type: 'sandbox', options: { volume_types: ['gold'] } })
    const where = 'Volume type is only supported in these availability zones: vault.a, vault.b'
    expect(await refusal({ volume_type: 'gold', availability_zone: 'sandbox' })).toEqual([400, where])
    expect(await refusal({ volume_type: 'gold', availability_zone: 'sandbox.b' })).toEqual([400, where])
    expect(await refusal({ volume_type: 'silver' })).toEqual([404, 'Volume type with name silver could not be found.'])
  })

  it('of an image is on a cloud that has both', async () => {
    await plimsoll.addCloud({ name: 'vault', type: 'sandbox', options: { volume_types: ['gold'] } })
    const { images } = (await plimsoll.as('demo').get('/image/v2/images?name=sandbox-linux')).body
    const on = (cloud: string) =>
      images.find((image: Record<string, string>) => image['plimsoll:clouds'] === cloud).id as string
    expect(await created({ imageRef: on('vault'), volume_type: 'gold' })).toMatchObject({
      volume_type: 'gold',
      availability_zone: 'vault.a',
    })
    expect(await refusal({ imageRef: on('sandbox'), volume_type: 'gold' })).toEqual([
      400,
      'Volume type is only supported in these availability zones: vault.a, vault.b',
    ])
  })

  it('of a snapshot or a volume has the type of that, unless another is named', async () => {
    await plimsoll.addCloud({ name: 'vault', type: 'sandbox', options: { volume_types: ['gold'] } })
    const fast = await created({ volume_type: 'fast' })
    const snapshot_id = await snapshotOf(fast.id)
    expect((await created({ snapshot_id })).volume_type).toBe('fast')
    expect((await created({ source_volid: fast.id })).volume_type).toBe('fast')
    expect((await created({ snapshot_id, volume_type: 'standard' })).volume_type).toBe('standard')
    expect((await created({ snapshot_id, volume_type: 'default' })).volume_type).toBe('default')
    expect(await refusal({ snapshot_id, volume_type: 'gold' })).toEqual([
      400,
      'Volume type is only supported in these availability zones: vault.a, vault.b',
    ])
  })

  it('keeps it when its cloud offers it no more, and nothing new is made of it', async () => {
    const fast = await created({ volume_type: 'fast' })
    const snapshot_id = await snapshotOf(fast.id)
    await offering('sandbox', ['standard'])
    expect(await types()).toEqual(['default', 'standard'])
    expect((await at('3.70').get(`${base}/volumes/${fast.id}`)).body.volume).toMatchObject({
      volume_type: 'fast',
      volume_type_id: fast.volume_type_id,
    })
    expect(await refusal({ snapshot_id })).toEqual([
      400,
      'Invalid volume type: no cloud that this project is mapped to offers fast.',
    ])
  })

  it('that is adopted has the type that its cloud says, or the default where that is none to ask for', async () => {
    const { make, strip } = strangerOn(plimsoll)
    const disk = (type: string) => make('volume', { name: type, sizeGiB: 1, zone: 'a', type, source: null })
    const native_ids = [await disk('fast'), await disk('standard')]
    await strip('volume', ...native_ids)
    await offering('sandbox', ['fast'])
    const project_id = plimsoll.projectId('demo')
    const { status } = await plimsoll.as('admin').post('/broker/v1/adopt', { cloud: 'sandbox', project_id, native_ids })
    expect(status).toBe(200)
    const { body } = await at('3.70').get(`${base}/volumes/detail?sort=name`)
    expect(body.volumes.map((v: Record<string, string>) => [v.name, v.volume_type])).toEqual([
      ['standard', 'default'],
      ['fast', 'fast'],
    ])
    const fast = body.volumes[1].id
    const named = await at('3.70').put(`${base}/volumes/${fast}`, { volume: { name: 'renamed' } })
    expect(named.status).toBe(200)
    await plimsoll.settle()
    expect((await at('3.70').get(`${base}/volumes/${fast}`)).body.volume).toMatchObject({
      name: 'renamed',
      status: 'available',
      volume_type: 'fast',
    })
  })

  it('is found by it', async () => {
    const fast = await created({ volume_type: 'fast', name: 'quick' })
    await created({ name: 'plain' })
    const found = async (search: string) => {
      const { body } = await at('3.70', 'admin').get(`${base}/volumes?all_tenants=1&${search}`)
      return body.volumes.map(({ name }: { name: string }) => name)
    }
    expect(await found('volume_type=fast')).toEqual(['quick'])
    expect(await found(`volume_type_id=${fast.volume_type_id}`)).toEqual(['quick'])
    expect(await found('volume_type=default')).toEqual(['plain'])
    expect(await found('volume_type=gold')).toEqual([])
  })
})
