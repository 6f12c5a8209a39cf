import { beforeEach, describe, expect, it } from 'vitest'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const V3 = '/identity/v3'

describe('what describes the deployment itself', () => {
  let plimsoll: Plimsoll
  const admin = () => plimsoll.as('admin')
  beforeEach(async () => {
    plimsoll = await startPlimsoll({ clouds: [] })
  })

  it('every service of the list is shown by its id', async () => {
    const { services } = (await admin().get(`${V3}/services`)).body
    expect(services.map((s: { type: string }) => s.type)).toContain('compute')
    for (const service of services)
      expect((await admin().get(`${V3}/services/${service.id}`)).body.service).toEqual(service)
    expect((await admin().get(`${V3}/services/nowhere`)).status).toBe(404)
  })

  it('the one region is shown by its name', async () => {
    const { regions } = (await admin().get(`${V3}/regions`)).body
    expect(regions).toHaveLength(1)
    expect((await admin().get(`${V3}/regions/${regions[0].id}`)).body.region).toEqual(regions[0])
    expect((await admin().get(`${V3}/regions/elsewhere`)).status).toBe(404)
  })

  it('a group is none', async () => {
    expect((await admin().get(`${V3}/groups`)).body.groups).toEqual([])
    expect((await admin().get(`${V3}/groups/crew`)).status).toBe(404)
  })
})
