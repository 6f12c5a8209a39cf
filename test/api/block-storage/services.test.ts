import { beforeEach, describe, expect, it } from 'vitest'
import { createServer, createVolume } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { askedWhile } from './asked-while.ts'

/* What an operator of Cinder does with a `cinder-volume`, which is a zone of a cloud here. */

const HOST = 'sandbox@a'
const HERE = { availability_zone: 'sandbox.a' }
const BINARY = 'cinder-volume'
const FROZEN = 'Invalid input received: Modification operations are not allowed on frozen storage backends.'
let plimsoll: Plimsoll
let demo: Client
let admin: Client
let base: string
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  const at = (who: string) => plimsoll.as(who).with({ 'OpenStack-API-Version': 'volume 3.70' })
  ;[demo, admin] = [at('demo'), at('admin')]
  base = `/volume/v3/${plimsoll.projectId('demo')}`
})

const change = (action: string, body: object = { host: HOST, binary: BINARY }) =>
  admin.put(`${base}/os-services/${action}`, body)
const words = ({ status, body }: { status: number; body: { [key: string]: { message: string } } }) => [
  status,
  Object.values(body)[0]!.message,
]
const service = async () => (await admin.get(`${base}/os-services?host=${HOST}`)).body.services[0]
const shown = async (id: string) => (await demo.get(`${base}/volumes/${id}`)).body.volume
const made = async (volume: object = {}) => {
  const { status, body } = await demo.post(`${base}/volumes`, { volume: { size: 1, ...volume } })
  expect(status).toBe(202)
  await plimsoll.settle()
  const { status: now, availability_zone } = await shown(body.volume.id)
  return [now, availability_zone]
}

describe('a service that is disabled', () => {
  it('takes no new volumes, and keeps those that it has', async () => {
    const id = await createVolume(plimsoll, demo, { availability_zone: 'sandbox.a' })
    expect((await change('disable')).body).toEqual({
      ...{ host: HOST, service: '', binary: BINARY, status: 'disabled', disabled: true },
    })
    expect(await service()).toMatchObject({ status: 'disabled', state: 'up', disabled_reason: null, frozen: false })
    expect(await made()).toEqual(['available', 'sandbox.b'])
    expect((await made({ availability_zone: 'sandbox.a' }))[0]).toBe('error')
    const { messages } = (await demo.get(`${base}/messages`)).body
    expect(messages[0].user_message).toContain('Could not find any available weighted backend.')
    const { pools } = (await admin.get(`${base}/scheduler-stats/get_pools`)).body
    expect(pools.map(({ name }: { name: string }) => name.split('#')[0])).not.toContain(HOST)
    const { availabilityZoneInfo } = (await demo.get(`${base}/os-availability-zone`)).body
    expect(availabilityZoneInfo).toContainEqual({ zoneName: 'sandbox.a', zoneState: { available: false } })
    expect((await demo.post(`${base}/volumes/${id}/action`, { 'os-extend': { new_size: 9 } })).status).toBe(202)
    await plimsoll.settle()
    expect((await demo.delete(`${base}/volumes/${id}`)).status).toBe(202)
    expect((await change('enable')).body).toMatchObject({ status: 'enabled', disabled: false })
    expect(await made({ availability_zone: 'sandbox.a' })).toEqual(['available', 'sandbox.a'])
  })

  it('says why, as somebody said', async () => {
    const told = { host: HOST, service: BINARY, disabled_reason: ' new shelves ' }
    expect((await change('disable-log-reason', told)).body).toMatchObject({ disabled_reason: ' new shelves ' })
    expect(await service()).toMatchObject({ status: 'disabled', disabled_reason: 'new shelves' })
    const { hosts } = (await admin.get(`${base}/os-hosts`)).body
    expect(hosts[0]).toMatchObject({ host_name: HOST, 'service-state': 'disabled' })
    await change('enable')
    expect(await service()).toMatchObject({ status: 'enabled', disabled_reason: null })
  })

  it('is given no volume of a server either, which then is in another zone or nowhere', async () => {
    await change('disable')
    const { images } = (await demo.get('/image/v2/images?name=sandbox-linux')).body
    const disk = { source_type: 'image', destination_type: 'volume', uuid: images[0].id, boot_index: 0, volume_size: 5 }
    const boot = (more: object = {}) =>
      createServer(plimsoll, demo, { imageRef: '', block_device_mapping_v2: [disk], ...more })
    const server = async (id: string) => (await demo.get(`/compute/v2.1/servers/${id}`)).body.server
    expect((await server(await boot()))['OS-EXT-AZ:availability_zone']).toBe('sandbox.b')
    const nowhere = await server(await boot({ availability_zone: 'sandbox.a' }))
    expect([nowhere.status, nowhere.fault?.message]).toEqual(['ERROR', expect.stringContaining('No valid host')])
  })

  it('is named by its host and its program, by an administrator', async () => {
    expect((await demo.put(`${base}/os-services/disable`, { host: HOST, binary: BINARY })).status).toBe(403)
    expect(words(await change('disable', { host: HOST }))[0]).toBe(400)
    expect(words(await change('disable', { binary: BINARY }))).toEqual([
      400,
      'Invalid input received: Host field is missing.',
    ])
    expect(words(await change('disable', { host: 'nowhere@a', binary: BINARY }))).toEqual([
      404,
      'Service cinder-volume could not be found on host nowhere@a.',
    ])
    expect(words(await change('enable', { host: HOST, binary: 'cinder-backup' }))[0]).toBe(404)
    expect(words(await change('disable-log-reason', { host: HOST, binary: BINARY }))[0]).toBe(400)
    expect((await change('disable', { host: HOST, binary: BINARY, colour: 'red' })).status).toBe(400)
    const unknown = [400, 'Invalid input received: Unknown action']
    expect(words(await change('paint'))).toEqual(unknown)
    const level = { binary: '', server: '', prefix: '', level: 'DEBUG' }
    expect(words(await change('set-log', level))).toEqual([501, expect.stringContaining('told to nobody by its API')])
    expect((await change('get-log', { binary: BINARY })).status).toBe(501)
    const old = admin.with({ 'OpenStack-API-Version': 'volume 3.25' })
    for (const action of ['set-log', 'get-log', 'failover'])
      expect(words(await old.put(`${base}/os-services/${action}`, { host: HOST, binary: BINARY }))).toEqual(unknown)
  })

  it('keeps what was said of why where somebody says no more than that it is', async () => {
    await change('disable-log-reason', { host: HOST, binary: BINARY, disabled_reason: 'new shelves' })
    await change('disable')
    expect(await service()).toMatchObject({ status: 'disabled', disabled_reason: 'new shelves' })
  })
})

describe('a back end that is frozen', () => {
  it('has nothing made or deleted, until it is thawed', async () => {
    const [id, other] = [await createVolume(plimsoll, demo, HERE), await createVolume(plimsoll, demo, HERE)]
    const snapshot = { volume_id: id, name: 'before' }
    const before = (await demo.post(`${base}/snapshots`, { snapshot })).body.snapshot.id
    await plimsoll.settle()
    expect((await change('freeze', { host: HOST })).status).toBe(200)
    expect(await service()).toMatchObject({ frozen: true, status: 'disabled', disabled_reason: 'frozen' })
    expect(await made()).toEqual(['available', 'sandbox.b'])
    expect(words(await demo.delete(`${base}/volumes/${other}`))).toEqual([400, FROZEN])
    expect(words(await demo.post(`${base}/snapshots`, { snapshot }))).toEqual([400, FROZEN])
    expect(words(await demo.delete(`${base}/snapshots/${before}`))).toEqual([400, FROZEN])
    expect(words(await admin.post(`${base}/volumes/${other}/action`, { 'os-force_delete': null }))).toEqual([
      400,
      FROZEN,
    ])
    const again = words(await change('freeze', { host: HOST }))
    expect(again).toEqual([400, expect.stringContaining("frozen in ['sandbox@a'] must be False to failover.")])
    expect((await change('thaw', { host: HOST })).status).toBe(200)
    expect(await service()).toMatchObject({ frozen: false, status: 'enabled', disabled_reason: null })
    expect((await demo.delete(`${base}/snapshots/${before}`)).status).toBe(202)
    await plimsoll.settle()
    expect((await demo.delete(`${base}/volumes/${id}`)).status).toBe(202)
    expect(words(await change('thaw', { host: HOST }))[1]).toContain(
      "frozen in ['sandbox@a'] must be True to failover.",
    )
  })

  it('is one, and is not replicated', async () => {
    expect(words(await change('freeze', { host: 'nowhere' }))).toEqual([
      400,
      'Invalid input received: No service found with host=nowhere',
    ])
    expect(words(await change('freeze', { host: 'sandbox' }))[1]).toBe('Services from different clusters found.')
    expect(words(await change('thaw', {}))[1]).toContain('One and only one of cluster and host must be set.')
    expect(words(await change('freeze', { host: HOST, cluster: 'c' }))[1]).toContain('One and only one of cluster')
    expect(words(await change('failover', { cluster: 'c' }))[1]).toContain('No service found with cluster=c')
    expect(words(await change('failover_host', { cluster: 'c' }))[1]).toContain('Host field is missing.')
    const old = admin.with({ 'OpenStack-API-Version': 'volume 3.25' })
    expect(words(await old.put(`${base}/os-services/thaw`, { cluster: 'c' }))[1]).toContain('Host field is missing.')
    for (const action of ['failover_host', 'failover'])
      expect(words(await change(action, { host: HOST }))).toEqual([
        400,
        "Invalid input received: No service could be changed: replication_status in ['sandbox@a'] must be ['enabled', 'failed-over'] and must be up to failover.",
      ])
  })

  it('keeps its backups, has none made, and no volume written anew', async () => {
    const id = await createVolume(plimsoll, demo, HERE)
    const copy = () => demo.post(`${base}/backups`, { backup: { volume_id: id } })
    const backup = (await copy()).body.backup.id
    await plimsoll.settle()
    await change('freeze', { host: HOST })
    expect(words(await copy())).toEqual([400, FROZEN])
    expect(words(await demo.delete(`${base}/backups/${backup}`))).toEqual([400, FROZEN])
    expect(words(await demo.post(`${base}/backups/${backup}/restore`, { restore: { volume_id: id } }))).toEqual([
      400,
      FROZEN,
    ])
    await change('thaw', { host: HOST })
    expect((await demo.delete(`${base}/backups/${backup}`)).status).toBe(202)
    expect(words(await askedWhile(plimsoll, () => change('freeze', { host: HOST }), copy))).toEqual([400, FROZEN])
  })

  it.each([
    ['is switched off', () => admin.patch(`/broker/v1/clouds/sandbox`, { cloud: { enabled: false } })],
    ['has it no more', () => plimsoll.db.run(`delete from zones where name = 'a'`)],
  ])('is thawed though its cloud %s', async (_, loses) => {
    const id = await createVolume(plimsoll, demo, HERE)
    await change('freeze', { host: HOST })
    await loses()
    expect(await service()).toMatchObject({ frozen: true, status: 'disabled', state: 'down' })
    expect(words(await demo.delete(`${base}/volumes/${id}`))).toEqual([400, FROZEN])
    expect((await change('thaw', { host: HOST })).status).toBe(200)
    expect(await service()).toBeUndefined()
    expect((await demo.delete(`${base}/volumes/${id}`)).status).toBe(202)
  })
})

describe('what is said of a zone while something else is asked for', () => {
  const freeze = () => change('freeze', { host: HOST })
  const open = { frozen: false, status: 'enabled', disabled_reason: null }

  it('holds beside what is said of it then', async () => {
    const told = { host: HOST, binary: BINARY, disabled_reason: 'new shelves' }
    expect((await askedWhile(plimsoll, freeze, () => change('disable-log-reason', told))).status).toBe(200)
    expect(await service()).toMatchObject({ frozen: true, status: 'disabled', disabled_reason: 'new shelves' })
    expect(
      (
        await askedWhile(
          plimsoll,
          () => change('enable'),
          () => change('thaw', { host: HOST }),
        )
      ).status,
    ).toBe(200)
    expect(await service()).toMatchObject(open)
  })

  it('is said once', async () => {
    const [done, late] = [{ status: 0 }, expect.stringContaining('must be False to failover.')]
    const first = async () => Object.assign(done, { status: (await freeze()).status })
    expect([words(await askedWhile(plimsoll, first, freeze)), done.status]).toEqual([[400, late], 200])
    const thaw = () => change('thaw', { host: HOST })
    expect(words(await askedWhile(plimsoll, thaw, thaw))).toEqual([
      400,
      expect.stringContaining('must be True to failover.'),
    ])
    expect(await service()).toMatchObject(open)
  })

  it.each(['freeze', 'disable'])('has volumes made elsewhere, or nowhere (%s)', async (action) => {
    const closes = () => change(action)
    const ask = (more: object) => () => demo.post(`${base}/volumes`, { volume: { size: 1, ...more } })
    const made = async (more: object) => {
      const { status, body } = await askedWhile(plimsoll, closes, ask(more))
      expect(status).toBe(202)
      await plimsoll.settle()
      const volume = await shown(body.volume.id)
      await change(action === 'freeze' ? 'thaw' : 'enable')
      return [volume.status, volume.availability_zone]
    }
    expect(await made({})).toEqual(['available', 'sandbox.b'])
    expect((await made(HERE))[0]).toBe('error')
  })

  it('has the volumes of a server made with it elsewhere', async () => {
    const nova = plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.90' })
    const { images } = (await demo.get('/image/v2/images?name=sandbox-linux')).body
    const disk = { source_type: 'image', destination_type: 'volume', uuid: images[0].id, boot_index: 0, volume_size: 5 }
    const server = { name: 'db', imageRef: '', flavorRef: '1', networks: 'none', block_device_mapping_v2: [disk] }
    const ask = () => nova.post('/compute/v2.1/servers', { server })
    const { status, body } = await askedWhile(plimsoll, freeze, ask)
    expect(status).toBe(202)
    await plimsoll.settle()
    const made = (await nova.get(`/compute/v2.1/servers/${body.server.id}`)).body.server
    expect([made.status, made['OS-EXT-AZ:availability_zone']]).toEqual(['ACTIVE', 'sandbox.b'])
  })
})

describe('work that is left', () => {
  const clean = (body: object) => admin.post(`${base}/workers/cleanup`, body)

  it('of services that are up is done at once, and nobody does that of those that are down', async () => {
    const { body } = await demo.post(`${base}/volumes`, { volume: { size: 1, availability_zone: 'sandbox.a' } })
    const { status, body: up } = await clean({ is_up: true, host: HOST, resource_type: 'volume' })
    expect([status, up]).toEqual([
      202,
      { cleaning: [{ id: expect.any(Number), host: HOST, binary: BINARY, cluster_name: null }], unavailable: [] },
    ])
    await plimsoll.settle()
    expect((await shown(body.volume.id)).status).toBe('available')
    expect((await clean({})).body).toEqual({ cleaning: [], unavailable: [] })
    await plimsoll.db.run(`update zones set available = 0 where name = 'b'`)
    expect((await clean({})).body.unavailable).toMatchObject([{ host: 'sandbox@b' }])
    expect((await clean({ is_up: true, disabled: true })).body.cleaning).toEqual([])
    expect((await clean({ is_up: true, service_id: up.cleaning[0].id })).body.cleaning).toHaveLength(1)
    expect((await clean({ cluster_name: 'c', is_up: true })).body.cleaning).toEqual([])
  })

  it('is named by what there is', async () => {
    expect(words(await clean({ resource_type: 'cloud' }))[1]).toContain('Resource type Cloud not valid')
    expect(words(await clean({ resource_id: crypto.randomUUID() }))[1]).toContain('pending cleanup')
    expect((await clean({ binary: 'nova' })).status).toBe(400)
    expect((await demo.post(`${base}/workers/cleanup`, {})).status).toBe(403)
    expect(
      (await admin.with({ 'OpenStack-API-Version': 'volume 3.23' }).post(`${base}/workers/cleanup`, {})).status,
    ).toBe(404)
  })
})

it('of clusters there are none to change', async () => {
  const to = (action: string, body: object) => admin.put(`${base}/clusters/${action}`, body)
  expect(words(await to('disable', { name: 'c', disabled_reason: 'old' }))).toEqual([
    404,
    'Cluster c could not be found.',
  ])
  expect(words(await to('enable', { name: 'c', binary: BINARY }))[0]).toBe(404)
  expect((await to('enable', {})).status).toBe(400)
  expect((await to('paint', { name: 'c' })).status).toBe(404)
})
