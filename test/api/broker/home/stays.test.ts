import { beforeEach, describe, expect, test } from 'vitest'
import { adapters } from '../../../../adapters/registry.ts'
import { sandbox } from '../../../../adapters/sandbox/index.ts'
import { besideFaults, markFaults, moneyFaults } from '../../../simulate/invariants.ts'
import { createVolume } from '../../../support/builders.ts'
import { AFTER, type Away, awayFromHome, GRACE, MOVABLE } from './world.ts'

let world: Away
beforeEach(async () => {
  world = await awayFromHome()
})

/** Home is full, these are made, home has room for three of them, and has had it for long enough. */
const withRoomFor = async (wishes: object[]): Promise<string[]> => {
  const { fill, boot, remove, known } = world
  const home = await fill()
  const out: string[] = []
  for (const wish of wishes) out.push(await boot({ metadata: MOVABLE, ...wish }))
  await remove(home.slice(0, 3))
  await known()
  return out
}
const atHome = async () => (await world.machines('dc1')).length
const whole = async () => {
  const { d1 } = world.plimsoll.host
  for (const faults of [besideFaults, markFaults, moneyFaults]) expect(await faults(d1)).toEqual([])
}

describe('what stays where it is, and says why', () => {
  test('is what is locked, does not run, is busy, has a volume, or has a public address', async () => {
    const { plimsoll, demo, act, later, homecoming, tell } = world
    const ids = await withRoomFor([{}, {}, {}, {}])
    const [locked, stopped, busy, full] = ids as [string, string, string, string]
    await act(locked, { lock: null })
    await act(stopped, { 'os-stop': null })
    await tell(busy, { 'plimsoll:busy': 'true' })
    const zone = (await world.server(full))['OS-EXT-AZ:availability_zone']
    const volume = await createVolume(plimsoll, demo, { availability_zone: zone })
    const attachment = { volumeAttachment: { volumeId: volume } }
    expect((await demo.post(`/compute/v2.1/servers/${full}/os-volume_attachments`, attachment)).status).toBe(200)
    await plimsoll.settle()
    await later(AFTER)
    await later(30_000)
    expect(await atHome()).toBe(3)
    const reasons = await Promise.all(ids.map(async (id) => (await homecoming(id)).reason))
    expect(reasons).toEqual([
      'It is locked.',
      'It does not run, so that no other machine could be known to do what it does.',
      'Its metadata say plimsoll:busy=true.',
      'It has volumes, which stay where they are.',
    ])
    await act(locked, { unlock: null })
    await later(300_000)
    expect(await homecoming(locked), 'it is looked at again').toMatchObject({ state: 'arriving' })
    await whole()
  })

  test('is what named a zone or a cloud, and not what named the zone that leaves the choice', async () => {
    const { admin, path, policy, later, homecoming } = world
    expect((await admin.put(path, { policy: { ...policy, zones: 'policy' } })).status).toBe(200)
    const ids = await withRoomFor(['burst', 'outside.a', 'outside'].map((zone) => ({ availability_zone: zone })))
    await later(AFTER)
    await later(30_000)
    const [free, ...named] = await Promise.all(ids.map(homecoming))
    expect(free).toMatchObject({ state: 'arriving' })
    expect(named.map(({ reason }) => reason)).toEqual(['Its zone was named.', 'Its zone was named.'])
    await whole()
  })

  test('is everything where nobody said under which URL guests find the broker', async () => {
    world = await awayFromHome({ settings: { publicUrl: null } })
    const [id] = await withRoomFor([{}])
    await world.later(AFTER)
    expect(await atHome()).toBe(3)
    expect((await world.homecoming(id!)).reason).toMatch(
      /^No machine could report that it is ready: PLIMSOLL_PUBLIC_URL /,
    )
  })

  test('is what has a port that home does not have as it is', async () => {
    const why = 'The plain cloud limits nothing that passes a port.'
    adapters.plain = async () => ({ ...sandbox, type: 'plain', lacks: { ...sandbox.lacks, 'port.bandwidth': why } })
    world = await awayFromHome({ types: { dc1: 'plain' } })
    const { admin, demo, plimsoll, network, later, homecoming } = world
    const policy = { name: 'slow', project_id: plimsoll.projectId('demo') }
    const { id: qos_policy_id } = (await admin.post('/network/v2.0/qos/policies', { policy })).body.policy
    const made = await demo.post('/network/v2.0/ports', { port: { network_id: network, qos_policy_id } })
    expect(made.status).toBe(201)
    const [id] = await withRoomFor([{ networks: [{ port: made.body.port.id }] }])
    await later(AFTER)
    await later(30_000)
    expect((await homecoming(id!)).reason).toBe(why)
    expect(await atHome()).toBe(3)
    await whole()
  })

  test('is what a group keeps together, and what may not cost two machines', async () => {
    const { admin, demo, later, homecoming, path, policy } = world
    const group = { name: 'g', policies: ['affinity'] }
    const { id: groupId } = (await demo.post('/compute/v2.1/os-server-groups', { server_group: group })).body
      .server_group
    const home = await world.fill()
    const server = { name: 'm', flavorRef: '1', imageRef: world.imageRef, networks: 'none', metadata: MOVABLE }
    const body = { server, 'os:scheduler_hints': { group: groupId } }
    const member = (await demo.post('/compute/v2.1/servers', body, { 'OpenStack-API-Version': 'compute 2.96' })).body
      .server.id
    const other = await world.boot({ metadata: MOVABLE })
    await world.remove(home.slice(0, 3))
    await world.known()
    const cap = { amount: '0.000001', currency: 'USD' }
    expect((await admin.put(path, { policy: { ...policy, max_hourly_cost: cap } })).status).toBe(200)
    // A database that nobody kept for minutes buys nothing before it was looked what there is.
    for (let minute = 0; minute < 11; minute++) await later(60_000)
    expect((await homecoming(member)).reason).toBe('Its server group says where it is.')
    expect((await homecoming(other)).reason).toMatch(/^For a while there are two machines\. /)
    expect(await atHome()).toBe(3)
  })
})

describe('the mark of home', () => {
  test('is not passed by what comes, oldest first, and the rest waits until it is free again', async () => {
    const { plimsoll, later, homecoming, reportPath, cloudOf, remove } = world
    const ids = await withRoomFor([{}, {}, {}, {}, {}])
    await later(AFTER)
    await later(30_000)
    expect(await atHome(), 'six are the mark').toBe(6)
    const states = await Promise.all(ids.map(async (id) => (await homecoming(id))?.state ?? null))
    expect(states.filter((state) => state === 'arriving')).toHaveLength(3)
    await whole()
    for (const [i, id] of ids.entries())
      if (states[i] === 'arriving')
        expect((await plimsoll.nobody.post(await reportPath(id), undefined)).status).toBe(204)
    await plimsoll.settle()
    await later(GRACE)
    await plimsoll.settle()
    expect((await Promise.all(ids.map(cloudOf))).sort()).toEqual(['dc1', 'dc1', 'dc1', 'outside', 'outside'])
    expect(await atHome()).toBe(6)
    await later(AFTER)
    expect(await atHome()).toBe(6)
    await remove([ids[states.indexOf('arriving')]!])
    await world.known()
    await later(AFTER)
    await later(300_000)
    expect(await atHome()).toBe(6)
    await whole()
  })

  test('has to be left below for a while', async () => {
    const { boot, later, remove } = world
    await withRoomFor([{}])
    await later(AFTER / 2)
    const again: string[] = []
    for (let i = 0; i < 4; i++) again.push(await boot())
    await later(30_000)
    await remove(again.slice(0, 3))
    await later(AFTER / 2)
    expect(await atHome()).toBe(3)
    await later(AFTER)
    await later(1_000)
    expect(await atHome()).toBe(4)
  })
})
