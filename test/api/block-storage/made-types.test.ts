import { beforeEach, describe, expect, it } from 'vitest'
import { createServer, createVolume, imageNamed } from '../../support/builders.ts'
import { type Answer, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { askedWhile } from './asked-while.ts'

let plimsoll: Plimsoll
let base: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  base = `/volume/v3/${plimsoll.projectId('demo')}`
})
const at = (who = 'demo') => plimsoll.as(who).with({ 'OpenStack-API-Version': 'volume 3.70' })
const madeType = async (name: string, fields: Record<string, unknown> = {}): Promise<string> => {
  const { status, body } = await at('admin').post(`${base}/types`, { volume_type: { name, ...fields } })
  expect([status, body]).toMatchObject([200, { volume_type: { name } }])
  return body.volume_type.id
}
const created = async (volume: Record<string, unknown>) => {
  const id = await createVolume(plimsoll, at(), volume)
  return (await at().get(`${base}/volumes/${id}`)).body.volume
}
const asked = async (volume: Record<string, unknown>) => {
  const { status, body } = await at().post(`${base}/volumes`, { volume: { size: 1, ...volume } })
  return [status, body.volume?.status ?? (Object.values(body)[0] as { message: string }).message]
}

describe('a type that an operator makes', () => {
  it('is that of a volume whose image says so, unless the user says another, or there is none', async () => {
    await madeType('of the image')
    const disk = await created({ size: 2, imageRef: await imageNamed(at()) })
    const asked = { image_name: 'typed', visibility: 'private' }
    const { body } = await at().post(`${base}/volumes/${disk.id}/action`, { 'os-volume_upload_image': asked })
    await plimsoll.settle()
    const { image_id: imageRef } = body['os-volume_upload_image']
    const say = (value: string) =>
      plimsoll
        .as('demo')
        .with({ 'Content-Type': 'application/openstack-images-v2.1-json-patch' })
        .patch(`/image/v2/images/${imageRef}`, [{ op: 'add', path: '/cinder_img_volume_type', value }])
    expect((await say('of the image')).status).toBe(200)
    expect(await created({ size: 2, imageRef })).toMatchObject({ volume_type: 'of the image' })
    await madeType('of the user')
    expect(await created({ size: 2, imageRef, volume_type: 'of the user' })).toMatchObject({
      volume_type: 'of the user',
    })
    const usual = (await created({ size: 2 })).volume_type
    const ofServer = async () => {
      const disk = { source_type: 'image', destination_type: 'volume', uuid: imageRef, boot_index: 0, volume_size: 2 }
      const server = await createServer(plimsoll, plimsoll.as('demo'), {
        imageRef: '',
        block_device_mapping_v2: [disk],
      })
      const { volumes } = (await at().get(`${base}/volumes/detail`)).body
      const its = (volume: { attachments: { server_id: string }[] }) => volume.attachments[0]?.server_id === server
      return volumes.find(its).volume_type
    }
    expect(await ofServer()).toBe('of the image')
    await say('of nobody')
    expect(await created({ size: 2, imageRef })).toMatchObject({ volume_type: usual })
    expect(await ofServer()).toBe(usual)
  })

  it('is there for everybody, is changed, and goes', async () => {
    const admin = at('admin')
    const id = await madeType('mine', { description: 'ours', extra_specs: { volume_backend_name: 'fast' } })
    expect((await at().get(`${base}/types/mine`)).body.volume_type).toEqual({
      id,
      name: 'mine',
      description: 'ours',
      is_public: true,
      'os-volume-type-access:is_public': true,
      extra_specs: {},
    })
    expect((await admin.get(`${base}/types/${id}`)).body.volume_type).toMatchObject({
      extra_specs: { volume_backend_name: 'fast' },
      qos_specs_id: null,
    })
    const changed = await admin.put(`${base}/types/${id}`, { volume_type: { name: 'yours', is_public: false } })
    expect([changed.status, changed.body.volume_type]).toMatchObject([200, { name: 'yours', is_public: false }])
    expect((await at().get(`${base}/types/${id}`)).status).toBe(404)
    expect((await admin.put(`${base}/types/${id}`, { volume_type: {} })).status).toBe(400)
    expect((await admin.delete(`${base}/types/${id}`)).status).toBe(202)
    expect((await admin.get(`${base}/types/${id}`)).status).toBe(404)
  })

  it('has a name of its own, and no junk', async () => {
    const admin = at('admin')
    await madeType('mine')
    for (const name of ['mine', 'default', 'fast']) {
      const { status, body } = await admin.post(`${base}/types`, { volume_type: { name } })
      expect([status, body.conflictingRequest?.message]).toEqual([409, `Volume Type ${name} already exists.`])
    }
    for (const volume_type of [{}, { name: '' }, { name: 'x'.repeat(256) }, { name: 'a', colour: 'red' }, 7])
      expect((await admin.post(`${base}/types`, { volume_type })).status).toBe(400)
    expect((await at().post(`${base}/types`, { volume_type: { name: 'b' } })).status).toBe(403)
  })

  it('has extra specs, of which users see what is for them', async () => {
    const admin = at('admin')
    const id = await madeType('mine')
    const specs = { volume_backend_name: 'fast', 'RESKEY:availability_zones': 'sandbox.b' }
    expect((await admin.post(`${base}/types/${id}/extra_specs`, { extra_specs: specs })).body).toEqual({
      extra_specs: specs,
    })
    expect((await at().get(`${base}/types/${id}/extra_specs`)).body.extra_specs).toEqual({
      'RESKEY:availability_zones': 'sandbox.b',
    })
    const key = 'volume_backend_name'
    expect((await admin.put(`${base}/types/${id}/extra_specs/${key}`, { [key]: 'standard' })).body).toEqual({
      [key]: 'standard',
    })
    expect((await admin.get(`${base}/types/${id}/extra_specs/${key}`)).body).toEqual({ [key]: 'standard' })
    expect((await admin.put(`${base}/types/${id}/extra_specs/${key}`, { other: 'x' })).status).toBe(400)
    expect((await admin.post(`${base}/types/${id}/extra_specs`, { extra_specs: { 'a/b': 'x' } })).status).toBe(400)
    expect((await admin.delete(`${base}/types/${id}/extra_specs/${key}`)).status).toBe(202)
    expect((await admin.delete(`${base}/types/${id}/extra_specs/${key}`)).status).toBe(404)
  })

  it('that is private is given to projects, and taken away', async () => {
    const admin = at('admin')
    const id = await madeType('mine', { 'os-volume-type-access:is_public': false })
    const project = plimsoll.projectId('demo')
    const act = (body: unknown) => admin.post(`${base}/types/${id}/action`, body)
    expect(await asked({ volume_type: 'mine' })).toEqual([404, 'Volume type with name mine could not be found.'])
    expect((await act({ addProjectAccess: { project } })).status).toBe(202)
    expect((await act({ addProjectAccess: { project } })).status).toBe(409)
    expect((await act({ addProjectAccess: { project: 'nobody' } })).status).toBe(400)
    expect((await act({ paint: {} })).status).toBe(400)
    expect((await admin.get(`${base}/types/${id}/os-volume-type-access`)).body).toEqual({
      volume_type_access: [{ volume_type_id: id, project_id: project }],
    })
    expect(await asked({ volume_type: 'mine' })).toEqual([202, 'creating'])
    expect((await act({ removeProjectAccess: { project } })).status).toBe(202)
    expect((await act({ removeProjectAccess: { project } })).status).toBe(404)
    expect((await at().get(`${base}/types/${id}`)).status).toBe(404)
    const names = async (search: string) =>
      (await admin.get(`${base}/types?${search}`)).body.volume_types.map(({ name }: { name: string }) => name)
    expect(await names('is_public=False')).toEqual(['mine'])
    expect(await names('')).toEqual(['default', 'fast', 'standard'])
  })

  it('makes volumes of what it names on the clouds, in the zones that it names, and stays while there are some', async () => {
    const id = await madeType('mine', {
      extra_specs: { volume_backend_name: 'fast', 'RESKEY:availability_zones': 'sandbox.b' },
    })
    const volume = await created({ volume_type: 'mine' })
    expect(volume).toMatchObject({
      status: 'available',
      volume_type: 'mine',
      volume_type_id: id,
      availability_zone: 'sandbox.b',
    })
    expect((await at('admin').get(`${base}/volumes/${volume.id}`)).body.volume['os-vol-host-attr:host']).toBe(
      'sandbox@b#fast',
    )
    expect(await asked({ volume_type: id, availability_zone: 'sandbox.a' })).toEqual([
      400,
      'Volume type is only supported in these availability zones: sandbox.b',
    ])
    expect((await at('admin').get(`${base}/volumes/detail?volume_type=mine`)).body.volumes).toHaveLength(1)
    expect((await at('admin').get(`${base}/volumes/detail?volume_type=fast`)).body.volumes).toHaveLength(0)
    const { status, body } = await at('admin').delete(`${base}/types/${id}`)
    expect([status, body.badRequest.message]).toEqual([400, 'Target volume type is still in use.'])
    const copy = await created({ source_volid: volume.id })
    expect(copy).toMatchObject({ volume_type: 'mine', volume_type_id: id })
  })

  it('that no cloud answers to leaves its volumes in error, and tells why', async () => {
    await madeType('gone', { extra_specs: { volume_backend_name: 'gold' } })
    await madeType('shared', { extra_specs: { multiattach: '<is> True' } })
    for (const volume_type of ['gone', 'shared']) {
      const { status, body } = await at().post(`${base}/volumes`, { volume: { size: 1, volume_type } })
      expect(status).toBe(202)
      const { id } = body.volume
      expect((await at().get(`${base}/volumes/${id}`)).body.volume).toMatchObject({
        status: 'error',
        availability_zone: null,
      })
      const { messages } = (await at().get(`${base}/messages?resource_uuid=${id}`)).body
      expect(messages).toMatchObject([
        {
          resource_type: 'VOLUME',
          resource_uuid: id,
          event_id: 'VOLUME_VOLUME_001_003',
          message_level: 'ERROR',
          user_message: 'schedule allocate volume:Could not find any available weighted backend.',
        },
      ])
      const [message] = messages
      expect((await at().get(`${base}/messages/${message.id}`)).body.message).toEqual(message)
      expect((await at().delete(`${base}/messages/${message.id}`)).status).toBe(204)
      expect((await at().get(`${base}/messages/${message.id}`)).status).toBe(404)
      expect((await at().delete(`${base}/volumes/${id}`)).status).toBe(202)
    }
    expect((await at().get(`${base}/limits`)).body.limits.absolute.totalVolumesUsed).toBe(0)
  })

  it('becomes that of a volume where it is the same disk', async () => {
    const [fast, slow] = [
      await madeType('quick', { extra_specs: { volume_backend_name: 'fast' } }),
      await madeType('slow', { extra_specs: { volume_backend_name: 'standard' } }),
    ]
    const volume = await created({ volume_type: 'fast' })
    const retype = async (new_type: string, migration_policy = 'never') => {
      const body = { 'os-retype': { new_type, migration_policy } }
      return (await at().post(`${base}/volumes/${volume.id}/action`, body)).status
    }
    expect(await retype(fast)).toBe(202)
    expect((await at().get(`${base}/volumes/${volume.id}`)).body.volume.volume_type).toBe('quick')
    expect(await retype(fast)).toBe(400)
    expect(await retype('nothing')).toBe(400)
    expect(await retype(slow, 'on-demand')).toBe(202)
    await plimsoll.settle()
    const { volume: after } = (await at().get(`${base}/volumes/${volume.id}`)).body
    expect([after.status, after.volume_type]).toEqual(['available', 'slow'])
  })
})

describe('what is said of a type', () => {
  it('is how its volumes are to be encrypted, which no cloud does as it is told', async () => {
    const admin = at('admin')
    const id = await madeType('sealed')
    const encryption = { provider: 'luks', control_location: 'front-end', cipher: 'aes-xts-plain64', key_size: 256 }
    const made = await admin.post(`${base}/types/${id}/encryption`, { encryption })
    expect([made.status, made.body.encryption]).toMatchObject([200, { ...encryption, volume_type_id: id }])
    const key = made.body.encryption.encryption_id
    expect((await admin.post(`${base}/types/${id}/encryption`, { encryption })).status).toBe(400)
    expect((await admin.get(`${base}/types/${id}/encryption`)).body).toMatchObject({ ...encryption, deleted: false })
    expect((await admin.get(`${base}/types/${id}/encryption/provider`)).body).toEqual({ provider: 'luks' })
    const changed = { encryption: { key_size: 128 } }
    expect((await admin.put(`${base}/types/${id}/encryption/${key}`, changed)).status).toBe(200)
    expect((await admin.get(`${base}/types/${id}/encryption`)).body.key_size).toBe(128)
    const [status, sentence] = await asked({ volume_type: 'sealed' })
    expect([status, sentence]).toEqual([400, expect.stringMatching(/sealed is encrypted by luks/)])
    expect((await admin.delete(`${base}/types/${id}/encryption/${key}`)).status).toBe(202)
    expect((await admin.delete(`${base}/types/${id}/encryption/${key}`)).status).toBe(404)
    expect((await admin.get(`${base}/types/${id}/encryption`)).body).toEqual({})
    expect(await asked({ volume_type: 'sealed' })).toEqual([202, 'creating'])
    expect((await admin.post(`${base}/types/${id}/encryption`, { encryption })).status).toBe(400)
  })

  it('is that volumes of a project have it where they name none', async () => {
    const admin = at('admin')
    const id = await madeType('usual', { extra_specs: { volume_backend_name: 'fast' } })
    const project = plimsoll.projectId('demo')
    const default_type = { volume_type: 'usual' }
    expect((await admin.get(`${base}/default-types/${project}`)).status).toBe(404)
    expect((await admin.put(`${base}/default-types/${project}`, { default_type })).body).toEqual({
      default_type: { project_id: project, volume_type_id: id },
    })
    expect((await admin.put(`${base}/default-types/nobody`, { default_type })).status).toBe(404)
    expect((await admin.get(`${base}/default-types`)).body.default_types).toEqual([
      { project_id: project, volume_type_id: id },
    ])
    expect((await created({})).volume_type).toBe('usual')
    expect((await created({ volume_type: 'default' })).volume_type).toBe('default')
    expect((await admin.delete(`${base}/default-types/${project}`)).status).toBe(204)
    expect((await admin.delete(`${base}/default-types/${project}`)).status).toBe(404)
    expect((await created({})).volume_type).toBe('default')
  })

  it('is how fast its volumes are to be, which no cloud keeps to', async () => {
    const admin = at('admin')
    const made = await admin.post(`${base}/qos-specs`, {
      qos_specs: { name: 'swift', consumer: 'front-end', read_iops_sec: '2000' },
    })
    expect([made.status, made.body.qos_specs]).toMatchObject([
      200,
      { name: 'swift', consumer: 'front-end', specs: { read_iops_sec: '2000' } },
    ])
    const { id } = made.body.qos_specs
    expect((await admin.post(`${base}/qos-specs`, { qos_specs: { name: 'swift' } })).status).toBe(409)
    for (const junk of [
      await admin.post(`${base}/qos-specs`, { qos_specs: { name: 'a', 'b/c': '1' } }),
      await admin.put(`${base}/qos-specs/${id}`, { qos_specs: { 'b/c': '1' } }),
    ]) {
      expect(junk.status).toBe(400)
      expect(junk.body.badRequest.message).toContain(
        "'b/c' does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'",
      )
    }
    expect((await admin.post(`${base}/qos-specs`, { qos_specs: { name: 'x', consumer: 'me' } })).status).toBe(400)
    expect((await admin.put(`${base}/qos-specs/${id}`, { qos_specs: { write_iops_sec: '1' } })).status).toBe(200)
    expect((await admin.get(`${base}/qos-specs/${id}`)).body.qos_specs.specs).toEqual({
      read_iops_sec: '2000',
      write_iops_sec: '1',
    })
    expect((await admin.get(`${base}/qos-specs`)).body.qos_specs).toHaveLength(1)
    const type = await madeType('quick')
    expect((await admin.get(`${base}/qos-specs/${id}/associate?vol_type_id=${type}`)).status).toBe(202)
    expect((await admin.get(`${base}/types/${type}`)).body.volume_type.qos_specs_id).toBe(id)
    expect((await admin.get(`${base}/qos-specs/${id}/associations`)).body.qos_associations).toEqual([
      { association_type: 'volume_type', name: 'quick', id: type },
    ])
    expect(await asked({ volume_type: 'quick' })).toEqual([400, expect.stringMatching(/QoS specs swift/)])
    expect((await admin.delete(`${base}/qos-specs/${id}`)).status).toBe(400)
    const keys = ['read_iops_sec', 'write_iops_sec']
    expect((await admin.put(`${base}/qos-specs/${id}/delete_keys`, { keys })).status).toBe(202)
    expect((await admin.put(`${base}/qos-specs/${id}/delete_keys`, { keys })).status).toBe(400)
    expect(await asked({ volume_type: 'quick' })).toEqual([202, 'creating'])
    expect((await admin.get(`${base}/qos-specs/${id}/disassociate?vol_type_id=${type}`)).status).toBe(202)
    expect((await admin.get(`${base}/qos-specs/${id}/associate?vol_type_id=${type}`)).status).toBe(400)
    expect((await admin.get(`${base}/qos-specs/${id}/associate`)).status).toBe(400)
    expect((await admin.get(`${base}/qos-specs/${id}/disassociate_all`)).status).toBe(202)
    expect((await admin.delete(`${base}/qos-specs/${id}?force=True`)).status).toBe(202)
    expect((await admin.get(`${base}/qos-specs/${id}`)).status).toBe(404)
  })
})

describe('a type that is changed while it is asked for', () => {
  const MOVED = 'Somebody changed the volume type at the same time.'

  it('is not that of a volume that it would have been refused to', async () => {
    const admin = at('admin')
    const { id: qos } = (await admin.post(`${base}/qos-specs`, { qos_specs: { name: 'swift' } })).body.qos_specs
    const changes: Record<string, (id: string) => Promise<Answer>> = {
      encrypted: (id) =>
        admin.post(`${base}/types/${id}/encryption`, {
          encryption: { provider: 'luks', control_location: 'front-end' },
        }),
      associated: (id) => admin.get(`${base}/qos-specs/${qos}/associate?vol_type_id=${id}`),
      quickened: () => admin.put(`${base}/qos-specs/${qos}`, { qos_specs: { read_iops_sec: '1' } }),
      gone: (id) => admin.delete(`${base}/types/${id}`),
    }
    const volume = await created({})
    for (const [name, change] of Object.entries(changes))
      for (const asks of ['create', 'retype']) {
        const type = await madeType(`${name}-${asks}`)
        if (name === 'quickened') await admin.get(`${base}/qos-specs/${qos}/associate?vol_type_id=${type}`)
        const answer = await askedWhile(
          plimsoll,
          async () => expect((await change(type)).status).toBeLessThan(300),
          () =>
            asks === 'create'
              ? at().post(`${base}/volumes`, { volume: { size: 1, volume_type: type } })
              : at().post(`${base}/volumes/${volume.id}/action`, { 'os-retype': { new_type: type } }),
        )
        expect([answer.status, answer.body.conflictingRequest?.message], `${asks}, ${name}`).toEqual([409, MOVED])
        await admin.put(`${base}/qos-specs/${qos}/delete_keys`, { keys: ['read_iops_sec'] })
      }
    expect((await at().get(`${base}/volumes/detail`)).body.volumes).toMatchObject([{ volume_type: 'default' }])
  })

  it('has QoS specs of which no change is lost', async () => {
    const admin = at('admin')
    const qos_specs = { name: 'swift', a: '1', b: '2' }
    const { id } = (await admin.post(`${base}/qos-specs`, { qos_specs })).body.qos_specs
    const put = (specs: object) => admin.put(`${base}/qos-specs/${id}`, { qos_specs: specs })
    const without = () => admin.put(`${base}/qos-specs/${id}/delete_keys`, { keys: ['a'] })
    for (const ask of [() => put({ c: '3' }), without]) {
      const { status, body } = await askedWhile(plimsoll, () => put({ b: String(Math.random()) }), ask)
      expect([status, body.conflictingRequest?.message]).toEqual([
        409,
        'Somebody changed the QoS specs at the same time.',
      ])
    }
    expect(Object.keys((await admin.get(`${base}/qos-specs/${id}`)).body.qos_specs.specs)).toEqual(['a', 'b'])
  })
})

describe('where volumes are made', () => {
  it('is a pool for each type in each zone', async () => {
    const admin = at('admin')
    const names = async (search = '') =>
      (await admin.get(`${base}/scheduler-stats/get_pools?${search}`)).body.pools.map((p: { name: string }) => p.name)
    const all = ['a', 'b'].flatMap((zone) => ['default', 'fast', 'standard'].map((type) => `sandbox@${zone}#${type}`))
    expect((await names()).toSorted()).toEqual(all)
    expect(await names('name=sandbox@a%23fast')).toEqual(['sandbox@a#fast'])
    await madeType('mine', { extra_specs: { volume_backend_name: 'fast', vendor_name: 'sandbox' } })
    expect(await names('volume_type=mine')).toEqual(['sandbox@a#fast', 'sandbox@b#fast'])
    const { pools } = (await admin.get(`${base}/scheduler-stats/get_pools?detail=True`)).body
    expect(pools[0].capabilities).toMatchObject({ vendor_name: 'sandbox', multiattach: false })
    const { body } = await admin.get(`${base}/capabilities/sandbox@a`)
    expect(body.properties.volume_backend_name.enum.toSorted()).toEqual(['default', 'fast', 'standard'])
    expect((await admin.get(`${base}/capabilities/nowhere@a`)).status).toBe(404)
  })

  it('is a service that is up while its cloud answers', async () => {
    const { services } = (await at('admin').get(`${base}/os-services?host=sandbox@a`)).body
    expect(services).toMatchObject([
      { binary: 'cinder-volume', host: 'sandbox@a', zone: 'sandbox.a', status: 'enabled', state: 'up' },
    ])
    expect((await at('admin').get(`${base}/os-services?binary=cinder-backup`)).body.services).toEqual([])
    expect((await at('admin').get(`${base}/os-services?host=sandbox`)).body.services).toHaveLength(2)
  })
})
