import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { enter, login, make, SYSTEM, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
})

const demo = () => ({ project: { id: plimsoll.projectId('demo') } })
const endpointsOf = async (type: string, scope: unknown = demo(), who = 'demo'): Promise<string[]> => {
  const { body } = await login(plimsoll, who, scope)
  const found = body.token.catalog.filter((each: { type: string }) => each.type === type)
  return found.flatMap(({ endpoints }: { endpoints: { url: string }[] }) => endpoints.map(({ url }) => url))
}

describe('a service of an operator', () => {
  test('is in the catalogue with its endpoints, for whom their URLs fit', async () => {
    const wish = { type: 'dns', name: 'designate', description: 'names', cost: '1' }
    const { service } = (await admin.post(`${V3}/services`, { service: wish })).body
    expect(service).toMatchObject({ type: 'dns', name: 'designate', enabled: true, description: 'names', cost: '1' })
    const place = { service_id: service.id, interface: 'public' }
    const made = await make(admin, 'endpoints', { ...place, url: 'http://dns.example.org/$(project_id)s' })
    expect(made).toMatchObject({ ...place, region_id: null, enabled: true })
    await make(admin, 'endpoints', { ...place, url: 'http://dns.example.org', interface: 'internal' })
    const bare = await make(admin, 'endpoints', { ...place, url: 'dns:names of ours', interface: 'admin' })
    expect(bare).toMatchObject({ url: 'dns:names of ours' })
    expect((await admin.get(`${V3}/endpoints/${bare.id}`)).body.endpoint).toEqual(bare)
    expect((await admin.patch(`${V3}/endpoints/${bare.id}`, { endpoint: {} })).body.endpoint).toEqual(bare)
    expect((await admin.delete(`${V3}/endpoints/${bare.id}`)).status).toBe(204)
    expect(await endpointsOf('dns')).toEqual(
      expect.arrayContaining([`http://dns.example.org/${plimsoll.projectId('demo')}`, 'http://dns.example.org']),
    )
    expect(await endpointsOf('dns', SYSTEM, 'admin')).toEqual(['http://dns.example.org'])
    const who = await enter(plimsoll, 'demo', demo())
    const { catalog } = (await who.get(`${V3}/auth/catalog`)).body
    expect(catalog.filter(({ type }: { type: string }) => type === 'dns')).toHaveLength(1)
    expect((await admin.get(`${V3}/endpoints/${made.id}`)).body.endpoint).toEqual(made)
    expect((await admin.get(`${V3}/endpoints?service_id=${service.id}`)).body.endpoints).toHaveLength(2)
  })

  test('is changed, hidden and removed with its endpoints', async () => {
    const { id } = await make(admin, 'services', { type: 'dns', name: 'a' })
    const endpoint = await make(admin, 'endpoints', {
      service_id: id,
      interface: 'public',
      url: 'http://a.example.org',
    })
    const path = `${V3}/endpoints/${endpoint.id}`
    expect((await admin.patch(path, { endpoint: { url: 'http://b.example.org' } })).status).toBe(200)
    expect(await endpointsOf('dns')).toEqual(['http://b.example.org'])
    await admin.patch(path, { endpoint: { enabled: false } })
    expect(await endpointsOf('dns')).toEqual([])
    await admin.patch(path, { endpoint: { enabled: true } })
    const renamed = await admin.patch(`${V3}/services/${id}`, { service: { name: 'b', enabled: false } })
    expect(renamed.body.service).toMatchObject({ id, name: 'b', enabled: false })
    expect(await endpointsOf('dns')).toEqual([])
    expect((await admin.get(`${V3}/services?type=dns`)).body.services).toEqual([renamed.body.service])
    expect((await admin.delete(`${V3}/services/${id}`)).status).toBe(204)
    expect([(await admin.get(path)).status, (await admin.delete(path)).status]).toEqual([404, 404])
    expect((await admin.delete(`${V3}/services/${id}`)).body.error.message).toBe(`Could not find service: ${id}.`)
  })

  test('is added to, where it is one of this broker, and those stay as they are', async () => {
    const { services } = (await admin.get(`${V3}/services?type=compute`)).body
    const { endpoints } = (await admin.get(`${V3}/endpoints?service_id=${services[0].id}`)).body
    const body = { endpoint: { url: 'http://x.example.org' } }
    const refused = [
      await admin.patch(`${V3}/services/${services[0].id}`, { service: { name: 'x' } }),
      await admin.delete(`${V3}/services/${services[0].id}`),
      await admin.patch(`${V3}/endpoints/${endpoints[0].id}`, body),
      await admin.delete(`${V3}/endpoints/${endpoints[0].id}`),
    ]
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403])
    const url = 'http://nova.example.org'
    const { id } = await make(admin, 'endpoints', { service_id: services[0].id, interface: 'public', url })
    expect(await endpointsOf('compute')).toContain(url)
    expect((await admin.delete(`${V3}/endpoints/${id}`)).status).toBe(204)
    expect(await endpointsOf('compute')).not.toContain(url)
  })

  test.each([
    [{ service_id: 'none' }, 'Expecting to find endpoint service_id in service table.'],
    [{ region_id: 'none' }, 'Expecting to find endpoint region_id in region table.'],
    [{ url: 'http://x/$(nonsense)s' }, 'Cannot create an endpoint with an invalid URL: http://x/$(nonsense)s.'],
    [{ enabled: 'True' }, ''],
    [{ interface: 'back' }, ''],
    [{ url: 'nowhere' }, ''],
  ])('has no endpoint with %o', async (wrong, said) => {
    const { id } = await make(admin, 'services', { type: 'dns' })
    const endpoint = { service_id: id, interface: 'public', url: 'http://x.example.org', ...wrong }
    const { status, body } = await admin.post(`${V3}/endpoints`, { endpoint })
    expect([status, body.error.message.startsWith(said)]).toEqual([400, true])
  })
})

describe('a region', () => {
  test('is made by name or without, within another, changed and removed', async () => {
    const made = await admin.put(`${V3}/regions/north`, { region: { description: 'cold' } })
    expect([made.status, made.body.region]).toEqual([
      201,
      {
        ...{ id: 'north', description: 'cold', parent_region_id: null },
        links: { self: 'http://plimsoll.test/identity/v3/regions/north' },
      },
    ])
    const odd = await make(admin, 'regions', { id: 'süd & mehr?' })
    const link = 'http://plimsoll.test/identity/v3/regions/s%C3%BCd%20&%20mehr%3F'
    expect(odd).toMatchObject({ links: { self: link } })
    expect((await admin.get(link)).body.region).toEqual(odd)
    expect((await admin.delete(link)).status).toBe(204)
    const within = await make(admin, 'regions', { parent_region_id: 'north' })
    expect((await admin.get(`${V3}/regions?parent_region_id=north`)).body.regions).toEqual([within])
    expect((await admin.post(`${V3}/regions`, { region: { id: 'north' } })).status).toBe(409)
    expect((await admin.post(`${V3}/regions`, { region: { parent_region_id: 'none' } })).status).toBe(404)
    const circle = await admin.patch(`${V3}/regions/north`, { region: { parent_region_id: within.id } })
    expect([circle.status, circle.body.error.message]).toEqual([
      400,
      `The specified parent region ${within.id} would create a circular region hierarchy.`,
    ])
    expect((await admin.patch(`${V3}/regions/north`, { region: { description: 'n' } })).body.region.description).toBe(
      'n',
    )
    const { id } = await make(admin, 'services', { type: 'dns' })
    const endpoint = { service_id: id, interface: 'public', url: 'http://x.example.org', region_id: within.id }
    const there = await make(admin, 'endpoints', endpoint)
    const early = await admin.delete(`${V3}/regions/north`)
    expect([early.status, early.body.error.message]).toEqual([
      403,
      'Unable to delete region north because it or its child regions have associated endpoints.',
    ])
    await admin.delete(`${V3}/endpoints/${there.id}`)
    expect((await admin.delete(`${V3}/regions/north`)).status).toBe(204)
    expect((await admin.get(`${V3}/regions/${within.id}`)).status).toBe(404)
  })

  test('of this broker stays', async () => {
    expect((await admin.delete(`${V3}/regions/RegionOne`)).status).toBe(403)
    expect((await admin.patch(`${V3}/regions/RegionOne`, { region: { description: 'x' } })).status).toBe(403)
    expect((await admin.put(`${V3}/regions/RegionOne`, { region: {} })).status).toBe(409)
  })

  test('comes with an endpoint that names it as the API did of old', async () => {
    const { id } = await make(admin, 'services', { type: 'dns' })
    await make(admin, 'endpoints', { service_id: id, interface: 'public', url: 'http://x.example.org', region: 'old' })
    expect((await admin.get(`${V3}/regions/old`)).body.region.id).toBe('old')
  })
})

test('what another process put into the catalogue a moment ago is there to build on', async () => {
  await admin.get(`${V3}/auth/catalog`)
  await plimsoll.db.run("insert into catalog_services (id, type, name) values ('theirs', 'dns', 'd')")
  const endpoint = { service_id: 'theirs', interface: 'public', url: 'http://dns.example.org' }
  expect((await admin.post(`${V3}/endpoints`, { endpoint })).status).toBe(201)
  expect((await admin.get(`${V3}/services/theirs`)).status).toBe(200)
  await make(admin, 'regions', { id: 'north' })
  await admin.get(`${V3}/auth/catalog`)
  await plimsoll.db.run(`insert into catalog_endpoints (id, service_id, interface, region_id, url)
    values ('there', 'theirs', 'public', 'north', 'http://dns.example.org')`)
  expect((await admin.delete(`${V3}/regions/north`)).status).toBe(403)
})

test('a service that goes at the same moment gets no endpoint', async () => {
  const { id } = await make(admin, 'services', { type: 'dns', name: 'd' })
  const endpoint = { service_id: id, interface: 'public', url: 'http://dns.example.org' }
  const both = [admin.delete(`${V3}/services/${id}`), admin.post(`${V3}/endpoints`, { endpoint })]
  await Promise.all(both)
  expect((await admin.get(`${V3}/endpoints?service_id=${id}`)).body.endpoints).toEqual([])
})
