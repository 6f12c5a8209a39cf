import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { make, V3 } from './support.ts'

let plimsoll: Plimsoll
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({ clouds: [] })
  admin = plimsoll.as('admin')
})

const policy = async (blob: unknown = '{"a": "b"}', type = 'application/json') => {
  const { status, body } = await admin.post(`${V3}/policies`, { policy: { blob, type, note: 'kept' } })
  expect(status).toBe(201)
  return body.policy as { id: string; blob: unknown; type: string; note: string }
}

describe('policies', () => {
  test('are kept as they are given, changed, listed by type and removed', async () => {
    const made = await policy()
    expect(made).toMatchObject({ blob: '{"a": "b"}', type: 'application/json', note: 'kept' })
    const { id } = made
    await policy({ deep: [1] }, 'other')
    expect((await admin.get(`${V3}/policies?type=other`)).body.policies).toMatchObject([{ blob: { deep: [1] } }])
    expect((await admin.get(`${V3}/policies?type__startswith=app`)).body.policies).toMatchObject([{ id }])
    const changed = await admin.patch(`${V3}/policies/${id}`, { policy: { type: 'text/plain' } })
    expect(changed.body.policy).toMatchObject({ id, blob: '{"a": "b"}', type: 'text/plain' })
    expect((await admin.get(`${V3}/policies/${id}`)).body).toEqual(changed.body)
    expect((await admin.delete(`${V3}/policies/${id}`)).status).toBe(204)
    expect((await admin.get(`${V3}/policies/${id}`)).body.error.message).toBe(`Could not find policy: ${id}.`)
  })

  test('are refused without a blob or a type, and to users', async () => {
    for (const wrong of [
      {},
      { blob: 'a' },
      { type: 'b' },
      { blob: 1, type: 'b' },
      { blob: 'a', type: 'b'.repeat(300) },
    ])
      expect((await admin.post(`${V3}/policies`, { policy: wrong })).status).toBe(400)
    const demo = plimsoll.as('demo')
    expect((await demo.get(`${V3}/policies`)).status).toBe(403)
    expect((await demo.post(`${V3}/policies`, { policy: { blob: 'a', type: 'b' } })).status).toBe(403)
  })
})

describe('the policy of an endpoint', () => {
  test('is its own, else that of its service in the nearest region, else that of its service', async () => {
    await make(admin, 'regions', { id: 'world' } as never)
    await make(admin, 'regions', { id: 'town', parent_region_id: 'world' } as never)
    const service = (await make(admin, 'services', { type: 'metering', name: 'm' })).id
    const at = { service_id: service, region_id: 'town', interface: 'public', url: 'http://example.org' }
    const endpoint = (await make(admin, 'endpoints', at)).id
    const of = () => admin.get(`${V3}/endpoints/${endpoint}/OS-ENDPOINT-POLICY/policy`)
    expect((await of()).body.error.message).toBe(`No policy is associated with endpoint ${endpoint}.`)
    const [wide, near, own] = [await policy('wide'), await policy('near'), await policy('own')]
    const place = (id: string, end: string) => `${V3}/policies/${id}/OS-ENDPOINT-POLICY/${end}`
    const steps = [
      [wide.id, `services/${service}`],
      [near.id, `services/${service}/regions/world`],
      [own.id, `endpoints/${endpoint}`],
    ] as const
    for (const [id, end] of steps) {
      expect((await admin.get(place(id, end))).body.error.message).toBe('Could not find policy association.')
      for (let i = 0; i < 2; i++) expect((await admin.put(place(id, end))).status).toBe(204)
      expect((await admin.get(place(id, end))).status).toBe(204)
      expect((await of()).body.policy.id).toBe(id)
      expect((await admin.get(place(id, 'endpoints'))).body.endpoints.map((each: { id: string }) => each.id)).toEqual([
        endpoint,
      ])
    }
    expect((await admin.get(place(wide.id, 'endpoints'))).body.endpoints).toEqual([])
    for (const [id, end] of [...steps].reverse()) {
      expect((await of()).body.policy.id).toBe(id)
      expect((await admin.delete(place(id, end))).status).toBe(204)
    }
    expect((await of()).status).toBe(404)
    for (const end of ['endpoints/none', 'services/none', `services/${service}/regions/none`])
      expect((await admin.put(place(own.id, end))).status).toBe(404)
    expect((await admin.put(place('none', `services/${service}`))).status).toBe(404)
  })
})
