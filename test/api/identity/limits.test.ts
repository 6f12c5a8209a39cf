import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { make, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
let demo: Client
let service: { id: string }
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
  service = await make(admin, 'services', { type: 'dns', name: 'designate' })
})

const REGISTERED = `${V3}/registered_limits`
const LIMITS = `${V3}/limits`
const register = (more: object = {}, who = admin) =>
  who.post(`${V3}/registered_limits`, {
    registered_limits: [{ service_id: service.id, resource_name: 'zones', default_limit: 10, ...more }],
  })
const limit = (more: object = {}, who = admin) =>
  who.post(`${V3}/limits`, {
    limits: [{ service_id: service.id, resource_name: 'zones', resource_limit: 20, ...more }],
  })

describe('what each project has of a service of an operator', () => {
  test('is said, shown to everybody, changed and taken back', async () => {
    const made = await register({ description: 'of each' })
    const [row] = made.body.registered_limits
    expect([made.status, made.body.links]).toEqual([201, undefined])
    expect(row).toMatchObject({
      ...{ service_id: service.id, region_id: null, resource_name: 'zones', default_limit: 10, description: 'of each' },
      links: { self: expect.stringContaining(`/v3/registered_limits/${row.id}`) },
    })
    expect((await demo.get(`${V3}/registered_limits/${row.id}`)).body.registered_limit).toEqual(row)
    const found = async (query: string) => (await demo.get(`${V3}/registered_limits${query}`)).body.registered_limits
    expect(await found('')).toEqual([row])
    expect(await found('?resource_name=records')).toEqual([])
    expect(await found(`?service_id=${service.id}&resource_name__contains=one`)).toEqual([row])
    const changed = await admin.patch(`${V3}/registered_limits/${row.id}`, { registered_limit: { default_limit: -1 } })
    expect(changed.body.registered_limit).toMatchObject({ default_limit: -1, resource_name: 'zones' })
    expect((await admin.delete(`${V3}/registered_limits/${row.id}`)).status).toBe(204)
    const gone = await demo.get(`${V3}/registered_limits/${row.id}`)
    expect([gone.status, gone.body.error.message]).toEqual([404, `Could not find registered limit for ${row.id}.`])
  })

  test('is of one resource once, in a region or in all, of a service that there is and is not of this broker', async () => {
    await register()
    const twice = await register()
    expect([twice.status, twice.body.error.message]).toEqual([
      409,
      'Conflict occurred attempting to store registered_limit - Duplicate entry.',
    ])
    expect((await register({ region_id: 'RegionOne' })).status).toBe(201)
    expect((await register({ region_id: 'none' })).status).toBe(400)
    expect((await register({ service_id: 'none' })).body.error.message).toMatch(
      /^Expecting to find service_id in registered_limit/,
    )
    const { services } = (await admin.get(`${V3}/services?type=compute`)).body
    const ours = await register({ service_id: services[0].id })
    expect([ours.status, ours.body.error.message]).toEqual([403, expect.stringContaining('is one of this broker')])
    for (const wrong of [{ default_limit: -2 }, { default_limit: '1' }, { resource_name: '' }, { other: 1 }])
      expect((await register(wrong)).status).toBe(400)
    expect((await admin.post(REGISTERED, { registered_limits: [] })).status).toBe(400)
    expect((await register({}, demo)).status).toBe(403)
  })
})

describe('what one project has', () => {
  test('stands in the place of what is registered, is shown to it, and goes with it', async () => {
    const [registered] = (await register()).body.registered_limits
    const project = plimsoll.projectId('demo')
    const made = await limit({ project_id: project })
    const [row] = made.body.limits
    expect([made.status, row]).toEqual([
      201,
      expect.objectContaining({ project_id: project, domain_id: null, resource_limit: 20, service_id: service.id }),
    ])
    const [ofDomain] = (await limit({ domain_id: 'default' })).body.limits
    expect((await demo.get(LIMITS)).body.limits).toEqual([row])
    const all = (await admin.get(LIMITS)).body.limits
    expect(all).toHaveLength(2)
    expect((await admin.get(`${LIMITS}?domain_id=default&resource_name=zones`)).body.limits).toEqual([ofDomain])
    expect((await admin.get(`${LIMITS}?service_id=none`)).body.limits).toEqual([])
    expect((await demo.get(`${V3}/limits/${row.id}`)).body.limit).toEqual(row)
    expect((await demo.get(`${V3}/limits/${ofDomain.id}`)).status).toBe(403)
    expect((await admin.get(`${V3}/limits/none`)).body.error.message).toBe('Could not find limit for none.')
    const changed = await admin.patch(`${V3}/limits/${row.id}`, { limit: { resource_limit: 5, description: 'less' } })
    expect(changed.body.limit).toEqual({ ...row, resource_limit: 5, description: 'less' })
    const kept = await admin.patch(`${V3}/registered_limits/${registered.id}`, {
      registered_limit: { default_limit: 1 },
    })
    expect([kept.status, kept.body.error.message]).toEqual([
      403,
      `Unable to update or delete registered limit ${registered.id} because there are project limits associated with it.`,
    ])
    expect((await admin.delete(`${V3}/registered_limits/${registered.id}`)).status).toBe(403)
    expect((await admin.delete(`${V3}/limits/${ofDomain.id}`)).status).toBe(204)
    const other = await make(admin, 'projects', { name: 'other' })
    expect((await limit({ project_id: other.id })).status).toBe(201)
    expect((await admin.delete(`${V3}/projects/${other.id}`)).status).toBe(204)
    expect((await admin.get(LIMITS)).body.limits).toHaveLength(1)
    expect((await admin.delete(`${V3}/services/${service.id}`)).status).toBe(204)
    expect((await admin.get(LIMITS)).body.limits).toEqual([])
    expect((await admin.get(REGISTERED)).body.registered_limits).toEqual([])
  })

  test('is of something registered, for one project or one domain, once', async () => {
    const project_id = plimsoll.projectId('demo')
    const early = await limit({ project_id })
    expect([early.status, early.body.error.message]).toEqual([
      403,
      'Unable to create a limit that has no corresponding registered limit.',
    ])
    await register()
    expect((await limit({ project_id })).status).toBe(201)
    expect((await limit({ project_id })).status).toBe(409)
    expect((await limit({ project_id, region_id: 'RegionOne' })).status).toBe(403)
    for (const wrong of [{}, { project_id, domain_id: 'default' }, { project_id: 'none' }, { domain_id: 'none' }])
      expect([wrong, (await limit(wrong)).status]).toEqual([wrong, 400])
    expect((await limit({ project_id }, demo)).status).toBe(403)
    expect((await demo.get(`${V3}/limits/model`)).body.model.name).toBe('flat')
  })
})
