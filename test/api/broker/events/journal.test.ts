import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Plimsoll, startPlimsoll } from '../../../support/harness.ts'

describe('the journal', () => {
  let plimsoll: Plimsoll
  let network: string
  const GLOBAL = 'req-6b1ee0c1-0000-4000-8000-000000000001'
  const read = async (query = '', who: 'demo' | 'admin' = 'demo') =>
    (await plimsoll.as(who).get(`/broker/v1/journal${query}`)).body.entries as {
      id: number
      action: string
      event_time: string
      outcome: string
      initiator: { id: string | null; project_id: string | null }
      target: { id: string; type: string }
      request_id: string
    }[]
  const refusal = async (query: string, who: 'demo' | 'admin' = 'demo') =>
    (await plimsoll.as(who).get(`/broker/v1/journal${query}`)).status

  beforeAll(async () => {
    plimsoll = await startPlimsoll()
    const demo = plimsoll.as('demo')
    const asked = await demo
      .with({ 'X-OpenStack-Request-ID': GLOBAL })
      .post('/network/v2.0/networks', { network: { name: 'told' } })
    network = asked.body.network.id
    plimsoll.clock.advance(60_000)
    await demo.put(`/network/v2.0/networks/${network}`, { network: { name: 'told again' } })
    plimsoll.clock.advance(60_000)
    await plimsoll.as('admin').post('/network/v2.0/networks', { network: { name: 'of another project' } })
  })

  it('tells members what was done in their project, newest first, by whom and in which request', async () => {
    const [last, first] = await read(`?resource_id=${network}`)
    expect([last!.action, first!.action]).toEqual(['update', 'create'])
    expect(first).toMatchObject({
      outcome: 'success',
      target: { id: network, type: 'network' },
      initiator: { project_id: plimsoll.projectId('demo') },
      global_request_id: GLOBAL,
    })
    expect(first!.request_id).toMatch(/^req-/)
    expect(await read(`?request_id=${first!.request_id}`)).toEqual([first])
    expect(await read(`?request_id=${GLOBAL}`)).toEqual([first])
    expect(await read(`?user_id=${first!.initiator.id}&resource_id=${network}`)).toHaveLength(2)
    expect(await read('?user_id=nobody')).toEqual([])
  })

  it('is read by time and in pages', async () => {
    const [last, first] = await read(`?resource_id=${network}`)
    expect(await read(`?resource_id=${network}&since=${last!.event_time}`)).toEqual([last])
    expect(await read(`?resource_id=${network}&until=${first!.event_time}`)).toEqual([first])
    expect(await read(`?resource_id=${network}&limit=1`)).toEqual([last])
    expect(await read(`?resource_id=${network}&before=${last!.id}`)).toEqual([first])
    expect((await read('?kind=network&action=create')).map(({ target }) => target.id)).toEqual([network])
  })

  it('of other projects is for administrators', async () => {
    expect((await plimsoll.as('demo').get('/broker/v1/journal')).status).toBe(200)
    const all = await read('?kind=network&action=create', 'admin')
    expect(all).toHaveLength(2)
    expect((await read('?kind=network')).map(({ initiator }) => initiator.project_id)).not.toContain(
      plimsoll.projectId('admin'),
    )
    expect(await read(`?project_id=${plimsoll.projectId('demo')}&kind=network&action=create`, 'admin')).toHaveLength(1)
    expect(await refusal(`?project_id=${plimsoll.projectId('admin')}`)).toBe(403)
  })

  it('tells what failed as failed', async () => {
    for (const action of ['login_failed', 'import.failed', 'homecoming.failed', 'update'])
      await plimsoll.db.run(sql`insert into journal (at, request_id, project_id, action, kind, resource_id)
        values (${plimsoll.clock.now}, 'req-1', ${plimsoll.projectId('demo')}, ${action}, 'server', 'one')`)
    const told = (await read('?resource_id=one')).map(({ action, outcome }) => [action, outcome])
    expect(Object.fromEntries(told)).toEqual({
      ...{ login_failed: 'failure', 'import.failed': 'failure', 'homecoming.failed': 'failure', update: 'success' },
    })
  })

  it('refuses what it cannot be asked for', async () => {
    for (const query of [
      '?since=yesterday',
      '?limit=0',
      '?limit=1001',
      '?before=x',
      '?before=999999999',
      '?colour=red',
    ])
      expect([query, await refusal(query)]).toEqual([query, 400])
    expect(await refusal('?since=2026-11-30T12:00:00Z&until=2026-11-30T11:00:00Z')).toBe(400)
  })
})
