import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../adapters/contract.ts'
import { announce, reclaim, remembered } from '../../../../adapters/sandbox/backdoor.ts'
import { runCron } from '../../../../functions/cron.ts'
import type { Answer, TestCloud } from '../../../support/harness.ts'
import { NOVA, newWorld, type World } from './world.ts'

const MOVABLE = { 'plimsoll:movable': 'true' }
const GIB = { vcpus: 1, ram_mib: 1_024, disk_gib: 10 }
const SPOT = [{ name: 'one', ...GIB, price: 4, spot_price: 1 }]
const message = (answer: Answer): string => (Object.values(answer.body)[0] as { message: string }).message

let w: World
/** Clouds where spot is bought first. */
const worldOf = async (
  sizes: Record<string, Json>[] = SPOT,
  policy: Record<string, Json> = {},
  more: TestCloud[] = [],
) => {
  w = await newWorld({ clouds: [{ name: 'sandbox', type: 'sandbox', options: { sizes } }, ...more] })
  const path = `/broker/v1/projects/${w.plimsoll.projectId('demo')}/policy`
  const answer = await w.admin.put(path, { policy: { spot: 'preferred', ...policy } })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
const pass = async (seconds: number) => {
  for (let left = seconds; left > 0; left -= 60) {
    w.plimsoll.clock.advance(60_000)
    await runCron(w.plimsoll.host)
    await w.plimsoll.settle()
  }
}

/** What a cloud has that stands for a server: of each machine how it was bought, and where it is. */
const machinesOf = async (id: string, cloud = 'sandbox') => {
  const { now } = w.plimsoll.clock
  const all = await remembered(w.plimsoll.host.cloudState, w.plimsoll.cloudId(cloud), 'server')
  return all.filter(({ mark, goneAt }) => mark?.resource === id && (goneAt === null || goneAt > now))
}
const machineOf = async (id: string, cloud = 'sandbox') => {
  const [machine, ...others] = await machinesOf(id, cloud)
  expect([machine !== undefined, others.length]).toEqual([true, 0])
  return machine!
}
const takeBack = async (id: string, cloud = 'sandbox') => {
  const { host, clock, cloudId } = w.plimsoll
  const machine = await machineOf(id, cloud)
  expect(await reclaim(host.cloudState, cloudId(cloud), machine.id, clock.now)).toBe(true)
  return clock.now
}
const eventsOf = async (id: string): Promise<{ action: string; message: string }[]> =>
  (await w.newest.get(`${NOVA}/servers/${id}/os-instance-actions`)).body.instanceActions
const actionsOf = async (id: string) => (await eventsOf(id)).map(({ action }) => action).toReversed()
const placeOf = async (id: string) => {
  const { spec, zone, size } = await machineOf(id)
  return `${zone}/${size}/${spec.option ?? 'on-demand'}`
}

test('what differed of a machine that is taken back goes with it', async () => {
  await worldOf()
  const id = await w.running({ networks: 'none' })
  const drift = async () => (await w.demo.get('/broker/v1/drift')).body.drift
  await w.plimsoll.db.run(sql`insert into drift (kind, resource_id, what, cloud_id, project_id, intent, observed, first_seen_at)
      select kind, resource_id, 'size', cloud_id, project_id, 'one', 'two', ${w.plimsoll.clock.now} from bindings where kind = 'server'`)
  expect(await drift()).toHaveLength(1)
  await takeBack(id)
  await pass(180)
  expect((await w.server(id)).status).toBe('ERROR')
  expect(await drift()).toEqual([])
})

describe('a server that its cloud is going to take back', () => {
  const announceEnd = async (id: string) => {
    const { host, clock, cloudId } = w.plimsoll
    expect(await announce(host.cloudState, cloudId('sandbox'), (await machineOf(id)).id, clock.now)).toBe(true)
  }
  const told = async () => (await w.demo.get('/broker/v1/events?types=server.reclaim_announced')).body.events

  test('runs on, and its history and an event say so, once of each machine', async () => {
    await worldOf()
    await told()
    const id = await w.running({ networks: 'none', metadata: MOVABLE })
    const machine = (await machineOf(id)).id
    await announceEnd(id)
    await pass(180)
    expect([(await w.server(id)).status, (await machineOf(id)).id]).toEqual(['ACTIVE', machine])
    expect(await actionsOf(id)).toEqual(['create', 'reclaim_announced'])
    const [event] = await eventsOf(id)
    expect(event!.message).toMatch(/^sandbox\.\w is going to take back one \(spot\): Spot capacity is needed/)
    expect(await told()).toMatchObject([{ resource: { kind: 'server', id }, data: { message: event!.message } }])
    await takeBack(id)
    await pass(240)
    await announceEnd(id)
    await pass(60)
    expect((await actionsOf(id)).slice(1)).toEqual(['reclaim_announced', 'reclaimed', 'replaced', 'reclaim_announced'])
  })

  test('is told once whatever else is seen of it meanwhile', async () => {
    await worldOf()
    const id = await w.running()
    await announceEnd(id)
    await pass(60)
    await w.newest.put(`${NOVA}/servers/${id}`, { server: { name: 'other' } })
    await w.act(id, { reboot: { type: 'HARD' } })
    await pass(120)
    expect((await actionsOf(id)).filter((action) => action === 'reclaim_announced')).toHaveLength(1)
  })
})

describe('a server that its cloud takes back', () => {
  test('is in error where nobody agreed to more, costs nothing from then on, and is never made anew', async () => {
    await worldOf()
    const id = await w.running()
    expect(await placeOf(id)).toMatch(/^.\/one\/spot$/)
    await pass(600)
    const at = await takeBack(id)
    await pass(120)
    const server = await w.server(id)
    expect([server.status, server.fault.code]).toEqual(['ERROR', 500])
    expect(server.fault.message).toMatch(/taken back by the cloud.*no spot capacity.*plimsoll:movable=true/)
    expect(server['OS-SRV-USG:terminated_at']).toBe(new Date(at).toISOString().replace('Z', '000'))
    expect(await actionsOf(id)).toEqual(['create', 'reclaimed'])
    const [told] = await eventsOf(id)
    expect(told!.message).toMatch(/^sandbox\.\w took back one \(spot\): There is no spot capacity left\./)
    const [money] = await w.plimsoll.db.all<Record<string, number>>(
      sql`select (select hourly from spend) as hourly, (select count(*) from meters where ended_at is null) as running,
        (select sum(ms) from costs) as ms, (select coalesce(sum(vcpus), 0) from cloud_use) as vcpus`,
    )
    const launched = Date.parse(`${server['OS-SRV-USG:launched_at']}Z`)
    expect(money).toMatchObject({ hourly: 0, running: 0, vcpus: 0 })
    await pass(3_600)
    expect(await w.plimsoll.db.get(sql`select sum(ms) as ms from costs`)).toEqual({ ms: at - launched })
    for (const action of [
      { 'os-start': null },
      { 'os-stop': null },
      { reboot: { type: 'HARD' } },
      { rebuild: { imageRef: w.image } },
    ])
      expect((await w.act(id, action)).status).toBe(409)
    expect(await machinesOf(id)).toEqual([])
    expect(await actionsOf(id)).toEqual(['create', 'reclaimed'])
    const reset = await w.act(id, { 'os-resetState': { state: 'active' } }, w.admin)
    expect([reset.status, message(reset)]).toEqual([
      409,
      `Cannot 'os-resetState' instance ${id} while it is in vm_state error`,
    ])
    expect((await w.server(id)).status).toBe('ERROR')
    expect((await w.newest.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    await w.plimsoll.settle()
    expect((await w.newest.get(`${NOVA}/servers/${id}`)).status).toBe(404)
    const [used] = await w.plimsoll.db.all(sql`select used from quotas where resource = 'instances'`)
    expect(used).toEqual({ used: 0 })
  })

  test('begins again from its image where its user agreed, as the same server', async () => {
    await worldOf()
    const more = { metadata: { ...MOVABLE, role: 'worker' }, tags: ['night'], user_data: btoa('#!/bin/true') }
    const id = await w.running(more)
    const before = await w.server(id)
    const first = await placeOf(id)
    await takeBack(id)
    await pass(120)
    const after = await w.server(id)
    expect(after.status).toBe('ACTIVE')
    for (const key of ['id', 'name', 'metadata', 'tags', 'flavor', 'image', 'key_name', 'created'])
      expect(after[key], key).toEqual(before[key])
    expect(after.addresses).not.toEqual({})
    expect(await placeOf(id)).not.toBe(first)
    expect((await machineOf(id)).guest?.userDataBytes).toBe(11)
    expect(await actionsOf(id)).toEqual(['create', 'reclaimed', 'replaced'])
    const [replaced] = await eventsOf(id)
    expect(replaced!.message).toMatch(/^sandbox\.\w makes it anew from its image: one$/)
    const { placement } = (await w.newest.get(`/broker/v1/servers/${id}/placement`)).body
    expect(placement.attempts.at(-1).after).toMatchObject({ code: 'reclaimed' })
  })

  test('keeps its ports with their ids, and an address where its subnet reaches', async () => {
    await worldOf()
    const { port } = (await w.demo.post('/network/v2.0/ports', { port: { network_id: w.network } })).body
    const id = await w.running({ networks: [{ port: port.id }], metadata: MOVABLE })
    const ports = async () =>
      (await w.demo.get(`/network/v2.0/ports?device_id=${id}`)).body.ports.map((each: Record<string, Json>) => [
        each.id,
        each.fixed_ips,
      ])
    const before = await ports()
    const zone = (await machineOf(id)).zone
    await takeBack(id)
    await pass(180)
    // A port that somebody made has its address, and is where its subnet is.
    expect(await placeOf(id)).toBe(`${zone}/one/on-demand`)
    expect(await ports()).toEqual(before)
    expect((await machineOf(id)).ports).toHaveLength(1)
  })

  test('is bought on demand after the third time', async () => {
    await worldOf()
    const id = await w.running({ metadata: MOVABLE, networks: 'none' })
    const bought = [await placeOf(id)]
    for (let time = 0; time < 3; time++) {
      // What was taken is asked for again after three minutes.
      await pass(240)
      await takeBack(id)
      await pass(60)
      expect((await w.server(id)).status).toBe('ACTIVE')
      bought.push(await placeOf(id))
    }
    expect(bought.map((place) => place.split('/')[2])).toEqual(['spot', 'spot', 'spot', 'on-demand'])
    expect((await actionsOf(id)).slice(1)).toEqual(Array(3).fill(['reclaimed', 'replaced']).flat())
    const meters = await w.plimsoll.db.all(sql`select option from meters where ended_at is null`)
    expect(meters).toEqual([{ option: 'on-demand' }])
  })

  test('leaves word of the offer that was taken: nobody asks for it for a while', async () => {
    await worldOf([{ ...SPOT[0]!, zones: ['a'] }])
    const id = await w.running({ networks: 'none' })
    expect(await placeOf(id)).toBe('a/one/spot')
    await takeBack(id)
    await pass(60)
    expect(await placeOf(await w.running({ networks: 'none' }))).toBe('a/one/on-demand')
    await pass(240)
    expect(await placeOf(await w.running({ networks: 'none' }))).toBe('a/one/spot')
  })

  test('goes to another cloud of its chain, and is counted there', async () => {
    const other = { name: 'other', type: 'sandbox', options: { sizes: SPOT } }
    await worldOf([{ ...SPOT[0]!, zones: ['a'] }], { chain: ['sandbox', 'other'] }, [other])
    const { copies } = (await w.admin.get(`/broker/v1/images/${w.image}/copies`)).body
    const { native_id } = copies.find(({ native_id }: { native_id: string | null }) => native_id !== null)
    for (const { cloud } of copies.filter(({ native_id }: { native_id: string | null }) => native_id === null))
      await w.admin.put(`/broker/v1/images/${w.image}/copies/${cloud}`, { native_id })
    // There is no other offer of the first.
    const id = await w.running({ networks: 'none', metadata: { ...MOVABLE, 'plimsoll:max_hourly_cost': '1' } })
    await takeBack(id)
    await pass(180)
    const server = await w.server(id)
    expect([server.status, server['OS-EXT-AZ:availability_zone']]).toEqual([
      'ACTIVE',
      expect.stringMatching(/^other\./),
    ])
    expect(await machinesOf(id)).toEqual([])
    expect((await machineOf(id, 'other')).spec.option).toBe('spot')
    const bindings = await w.plimsoll.db.all(
      sql`select phase, want from bindings where resource_id = ${id} order by phase`,
    )
    expect(bindings).toEqual([
      { phase: 'bound', want: 'present' },
      { phase: 'gone', want: 'absent' },
    ])
  })

  test('ends in error, with the reason, where nothing else may be bought', async () => {
    await worldOf([{ ...SPOT[0]!, zones: ['a'] }])
    const id = await w.running({ networks: 'none', metadata: { ...MOVABLE, 'plimsoll:max_hourly_cost': '1' } })
    await takeBack(id)
    await pass(120)
    const server = await w.server(id)
    expect([server.status, server.fault.message]).toEqual([
      'ERROR',
      expect.stringMatching(/taken back.*No valid host was found\..*costs 4 an hour/),
    ])
    await pass(600)
    expect(await machinesOf(id)).toEqual([])
  })

  test('is not made anew without what was in it', async () => {
    await worldOf()
    const id = await w.running({ metadata: MOVABLE })
    const volume = (await w.demo.post(`${w.cinder}/volumes`, { volume: { size: 1 } })).body.volume.id
    await w.plimsoll.settle()
    const path = `${NOVA}/servers/${id}/os-volume_attachments`
    expect((await w.newest.post(path, { volumeAttachment: { volumeId: volume } })).status).toBe(200)
    await w.plimsoll.settle()
    await takeBack(id)
    await pass(300)
    expect((await w.server(id)).fault.message).toContain('It has volumes, which stay where they are.')
    expect((await eventsOf(id)).find(({ action }) => action === 'reclaimed')!.message).toContain('volumes')
    await w.newest.delete(`${NOVA}/servers/${id}`)
    await w.plimsoll.settle()
    expect((await w.demo.get(`${w.cinder}/volumes/${volume}`)).body.volume.status).toBe('available')
  })

  test('is deleted as any other where that was asked for meanwhile', async () => {
    await worldOf()
    const id = await w.running({ metadata: MOVABLE })
    await takeBack(id)
    expect((await w.newest.delete(`${NOVA}/servers/${id}`)).status).toBe(204)
    await pass(180)
    expect((await w.newest.get(`${NOVA}/servers/${id}`)).status).toBe(404)
    expect(await machinesOf(id)).toEqual([])
  })

  test('is told from one that somebody removed', async () => {
    await worldOf()
    const id = await w.running({ metadata: MOVABLE })
    const { id: native, mark } = await machineOf(id)
    const { connectCloud } = await import('../../../../functions/broker/clouds/clouds.ts')
    const { cloud } = await connectCloud(
      w.plimsoll.context(),
      w.plimsoll.cloudId('sandbox'),
      w.plimsoll.projectId('demo'),
    )
    await cloud.server.remove(native, mark!)
    await pass(1_800)
    expect((await w.server(id)).fault.message).toBe('It disappeared from the cloud.')
    expect(await machinesOf(id)).toEqual([])
  })
})

describe('a server that was bought as spot', () => {
  test('runs or is taken back, and does not stop', async () => {
    await worldOf()
    const id = await w.running()
    for (const action of [{ 'os-stop': null }, { suspend: null }, { resize: { flavorRef: '2' } }]) {
      const answer = await w.act(id, action)
      expect([answer.status, message(answer)]).toEqual([409, expect.stringContaining('it was bought as spot')])
    }
    const say = (metadata: Record<string, string>) => w.newest.post(`${NOVA}/servers/${id}/metadata`, { metadata })
    expect((await say({ 'plimsoll:lease': '2h' })).status).toBe(409)
    expect((await say({ 'plimsoll:stop_at_budget': 'true' })).status).toBe(409)
    expect((await say({ 'plimsoll:lease': '2h', 'plimsoll:lease_end': 'delete' })).status).toBe(200)
  })

  test('is none where its lease or its budget is to stop it', async () => {
    await worldOf()
    const bought = async (metadata: Record<string, string>) =>
      (await placeOf(await w.running({ metadata, networks: 'none' }))).split('/')[2]
    expect(await bought({ 'plimsoll:lease': '2h' })).toBe('on-demand')
    expect(await bought({ 'plimsoll:stop_at_budget': 'true' })).toBe('on-demand')
    expect(await bought({ 'plimsoll:lease': '2h', 'plimsoll:lease_end': 'delete' })).toBe('spot')
  })
})
