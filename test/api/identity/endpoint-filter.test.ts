import { beforeEach, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { V3 } from './support.ts'

const GROUPS = `${V3}/OS-EP-FILTER/endpoint_groups`
let plimsoll: Plimsoll
let admin: Client
let project: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
  project = plimsoll.projectId('demo')
})

type Each = { id: string; type: string; interface: string }
const group = async (filters: object, name = 'public ones') => {
  const { status, body } = await admin.post(GROUPS, { endpoint_group: { name, filters } })
  expect(status).toBe(201)
  return body.endpoint_group.id as string
}
const catalog = async () =>
  (await plimsoll.as('demo').get(`${V3}/auth/catalog`)).body.catalog as (Each & { endpoints: Each[] })[]

test('groups of endpoints are made, found by name, changed and removed, and have the endpoints that their filters fit', async () => {
  const id = await group({ interface: 'public' })
  expect((await admin.get(`${GROUPS}?name=public ones`)).body.endpoint_groups).toMatchObject([{ id }])
  expect((await admin.get(`${GROUPS}?name=other`)).body.endpoint_groups).toEqual([])
  const { endpoints } = (await admin.get(`${GROUPS}/${id}/endpoints`)).body
  expect(new Set(endpoints.map((each: Each) => each.interface))).toEqual(new Set(['public']))
  const changed = await admin.patch(`${GROUPS}/${id}`, { endpoint_group: { filters: { region_id: 'nowhere' } } })
  expect(changed.body.endpoint_group.filters).toEqual({ region_id: 'nowhere' })
  expect((await admin.get(`${GROUPS}/${id}`)).body).toEqual(changed.body)
  expect((await admin.get(`${GROUPS}/${id}/endpoints`)).body.endpoints).toEqual([])
  for (const filters of [{}, { name: 'x' }, { interface: 'none' }, undefined])
    expect((await admin.post(GROUPS, { endpoint_group: { name: 'x', filters } })).status).toBe(400)
  expect((await admin.delete(`${GROUPS}/${id}`)).status).toBe(204)
  expect((await admin.get(`${GROUPS}/${id}`)).body.error.message).toBe(`Could not find Endpoint Group: ${id}.`)
  expect((await plimsoll.as('demo').get(GROUPS)).status).toBe(403)
})

test('a project that was given endpoints has those in its catalogue, and everything again without', async () => {
  const all = await catalog()
  const { services } = (await admin.get(`${V3}/services?type=compute`)).body
  const [endpoint] = (await admin.get(`${V3}/endpoints?interface=public&service_id=${services[0].id}`)).body.endpoints
  const one = `${V3}/OS-EP-FILTER/projects/${project}/endpoints/${endpoint.id}`
  expect((await admin.get(one)).status).toBe(404)
  for (let i = 0; i < 2; i++) expect((await admin.put(one)).status).toBe(204)
  expect([(await admin.get(one)).status, (await admin.head(one)).status]).toEqual([204, 204])
  expect(await catalog()).toMatchObject([{ type: 'compute', endpoints: [{ id: endpoint.id }] }])
  const given = await admin.get(`${V3}/OS-EP-FILTER/projects/${project}/endpoints`)
  expect(given.body.endpoints.map(({ id }: Each) => id)).toEqual([endpoint.id])
  const holders = await admin.get(`${V3}/OS-EP-FILTER/endpoints/${endpoint.id}/projects`)
  expect(holders.body.projects.map(({ id }: Each) => id)).toEqual([project])
  const other = await plimsoll.as('admin').get(`${V3}/auth/catalog`)
  expect(other.body.catalog.length).toBe(all.length)
  expect((await admin.delete(one)).status).toBe(204)
  expect((await admin.delete(one)).status).toBe(404)
  expect(await catalog()).toEqual(all)
})

test('a project has what the groups fit that it was given', async () => {
  const { services } = (await admin.get(`${V3}/services?type=identity`)).body
  const id = await group({ service_id: services[0].id, interface: 'internal' })
  const one = `${GROUPS}/${id}/projects/${project}`
  expect((await admin.get(one)).body.error.message).toBe('Endpoint Group Project Association not found')
  expect((await admin.put(one)).status).toBe(204)
  const shown = (await admin.get(one)).body.project_endpoint_group
  expect(shown).toMatchObject({ project_id: project, endpoint_group_id: id })
  expect(await catalog()).toMatchObject([{ type: 'identity', endpoints: [{ interface: 'internal' }] }])
  const own = await admin.get(`${V3}/OS-EP-FILTER/projects/${project}/endpoint_groups`)
  expect(own.body.endpoint_groups).toMatchObject([{ id }])
  expect((await admin.get(`${GROUPS}/${id}/projects`)).body.projects).toMatchObject([{ id: project }])
  expect((await admin.put(`${GROUPS}/none/projects/${project}`)).status).toBe(404)
  expect((await admin.put(`${GROUPS}/${id}/projects/none`)).status).toBe(404)
  expect((await admin.delete(one)).status).toBe(204)
  await admin.put(one)
  await catalog()
  await admin.patch(`${GROUPS}/${id}`, { endpoint_group: { filters: { service_id: services[0].id } } })
  expect(await catalog()).toMatchObject([{ type: 'identity', endpoints: [{}, {}, {}] }])
  await admin.delete(`${GROUPS}/${id}`)
  expect((await catalog()).length).toBeGreaterThan(3)
})

test('a path may end with a slash more', async () => {
  expect((await admin.get(`${V3}/OS-TRUST/trusts/?trustor_user_id=${plimsoll.userId('admin')}`)).status).toBe(200)
  expect((await admin.get(`${V3}/users/${plimsoll.userId('demo')}/`)).status).toBe(200)
  expect((await admin.get(`${V3}/users//`)).status).toBe(404)
})
