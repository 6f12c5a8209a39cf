import { beforeAll, expect, test } from 'vitest'
import { createNetwork, createVolume, imageNamed } from '../support/builders.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../support/harness.ts'

/*
 * What a user sets comes back: in the answer, in every later read, alone and in lists, and after the cloud has done its part.
 * Terraform plans a change for whatever does not.
 */

let plimsoll: Plimsoll
let demo: Client
let admin: Client
let network: string
let subnet: string
let volume: string
let image: string

beforeAll(async () => {
  plimsoll = await startPlimsoll()
  demo = plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.96, volume 3.70' })
  admin = plimsoll.as('admin')
  ;({ network, subnet } = await createNetwork(demo))
  volume = await createVolume(plimsoll, demo)
  image = await imageNamed(demo)
})

const NET = '/network/v2.0'

interface Case {
  path: string
  noun: string | null
  /** What is sent; a function where it needs what was made before. */
  sent: () => Record<string, unknown>
  /** What comes back of it where the real service writes it otherwise. */
  shown?: Record<string, unknown>
  /** Sent, and never shown. */
  secret?: string[]
  who?: () => Client
  /** The path of the list with all that is shown. */
  list?: string
}

const CASES: Record<string, Case> = {
  'a network': {
    path: `${NET}/networks`,
    noun: 'network',
    sent: () => ({ name: ' Mixed Case ', description: 'ünï ✓', admin_state_up: false, port_security_enabled: false }),
  },
  'a subnet of IPv4': {
    path: `${NET}/subnets`,
    noun: 'subnet',
    sent: () => ({
      network_id: network,
      name: 'four',
      description: 'd',
      ip_version: 4,
      cidr: '10.77.0.0/24',
      gateway_ip: '10.77.0.9',
      enable_dhcp: false,
      dns_nameservers: ['9.9.9.9', '1.1.1.1'],
      allocation_pools: [{ start: '10.77.0.20', end: '10.77.0.30' }],
      host_routes: [{ destination: '10.99.0.0/16', nexthop: '10.77.0.2' }],
    }),
  },
  'a subnet of IPv6 in capitals': {
    path: `${NET}/subnets`,
    noun: 'subnet',
    sent: () => ({ network_id: network, ip_version: 6, cidr: '2001:558:FC00::/64', gateway_ip: '2001:558:FC00:0::1' }),
    shown: { cidr: '2001:558:fc00::/64', gateway_ip: '2001:558:fc00::1' },
  },
  'a subnet without a gateway': {
    path: `${NET}/subnets`,
    noun: 'subnet',
    sent: () => ({ network_id: network, ip_version: 4, cidr: '10.78.0.0/24', gateway_ip: null }),
  },
  'a port': {
    path: `${NET}/ports`,
    noun: 'port',
    sent: () => ({
      network_id: network,
      name: 'p',
      description: 'd',
      admin_state_up: false,
      mac_address: 'FA:16:3E:AA:00:01',
      fixed_ips: [{ subnet_id: subnet, ip_address: '10.0.0.55' }],
      security_groups: [],
      device_owner: 'custom:thing',
      device_id: 'mine',
    }),
    shown: { mac_address: 'fa:16:3e:aa:00:01' },
  },
  'a router': {
    path: `${NET}/routers`,
    noun: 'router',
    sent: () => ({ name: 'r', description: 'd', admin_state_up: false }),
  },
  'a security group': {
    path: `${NET}/security-groups`,
    noun: 'security_group',
    sent: () => ({ name: 'Web', description: 'd' }),
  },
  'a volume': {
    path: '/volume/v3/volumes',
    noun: 'volume',
    list: '/volume/v3/volumes/detail',
    sent: () => ({
      name: 'v',
      description: 'd',
      size: 2,
      metadata: { Key: 'Value', constructor: 'x' },
      availability_zone: 'sandbox.b',
    }),
  },
  'a snapshot': {
    path: '/volume/v3/snapshots',
    noun: 'snapshot',
    list: '/volume/v3/snapshots/detail',
    sent: () => ({ name: 's', description: 'd', volume_id: volume, metadata: { a: 'b' } }),
  },
  'an image': {
    path: '/image/v2/images',
    noun: null,
    sent: () => ({
      name: 'i',
      min_disk: 3,
      min_ram: 64,
      disk_format: 'qcow2',
      container_format: 'bare',
      visibility: 'private',
      os_hidden: false,
      protected: false,
      tags: ['b', 'a'],
      os_distro: 'Ubuntu',
      hw_disk_bus: 'virtio',
      toString: 'own',
    }),
    shown: { tags: expect.toSatisfy((tags: string[]) => [...tags].sort().join() === 'a,b') },
  },
  'a server': {
    path: '/compute/v2.1/servers',
    noun: 'server',
    list: '/compute/v2.1/servers/detail',
    sent: () => ({
      name: 'Server One',
      description: 'd',
      flavorRef: '1',
      imageRef: image,
      networks: [{ uuid: network }],
      metadata: { Key: 'Value' },
      tags: ['b', 'a'],
      accessIPv4: '192.0.2.1',
      accessIPv6: '2001:db8::1',
      'OS-DCF:diskConfig': 'AUTO',
      availability_zone: 'sandbox.b',
      config_drive: true,
    }),
    shown: {
      flavorRef: undefined,
      imageRef: undefined,
      networks: undefined,
      availability_zone: undefined,
      'OS-EXT-AZ:availability_zone': 'sandbox.b',
      config_drive: 'True',
      tags: expect.toSatisfy((tags: string[]) => [...tags].sort().join() === 'a,b'),
    },
  },
  'a project': {
    path: '/identity/v3/projects',
    noun: 'project',
    who: () => admin,
    sent: () => ({ name: 'Kept Project', description: 'd', enabled: false }),
  },
  'a user': {
    path: '/identity/v3/users',
    noun: 'user',
    who: () => admin,
    sent: () => ({ name: 'Kept User', description: 'd', email: 'A@Example.org', enabled: false, password: 'secret-1' }),
    secret: ['password'],
  },
  'a flavor': {
    path: '/compute/v2.1/flavors',
    noun: 'flavor',
    who: () => admin,
    list: '/compute/v2.1/flavors/detail?is_public=None',
    sent: () => ({
      id: 'kept',
      name: 'k1',
      ram: 768,
      vcpus: 1,
      disk: 7,
      swap: 64,
      'OS-FLV-EXT-DATA:ephemeral': 2,
      rxtx_factor: 1,
    }),
  },
}

test.each(Object.keys(CASES))('%s is read as it was sent', async (name) => {
  const { path, noun, sent, shown = {}, secret = [], who = () => demo, list } = CASES[name]!
  const client = who()
  const body = sent()
  const wanted: Record<string, unknown> = Object.fromEntries(
    Object.entries({ ...body, ...shown }).filter(([key, value]) => value !== undefined && !secret.includes(key)),
  )
  const of = (answer: { body: Record<string, unknown> }) => (noun ? answer.body[noun] : answer.body) as { id: string }
  const made = await client.post(path, noun ? { [noun]: body } : body)
  expect(made.status, JSON.stringify(made.body)).toBeLessThan(300)
  const { id } = of(made)
  // Nova tells of a server that is being made only where it is.
  if (name !== 'a server') expect(of(made)).toMatchObject(wanted)
  expect(of(await client.get(`${path}/${id}`))).toMatchObject(wanted)
  await plimsoll.settle()
  const later = of(await client.get(`${path}/${id}`))
  expect(later).toMatchObject(wanted)
  for (const key of secret) expect(later).not.toHaveProperty(key)
  const rows: { id: string }[] = (await client.get(list ?? path)).body[noun ? `${noun}s` : 'images']
  expect(rows.find((row) => row.id === id)).toMatchObject(wanted)
})

test.each([
  ['/image/v2/images', null],
  ['/identity/v3/users', 'user'],
  ['/identity/v3/projects', 'project'],
] as const)('properties of %s have names of any kind', async (path, noun) => {
  const named = JSON.parse('{"name": "odd", "__proto__": "p", "constructor": "c", "toString": "t"}')
  const made = await admin.post(path, noun ? { [noun]: named } : named)
  expect(made.status).toBe(201)
  const shown = noun ? made.body[noun] : made.body
  const { body } = await admin.get(`${path}/${shown.id}`)
  for (const seen of [shown, noun ? body[noun] : body])
    expect(Object.entries(seen)).toEqual(expect.arrayContaining(Object.entries(named)))
  if (!noun) return
  const change = JSON.parse('{"__proto__": "q"}')
  const changed = (await admin.patch(`${path}/${shown.id}`, { [noun]: change })).body[noun]
  expect(Object.entries(changed)).toEqual(
    expect.arrayContaining([
      ['__proto__', 'q'],
      ['constructor', 'c'],
    ]),
  )
})
