import { beforeEach, describe, expect, test } from 'vitest'
import { createServer, imageNamed } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let admin: Client
let demo: Client
let path: string
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'dc1', type: 'sandbox' },
      { name: 'dc2', type: 'sandbox' },
      { name: 'dc3', type: 'sandbox', projects: [] },
    ],
  })
  admin = plimsoll.as('admin')
  demo = plimsoll.as('demo')
  path = `/broker/v1/projects/${plimsoll.projectId('demo')}/policy`
})

/** An image of a cloud's own. */
const imageOf = async (cloud: string): Promise<string> => {
  const { images } = (await demo.get('/image/v2/images?name=sandbox-linux')).body
  return images.find((each: Record<string, string>) => each['plimsoll:clouds']?.includes(cloud)).id
}
const put = (policy: object) => admin.put(path, { policy })
const UNSAID = {
  chain: null,
  zones: 'all',
  zone_name: 'burst',
  min_filters: 'enforced',
  marks: {},
  hysteresis: 0.05,
  spill: 'allowed',
  spill_cap: null,
  never_spill: { tags: [], metadata: {} },
  regions: [],
  spot: 'never',
  max_hourly_cost: null,
  budget: null,
  lease: null,
  hints: true,
}

describe('the policy of a project', () => {
  test('is as everywhere until an administrator says something, and is said as a whole', async () => {
    expect((await admin.get(path)).body).toEqual({ policy: UNSAID })
    const said = {
      chain: ['dc2', 'dc1'],
      zones: 'policy',
      zone_name: 'anywhere',
      min_filters: 'trusted',
      marks: { dc2: 0.75 },
      hysteresis: 0.1,
      spill: 'never',
      spill_cap: { instances: 10, cores: 40 },
      never_spill: { tags: ['secret'], metadata: { class: 'internal' } },
      regions: ['eu-central-1'],
      spot: 'allowed',
      max_hourly_cost: { amount: '12.5', currency: 'EUR' },
      budget: { amount: '300', currency: 'EUR', period: 'month', at_100: 'stop-marked' },
      lease: '1d12h',
      hints: false,
    }
    const answer = await put(said)
    expect([answer.status, answer.body]).toEqual([200, { policy: said }])
    expect((await admin.get(path)).body).toEqual({ policy: said })
    expect((await put({ zones: 'policy' })).body).toEqual({ policy: { ...UNSAID, zones: 'policy' } })
    expect((await put({})).body).toEqual({ policy: UNSAID })
    expect((await admin.put(path, (await admin.get(path)).body)).status, 'what is shown can be said').toBe(200)
  })

  test('is for administrators, and of a project that is there', async () => {
    for (const client of [demo, plimsoll.nobody]) {
      const status = client === demo ? 403 : 401
      expect((await client.get(path)).status).toBe(status)
      expect((await client.put(path, { policy: {} })).status).toBe(status)
    }
    const nowhere = '/broker/v1/projects/none/policy'
    expect([(await admin.get(nowhere)).status, (await admin.put(nowhere, { policy: {} })).status]).toEqual([404, 404])
  })

  test.each([
    ['a key that it has not', { policy: { spil: true } }, /'spil'/],
    ['a key beside it', { policy: {}, chain: ['dc1'] }, /'chain'/],
    ['zones of another kind', { policy: { zones: 'some' } }, /policy\.zones/],
    ['filters of another kind', { policy: { min_filters: 'weak' } }, /policy\.min_filters/],
    ['a chain of nothing', { policy: { chain: [] } }, /policy\.chain/],
    ['a cloud that is not its', { policy: { chain: ['dc1', 'dc3'] } }, /not mapped to a cloud named dc3/],
    ['a cloud that is none', { policy: { chain: ['moon'] } }, /not mapped to a cloud named moon/],
    ['a cloud twice', { policy: { chain: ['dc1', 'dc1'] } }, /dc1 is named twice/],
    ['a mark on a cloud that is not its', { policy: { marks: { dc3: 0.5 } } }, /not mapped to a cloud named dc3/],
    ['a mark beyond all', { policy: { marks: { dc1: 75 } } }, /policy\.marks/],
    [
      'a rule about home where none is',
      { policy: { spill: 'never' } },
      /policy\.spill: home is the first of the chain/,
    ],
    ['a cap of nothing known', { policy: { spill_cap: { volumes: 3 } } }, /'volumes'/],
    ['money without a currency', { policy: { max_hourly_cost: { amount: 3 } } }, /currency/],
    [
      'money finer than is counted',
      { policy: { max_hourly_cost: { amount: '0.0000001', currency: 'EUR' } } },
      /six decimals/,
    ],
    ['a debt', { policy: { budget: { amount: -1, currency: 'EUR' } } }, /amount of money/],
    ['another period', { policy: { budget: { amount: 1, currency: 'EUR', period: 'week' } } }, /period/],
    ['a lease of no length', { policy: { lease: '0h' } }, /duration like 2h/],
    ['a lease in words', { policy: { lease: 'a day' } }, /duration like 2h/],
    ['a zone with the name of one of a cloud', { policy: { zone_name: 'dc1.a' } }, /policy\.zone_name/],
    ['a zone with the name of a cloud', { policy: { zone_name: 'dc3' } }, /dc3 is the name of a cloud/],
  ])('refuses %s', async (_, body, why) => {
    const { status, body: answer } = await admin.put(path, body)
    expect(status).toBe(400)
    expect(answer.error.message).toMatch(why)
    expect((await admin.get(path)).body).toEqual({ policy: UNSAID })
  })
})

describe('the policy of all projects', () => {
  const ALL = '/broker/v1/policy'
  const putForAll = (policy: object) => admin.put(ALL, { policy })

  test('holds key by key where nothing is said of a project', async () => {
    expect((await admin.get(ALL)).body).toEqual({ policy: UNSAID })
    const said = { chain: ['dc3', 'dc1'], marks: { dc1: 0.5 }, lease: '90m' }
    const shown = { ...UNSAID, ...said, lease: '1h30m' }
    expect((await putForAll(said)).body).toEqual({ policy: shown })
    expect((await admin.get(path)).body).toEqual({ policy: shown })
    await put({ chain: ['dc2'], spill: 'never', lease: null })
    expect((await admin.get(path)).body).toEqual({
      policy: { ...shown, chain: ['dc2'], spill: 'never', lease: null },
    })
    const own = { chain: ['dc2'], spill: 'never', lease: null }
    expect((await admin.get(`${path}?own=true`)).body, 'what was said of it alone').toEqual({ policy: own })
    expect((await admin.get(`${path}?own=maybe`)).status).toBe(400)
    expect((await admin.get(ALL)).body).toEqual({ policy: shown })
  })

  test('names zones for all, too', async () => {
    await putForAll({ zones: 'policy', chain: ['dc1', 'dc2'] })
    const zones = (await demo.get('/compute/v2.1/os-availability-zone')).body.availabilityZoneInfo
    expect(zones.map(({ zoneName }: { zoneName: string }) => zoneName)).toEqual(['burst'])
    const id = await createServer(plimsoll, demo, { imageRef: await imageOf('dc2'), availability_zone: 'burst' })
    const { server } = (await demo.get(`/compute/v2.1/servers/${id}`)).body
    expect([server.status, server['OS-EXT-AZ:availability_zone']]).toEqual(['ACTIVE', 'burst'])
  })

  test('is for administrators, and speaks of clouds that are there', async () => {
    expect([(await demo.get(ALL)).status, (await demo.put(ALL, { policy: {} })).status]).toEqual([403, 403])
    for (const policy of [{ chain: ['moon'] }, { marks: { moon: 1 } }]) {
      const { status, body } = await putForAll(policy)
      expect([status, body.error.message]).toEqual([400, expect.stringMatching(/there is no cloud named moon/)])
    }
    expect((await putForAll({ spill: 'never' })).status).toBe(400)
  })
})

describe('its chain', () => {
  const zoneOf = async (id: string) =>
    (await demo.get(`/compute/v2.1/servers/${id}`)).body.server['OS-EXT-AZ:availability_zone'] as string
  const bootable = async () => {
    // An image that every cloud takes.
    const { image } = {
      image: (await demo.post('/image/v2/images', { name: 'i', disk_format: 'raw', container_format: 'bare' })).body,
    }
    await demo.put(`/image/v2/images/${image.id}/file`, new Uint8Array(2048), {
      'Content-Type': 'application/octet-stream',
    })
    return image.id as string
  }

  test('is the order in which servers are placed', async () => {
    const imageRef = await bootable()
    const cloudOf = async () => (await zoneOf(await createServer(plimsoll, demo, { imageRef }))).split('.')[0]
    await put({ chain: ['dc2', 'dc1'] })
    expect(await cloudOf()).toBe('dc2')
    await put({ chain: ['dc1', 'dc2'] })
    expect(await cloudOf()).toBe('dc1')
  })

  test('is all that they go to by themselves; other clouds have to be named', async () => {
    const imageRef = await bootable()
    await put({ chain: ['dc2'] })
    expect(await zoneOf(await createServer(plimsoll, demo, { imageRef }))).toMatch(/^dc2\./)
    expect(await zoneOf(await createServer(plimsoll, demo, { imageRef, availability_zone: 'dc1' }))).toMatch(/^dc1\./)
  })
})

describe('its regions', () => {
  test('are where servers go, whatever zone is named; a cloud without a region is no matter of theirs', async () => {
    await plimsoll.addCloud({ name: 'west', type: 'sandbox', region: 'us-west-2' })
    const boot = async (cloud: string) => {
      const wish = { imageRef: await imageOf(cloud), networks: 'none' }
      const id = await createServer(plimsoll, demo, wish)
      const { placement } = (await admin.get(`/broker/v1/servers/${id}/placement`)).body
      return {
        at: placement.at?.cloud ?? null,
        rules: placement.considered.filter(({ cloud: of }: { cloud: string }) => of === cloud),
      }
    }
    expect((await put({ regions: ['eu-central-1'] })).status).toBe(200)
    expect(await boot('west')).toMatchObject({
      at: null,
      rules: [{ rule: 'region', reason: 'west is in region us-west-2, and the project is to stay in eu-central-1.' }],
    })
    expect((await boot('dc1')).at).toBe('dc1')
    expect((await put({ regions: ['eu-central-1', 'us-west-2'] })).status).toBe(200)
    expect((await boot('west')).at).toBe('west')
  })
})

describe('one zone in place of all', () => {
  const NOVA = '/compute/v2.1'
  const NEUTRON = '/network/v2.0'
  const cinder = () => `/volume/v3/${plimsoll.projectId('demo')}`
  const listed = async (): Promise<string[][]> => {
    const nova = (await demo.get(`${NOVA}/os-availability-zone`)).body.availabilityZoneInfo
    const neutron = (await demo.get(`${NEUTRON}/availability_zones?resource=network`)).body.availability_zones
    const volumes = (await demo.get(`${cinder()}/os-availability-zone`)).body.availabilityZoneInfo
    type Zone = Record<string, string>
    return [...[nova, volumes].map((zones) => zones.map((z: Zone) => z.zoneName)), neutron.map((z: Zone) => z.name)]
  }
  const server = async (id: string) =>
    (await demo.get(`${NOVA}/servers/${id}`, { 'OpenStack-API-Version': 'compute 2.96' })).body.server

  test('is what every list of zones has, under the name that was given to it', async () => {
    const before = await listed()
    expect(before[0]!.length).toBeGreaterThan(1)
    await put({ zones: 'policy' })
    expect(await listed()).toEqual([['burst'], ['burst'], ['burst']])
    await put({ zones: 'policy', zone_name: 'anywhere' })
    expect(await listed()).toEqual([['anywhere'], ['anywhere'], ['anywhere']])
    await put({ chain: ['dc1'] })
    expect(await listed(), 'a policy that does not ask for it changes no list').toEqual(before)
  })

  test('is up as long as a zone is where its servers go', async () => {
    await put({ zones: 'policy', chain: ['dc1'] })
    const isUp = async () => (await demo.get(`${NOVA}/os-availability-zone`)).body.availabilityZoneInfo[0].zoneState
    expect(await isUp()).toEqual({ available: true })
    await admin.patch('/broker/v1/clouds/dc1', { cloud: { enabled: false } })
    expect(await isUp()).toEqual({ available: false })
  })

  test('leaves the choice to the broker, and stays the zone of what was made in it', async () => {
    const refused = await demo.post(`${NOVA}/servers`, {
      server: { name: 's', flavorRef: '1', imageRef: await imageNamed(demo), availability_zone: 'burst' },
    })
    expect(refused.status, 'nobody may name a zone that is not listed').toBe(400)
    await put({ zones: 'policy', chain: ['dc2', 'dc1'] })
    const id = await createServer(plimsoll, demo, { imageRef: await imageOf('dc1'), availability_zone: 'burst' })
    expect(await server(id)).toMatchObject({
      status: 'ACTIVE',
      'OS-EXT-AZ:availability_zone': 'burst',
      pinned_availability_zone: 'burst',
      'plimsoll:zone': expect.stringMatching(/^dc1\./),
    })
    const real = (await server(id))['plimsoll:zone']
    const find = async (query: string) =>
      (await demo.get(`${NOVA}/servers?${query}`, { 'OpenStack-API-Version': 'compute 2.96' })).body.servers.length
    expect([await find('availability_zone=burst'), await find(`availability_zone=${real}`)]).toEqual([1, 0])

    const named = await createServer(plimsoll, demo, { imageRef: await imageOf('dc1'), availability_zone: real })
    expect(await server(named), 'real zones can be named still').toMatchObject({
      'OS-EXT-AZ:availability_zone': real,
    })
    expect(await server(named)).not.toHaveProperty('plimsoll:zone')
    await put({})
    expect(await server(id), 'whatever is said later').toMatchObject({ 'OS-EXT-AZ:availability_zone': 'burst' })
  })

  test('is a hint that ties a network and a router to nothing', async () => {
    await put({ zones: 'policy' })
    for (const kind of ['network', 'router']) {
      const made = await demo.post(`${NEUTRON}/${kind}s`, { [kind]: { availability_zone_hints: ['burst'] } })
      expect([made.status, made.body[kind].availability_zone_hints]).toEqual([201, ['burst']])
      expect(made.body[kind].availability_zones).toEqual([])
    }
    const unknown = await demo.post(`${NEUTRON}/networks`, { network: { availability_zone_hints: ['elsewhere'] } })
    expect(unknown.status).toBe(404)
  })
})
