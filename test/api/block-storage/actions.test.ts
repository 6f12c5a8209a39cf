import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { plantFaults, remembered } from '../../../adapters/sandbox/backdoor.ts'
import { createVolume } from '../../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { askedWhile } from './asked-while.ts'

let plimsoll: Plimsoll
let base: string
const start = async (options = {}) => {
  plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', options }] })
  base = `/volume/v3/${plimsoll.projectId('demo')}`
}
beforeEach(() => start())
const at = (version: string, who = 'demo') => plimsoll.as(who).with({ 'OpenStack-API-Version': `volume ${version}` })
const created = (volume: Record<string, unknown> = {}) => createVolume(plimsoll, plimsoll.as('demo'), volume)
const shown = async (id: string) => (await at('3.70').get(`${base}/volumes/${id}`)).body.volume
const act = (id: string, body: unknown, version = '3.70', who = 'demo') =>
  at(version, who).post(`${base}/volumes/${id}/action`, body)
const gigabytes = async () => (await at('3.0').get(`${base}/limits`)).body.limits.absolute.totalGigabytesUsed

describe('a volume', () => {
  it('grows, and its project pays when it is asked for', async () => {
    const id = await created()
    expect((await act(id, { 'os-extend': { new_size: '3' } })).status).toBe(202)
    expect(await shown(id)).toMatchObject({ status: 'extending', size: 3 })
    expect(await gigabytes()).toBe(3)
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ status: 'available', size: 3 })
    const smaller = await act(id, { 'os-extend': { new_size: 2 } })
    expect([smaller.status, smaller.body.badRequest.message]).toEqual([
      400,
      'Invalid input received: New size for extend must be greater than current size. (current: 3, extended: 2).',
    ])
    expect((await act(id, { 'os-extend': { new_size: 20_000 } })).status).toBe(413)
    expect((await act(id, { 'os-extend': {} })).status).toBe(400)
    expect(await gigabytes()).toBe(3)
  })

  it('that cannot grow keeps its size, and the rest of the quota comes back', async () => {
    await start({ faults: [{ method: 'volume.update', fault: 'definitive', after: 1, count: 1, message: 'No.' }] })
    const id = await created()
    await act(id, { 'os-extend': { new_size: 5 } })
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ status: 'error_extending', size: 1 })
    expect(await gigabytes()).toBe(1)
    await at('3.0').delete(`${base}/volumes/${id}`)
    await plimsoll.settle()
    expect(await gigabytes()).toBe(0)
  })

  it('is flagged bootable and read-only', async () => {
    const id = await created({ size: 1, metadata: { a: 'b' } })
    expect((await act(id, { 'os-set_bootable': { bootable: 'True' } })).status).toBe(200)
    expect((await act(id, { 'os-update_readonly_flag': { readonly: true } })).status).toBe(202)
    expect(await shown(id)).toMatchObject({ bootable: 'true', metadata: { a: 'b', readonly: 'True' } })
    await act(id, { 'os-update_readonly_flag': { readonly: false } })
    expect((await shown(id)).metadata).toEqual({ a: 'b', readonly: 'False' })
    expect((await at('3.0').get(`${base}/volumes/${id}/metadata`)).body).toEqual({ metadata: { a: 'b' } })
    await at('3.0').put(`${base}/volumes/${id}/metadata`, { metadata: {} })
    expect((await shown(id)).metadata).toEqual({ readonly: 'False' })
  })

  it('has image metadata of its own', async () => {
    const id = await created()
    const set = await act(id, { 'os-set_image_metadata': { metadata: { os_distro: 'arch', x: 'y' } } })
    expect([set.status, set.body]).toEqual([200, { metadata: { os_distro: 'arch', x: 'y' } }])
    expect((await act(id, { 'os-unset_image_metadata': { key: 'x' } })).status).toBe(200)
    expect((await act(id, { 'os-unset_image_metadata': { key: 'x' } })).status).toBe(404)
    expect((await act(id, { 'os-show_image_metadata': null })).body).toEqual({ metadata: { os_distro: 'arch' } })
    expect((await shown(id)).volume_image_metadata).toEqual({ os_distro: 'arch' })
  })

  it('is what an admin says it is', async () => {
    const id = await created()
    expect((await act(id, { 'os-reset_status': { status: 'error' } })).status).toBe(403)
    expect((await act(id, { 'os-reset_status': { status: 'error' } }, '3.0', 'admin')).status).toBe(202)
    await plimsoll.settle()
    expect((await shown(id)).status).toBe('error')
    expect((await act(id, { 'os-reset_status': { status: 'in-use' } }, '3.0', 'admin')).status).toBe(400)
    await act(id, { 'os-reset_status': { status: 'creating' } }, '3.0', 'admin')
    expect((await at('3.0').delete(`${base}/volumes/${id}`)).status).toBe(400)
    expect((await at('3.23').delete(`${base}/volumes/${id}?force=True`)).status).toBe(403)
    expect((await act(id, { 'os-force_delete': {} }, '3.0', 'admin')).status).toBe(202)
    await plimsoll.settle()
    expect(await shown(id)).toBeUndefined()
  })

  it('becomes an image, of which servers and volumes are made, and rests as before', async () => {
    const { body: found } = await plimsoll.as('demo').get('/image/v2/images?name=sandbox-linux')
    const id = await created({ size: 2, imageRef: found.images[0].id })
    // The disk of a fork's image is a disk like any other.
    await act(id, { 'os-set_image_metadata': { metadata: { stage: 'gold', 'plimsoll:fork_of': id } } })
    const asked = { image_name: 'from a volume', visibility: 'private' }
    const { status, body } = await act(id, { 'os-volume_upload_image': asked })
    expect([status, body['os-volume_upload_image']]).toMatchObject([
      202,
      { id, status: 'uploading', image_name: 'from a volume', disk_format: 'raw', container_format: 'bare', size: 2 },
    ])
    expect(await shown(id)).toMatchObject({ status: 'uploading' })
    const again = await act(id, { 'os-volume_upload_image': asked })
    expect([again.status, again.body.badRequest.message]).toEqual([400, expect.stringMatching(/is uploading/)])
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ status: 'available' })
    const { image_id } = body['os-volume_upload_image']
    expect((await plimsoll.as('demo').get(`/image/v2/images/${image_id}`)).body).toMatchObject({
      ...{ status: 'active', name: 'from a volume', visibility: 'private', min_disk: 2, 'plimsoll:clouds': 'sandbox' },
    })
    const { body: image } = await plimsoll.as('demo').get(`/image/v2/images/${image_id}`)
    expect([image.stage, image['plimsoll:fork_of']]).toEqual(['gold', undefined])
    const copy = await created({ size: 2, imageRef: image_id })
    expect(await shown(copy)).toMatchObject({ status: 'available', bootable: 'true' })
    expect((await plimsoll.as('demo').delete(`/image/v2/images/${image_id}`)).status).toBe(204)
  })

  it('whose image the cloud could not make rests as before', async () => {
    await start({ faults: [{ method: 'image.create', fault: 'definitive', message: 'No.' }] })
    const id = await created()
    const { body } = await act(id, { 'os-volume_upload_image': { image_name: 'never' } }, '3.0')
    await plimsoll.settle()
    expect(await shown(id)).toMatchObject({ status: 'available' })
    const { image_id } = body['os-volume_upload_image']
    expect((await plimsoll.as('demo').get(`/image/v2/images/${image_id}`)).body.status).toBe('killed')
    const refused = await act(id, { 'os-volume_upload_image': { image_name: 'x', visibility: 'public' } }, '3.1')
    expect(refused.status).toBe(403)
    expect((await act(id, { 'os-volume_upload_image': {} })).status).toBe(400)
  })

  it('is asked nothing that no cloud could do', async () => {
    const id = await created()
    for (const name of ['os-initialize_connection', 'os-terminate_connection', 'os-migrate_volume']) {
      const { status, body } = await act(id, { [name]: {} })
      expect([name, status, body.notImplemented.message]).toEqual([name, 501, expect.stringMatching(/\w+ .*\.$/)])
    }
    expect((await act(id, { 'os-fly': {} })).status).toBe(400)
    expect((await act(id, { revert: {} }, '3.39')).status).toBe(400)
    expect((await act('11111111-2222-4333-8444-555555555555', { 'os-extend': { new_size: 2 } })).status).toBe(404)
  })
})

describe('the type of a volume', () => {
  const retyped = async (id: string, new_type: string) => {
    const { status, body } = await act(id, { 'os-retype': { new_type, migration_policy: 'on-demand' } })
    return status === 202 ? 202 : [status, (Object.values(body)[0] as { message: string }).message]
  }
  const stateOf = async (id: string) => {
    const { status, volume_type } = await shown(id)
    return [status, volume_type]
  }

  it('becomes another one of its cloud, where it is', async () => {
    const id = await created()
    expect(await retyped(id, 'fast')).toBe(202)
    expect(await stateOf(id)).toEqual(['retyping', 'fast'])
    expect(await retyped(id, 'standard')).toEqual([400, expect.stringContaining('retyping')])
    await plimsoll.settle()
    expect(await stateOf(id)).toEqual(['available', 'fast'])
    const [below] = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'volume')
    expect(below).toMatchObject({ type: 'fast' })
    expect(await retyped(id, 'fast')).toEqual([400, 'Invalid input received: New volume_type same as original: fast.'])
    expect(await retyped(id, 'default')).toEqual([
      400,
      expect.stringContaining('leaves it to a cloud which disk that is'),
    ])
    await plimsoll.addCloud({ name: 'vault', type: 'sandbox', options: { volume_types: ['silver'] } })
    expect(await retyped(id, 'silver')).toEqual([
      400,
      'Volume type is only supported in these availability zones: vault.a, vault.b',
    ])
    expect(await retyped(id, 'gold')).toEqual([400, 'Invalid input received: Invalid volume_type passed: gold.'])
    expect((await act(id, { 'os-retype': {} })).status).toBe(400)
    expect(await stateOf(id)).toEqual(['available', 'fast'])
  })

  it('is what it was where the cloud refuses another, and its project is told', async () => {
    const id = await created()
    const faults = [{ method: 'volume.update', fault: 'definitive' as const, count: 1, message: 'No such shelf.' }]
    await plantFaults(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), faults)
    expect(await retyped(id, 'fast')).toBe(202)
    await plimsoll.settle()
    expect(await stateOf(id)).toEqual(['available', 'default'])
    const { messages } = (await at('3.70').get(`${base}/messages`)).body
    expect(messages[0].user_message).toContain('No such shelf.')
    expect(await retyped(id, 'fast')).toBe(202)
    await plimsoll.settle()
    expect(await stateOf(id)).toEqual(['available', 'fast'])
  })

  it.each([
    ['refuses it', { fault: 'definitive' as const, count: 1, message: 'No such shelf.' }, 'default'],
    ['makes it', { fault: 'throttled' as const, count: 1, message: 'Later.' }, 'fast'],
  ])('is what the cloud made of it, where that %s after somebody said that it rests', async (_, fault, type) => {
    const id = await created()
    await plantFaults(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), [{ method: 'volume.update', ...fault }])
    expect(await retyped(id, 'fast')).toBe(202)
    expect((await act(id, { 'os-reset_status': { status: 'available' } }, '3.70', 'admin')).status).toBe(202)
    await plimsoll.settle()
    expect(await stateOf(id)).toEqual(['available', type])
    const [below] = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'volume')
    expect(below!.type === 'fast').toBe(type === 'fast')
    expect((await at('3.70').get(`${base}/messages`)).body.messages).toHaveLength(type === 'fast' ? 0 : 1)
    // The next one begins where this one ended.
    expect(await retyped(id, 'standard')).toBe(202)
    await plimsoll.settle()
    expect(await stateOf(id)).toEqual(['available', 'standard'])
  })

  it('is not one that costs more than its project may spend', async () => {
    const id = await created({ size: 10 })
    const price = (type: string, amount: number) =>
      sql`insert into part_prices (cloud_id, what, type, amount, currency, as_of, source)
        values (${plimsoll.cloudId('sandbox')}, 'disk', ${type}, ${amount}, 'USD', 0, 'cloud')`
    await plimsoll.db.run(price('', 10))
    await plimsoll.db.run(price('fast', 1_000))
    const cap = { max_hourly_cost: { micros: 5_000, currency: 'USD' } }
    await plimsoll.db.run(
      sql`update projects set policy = ${JSON.stringify(cap)} where id = ${plimsoll.projectId('demo')}`,
    )
    expect(await retyped(id, 'fast')).toEqual([403, expect.stringContaining('A volume of 10 GiB costs')])
    expect(await stateOf(id)).toEqual(['available', 'default'])
    expect(await retyped(id, 'standard')).toBe(202)
  })

  it('changes, as its size does, by what they were when it was reckoned', async () => {
    const id = await created()
    const extend = (new_size: number) => () => act(id, { 'os-extend': { new_size } })
    const asked = (new_type: string) => () => act(id, { 'os-retype': { new_type, migration_policy: 'on-demand' } })
    const first = (ask: () => Promise<{ status: number }>) => async () => {
      expect((await ask()).status).toBe(202)
      await plimsoll.settle()
    }
    const late = [400, 'Invalid volume: Its size or its type was changed at the same time.']
    const while_ = async (one: () => Promise<{ status: number }>, other: ReturnType<typeof asked>) => {
      const { status, body } = await askedWhile(plimsoll, first(one), other)
      return [status, body.badRequest.message]
    }
    expect(await while_(extend(5), asked('fast'))).toEqual(late)
    expect(await while_(asked('fast'), extend(9))).toEqual(late)
    expect(await while_(extend(20), extend(6))).toEqual(late)
    expect(await stateOf(id)).toEqual(['available', 'fast'])
    expect([(await shown(id)).size, await gigabytes()]).toEqual([20, 20])
  })
})

describe('metadata of a volume', () => {
  it('are read and written, item by item or as a whole', async () => {
    const id = await created()
    const demo = at('3.0')
    expect((await demo.post(`${base}/volumes/${id}/metadata`, { metadata: { a: '1', b: '2' } })).body).toEqual({
      metadata: { a: '1', b: '2' },
    })
    expect((await demo.post(`${base}/volumes/${id}/metadata`, { metadata: { c: '3' } })).body.metadata).toEqual({
      a: '1',
      b: '2',
      c: '3',
    })
    expect((await demo.put(`${base}/volumes/${id}/metadata`, { metadata: { x: 'y' } })).body).toEqual({
      metadata: { x: 'y' },
    })
    expect((await demo.get(`${base}/volumes/${id}/metadata/x`)).body).toEqual({ meta: { x: 'y' } })
    expect((await demo.put(`${base}/volumes/${id}/metadata/x`, { meta: { x: 'z' } })).body).toEqual({
      meta: { x: 'z' },
    })
    expect((await demo.put(`${base}/volumes/${id}/metadata/x`, { meta: { y: 'z' } })).status).toBe(400)
    expect((await demo.put(`${base}/volumes/${id}/metadata/x`, { meta: { x: 'z', y: 'z' } })).status).toBe(400)
    expect((await demo.delete(`${base}/volumes/${id}/metadata/x`)).status).toBe(200)
    const absent = await demo.get(`${base}/volumes/${id}/metadata/x`)
    expect([absent.status, absent.body.itemNotFound.message]).toEqual([404, `Volume ${id} has no metadata with key x.`])
    expect((await demo.post(`${base}/volumes/${id}/metadata`, { metadata: { a: 'x'.repeat(256) } })).status).toBe(400)
  })

  it('have an ETag since 3.15, and are not overwritten by who read another', async () => {
    const id = await created({ size: 1, metadata: { a: '1' } })
    const demo = at('3.15')
    const etag = (await demo.get(`${base}/volumes/${id}/metadata`)).headers.get('ETag')!
    const write = (tag: string) =>
      demo.put(`${base}/volumes/${id}/metadata`, { metadata: { b: '2' } }, { 'If-Match': tag })
    expect((await write('somebody-elses')).status).toBe(412)
    expect((await write(etag)).status).toBe(200)
    expect((await write(etag)).status).toBe(412)
  })
})

describe('a status that an administrator sets', () => {
  const reset = async (id: string, status: string) =>
    (await act(id, { 'os-reset_status': { status } }, '3.0', 'admin')).status

  it.each(['available', 'error', 'creating', 'attaching', 'maintenance'])(
    '%s is left by force, and by another one after which its owner deletes the volume',
    async (status) => {
      const [forced, freed] = [await created(), await created()]
      expect([await reset(forced, status), await reset(freed, status)]).toEqual([202, 202])
      expect((await act(forced, { 'os-force_delete': {} }, '3.0', 'admin')).status).toBe(202)
      expect(await reset(freed, 'available')).toBe(202)
      expect((await at('3.0').delete(`${base}/volumes/${freed}`)).status).toBe(202)
      await plimsoll.settle()
      for (const id of [forced, freed]) expect(await shown(id)).toBeUndefined()
    },
  )

  it.each(['deleting', 'error_deleting', 'detaching'])('is never %s, which nothing would end', async (status) => {
    expect(await reset(await created(), status)).toBe(400)
  })
})
