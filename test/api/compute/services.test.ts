import { beforeEach, describe, expect, test } from 'vitest'
import { cloudHosts } from '../../../db/schema/index.ts'
import { at, NOVA, newWorld, type World } from './servers/world.ts'

let w: World
beforeEach(async () => {
  w = await newWorld()
})
const PATH = `${NOVA}/os-services`
const by = (minor: string) => w.admin.with(at(minor))
const service = async (minor = '2.96') => (await by(minor).get(`${PATH}?host=sandbox`)).body.services[0]

describe('a service that is disabled', () => {
  test('takes no new servers, and serves those that it has', async () => {
    const old = await w.running()
    const { id } = await service()
    const { status, body } = await by('2.53').put(`${PATH}/${id}`, { status: 'disabled', disabled_reason: 'new discs' })
    expect([status, body.service]).toMatchObject([
      200,
      { id, host: 'sandbox', status: 'disabled', disabled_reason: 'new discs', state: 'up', forced_down: false },
    ])
    const refused = await w.server((await w.boot()).body.server.id)
    expect([refused.status, refused.fault.message]).toEqual([
      'ERROR',
      expect.stringMatching(/^No valid host was found/),
    ])
    expect((await w.server(old)).status).toBe('ACTIVE')
    expect((await w.act(old, { 'os-stop': null })).status).toBe(202)
    await w.plimsoll.settle()
    expect((await w.server(old, w.plimsoll.as('admin').with(at('2.96')))).host_status).toBe('MAINTENANCE')
    expect((await w.server(old)).status).toBe('SHUTOFF')
    const { hypervisors } = (await by('2.96').get(`${NOVA}/os-hypervisors/detail`)).body
    expect(hypervisors[0]).toMatchObject({ status: 'disabled', state: 'up', service: { disabled_reason: 'new discs' } })
    const zones = (await w.demo.get(`${NOVA}/os-availability-zone`)).body.availabilityZoneInfo
    expect(zones[0].zoneState.available).toBe(false)
    expect((await w.admin.get('/broker/v1/clouds/sandbox')).body.cloud).toMatchObject({
      ...{ enabled: true, placing: false, placing_reason: 'new discs' },
    })
    const again = await by('2.53').put(`${PATH}/${id}`, { status: 'enabled' })
    expect(again.body.service).toMatchObject({ status: 'enabled', disabled_reason: null })
    await w.running()
  })

  test('is named by its host before 2.53', async () => {
    const name = { host: 'sandbox', binary: 'nova-compute' }
    const told = async (action: string, more: object = {}, minor = '2.1') => {
      const { status, body } = await by(minor).put(`${PATH}/${action}`, { ...name, ...more })
      return [status, body.service ?? (Object.values(body)[0] as { message: string }).message]
    }
    expect(await told('disable')).toEqual([200, { ...name, status: 'disabled' }])
    expect(await service('2.1')).toMatchObject({ status: 'disabled', disabled_reason: null })
    expect(await told('disable-log-reason', { disabled_reason: 'why' })).toEqual([
      200,
      { ...name, status: 'disabled', disabled_reason: 'why' },
    ])
    expect(await service('2.1')).toMatchObject({ status: 'disabled', disabled_reason: 'why' })
    expect(await told('enable')).toEqual([200, { ...name, status: 'enabled' }])
    expect(await told('force-down', { forced_down: false }, '2.11')).toEqual([200, { ...name, forced_down: false }])
    expect((await told('force-down', { forced_down: true }, '2.11'))[0]).toBe(501)
    expect(await told('force-down')).toEqual([404, 'Unknown action'])
    expect(await told('force-down', {}, '2.11')).toEqual([400, 'Missing forced_down field'])
    expect(await told('pause')).toEqual([404, 'Unknown action'])
    expect(await told('disable-log-reason')).toEqual([400, 'Missing disabled reason field'])
    expect(await told('disable', { binary: 'nova-scheduler' })).toEqual([
      400,
      'Updating a nova-scheduler service is not supported. Only nova-compute services can be updated.',
    ])
    expect(await told('disable', { host: 'moon' })).toEqual([404, "Host 'moon' is not mapped to any cell"])
    for (const junk of [{ host: 'a b' }, { disabled_reason: '' }, { forced_down: true }, { binary: 'x'.repeat(256) }])
      expect((await told('disable', junk))[0]).toBe(400)
  })
})

test('what is no change of a service, or is not done, is refused', async () => {
  const { id } = await service()
  const put = async (body: object, which = id) => (await by('2.96').put(`${PATH}/${which}`, body)).status
  expect(await put({})).toBe(400)
  expect(await put({ status: 'enabled', disabled_reason: 'x' })).toBe(400)
  expect(await put({ status: 'off' })).toBe(400)
  expect(await put({ host: 'sandbox', binary: 'nova-compute' })).toBe(400)
  expect(await put({ status: 'enabled' }, '7')).toBe(400)
  expect(await put({ status: 'enabled' }, crypto.randomUUID())).toBe(404)
  expect(await put({ forced_down: true })).toBe(501)
  expect(await put({ forced_down: false })).toBe(200)
  expect((await w.newest.put(`${PATH}/${id}`, { status: 'disabled' })).status).toBe(403)
  const gone = await by('2.96').delete(`${PATH}/${id}`)
  expect([gone.status, JSON.stringify(gone.body)]).toEqual([
    501,
    expect.stringContaining('Cloud sandbox is forgotten where clouds are registered.'),
  ])
  expect((await by('2.96').delete(`${PATH}/${crypto.randomUUID()}`)).status).toBe(404)
})

test('a cloud that is disabled where it is registered is enabled there', async () => {
  await w.admin.patch('/broker/v1/clouds/sandbox', { cloud: { enabled: false } })
  const { id, status } = await service()
  expect(status).toBe('disabled')
  const { body } = await by('2.96').put(`${PATH}/${id}`, { status: 'enabled' })
  expect(body.badRequest.message).toBe('Cloud sandbox is disabled where clouds are registered, and enabled there.')
})

test('a machine of a cloud is not disabled by itself', async () => {
  const cloudId = w.plimsoll.cloudId('sandbox')
  await w.plimsoll.db.insert(cloudHosts).values({ cloudId, zone: 'z', name: 'kvm-1', answers: true, seenAt: 1 })
  const { services } = (await by('2.96').get(`${PATH}?host=sandbox.kvm-1`)).body
  const { status, body } = await by('2.96').put(`${PATH}/${services[0].id}`, { status: 'disabled' })
  expect([status, JSON.stringify(body)]).toEqual([501, expect.stringContaining('kvm-1 is chosen by its cloud')])
})
