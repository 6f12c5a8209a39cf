import { beforeEach, describe, expect, test } from 'vitest'
import { bindings } from '../../../db/schema/index.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

let plimsoll: Plimsoll
let demo: Client
let admin: Client
beforeEach(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
})

const V2 = '/network/v2.0'
const newNetwork = async (body: object = {}, who = demo) =>
  (await who.post(`${V2}/networks`, { network: { name: 'n1', ...body } })).body.network
const fault = (answer: { status: number; body: { NeutronError: { type: string; message: string } } }) => [
  answer.status,
  answer.body.NeutronError.type,
  answer.body.NeutronError.message,
]
const used = async (resource: string) =>
  (await demo.get(`${V2}/quotas/${plimsoll.projectId('demo')}/details`)).body.quota[resource].used

describe('networks', () => {
  test('are rows until something needs them', async () => {
    const { status, body } = await demo.post(`${V2}/networks`, { network: { name: 'n1', admin_state_up: 'true' } })
    expect(status).toBe(201)
    const projectId = plimsoll.projectId('demo')
    expect(body.network).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'n1',
      tenant_id: projectId,
      project_id: projectId,
      description: '',
      admin_state_up: true,
      status: 'ACTIVE',
      shared: false,
      'router:external': false,
      'plimsoll:routed': null,
      'plimsoll:reach': [],
      ipv4_address_scope: null,
      ipv6_address_scope: null,
      is_default: false,
      l2_adjacency: true,
      mtu: 1500,
      port_security_enabled: true,
      qos_policy_id: null,
      subnets: [],
      availability_zones: [],
      availability_zone_hints: [],
      tags: [],
      created_at: '2026-03-01T12:00:00Z',
      updated_at: '2026-03-01T12:00:00Z',
      revision_number: 1,
    })
    expect((await demo.get(`${V2}/networks/${body.network.id}`)).body).toEqual(body)
    expect((await plimsoll.db.select().from(bindings)).filter(({ kind }) => kind === 'network')).toEqual([])
    expect(await used('network')).toBe(1)
    plimsoll.clock.advance(1000)
    const put = await demo.put(`${V2}/networks/${body.network.id}`, { network: { name: 'n2', description: null } })
    expect(put.body.network).toMatchObject({ name: 'n2', updated_at: '2026-03-01T12:00:01Z', revision_number: 2 })
    expect((await demo.delete(`${V2}/networks/${body.network.id}`)).status).toBe(204)
    expect(fault(await demo.get(`${V2}/networks/${body.network.id}`))).toEqual([
      404,
      'NetworkNotFound',
      `Network ${body.network.id} could not be found.`,
    ])
    expect(await used('network')).toBe(0)
  })

  test('come several at once, all or none', async () => {
    const many = await demo.post(`${V2}/networks`, { networks: [{ name: 'a' }, { name: 'b' }] })
    expect([many.status, many.body.networks.map((n: { name: string }) => n.name)]).toEqual([201, ['a', 'b']])
    const flood = await demo.post(`${V2}/networks`, { networks: Array.from({ length: 101 }, () => ({})) })
    expect(flood.status).toBe(413)
    expect(fault(flood)[2]).toBe('At most 100 networks are made in one request, and these are 101.')
    await admin.put(`${V2}/quotas/${plimsoll.projectId('demo')}`, { quota: { network: 3 } })
    const more = await demo.post(`${V2}/networks`, { networks: [{ name: 'c' }, { name: 'd' }] })
    expect(fault(more)).toEqual([409, 'OverQuota', "Quota exceeded for resources: ['network']."])
    expect(await used('network')).toBe(2)
    await newNetwork()
    expect(fault(await demo.post(`${V2}/networks`, { network: {} }))[1]).toBe('OverQuota')
  })

  test.each([
    [{}, "Unable to find 'network' in request body"],
    [{ network: 5 }, "Unable to find 'network' in request body"],
    [{ network: { nonsense: 1, admin_state_up: 'x' } }, "Unrecognized attribute(s) 'nonsense'"],
    [{ network: { admin_state_up: 'x' } }, "Invalid input for operation: 'x' cannot be converted to boolean."],
    [{ network: { name: 5 } }, "Invalid input for name. Reason: '5' is not a valid string."],
    [
      { network: { name: 'x'.repeat(256) } },
      `Invalid input for name. Reason: '${'x'.repeat(255)}' exceeds maximum length of 255.`,
    ],
    [{ network: { vlan_transparent: true } }, "Unrecognized attribute(s) 'vlan_transparent'"],
    [
      { network: { project_id: 'other' } },
      "Specifying 'project_id' other than the authenticated project in request is not allowed for the current user.",
    ],
    [
      { network: { availability_zone_hints: 'a' } },
      "Invalid input for availability_zone_hints. Reason: 'a' is not a list.",
    ],
  ])('are refused in the words of Neutron: %j', async (body, message) => {
    expect(fault(await demo.post(`${V2}/networks`, body))).toEqual([
      400,
      /^Invalid input for operation/.test(message) ? 'InvalidInput' : 'HTTPBadRequest',
      message,
    ])
  })

  test('other bodies that are none', async () => {
    expect(fault(await demo.post(`${V2}/networks`, []))).toEqual([400, 'HTTPBadRequest', 'Body contains invalid data'])
    expect((await demo.post(`${V2}/networks`)).status).toBe(400)
    const { id } = await newNetwork()
    expect(fault(await demo.put(`${V2}/networks/${id}`, { network: { subnets: [] } }))).toEqual([
      400,
      'HTTPBadRequest',
      'Cannot update read-only attribute subnets',
    ])
  })

  test('have packets as large as their owner says, within what every cloud carries', async () => {
    const network = await newNetwork({ mtu: 1330 })
    expect(network.mtu).toBe(1330)
    const changed = await demo.put(`${V2}/networks/${network.id}`, { network: { mtu: '1400' } })
    expect(changed.body.network.mtu).toBe(1400)
    const anew = await demo.put(`${V2}/networks/${network.id}`, { network: { mtu: 0 } })
    expect(anew.body.network.mtu).toBe(1500)
    expect((await demo.put(`${V2}/networks/${network.id}`, { network: { name: 'n2' } })).body.network.mtu).toBe(1500)
    for (const [mtu, type, words] of [
      [9000, 'InvalidInput', 'Invalid input for operation: Requested MTU is too big, maximum is 1500.'],
      [-1, 'HTTPBadRequest', "Invalid input for mtu. Reason: '-1' should be non-negative."],
    ] as const)
      expect(fault(await demo.post(`${V2}/networks`, { network: { mtu } }))).toEqual([400, type, words])
  })

  test('have subnets whose packets fit in theirs', async () => {
    const [small, low, wide] = [await newNetwork({ mtu: 67 }), await newNetwork({ mtu: 1279 }), await newNetwork()]
    const subnet = (id: string, ip_version: number, cidr: string) =>
      demo.post(`${V2}/subnets`, { subnet: { network_id: id, ip_version, cidr } })
    const conflict = (id: string, least: number) => [
      409,
      'NetworkMTUSubnetConflict',
      `MTU of ${id} is not valid, subnet requires a minimum of ${least}`,
    ]
    expect(fault(await subnet(small.id, 4, '10.0.0.0/24'))).toEqual(conflict(small.id, 68))
    expect(fault(await subnet(low.id, 6, 'fd00::/64'))).toEqual(conflict(low.id, 1280))
    expect((await subnet(low.id, 4, '10.0.0.0/24')).status).toBe(201)
    expect((await subnet(wide.id, 6, 'fd00::/64')).status).toBe(201)
    const change = (id: string, mtu: number) => demo.put(`${V2}/networks/${id}`, { network: { mtu } })
    expect(fault(await change(low.id, 67))).toEqual(conflict(low.id, 68))
    expect(fault(await change(wide.id, 1279))).toEqual(conflict(wide.id, 1280))
    expect((await change(wide.id, 1280)).body.network.mtu).toBe(1280)
    expect((await change(small.id, 10)).body.network.mtu).toBe(10)
  })

  test('belong to a project; what is shared is seen by all and changed by its owner', async () => {
    await plimsoll.newProject('other', { clouds: ['sandbox'] })
    const other = plimsoll.as('other')
    const { id } = await newNetwork()
    for (const answer of [
      await other.get(`${V2}/networks/${id}`),
      await other.put(`${V2}/networks/${id}`, { network: { name: 'mine' } }),
      await other.delete(`${V2}/networks/${id}`),
      await other.post(`${V2}/subnets`, { subnet: { network_id: id, ip_version: 4, cidr: '10.0.0.0/24' } }),
      await other.post(`${V2}/ports`, { port: { network_id: id } }),
    ])
      expect(fault(answer)).toEqual([404, 'NetworkNotFound', `Network ${id} could not be found.`])
    expect((await other.get(`${V2}/networks?id=${id}`)).body.networks).toEqual([])
    expect(fault(await demo.put(`${V2}/networks/${id}`, { network: { shared: true } }))[0]).toBe(403)
    expect((await demo.put(`${V2}/networks/${id}`, { network: { shared: false } })).status).toBe(200)
    expect((await admin.put(`${V2}/networks/${id}`, { network: { shared: true } })).body.network.shared).toBe(true)
    expect((await other.get(`${V2}/networks/${id}`)).status).toBe(200)
    expect(fault(await other.put(`${V2}/networks/${id}`, { network: { name: 'mine' } }))[0]).toBe(403)
    const theirs = await admin.post(`${V2}/networks`, { network: { tenant_id: plimsoll.projectId('other') } })
    expect(theirs.body.network.project_id).toBe(plimsoll.projectId('other'))
  })

  test('ways out are seen by those who may use their cloud, and are nobody’s to make or remove', async () => {
    const external = (await demo.get(`${V2}/networks?router:external=True`)).body.networks
    expect(external).toMatchObject([
      { name: 'public', 'router:external': true, availability_zones: ['sandbox.a', 'sandbox.b'] },
    ])
    expect((await demo.get(`${V2}/subnets?network_id=${external[0].id}`)).body.subnets).toEqual([])
    expect((await demo.get(`${V2}/extensions/subnet-external-network`)).status).toBe(404)
    await plimsoll.newProject('stranger')
    expect((await plimsoll.as('stranger').get(`${V2}/networks?router:external=true`)).body.networks).toEqual([])
    expect(fault(await demo.post(`${V2}/networks`, { network: { 'router:external': true } }))[0]).toBe(403)
    expect(fault(await admin.post(`${V2}/networks`, { network: { 'router:external': true } }))[0]).toBe(400)
    expect(fault(await admin.delete(`${V2}/networks/${external[0].id}`)).slice(0, 2)).toEqual([409, 'NetworkInUse'])
    expect(fault(await demo.delete(`${V2}/networks/${external[0].id}`))[0]).toBe(403)
    expect(fault(await demo.post(`${V2}/ports`, { port: { network_id: external[0].id } }))[0]).toBe(403)
  })

  test('go with their subnets, not with their ports', async () => {
    const { id } = await newNetwork()
    const subnet = (
      await demo.post(`${V2}/subnets`, { subnet: { network_id: id, ip_version: 4, cidr: '10.0.0.0/24' } })
    ).body.subnet
    expect((await demo.get(`${V2}/networks/${id}`)).body.network.subnets).toEqual([subnet.id])
    const port = (await demo.post(`${V2}/ports`, { port: { network_id: id } })).body.port
    expect(fault(await demo.delete(`${V2}/networks/${id}`))).toEqual([
      409,
      'NetworkInUse',
      `Unable to complete operation on network ${id}. There are one or more ports still in use on the network.`,
    ])
    expect((await demo.delete(`${V2}/ports/${port.id}`)).status).toBe(204)
    expect((await demo.delete(`${V2}/networks/${id}`)).status).toBe(204)
    expect((await demo.get(`${V2}/subnets/${subnet.id}`)).status).toBe(404)
    expect(await Promise.all(['network', 'subnet', 'port'].map(used))).toEqual([0, 0, 0])
  })
})

describe('lists', () => {
  const names = async (query: string) =>
    (await demo.get(`${V2}/networks?${query}`)).body.networks.map((n: { name: string }) => n.name)

  beforeEach(async () => {
    for (const name of ['b', 'a', 'd', 'c']) {
      await newNetwork({ name, admin_state_up: name < 'c', description: name === 'a' ? '' : 'x' })
      plimsoll.clock.advance(1000)
    }
  })

  test('are filtered by every attribute, values of one being alternatives', async () => {
    expect(await names('router:external=false')).toEqual(['b', 'a', 'd', 'c'])
    expect(await names('name=a&name=c')).toEqual(['a', 'c'])
    expect(await names('name=a&admin_state_up=False')).toEqual([])
    expect(await names('admin_state_up=False')).toEqual(['d', 'c'])
    expect(await names('description=&router:external=0')).toEqual(['a'])
    expect(await names('mtu=1500&name=b')).toEqual(['b'])
    expect(await names('created_at=2026-03-01T12:00:01Z')).toEqual(['a'])
    expect(await names('changed_since=2026-03-01T12:00:02')).toEqual(['d', 'c'])
    expect(await names(`tenant_id=${plimsoll.projectId('admin')}`)).toEqual([])
    expect(fault(await demo.get(`${V2}/networks?foo=1`))).toEqual([
      400,
      'HTTPBadRequest',
      "['foo'] is invalid attribute for filtering",
    ])
    expect(fault(await demo.get(`${V2}/networks?shared=perhaps`))[0]).toBe(400)
  })

  test('are sorted, and cut into pages that link to each other', async () => {
    expect(await names('router:external=0&sort_key=name')).toEqual(['a', 'b', 'c', 'd'])
    const sorted = 'router:external=0&sort_key=admin_state_up&sort_dir=asc&sort_key=name&sort_dir=desc'
    expect(await names(sorted)).toEqual(['d', 'c', 'b', 'a'])
    const first = (await demo.get(`${V2}/networks?${sorted}&limit=3`)).body
    expect(first.networks.map((n: { name: string }) => n.name)).toEqual(['d', 'c', 'b'])
    const next = first.networks_links.find((link: { rel: string }) => link.rel === 'next').href
    expect(next).toContain('http://plimsoll.test/network/v2.0/networks?')
    const second = (await demo.get(next)).body
    expect(second.networks.map((n: { name: string }) => n.name)).toEqual(['a'])
    expect(second.networks_links.map((link: { rel: string }) => link.rel)).toEqual(['previous'])
    const back = (await demo.get(second.networks_links[0].href)).body
    expect(back.networks.map((n: { name: string }) => n.name)).toEqual(['d', 'c', 'b'])
    expect(await names('limit=1&marker=unknown')).toEqual([])
    const beyond = (await demo.get(`${V2}/networks?${sorted}&limit=1&marker=${back.networks.at(-1).id}`)).body
    const last = (await demo.get(beyond.networks_links[0].href)).body
    expect([last.networks, last.networks_links.map((link: { rel: string }) => link.rel)]).toEqual([[], ['previous']])
    expect((await demo.get(last.networks_links[0].href)).body.networks[0].name).toBe('a')
    for (const bad of [
      'limit=x',
      'sort_key=foo',
      'sort_key=name&sort_dir=up',
      'sort_key=name&sort_dir=asc&sort_dir=asc',
    ])
      expect((await demo.get(`${V2}/networks?${bad}`)).status, bad).toBe(400)
  })

  test('show the fields that were asked for, no more', async () => {
    const { body } = await demo.get(`${V2}/networks?fields=id&fields=name&name=a`)
    expect(Object.keys(body.networks[0]).sort()).toEqual(['id', 'name'])
    const shown = await demo.get(`${V2}/networks/${body.networks[0].id}?fields=name`)
    expect(shown.body).toEqual({ network: { name: 'a' } })
  })

  test('are filtered by tags', async () => {
    const { networks } = (await demo.get(`${V2}/networks?sort_key=name&router:external=0`)).body
    const tag = (i: number, tags: string[]) => demo.put(`${V2}/networks/${networks[i].id}/tags`, { tags })
    expect((await tag(0, ['red', 'blue'])).body).toEqual({ tags: ['red', 'blue'] })
    await tag(1, ['red'])
    expect(await names('tags=red&sort_key=name')).toEqual(['a', 'b'])
    expect(await names('tags=red,blue')).toEqual(['a'])
    expect(await names('tags-any=blue,green')).toEqual(['a'])
    expect(await names('not-tags=red&router:external=0&sort_key=name')).toEqual(['c', 'd'])
    expect(await names('not-tags-any=blue&router:external=0&sort_key=name')).toEqual(['b', 'c', 'd'])
  })
})

test('versions are public, the rest is not', async () => {
  const { nobody } = plimsoll
  for (const path of ['/network', '/network/']) {
    const { status, body } = await nobody.get(path)
    expect(status).toBe(200)
    expect(body.versions).toEqual([
      { id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: 'http://plimsoll.test/network/v2.0/' }] },
    ])
  }
  for (const path of ['/network/v2.0', '/network/v2.0/'])
    expect((await nobody.get(path)).body.resources.length).toBe(10)
  expect((await nobody.get(`${V2}/networks`)).status).toBe(401)
  expect(fault(await demo.get(`${V2}/trunks`))[0]).toBe(404)
  await plimsoll.newUser('watcher', 'demo', ['reader'])
  const watcher = plimsoll.as('watcher')
  expect((await watcher.get(`${V2}/networks`)).status).toBe(200)
  expect(fault(await watcher.post(`${V2}/networks`, { network: {} }))).toEqual([
    403,
    'PolicyNotAuthorized',
    'rule:create_network is disallowed by policy',
  ])
})

test('extensions are listed and shown', async () => {
  const { extensions } = (await demo.get(`${V2}/extensions`)).body
  expect(extensions.map((e: { alias: string }) => e.alias)).toEqual(
    expect.arrayContaining(['router', 'security-group', 'external-net']),
  )
  expect((await demo.get(`${V2}/extensions/router`)).body.extension).toMatchObject({ alias: 'router', links: [] })
  expect((await demo.get(`${V2}/extensions/dvr`)).status).toBe(404)
})

test('quotas: own ones are seen, an admin sets them', async () => {
  const path = `${V2}/quotas/${plimsoll.projectId('demo')}`
  expect((await demo.get(path)).body.quota).toEqual({
    network: 100,
    subnet: 100,
    port: 500,
    router: 50,
    floatingip: 50,
    security_group: 100,
    security_group_rule: 500,
    subnetpool: 50,
    address_scope: 50,
    rbac_policy: 10,
    address_group: 10,
  })
  expect(fault(await demo.put(path, { quota: { port: 1 } }))[0]).toBe(403)
  expect(fault(await demo.get(`${V2}/quotas/${plimsoll.projectId('admin')}`))[0]).toBe(403)
  expect((await admin.put(path, { quota: { port: '7', network: -1 } })).body.quota).toMatchObject({
    port: 7,
    network: -1,
  })
  expect((await admin.get(`${V2}/quotas`)).body.quotas).toMatchObject([
    { project_id: plimsoll.projectId('demo'), port: 7, subnet: 100 },
  ])
  expect((await demo.get(`${path}/default`)).body.quota.port).toBe(500)
  expect((await demo.get(`${path}/details.json`)).body.quota.port).toEqual({ limit: 7, used: 0, reserved: 0 })
  for (const bad of [{ quota: { port: -2 } }, { quota: { port: 'x' } }, { quota: { ports: 1 } }, {}])
    expect((await admin.put(path, bad)).status, JSON.stringify(bad)).toBe(400)
  await newNetwork()
  for (const more of [{}, { check_limit: true }, { check_limit: false }, { force: false }, { force: 'true' }])
    expect(fault(await admin.put(path, { quota: { network: 0, ...more } }))).toEqual([
      400,
      'HTTPBadRequest',
      'Quota limit 0 for network must be greater than or equal to already used 1',
    ])
  expect((await admin.put(path, { quota: { network: 0, force: true } })).body.quota.network).toBe(0)
  expect((await admin.put(path, { quota: { network: -1 } })).status).toBe(200)
  expect((await admin.delete(path)).status).toBe(204)
  expect((await demo.get(path)).body.quota.port).toBe(500)
})

test('zones, and addresses in use', async () => {
  const zones = (await demo.get(`${V2}/availability_zones?resource=network`)).body.availability_zones
  expect(zones.length).toBeGreaterThan(0)
  expect(zones[0]).toMatchObject({ name: expect.stringMatching(/^sandbox\./), resource: 'network', state: 'available' })
  const { id } = await newNetwork()
  await demo.post(`${V2}/subnets`, { subnet: { network_id: id, ip_version: 4, cidr: '10.0.0.0/24' } })
  await demo.post(`${V2}/ports`, { port: { network_id: id } })
  expect((await demo.get(`${V2}/network-ip-availabilities`)).status).toBe(403)
  const all = (await admin.get(`${V2}/network-ip-availabilities?network_name=n1`)).body.network_ip_availabilities
  expect(all).toMatchObject([{ network_id: id, total_ips: 253, used_ips: 1 }])
  expect((await admin.get(`${V2}/network-ip-availabilities/${id}`)).body.network_ip_availability).toEqual(all[0])
  const six = (await admin.get(`${V2}/network-ip-availabilities?ip_version=6&network_id=${id}`)).body
  expect(six.network_ip_availabilities).toMatchObject([{ total_ips: 0, subnet_ip_availability: [] }])
  await demo.post(`${V2}/subnets`, { subnet: { network_id: id, ip_version: 6, cidr: 'fd00::/64' } })
  const { text } = await admin.get(`${V2}/network-ip-availabilities/${id}`)
  expect(text.match(/"total_ips":\d+/g)?.sort()).toEqual([
    ...['"total_ips":18446744073709551614', '"total_ips":18446744073709551867', '"total_ips":253'],
  ])
})
