import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

describe('orphans, as an operator sees them', () => {
  let plimsoll: Plimsoll
  const list = async () => (await plimsoll.as('admin').get('/broker/v1/orphans')).body.orphans
  const remove = (id: string) => plimsoll.as('admin').post(`/broker/v1/orphans/${id}/delete`)
  let volume: string

  beforeEach(async () => {
    plimsoll = await startPlimsoll()
    const path = `/volume/v3/${plimsoll.projectId('demo')}/volumes`
    volume = (await plimsoll.as('demo').post(path, { volume: { size: 1, name: 'forgotten' } })).body.volume.id
    await plimsoll.settle()
    await plimsoll.db.run(sql`delete from bindings where resource_id = ${volume}`)
    await plimsoll.as('admin').post('/broker/v1/reconcile')
  })

  it('tells what it is, whose it was and how old', async () => {
    plimsoll.clock.advance(90_000)
    expect(await list()).toMatchObject([
      {
        cloud: 'sandbox',
        kind: 'volume',
        name: 'forgotten',
        project_id: plimsoll.projectId('demo'),
        resource_id: volume,
        age_seconds: 90,
        sweeps: 1,
        in_lapse: false,
        estimated_cost: null,
      },
    ])
  })

  it('removes one when a person says so', async () => {
    const [{ id }] = await list()
    expect((await remove(id)).status).toBe(204)
    expect(await list()).toEqual([])
    expect((await remove(id)).status).toBe(404)
  })

  it('does not remove what is accounted for by now', async () => {
    const [{ id, native_id }] = await list()
    await plimsoll.db.run(sql`insert into bindings (kind, resource_id, cloud_id, project_id, phase, native_id, token, created_at, updated_at)
      values ('volume', ${volume}, ${plimsoll.cloudId('sandbox')}, ${plimsoll.projectId('demo')}, 'bound', ${native_id}, 't', 0, 0)`)
    expect((await remove(id)).status).toBe(409)
  })

  it('is 404 for an id that is none', async () => {
    expect((await remove('a3c1f1de-0000-4000-8000-000000000000')).status).toBe(404)
  })
})
