import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { remembered, vanish } from '../../../adapters/sandbox/backdoor.ts'
import { connectCloud } from '../../../functions/broker/clouds/clouds.ts'
import { loops } from '../../../functions/cron.ts'
import { createNetwork, createServer } from '../../support/builders.ts'
import { type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const MINUTE = 60_000
const quick = { build_ms: 200, boot_ms: 200, stop_ms: 200, delete_ms: 200, volume_ms: 200 }

describe('what happens to a cloud behind our back', () => {
  let plimsoll: Plimsoll
  let server: string
  let network: string
  const show = async (id: string) => (await plimsoll.as('demo').get(`/compute/v2.1/servers/${id}`)).body.server
  const drift = async () => (await plimsoll.as('demo').get('/broker/v1/drift')).body.drift
  const sweep = async () => {
    plimsoll.clock.advance(MINUTE)
    const { status, body } = await plimsoll.as('admin').post('/broker/v1/reconcile')
    expect(status).toBe(200)
    await plimsoll.settle()
    return body.units as { kind: string; changed: number; missing: number; braked: boolean }[]
  }
  const nativeId = async (id: string) =>
    (
      await plimsoll.db.get<{ id: string }>(
        sql`select native_id as id from bindings where kind = 'server' and resource_id = ${id}`,
      )
    ).id
  /** Somebody with the cloud's own console. */
  const console = async () =>
    (await connectCloud(plimsoll.host, plimsoll.cloudId('sandbox'), plimsoll.projectId('demo'))).cloud.server

  const newServer = () => createServer(plimsoll, plimsoll.as('demo'), { networks: [{ uuid: network }] })

  beforeEach(async () => {
    plimsoll = await startPlimsoll({
      clouds: [{ name: 'sandbox', type: 'sandbox', options: quick }],
      loops: loops.filter(({ name }) => name === 'converge'),
    })
    network = (await createNetwork(plimsoll.as('demo'))).network
    server = await newServer()
    await sweep()
  })

  it('a server stopped in the console is SHUTOFF after one sweep, with an entry in its history and a row of drift', async () => {
    await (await console()).stop(await nativeId(server))
    await sweep()
    expect((await show(server)).status).toBe('SHUTOFF')
    expect(await drift()).toMatchObject([
      { kind: 'server', resource_id: server, what: 'power', intent: 'running', observed: 'stopped' },
    ])
    const actions = (await plimsoll.as('demo').get(`/compute/v2.1/servers/${server}/os-instance-actions`)).body
    expect(actions.instanceActions.map((a: { action: string }) => a.action)).toEqual(['stop', 'create'])
  })

  it('drift is told of one resource, and so much of it as is asked for', async () => {
    const other = await newServer()
    await sweep()
    for (const each of [server, other]) await (await console()).stop(await nativeId(each))
    await sweep()
    const of = async (query: string) => await plimsoll.as('demo').get(`/broker/v1/drift?${query}`)
    expect((await of(`resource_id=${other}`)).body.drift).toMatchObject([{ resource_id: other, what: 'power' }])
    expect((await of('resource_id=nothing')).body).toEqual({ drift: [] })
    expect(await drift()).toHaveLength(2)
    expect((await of('limit=1')).body.drift).toHaveLength(1)
    for (const junk of ['limit=0', 'limit=many', 'limit=1001', 'resource_id='])
      expect((await of(junk)).status).toBe(400)
  })

  it('drift ends when it is as it should be again', async () => {
    await (await console()).stop(await nativeId(server))
    await sweep()
    await plimsoll.as('demo').post(`/compute/v2.1/servers/${server}/action`, { 'os-start': null })
    await plimsoll.settle()
    expect((await show(server)).status).toBe('ACTIVE')
    await sweep()
    expect(await drift()).toEqual([])
  })

  it('drift of one thing goes on while something else is put right', async () => {
    const told = async () =>
      (await plimsoll.as('demo').get('/broker/v1/events?types=drift.found,drift.settled')).body.events
    await told()
    const cloud = await console()
    const size = { native: 'sb.large', vcpus: 4, ramMiB: 8_192, diskGiB: 40 }
    while ((await cloud.resize!(await nativeId(server), size, 'running')) === 'going') plimsoll.clock.advance(1_000)
    await sweep()
    expect(await drift()).toMatchObject([{ resource_id: server, what: 'size', observed: 'sb.large' }])
    await plimsoll.as('demo').post(`/compute/v2.1/servers/${server}/action`, { 'os-stop': null })
    await plimsoll.settle()
    await sweep()
    expect((await show(server)).status).toBe('SHUTOFF')
    expect((await told()).map(({ type }: { type: string }) => type)).toEqual(['drift.found'])
  })

  it('drift ends when the server is handed back: what is there is no concern of ours any more', async () => {
    await (await console()).stop(await nativeId(server))
    await sweep()
    expect(await drift()).toMatchObject([{ resource_id: server, what: 'power' }])
    const { body } = await plimsoll.as('admin').post('/broker/v1/release', { resource_ids: [server] })
    expect(body).toMatchObject({ refused: [], waiting: [] })
    expect(await drift()).toEqual([])
  })

  it('drift is told when it is found, and when it ends: put right in the console, by a user, or with the server', async () => {
    const told = async () =>
      (await plimsoll.as('demo').get('/broker/v1/events?types=drift.found,drift.settled')).body.events
    await told()
    const cloud = await console()
    const ends: (() => Promise<unknown>)[] = [
      async () => cloud.start(await nativeId(server)),
      () => plimsoll.as('demo').post(`/compute/v2.1/servers/${server}/action`, { 'os-start': null }),
      () => plimsoll.as('demo').delete(`/compute/v2.1/servers/${server}`),
    ]
    for (const end of ends) {
      await cloud.stop(await nativeId(server))
      await sweep()
      const found = (await told()).at(-1)
      const data = { what: 'power', cloud: 'sandbox', intent: 'running', observed: 'stopped' }
      expect(found).toMatchObject({ type: 'drift.found', resource: { kind: 'server', id: server }, data })
      await end()
      await plimsoll.settle()
      await sweep()
      expect((await told()).at(-1)).toMatchObject({
        ...{ type: 'drift.settled', resource: { kind: 'server', id: server } },
        data: { ...data, since: found.timestamp },
      })
      expect(await drift()).toEqual([])
    }
    expect(await told()).toHaveLength(6)
  })

  it('a project that wants its intent restored gets it', async () => {
    await plimsoll.db.run(sql`update mappings set mapping = json_set(mapping, '$.drift', 'restore')`)
    await (await console()).stop(await nativeId(server))
    await sweep()
    await sweep()
    expect((await show(server)).status).toBe('ACTIVE')
    expect(await drift()).toEqual([])
  })

  it('a server that vanished is ERROR after three listings and a direct look, not sooner, and is not made anew', async () => {
    plimsoll.clock.advance(10 * MINUTE)
    await vanish(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'server', await nativeId(server))
    await sweep()
    await sweep()
    expect((await show(server)).status).toBe('ACTIVE')
    await sweep()
    await sweep()
    expect((await show(server)).status).toBe('ERROR')
    expect(await drift()).toMatchObject([{ what: 'missing', resource_id: server }])
    await sweep()
    const there = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'server')
    expect(there).toEqual([])
  })

  it('when more than a fifth vanishes at once the listing is wrong, and nothing is concluded', async () => {
    for (let i = 0; i < 5; i++) await newServer()
    plimsoll.clock.advance(10 * MINUTE)
    const all = await remembered(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'server')
    for (const { id } of all) await vanish(plimsoll.host.cloudState, plimsoll.cloudId('sandbox'), 'server', id)
    for (let i = 0; i < 5; i++)
      expect((await sweep()).find(({ kind }) => kind === 'server')).toMatchObject({ missing: 0, braked: true })
    expect((await show(server)).status).toBe('ACTIVE')
  })

  it('a sweep that finds nothing new writes nothing', async () => {
    const before = await plimsoll.db.all(sql`select * from bindings order by kind, resource_id`)
    expect((await sweep()).every(({ changed, missing }) => changed === 0 && missing === 0)).toBe(true)
    expect(await plimsoll.db.all(sql`select * from bindings order by kind, resource_id`)).toEqual(before)
  })

  it('a dry run reports and writes nothing', async () => {
    await (await console()).stop(await nativeId(server))
    plimsoll.clock.advance(MINUTE)
    const { body } = await plimsoll.as('admin').post('/broker/v1/reconcile?dry_run=true')
    expect(body.units.find((u: { kind: string }) => u.kind === 'server')).toMatchObject({ changed: 1 })
    await plimsoll.settle()
    expect((await show(server)).status).toBe('ACTIVE')
  })

  it('a cloud that does not answer changes no row but its own date', async () => {
    const before = await show(server)
    await plimsoll.db.run(
      sql`update clouds set options = json_set(options, '$.faults', json(${JSON.stringify([{ method: '*', fault: 'ambiguous_before' }])}))`,
    )
    for (let i = 0; i < 4; i++) await sweep()
    expect(await show(server)).toEqual(before)
  })

  it('shows the last sweep of every unit', async () => {
    const { units } = (await plimsoll.as('admin').get('/broker/v1/reconcile')).body
    expect(units.find((u: { kind: string }) => u.kind === 'server')).toMatchObject({
      cloud: 'sandbox',
      listed: 1,
      known: 1,
      calls: 1,
    })
  })
})
