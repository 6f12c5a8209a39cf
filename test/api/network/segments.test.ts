import { beforeEach, describe, expect, test } from 'vitest'
import { createNetwork, createServer } from '../../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let demo: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll({
    clouds: [
      { name: 'home', type: 'sandbox' },
      { name: 'away', type: 'sandbox' },
      { name: 'others', type: 'sandbox', projects: [] },
    ],
  })
  demo = plimsoll.as('demo')
})

const V2 = '/network/v2.0'
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]
const newNetwork = async (): Promise<string> =>
  (await demo.post(`${V2}/networks`, { network: { name: 'n' } })).body.network.id
const create = (network: string, physical_network: string, more: object = {}) =>
  demo.post(`${V2}/segments`, {
    segment: { network_id: network, network_type: 'vlan', physical_network, ...more },
  })
const newSegment = async (network: string, physical: string): Promise<string> => {
  const { status, body } = await create(network, physical)
  expect([status, body]).toMatchObject([201, {}])
  return body.segment.id
}
const subnet = (network: string, cidr: string, more: object = {}) =>
  demo.post(`${V2}/subnets`, { subnet: { network_id: network, ip_version: 4, cidr, ...more } })

describe('segments', () => {
  test('are made on clouds of the project, shown, listed, renamed and deleted', async () => {
    const network = await newNetwork()
    const { status, body } = await create(network, 'home.a', { name: 's1', segmentation_id: null })
    expect(status).toBe(201)
    expect(body.segment).toEqual({
      id: expect.any(String),
      name: 's1',
      description: '',
      network_id: network,
      network_type: 'vlan',
      physical_network: 'home.a',
      segmentation_id: null,
      revision_number: 0,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    })
    const { id } = body.segment
    expect((await demo.get(`${V2}/segments/${id}`)).body).toEqual(body)
    const second = await newSegment(network, 'away.b')
    const listed = async (query: string) =>
      (await demo.get(`${V2}/segments?${query}`)).body.segments.map((each: { id: string }) => each.id)
    expect(await listed(`network_id=${network}&sort_key=physical_network`)).toEqual([second, id])
    expect(await listed('physical_network=home.a&name=s1&network_type=vlan')).toEqual([id])
    expect(
      (await demo.get(`${V2}/segments?limit=1&fields=id&sort_key=physical_network&marker=${second}`)).body.segments,
    ).toEqual([{ id }])
    expect(fault(await demo.get(`${V2}/segments?colour=red`))).toEqual([
      400,
      'HTTPBadRequest',
      "['colour'] is invalid attribute for filtering",
    ])
    const put = await demo.put(`${V2}/segments/${id}`, { segment: { name: null, description: 'the first' } })
    expect(put.body.segment).toMatchObject({ name: null, description: 'the first', revision_number: 1 })
    expect(fault(await demo.put(`${V2}/segments/${id}`, { segment: { network_type: 'flat' } }))).toEqual([
      400,
      'HTTPBadRequest',
      'Cannot update read-only attribute network_type',
    ])
    const stale = await demo.put(
      `${V2}/segments/${id}`,
      { segment: { name: 'x' } },
      { 'If-Match': 'revision_number=0' },
    )
    expect(stale.status).toBe(412)
    expect((await demo.delete(`${V2}/segments/${id}`)).status).toBe(204)
    expect(fault(await demo.get(`${V2}/segments/${id}`))).toEqual([
      404,
      'SegmentNotFound',
      `Segment ${id} could not be found.`,
    ])
  })

  test('are made several at once, or none of them', async () => {
    const network = await newNetwork()
    const of = (...names: string[]) => ({
      segments: names.map((physical_network) => ({ network_id: network, network_type: 'vlan', physical_network })),
    })
    expect((await demo.post(`${V2}/segments`, of('home.a', 'home.a'))).status).toBe(409)
    expect((await demo.get(`${V2}/segments?network_id=${network}`)).body.segments).toEqual([])
    const { status, body } = await demo.post(`${V2}/segments`, of('home.a', 'home.b', 'away.a'))
    expect([status, body.segments.length]).toEqual([201, 3])
  })

  test('name a place that their project may use', async () => {
    const network = await newNetwork()
    const refusals: [string | undefined, object, string][] = [
      ['others.a', {}, "physical_network 'others.a' unknown for vlan provider network"],
      ['nowhere', {}, "physical_network 'nowhere' unknown for vlan provider network"],
      ['home', {}, 'subnets of cloud home are in zones: physical_network is one of home.a, home.b'],
      [undefined, {}, 'physical_network required for vlan provider network'],
      ['home.a', { network_type: 'carrier' }, "network_type value 'carrier' not supported"],
    ]
    for (const [physical, more, reason] of refusals)
      expect(fault(await create(network, physical!, more))).toEqual([
        400,
        'InvalidInput',
        `Invalid input for operation: ${reason}.`,
      ])
    expect(fault(await create(network, 'home.a', { segmentation_id: 7 }))).toEqual([
      400,
      'InvalidInput',
      'Invalid input for operation: segmentation_id is what cloud home gives, but on a wire.',
    ])
    expect(fault(await create(crypto.randomUUID(), 'home.a'))[1]).toBe('NetworkNotFound')
    await newSegment(network, 'home.a')
    expect(fault(await create(network, 'home.a'))).toEqual([
      409,
      'HostConnectedToMultipleSegments',
      `Host home.a is connected to multiple segments on routed provider network '${network}'.  It should be connected to one.`,
    ])
  })

  test('belong to the owner of their network', async () => {
    const network = await newNetwork()
    const segment = await newSegment(network, 'home.a')
    await plimsoll.newProject('other', { clouds: ['home'] })
    const other = plimsoll.as('other')
    const path = `${V2}/segments/${segment}`
    expect((await other.get(path)).status).toBe(404)
    expect((await other.delete(path)).status).toBe(404)
    const wish = { network_id: network, network_type: 'vlan', physical_network: 'home.b' }
    expect((await other.post(`${V2}/segments`, { segment: wish })).status).toBe(404)
    await plimsoll.as('admin').put(`${V2}/networks/${network}`, { network: { shared: true } })
    expect((await other.get(path)).status).toBe(200)
    expect(fault(await other.put(path, { segment: { name: 'mine' } }))).toEqual([
      403,
      'PolicyNotAuthorized',
      `Segment ${segment} belongs to another project.`,
    ])
  })

  test('stay while subnets lie in them, and go with their network', async () => {
    const network = await newNetwork()
    const segment = await newSegment(network, 'home.a')
    const lying = (await subnet(network, '10.0.0.0/24', { segment_id: segment })).body.subnet
    expect(fault(await demo.delete(`${V2}/segments/${segment}`))).toEqual([
      409,
      'SegmentInUse',
      `Segment '${segment}' cannot be deleted: The segment is still associated with subnet(s) ${lying.id}.`,
    ])
    expect((await demo.delete(`${V2}/networks/${network}`)).status).toBe(204)
    expect((await demo.get(`${V2}/segments/${segment}`)).status).toBe(404)
  })
})

describe('a network', () => {
  test('that nobody divides has one segment, made by its first use and shown by no subnet', async () => {
    const { network, subnet: under } = await createNetwork(demo)
    const segments = async () => (await demo.get(`${V2}/segments?network_id=${network}`)).body.segments
    expect(await segments()).toEqual([])
    await createServer(plimsoll, demo, { networks: [{ uuid: network }] })
    const [segment] = await segments()
    expect(segment).toMatchObject({ name: null, network_type: 'flat', physical_network: expect.any(String) })
    expect((await demo.get(`${V2}/networks/${network}`)).body.network).toMatchObject({ l2_adjacency: true })
    expect((await demo.get(`${V2}/subnets/${under}`)).body.subnet.segment_id).toBeNull()
    expect((await demo.get(`${V2}/ports?network_id=${network}`)).body.ports[0].ip_allocation).toBe('immediate')
    expect(fault(await demo.delete(`${V2}/segments/${segment.id}`))).toEqual([
      409,
      'SegmentInUse',
      `Segment '${segment.id}' cannot be deleted: Network ${network} is not routed, and has ports or is realised on ${segment.physical_network}.`,
    ])
  })

  test('that was used and is empty again can be taken off its cloud', async () => {
    const network = await newNetwork()
    const segment = await newSegment(network, 'home.a')
    const lying = (await subnet(network, '10.0.0.0/24', { segment_id: segment })).body.subnet
    const server = await createServer(plimsoll, demo, { networks: [{ uuid: network }] })
    await demo.delete(`/compute/v2.1/servers/${server}`)
    await plimsoll.settle()
    expect((await demo.delete(`${V2}/subnets/${lying.id}`)).status).toBe(204)
    expect((await demo.delete(`${V2}/segments/${segment}`)).status).toBe(204)
    await plimsoll.settle()
    const { bindings } = (await plimsoll.as('admin').get(`/broker/v1/bindings?resource_id=${network}`)).body
    expect(bindings.filter(({ phase }: { phase: string }) => phase !== 'gone')).toEqual([])
    expect((await demo.delete(`${V2}/networks/${network}`)).status).toBe(204)
  })

  test('becomes routed when its only subnet is associated with its only segment', async () => {
    const { network, subnet: under } = await createNetwork(demo)
    await createServer(plimsoll, demo, { networks: [{ uuid: network }] })
    const [first] = (await demo.get(`${V2}/segments?network_id=${network}`)).body.segments
    const here = first.physical_network
    const there = here === 'home' ? 'away' : 'home'
    expect(fault(await create(network, `${there}.a`))).toEqual([
      400,
      'SubnetsNotAllAssociatedWithSegments',
      `All of the subnets on network '${network}' must either all be associated with segments or all not associated with any segment.`,
    ])
    const put = await demo.put(`${V2}/subnets/${under}`, { subnet: { segment_id: first.id } })
    expect(put.body.subnet).toMatchObject({ segment_id: first.id })
    const second = await newSegment(network, `${there}.a`)
    expect((await subnet(network, '10.1.0.0/24', { segment_id: second })).status).toBe(201)
    const shown = (await demo.get(`${V2}/networks/${network}`)).body.network
    expect(shown).toMatchObject({
      l2_adjacency: false,
      availability_zones: expect.arrayContaining([`${here}.a`, `${there}.a`]),
    })
    expect(shown.segments).toBeUndefined()
    expect((await plimsoll.as('admin').get(`${V2}/networks/${network}`)).body.network.segments).toEqual([
      {
        'provider:network_type': 'flat',
        'provider:physical_network': here,
        'provider:segmentation_id': null,
      },
      {
        'provider:network_type': 'vlan',
        'provider:physical_network': `${there}.a`,
        'provider:segmentation_id': null,
      },
    ])
  })

  test('keeps its subnet in the zone where it is', async () => {
    const { network, subnet: under } = await createNetwork(demo)
    const segment_id = await newSegment(network, 'home.b')
    const { images } = (await demo.get('/image/v2/images?name=sandbox-linux')).body
    const imageRef = images.find((each: Record<string, string>) => each['plimsoll:clouds']?.includes('home')).id
    await createServer(plimsoll, demo, { imageRef, networks: [{ uuid: network }], availability_zone: 'home.a' })
    expect(fault(await demo.put(`${V2}/subnets/${under}`, { subnet: { segment_id } }))).toEqual([
      409,
      'SubnetInUse',
      `Unable to complete operation on subnet ${under}: It lies in zone a, and the segment is in zone b.`,
    ])
  })

  test('has subnets in segments or subnets in none, and keeps them where they are', async () => {
    const network = await newNetwork()
    const [first, second] = [await newSegment(network, 'home.a'), await newSegment(network, 'away.a')]
    const mixed = `All of the subnets on network '${network}' must either all be associated with segments or all not associated with any segment.`
    expect(fault(await subnet(network, '10.0.0.0/24'))).toEqual([400, 'SubnetsNotAllAssociatedWithSegments', mixed])
    const { id } = (await subnet(network, '10.0.0.0/24', { segment_id: first })).body.subnet
    expect(fault(await subnet(network, '10.1.0.0/24'))).toEqual([400, 'SubnetsNotAllAssociatedWithSegments', mixed])
    const stranger = await newSegment(await newNetwork(), 'home.a')
    expect(fault(await subnet(network, '10.1.0.0/24', { segment_id: stranger }))).toEqual([
      400,
      'NetworkIdsDontMatch',
      `The subnet's network id, '${network}', doesn't match the network_id of segment '${stranger}'`,
    ])
    const nobody = crypto.randomUUID()
    expect(fault(await subnet(network, '10.1.0.0/24', { segment_id: nobody }))[1]).toBe('SegmentNotFound')
    const move = (segment_id: string | null) => demo.put(`${V2}/subnets/${id}`, { subnet: { segment_id } })
    expect((await move(first)).status).toBe(200)
    for (const where of [second, null])
      expect(fault(await move(where))).toEqual([
        400,
        'SubnetSegmentAssociationChangeNotAllowed',
        'A subnet that is already associated with a segment cannot have its segment association changed.',
      ])
    expect((await demo.get(`${V2}/subnets?segment_id=${first}`)).body.subnets).toMatchObject([{ id }])
  })

  test('of several segments takes no subnet into one that is there', async () => {
    const network = await newNetwork()
    const { id } = (await subnet(network, '10.0.0.0/24')).body.subnet
    const first = await newSegment(network, 'home.a')
    expect((await create(network, 'away.a')).status).toBe(400)
    expect((await demo.put(`${V2}/subnets/${id}`, { subnet: { segment_id: first } })).status).toBe(200)
  })
})
