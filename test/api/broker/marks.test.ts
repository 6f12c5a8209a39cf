import { sql } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { plantFaults } from '../../../adapters/sandbox/backdoor.ts'
import { createServer, imageNamed } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

const NOVA = '/compute/v2.1'
const V96 = { 'OpenStack-API-Version': 'compute 2.96' }
/** 16 vCPUs at home, in two zones; outside there is enough. */
const zones = (vcpus: number) => ['a', 'b'].map((name) => ({ name, vcpus, ram_mib: 262_144, disk_gib: 4_000 }))
const shared = { 'images.as': { linux: 'sandbox-linux' } }

let plimsoll: Plimsoll
let admin: Client
let demo: Client
let path: string
let imageRef: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'outside', type: 'sandbox', options: { ...shared, zones: zones(500) } },
      { name: 'dc1', type: 'sandbox', options: { ...shared, zones: zones(8) } },
    ],
  })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
  path = `/broker/v1/projects/${plimsoll.projectId('demo')}/policy`
  imageRef = await imageNamed(demo, 'linux')
})

const say = async (policy: object) => {
  const answer = await admin.put(path, { policy })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
}
const HOME = { chain: ['dc1', 'outside'], marks: { dc1: 0.75 } }
const shown = async (id: string) => (await demo.get(`${NOVA}/servers/${id}`, V96)).body.server
const cloudOf = async (id: string): Promise<string> =>
  (await shown(id))['OS-EXT-AZ:availability_zone'].split('.')[0] || 'nowhere'
/** Makes so many servers one after the other; where each went. */
const make = async (count: number, wish: object = {}): Promise<[id: string, cloud: string][]> => {
  const made: [string, string][] = []
  for (let i = 0; i < count; i++) {
    const id = await createServer(plimsoll, demo, { imageRef, ...wish })
    made.push([id, await cloudOf(id)])
  }
  return made
}
const clouds = (made: [string, string][]) => made.map(([, cloud]) => cloud)
const remove = async (id: string) => {
  await demo.delete(`${NOVA}/servers/${id}`)
  await plimsoll.settle()
}
const placement = async (id: string) => (await demo.get(`/broker/v1/servers/${id}/placement`)).body.placement
const rules = async (id: string, cloud: string): Promise<string[]> => [
  ...new Set<string>(
    (await placement(id)).considered
      .filter((each: { cloud: string }) => each.cloud === cloud)
      .map((each: { rule: string }) => each.rule),
  ),
]

describe('the mark of a home', () => {
  test('is where it ends: what comes then goes to the next of the chain, and says why', async () => {
    await say(HOME)
    const made = await make(14)
    expect(clouds(made)).toEqual([...Array(12).fill('dc1'), 'outside', 'outside'])
    const [last] = made.at(-1)!
    const refused = (await placement(last)).considered.find(({ cloud }: { cloud: string }) => cloud === 'dc1')
    expect(refused).toMatchObject({
      verdict: 'refused',
      rule: 'mark',
      reason: 'Cloud dc1 is filled up to 75 % of its vCPUs.',
    })
  })

  test('counts a size as it is, and what does not fit below it leaves room for what does', async () => {
    await say(HOME)
    // Four vCPUs and 80 GiB of disk: no size has both but one of eight vCPUs.
    expect(clouds(await make(2, { flavorRef: '4' }))).toEqual(['dc1', 'outside'])
    expect(clouds(await make(5))).toEqual([...Array(4).fill('dc1'), 'outside'])
  })

  test('holds for who names the place, too', async () => {
    await say(HOME)
    await make(12)
    const id = await createServer(plimsoll, demo, { imageRef, availability_zone: 'dc1' })
    expect(await shown(id)).toMatchObject({
      status: 'ERROR',
      fault: { message: expect.stringMatching(/^No valid host was found/) },
    })
    expect(await rules(id, 'dc1')).toEqual(['mark'])
  })

  test('is not passed by many at once', async () => {
    await say(HOME)
    const server = { name: 's', flavorRef: '1', imageRef, networks: 'none' }
    const answers = await Promise.all(Array.from({ length: 24 }, () => demo.post(`${NOVA}/servers`, { server }, V96)))
    expect(answers.map(({ status }) => status)).toEqual(Array(24).fill(202))
    await plimsoll.settle()
    const went = await Promise.all(answers.map(({ body }) => cloudOf(body.server.id)))
    expect(went.filter((cloud) => cloud === 'dc1')).toHaveLength(12)
  })

  test('is not passed by one whom others forestall each time, who is told to try again', async () => {
    await say({ ...HOME, spill: 'never' })
    const { d1 } = plimsoll.host
    const batch = d1.batch.bind(d1)
    const take = (vcpus: number) =>
      plimsoll.db.run(sql`insert into cloud_use (cloud_id, project_id, servers, vcpus, ram_mib)
        values (${plimsoll.cloudId('dc1')}, '', 1, ${vcpus}, 0) on conflict do update set vcpus = vcpus + ${vcpus}`)
    let batches = 0
    d1.batch = (async (statements: Parameters<typeof batch>[0]) => {
      // A look comes before each attempt.
      if (++batches % 2) return batch(statements)
      await take(12)
      try {
        return await batch(statements)
      } finally {
        await take(-12)
      }
    }) as typeof d1.batch
    const server = { name: 's', flavorRef: '1', imageRef, networks: 'none' }
    const answer = await demo.post(`${NOVA}/servers`, { server }, V96)
    d1.batch = batch
    expect(batches, 'it was tried more than once').toBeGreaterThan(2)
    expect([answer.status, answer.body.conflictingRequest?.message]).toEqual([
      409,
      'Others take what is left on the clouds of the project at the same time. Try again.',
    ])
    expect((await demo.get(`${NOVA}/servers`, V96)).body.servers).toEqual([])
  })

  test('lets what is new home again once that has come down from it, and not before', async () => {
    await say({ ...HOME, hysteresis: 0.2 })
    const made = await make(13)
    expect(made.at(-1)![1]).toBe('outside')
    await remove(made[0]![0])
    expect(clouds(await make(1)), '11 of 16 are more than 55 %').toEqual(['outside'])
    for (const [id] of made.slice(1, 4)) await remove(id)
    expect(clouds(await make(4)), 'with 8 it is home, up to its mark').toEqual(Array(4).fill('dc1'))
    expect(clouds(await make(1))).toEqual(['outside'])
  })

  test('is home again once it is empty, however low the mark is', async () => {
    await say({ ...HOME, marks: { dc1: 0.0625 }, hysteresis: 0.5 })
    const made = await make(2)
    expect(clouds(made)).toEqual(['dc1', 'outside'])
    await remove(made[0]![0])
    expect(clouds(await make(1))).toEqual(['dc1'])
  })

  test('does not hear of what is outside: what spilled keeps nothing from home', async () => {
    await say({ ...HOME, hysteresis: 0 })
    const made = await make(30)
    expect(clouds(made).filter((cloud) => cloud === 'outside')).toHaveLength(18)
    await remove(made[0]![0])
    expect(clouds(await make(2))).toEqual(['dc1', 'outside'])
  })

  test('is of what the operator lends of it', async () => {
    await say(HOME)
    await admin.patch('/broker/v1/clouds/dc1', {
      cloud: { options: { ...shared, zones: zones(8), room: { vcpus: 8, ram_mib: 262_144 } } },
    })
    await plimsoll.settle()
    expect(clouds(await make(7))).toEqual([...Array(6).fill('dc1'), 'outside'])
  })

  test('is that of the cloud where the policy names none, and of the mapping where that has room of its own', async () => {
    await say({ chain: HOME.chain })
    const options = { ...shared, zones: zones(8), mark: 0.5 }
    expect((await admin.patch('/broker/v1/clouds/dc1', { cloud: { options } })).status).toBe(200)
    const mapping = `/broker/v1/projects/${plimsoll.projectId('demo')}/clouds/dc1`
    expect(clouds(await make(9))).toEqual([...Array(8).fill('dc1'), 'outside'])
    await admin.put(mapping, { mapping: { room: { vcpus: 4, ram_mib: 262_144 } } })
    await say({ chain: HOME.chain, marks: { dc1: 1 } })
    const [[id, cloud] = ['', '']] = await make(1)
    expect(cloud, 'four are its own, and eight are there').toBe('outside')
    const refused = (await placement(id)).considered.find(({ cloud }: { cloud: string }) => cloud === 'dc1')
    expect(refused.reason, 'what is its own is told').toBe(
      'Cloud dc1 is filled up to 100 % of the 4 vCPUs that the project has there: 8 are taken.',
    )
    for (const mapping_ of [{ room: 4 }, { room: { vcpus: -1, ram_mib: 1 } }, { room: { vcpus: 1 } }])
      expect((await admin.put(mapping, { mapping: mapping_ })).status).toBe(400)
    for (const mark of [1.5, '0.5', -1])
      expect((await admin.patch('/broker/v1/clouds/dc1', { cloud: { options: { ...options, mark } } })).status).toBe(
        400,
      )
  })
})

describe('what is not ours', () => {
  test('counts, from the moment that it is handed back', async () => {
    await say(HOME)
    const made = await make(6)
    const resource_ids = made.slice(0, 4).map(([id]) => id)
    const handed = await admin.post('/broker/v1/release', { resource_ids })
    expect(handed.body.released.filter(({ kind }: { kind: string }) => kind === 'server')).toHaveLength(4)
    expect(clouds(await make(7)), 'four are others’, and two ours').toEqual([...Array(6).fill('dc1'), 'outside'])
    plimsoll.clock.advance(400_000)
    await plimsoll.settle()
    for (const [id] of made.slice(4)) await remove(id)
    expect(clouds(await make(3)), 'as the cloud says when it is asked').toEqual(['dc1', 'dc1', 'outside'])
  })
})

describe('what spills', () => {
  test('is counted anew where another cloud is home', async () => {
    const counted = async () => (await plimsoll.db.all(sql`select servers, vcpus from spill_use`))[0] ?? null
    await say({ ...HOME, marks: {} })
    await make(3)
    expect(await counted()).toBe(null)
    await say({ chain: ['outside', 'dc1'], spill_cap: { instances: 3 } })
    expect(await counted()).toEqual({ servers: 3, vcpus: 3 })
    expect(clouds(await make(1))).toEqual(['outside'])
    await say({ chain: ['dc1', 'outside'], marks: { dc1: 0 }, spill_cap: { instances: 1 } })
    expect(await counted()).toEqual({ servers: 1, vcpus: 1 })
    expect(clouds(await make(1)), 'no more may be out').toEqual(['nowhere'])
  })

  test('is counted anew where that is said of all projects', async () => {
    const counted = async () => (await plimsoll.db.all(sql`select servers, vcpus from spill_use`))[0] ?? null
    const ofAll = async (policy: object) => expect((await admin.put('/broker/v1/policy', { policy })).status).toBe(200)
    await ofAll({ chain: ['dc1', 'outside'] })
    await make(2)
    await ofAll({ chain: ['outside', 'dc1'] })
    expect(await counted()).toEqual({ servers: 2, vcpus: 2 })
    await say({ chain: ['dc1'] })
    expect(await counted(), 'what is said of the project stands above it').toEqual({ servers: 0, vcpus: 0 })
    await ofAll({ chain: ['outside'] })
    expect(await counted()).toEqual({ servers: 0, vcpus: 0 })
  })

  test('is nothing where the policy says never', async () => {
    await say({ ...HOME, spill: 'never' })
    const made = await make(13)
    const [id, cloud] = made.at(-1)!
    expect([cloud, (await shown(id)).status]).toEqual(['nowhere', 'ERROR'])
    expect([await rules(id, 'dc1'), await rules(id, 'outside')]).toEqual([['mark'], ['spill']])
  })

  test.each([
    ['its metadata', { metadata: { 'plimsoll:never_spill': 'true' } }, {}],
    ['its tag', { tags: ['secret', 'x'] }, { never_spill: { tags: ['secret'] } }],
    [
      'an item that the policy names',
      { metadata: { class: 'internal' } },
      { never_spill: { metadata: { class: 'internal' } } },
    ],
  ])('is not what %s keeps at home', async (_, wish, policy) => {
    await say({ ...HOME, ...policy, marks: { dc1: 0.1 } })
    expect(clouds(await make(3, wish))).toEqual(['dc1', 'nowhere', 'nowhere'])
    expect(clouds(await make(1)), 'others go on').toEqual(['outside'])
    const id = await createServer(plimsoll, demo, { imageRef, ...wish, availability_zone: 'outside' })
    expect((await shown(id)).status, 'nor where the place is named').toBe('ERROR')
  })

  test('is not what its flavor keeps at home, nor does one say so in other words', async () => {
    await say({ ...HOME, marks: { dc1: 0.1 } })
    const flavor = { name: 'homely', vcpus: 1, ram: 512, disk: 1 }
    const { id } = (await admin.post(`${NOVA}/flavors`, { flavor })).body.flavor
    const specs = `${NOVA}/flavors/${id}/os-extra_specs`
    expect((await admin.post(specs, { extra_specs: { 'plimsoll:never_spill': 'yes' } })).status).toBe(400)
    expect((await admin.post(specs, { extra_specs: { 'plimsoll:never_spill': 'true' } })).status).toBe(200)
    expect(clouds(await make(2, { flavorRef: id }))).toEqual(['dc1', 'nowhere'])
    const server = {
      name: 's',
      flavorRef: '1',
      imageRef,
      networks: 'none',
      metadata: { 'plimsoll:never_spill': 'maybe' },
    }
    const refused = await demo.post(`${NOVA}/servers`, { server }, V96)
    expect([refused.status, refused.body.badRequest.message]).toEqual([
      400,
      expect.stringMatching(/must be true or false/),
    ])
  })

  test('stays below its cap, which what is at home does not touch', async () => {
    await say({ ...HOME, spill_cap: { instances: 2 } })
    const made = await make(15)
    expect(clouds(made).slice(11)).toEqual(['dc1', 'outside', 'outside', 'nowhere'])
    expect(await rules(made.at(-1)![0], 'outside')).toEqual(['spill-cap'])
    await remove(made[12]![0])
    expect(clouds(await make(2))).toEqual(['outside', 'nowhere'])
  })

  test('stays below its cap of many at once', async () => {
    await say({ ...HOME, marks: { dc1: 0 }, spill_cap: { cores: 3 } })
    const server = { name: 's', flavorRef: '1', imageRef, networks: 'none' }
    const answers = await Promise.all(Array.from({ length: 8 }, () => demo.post(`${NOVA}/servers`, { server }, V96)))
    await plimsoll.settle()
    const went = await Promise.all(answers.map(({ body }) => cloudOf(body.server.id)))
    expect(went.filter((cloud) => cloud === 'outside')).toHaveLength(3)
  })

  test('may not be said to stay at home when it is out already', async () => {
    await say({ ...HOME, marks: { dc1: 0 }, never_spill: { tags: ['secret'], metadata: {} } })
    const [[id, cloud] = ['', '']] = await make(1)
    expect(cloud).toBe('outside')
    const metadata = { 'plimsoll:never_spill': 'true' }
    const refused = await demo.post(`${NOVA}/servers/${id}/metadata`, { metadata })
    expect([refused.status, refused.body.conflictingRequest?.message]).toEqual([409, expect.stringMatching(/home/)])
    expect((await demo.put(`${NOVA}/servers/${id}/tags/secret`, undefined, V96)).status).toBe(409)
    expect((await demo.post(`${NOVA}/servers/${id}/metadata`, { metadata: { a: 'b' } })).status).toBe(200)
  })
})

describe('a policy', () => {
  test('takes no hints of ours where it says so', async () => {
    const ask = () =>
      demo.post(
        `${NOVA}/servers`,
        {
          server: { name: 's', flavorRef: '1', imageRef, networks: 'none' },
          'os:scheduler_hints': { 'plimsoll:reach': 'routed' },
        },
        V96,
      )
    await say({ hints: false })
    const refused = await ask()
    expect([refused.status, refused.body.forbidden?.message]).toEqual([403, expect.stringMatching(/plimsoll:reach/)])
    await say({})
    expect((await ask()).status).toBe(202)
  })
})

describe('a server that has to move on', () => {
  const HEADERS = ['dc1', 'outside', 'far'] as const
  test('goes nowhere above a mark', async () => {
    plimsoll = await startPlimsoll({
      clouds: HEADERS.map((name) => ({ name, type: 'sandbox', options: { ...shared, zones: zones(8) } })),
    })
    ;[admin, demo] = [plimsoll.as('admin'), plimsoll.as('demo')]
    path = `/broker/v1/projects/${plimsoll.projectId('demo')}/policy`
    imageRef = await imageNamed(demo, 'linux')
    await say({ chain: [...HEADERS], marks: { dc1: 1, outside: 0.125, far: 1 } })
    const full = [{ method: 'server.create', fault: 'capacity' as const }]
    await plantFaults(plimsoll.host.cloudState, plimsoll.cloudId('dc1'), full)
    // Where it was refused it takes nothing; where it ends it does, up to two vCPUs of sixteen.
    expect(clouds(await make(4))).toEqual(['outside', 'outside', 'far', 'far'])
  })

  test('grows in place as far as the mark', async () => {
    await say({ ...HOME, marks: { dc1: 0.5 } })
    const [[id] = ['']] = await make(5)
    const resize = (flavorRef: string) => demo.post(`${NOVA}/servers/${id}/action`, { resize: { flavorRef } }, V96)
    const refused = await resize('4')
    expect([refused.status, refused.body.badRequest?.message]).toEqual([
      400,
      expect.stringMatching(/filled up to 50 %/),
    ])
    // It becomes one of four vCPUs, and counts as that from the moment that it is admitted.
    expect((await resize('3')).status).toBe(202)
    const server = { name: 's', flavorRef: '1', imageRef, networks: 'none' }
    const { body } = await demo.post(`${NOVA}/servers`, { server }, V96)
    await plimsoll.settle()
    expect([(await shown(id)).status, await cloudOf(body.server.id)]).toEqual(['VERIFY_RESIZE', 'outside'])
  })
})
