import { beforeAll, beforeEach, expect, test } from 'vitest'
import { createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'
import { openCloudType } from '../../support/open-cloud.ts'

beforeAll(openCloudType)

let plimsoll: Plimsoll
let demo: Client
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'sandbox' },
      { name: 'dc1', type: 'open' },
    ],
  })
  demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
})

const V2 = '/network/v2.0'
const at = (physical: string, type = 'vlan') => ({
  'provider:network_type': type,
  'provider:physical_network': physical,
})
const post = (network: object) => demo.post(`${V2}/networks`, { network })
const shownTo = async (client: Client, id: string) => (await client.get(`${V2}/networks/${id}`)).body.network
const segmentsOf = async (id: string) => (await demo.get(`${V2}/segments?network_id=${id}`)).body.segments
const fault = ({ status, body }: Awaited<ReturnType<typeof post>>) => [
  status,
  body.NeutronError.type,
  body.NeutronError.message,
]

test('a network is made with its segments, in their order, all or none', async () => {
  const segments = [at('home.b'), at('home.a', 'flat')]
  const made = await post({ name: 'n', segments })
  expect([made.status, made.body.network.segments]).toEqual([201, undefined])
  const { id } = made.body.network
  expect((await segmentsOf(id)).map(({ physical_network }: { physical_network: string }) => physical_network)).toEqual([
    'home.b',
    'home.a',
  ])
  const none = { 'provider:segmentation_id': null }
  const shown = await shownTo(admin, id)
  expect(shown.segments).toEqual(segments.map((each) => ({ ...each, ...none })))
  expect(shown).not.toHaveProperty('provider:network_type')
  const [first] = await segmentsOf(id)
  const subnet = { network_id: id, ip_version: 4, cidr: '10.1.0.0/24', segment_id: first.id }
  expect((await demo.post(`${V2}/subnets`, { subnet })).status).toBe(201)
  await plimsoll.settle()

  const twice = await post({ name: 'twice', segments: [at('home.a'), at('home.a')] })
  expect(fault(twice).slice(0, 2)).toEqual([409, 'HostConnectedToMultipleSegments'])
  expect((await demo.get(`${V2}/networks?name=twice`)).body.networks).toEqual([])
})

test('one segment is the network itself', async () => {
  const made = await post(at('home.a'))
  const { id } = made.body.network
  const one = { ...at('home.a'), 'provider:segmentation_id': null }
  expect(await shownTo(admin, id)).toMatchObject(one)
  expect(await shownTo(demo, id), 'for admins').not.toHaveProperty('provider:network_type')
  const listed = await post({ segments: [at('home.a')] })
  expect(await shownTo(admin, listed.body.network.id)).toMatchObject(one)
  const plain = await post({})
  expect(await shownTo(admin, plain.body.network.id)).toMatchObject({
    'provider:network_type': null,
    'provider:physical_network': null,
    'provider:segmentation_id': null,
  })
  // Segments say where it is; zones that are named besides make no other.
  const hinted = await post({ segments: [at('dc1.a')], availability_zone_hints: ['home.a'] })
  expect(
    (await segmentsOf(hinted.body.network.id)).map((each: { physical_network: string }) => each.physical_network),
  ).toEqual(['dc1.a'])
})

test.each([
  [{ segments: [at('home.a')], ...at('home.b') }, 'SegmentsSetInConjunctionWithProviders', /cannot both be set/],
  [{ segments: [{ ...at('home.a'), colour: 'red' }] }, 'HTTPBadRequest', /Unrecognized attribute\(s\) 'colour'/],
  [{ segments: [{ 'provider:physical_network': 'home.a' }] }, 'InvalidInput', /network_type required/],
  [at('home.a', 'vxlan'), 'InvalidInput', /network_type value 'vxlan' not supported/],
  [at('nowhere'), 'InvalidInput', /physical_network 'nowhere' unknown for vlan provider network/],
  [{ 'provider:network_type': 'vlan' }, 'InvalidInput', /physical_network required for vlan provider network/],
  [
    { ...at('home.a'), 'provider:segmentation_id': 7 },
    'InvalidInput',
    /segmentation_id is what cloud home gives, but on a wire/,
  ],
  [{ ...at('home.a'), 'provider:segmentation_id': 'x' }, 'InvalidInput', /'x' is not an integer/],
])('is refused: %j', async (network, type, words) => {
  expect(fault(await post(network))).toEqual([400, type, expect.stringMatching(words)])
})

test('is refused where a request asks for more than it may', async () => {
  const networks = Array.from({ length: 51 }, () => ({ segments: [at('home.a'), at('home.b')] }))
  const answer = await demo.post(`${V2}/networks`, { networks })
  expect([answer.status, answer.body.NeutronError.message]).toEqual([
    400,
    'At most 100 segments are made in one request',
  ])
  const { id } = (await post({})).body.network
  const put = await demo.put(`${V2}/networks/${id}`, { network: at('home.a') })
  expect(put.body.NeutronError.message).toMatch(/^Cannot update read-only attribute provider:network_type/)
})

test('the VLAN that a cloud gave a network is its segmentation id', async () => {
  const { id } = (await post({ port_security_enabled: false })).body.network
  await demo.post(`${V2}/subnets`, { subnet: { network_id: id, ip_version: 4, cidr: '10.1.0.0/24' } })
  const { images } = (await demo.get('/image/v2/images')).body
  const imageRef = images.find((each: Record<string, string>) => each['plimsoll:clouds']?.includes('dc1'))?.id
  const server = await createServer(plimsoll, demo, { networks: [{ uuid: id }], availability_zone: 'dc1.a', imageRef })
  await plimsoll.settle()
  expect((await demo.get(`/compute/v2.1/servers/${server}`)).body.server.status).toBe('ACTIVE')
  const [segment] = await segmentsOf(id)
  expect(segment).toMatchObject({ network_type: 'vlan', segmentation_id: expect.any(Number) })
  const { segmentation_id: vlan, revision_number } = segment
  expect((await demo.get(`${V2}/segments?segmentation_id=${vlan}`)).body.segments).toEqual([segment])
  expect(await shownTo(admin, id)).toMatchObject({
    'provider:network_type': 'vlan',
    'provider:physical_network': 'dc1',
    'provider:segmentation_id': vlan,
  })
  const found = await admin.get(`${V2}/networks?provider:segmentation_id=${vlan}&provider:physical_network=dc1`)
  expect(found.body.networks.map((each: { id: string }) => each.id)).toEqual([id])
  expect(revision_number, 'nobody asked for it').toBe(0)
})

test('networks are found by what one of their segments is', async () => {
  const several = (await post({ name: 'several', segments: [at('home.a'), at('dc1.a', 'flat')] })).body.network.id
  const one = (await post({ name: 'one', ...at('home.b') })).body.network.id
  await post({ name: 'none' })
  const named = async (filters: Record<string, string>, who = admin) => {
    const search = Object.entries(filters).map(([name, value]) => `provider:${name}=${value}`)
    const { status, body } = await who.get(`${V2}/networks?${search.join('&')}`)
    expect(status, JSON.stringify(body)).toBe(200)
    const ids = body.networks.map(({ id }: { id: string }) => id)
    return [several, one].filter((id) => ids.includes(id))
  }
  expect(await named({ network_type: 'vlan' })).toEqual([several, one])
  expect(await named({ network_type: 'flat' }, demo)).toEqual([several])
  expect(await named({ physical_network: 'home.b' })).toEqual([one])
  expect(await named({ physical_network: 'dc1.a', network_type: 'flat' })).toEqual([several])
  // What is asked of one has to be met by one.
  expect(await named({ physical_network: 'home.a', network_type: 'flat' })).toEqual([])
  expect(await named({ segmentation_id: '7' })).toEqual([])
  const both = await admin.get(
    `${V2}/networks?provider:physical_network=home.b&provider:physical_network=dc1.a&limit=9`,
  )
  expect(both.body.networks.map(({ id }: { id: string }) => id).sort()).toEqual([several, one].sort())
  for (const bad of ['provider:segmentation_id=x', 'sort_key=provider:network_type&sort_dir=asc'])
    expect((await admin.get(`${V2}/networks?${bad}`)).status, bad).toBe(400)
  for (const [name, value, count] of [
    ['network_type', 'vlan', 2],
    ['physical_network', 'dc1.a', 1],
    ['network_id', several, 2],
    ['segmentation_id', '7', 0],
  ] as const) {
    const { segments } = (await demo.get(`${V2}/segments?${name}=${value}`)).body
    expect(segments, name).toHaveLength(count)
  }
})
