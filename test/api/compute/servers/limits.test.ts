import { Buffer } from 'node:buffer'
import { eq } from 'drizzle-orm'
import { beforeAll, describe, expect, test } from 'vitest'
import { bindings } from '../../../../db/schema/index.ts'
import { narrow, narrowCloudType } from '../../../support/narrow-cloud.ts'
import { NOVA, newWorld, type World } from './world.ts'

const NEUTRON = '/network/v2.0'
const [NARROW, WIDE] = [
  { name: 'narrow', type: 'narrow' },
  { name: 'wide', type: 'sandbox' },
]
beforeAll(narrowCloudType)

let world: World
let image: string
const begin = async (...clouds: { name: string; type: string }[]) => {
  narrow.refusing = false
  world = await newWorld({ clouds })
  for (const [position, { name }] of clouds.entries())
    expect((await world.admin.patch(`/broker/v1/clouds/${name}`, { cloud: { position } })).status).toBe(200)
  // On every cloud: which of them a server goes to is for its wish to decide.
  const made = (
    await world.demo.post('/image/v2/images', { name: 'own', disk_format: 'raw', container_format: 'bare' })
  ).body
  const type = { 'Content-Type': 'application/octet-stream' }
  await world.demo.send('PUT', `/image/v2/images/${made.id}/file`, new Uint8Array(1024), type)
  image = made.id
}

const neutron = async (resource: string, body: object) => {
  const answer = await world.demo.post(`${NEUTRON}/${resource}s`, { [resource]: body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body[resource]
}
const network = async (...subnets: object[]): Promise<string> => {
  const { id } = await neutron('network', {})
  for (const subnet of subnets) await neutron('subnet', { network_id: id, ip_version: 4, ...subnet })
  return id
}
const on = async (...subnets: object[]) => ({ networks: [{ uuid: await network(...subnets) }] })
const plain = { cidr: '10.0.0.0/24' }

type Wish = () => Promise<object>
const wishes: [what: string, wish: Wish, why: string][] = [
  [
    '20 KiB of user data',
    async () => ({ ...(await on(plain)), user_data: Buffer.alloc(20480, '#').toString('base64') }),
    'takes 16384 bytes of user data at most, and these are 20480',
  ],
  [
    'a subnet that is too small',
    () => on({ cidr: '10.0.0.0/29' }),
    'takes subnets of /16 to /28, and 10.0.0.0/29 is not',
  ],
  [
    'a subnet that is too large',
    () => on({ cidr: '10.0.0.0/15' }),
    'takes subnets of /16 to /28, and 10.0.0.0/15 is not',
  ],
  [
    'a gateway elsewhere',
    () => on({ ...plain, gateway_ip: '10.0.0.254' }),
    'takes 10.0.0.1 as the gateway of 10.0.0.0/24, and not 10.0.0.254',
  ],
  ['no DHCP', () => on({ ...plain, enable_dhcp: false }), 'takes no subnets without DHCP, and 10.0.0.0/24 has none'],
  [
    'both families',
    () => on(plain, { ip_version: 6, cidr: '2001:db8::/64' }),
    'takes no subnets of IPv6, and 2001:db8::/64 is one',
  ],
  [
    'many name servers',
    () => on({ ...plain, dns_nameservers: [1, 2, 3, 4, 5].map((i) => `192.0.2.${i}`) }),
    'takes 4 name servers of a subnet at most, and 10.0.0.0/24 has 5',
  ],
  [
    'name servers that differ',
    () => on(plain, { cidr: '10.0.1.0/24', dns_nameservers: ['192.0.2.1'] }),
    'takes the same name servers for all subnets of a network, and these differ',
  ],
  [
    'subnets far apart',
    () => on(plain, { cidr: '10.9.0.0/24' }),
    'takes networks of /16 at most, and its subnets together need /12',
  ],
  [
    'many metadata items',
    async () => ({
      ...(await on(plain)),
      metadata: Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, 'v'])),
    }),
    'takes 40 metadata items at most, and these are 60',
  ],
  [
    'a long metadata key',
    async () => ({ ...(await on(plain)), metadata: { ['k'.repeat(200)]: 'v' } }),
    `takes metadata of 119 characters a key and 256 a value at most, and ${'k'.repeat(200)} has more`,
  ],
  [
    'a key of another type',
    async () => {
      const public_key =
        'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFoW8ZDkYIvE7mCpdVLvPEpNVLd8kUC0yUsQvC5NrQ1h6g8vP8cJqCq0cFQnqfPSlVXnsj5YqQ2q0EYwp1mFqPM= k'
      await world.demo.post(`${NOVA}/os-keypairs`, { keypair: { name: 'k', public_key } })
      return { ...(await on(plain)), key_name: 'k' }
    },
    'takes keys of ssh-rsa and ssh-ed25519, and not of ecdsa-sha2-nistp256',
  ],
  ['no port at all', async () => ({ networks: 'none' }), 'takes no server with fewer than 1 ports'],
  [
    'a port without port security',
    async () => {
      const network_id = await network(plain)
      const port = await neutron('port', { network_id, port_security_enabled: false, security_groups: [] })
      return { networks: [{ port: port.id }] }
    },
    'filters the traffic of every port, as the mapping of the project permits nothing else',
  ],
  [
    'a port in two subnets',
    async () => {
      const { id } = await neutron('network', {})
      const ids = []
      for (const cidr of ['10.0.0.0/24', '10.0.1.0/24'])
        ids.push((await neutron('subnet', { network_id: id, ip_version: 4, cidr })).id)
      const port = await neutron('port', { network_id: id, fixed_ips: ids.map((subnet_id) => ({ subnet_id })) })
      return { networks: [{ port: port.id }] }
    },
    'takes ports in 1 subnet at most, and one is in 2',
  ],
]

const boot = (more: object) => world.boot({ imageRef: image, ...more })
const settled = async (id: string) => {
  await world.plimsoll.settle()
  return world.server(id)
}

describe('a wish beyond the limits of a cloud', () => {
  test.each(wishes)('%s goes to another one that can', async (_, wish) => {
    await begin(NARROW!, WIDE!)
    const answer = await boot(await wish())
    expect(answer.status, JSON.stringify(answer.body)).toBe(202)
    const server = await settled(answer.body.server.id)
    expect([server.status, server['OS-EXT-AZ:availability_zone'].split('.')[0]]).toEqual(['ACTIVE', 'wide'])
  })

  test.each(wishes)('%s is refused beforehand where there is no other, and ties nothing', async (_, wish, why) => {
    await begin(NARROW!)
    const asked = await wish()
    const answer = await boot(asked)
    expect([answer.status, answer.body.conflictingRequest?.message]).toEqual([409, `Cloud narrow ${why}.`])
    for (const { availability_zones } of (await world.demo.get(`${NEUTRON}/networks`)).body.networks.filter(
      (each: Record<string, unknown>) => !each['router:external'],
    ))
      expect(availability_zones).toEqual([])
    expect((await world.demo.get(`${NOVA}/servers`)).body.servers).toEqual([])
  })

  test('a plain wish goes to the cloud that is preferred', async () => {
    await begin(NARROW!, WIDE!)
    const server = await settled((await boot(await on(plain))).body.server.id)
    expect([server.status, server['OS-EXT-AZ:availability_zone'].split('.')[0]]).toEqual(['ACTIVE', 'narrow'])
  })

  test('is none where its mapping permits it: a port without port security is one, and becomes one', async () => {
    await begin(NARROW!)
    const mapping = `/broker/v1/projects/${world.plimsoll.projectId('demo')}/clouds/narrow`
    const said = async (body: object) => (await world.admin.put(mapping, { mapping: body })).body.error?.message
    expect(await said({ filters: 'trusted' })).toBe(
      'Cloud narrow filters the traffic of every port: filters are enforced there, unless a mapping says port_security_off.',
    )
    const id = await network(plain)
    const guarded = await neutron('port', { network_id: id })
    const server = await settled((await boot({ networks: [{ port: guarded.id }] })).body.server.id)
    const off = { port: { port_security_enabled: false, security_groups: [] } }
    const refused = await world.demo.put(`${NEUTRON}/ports/${guarded.id}`, off)
    expect([refused.status, refused.body.NeutronError.message]).toEqual([
      409,
      'Cloud narrow filters the traffic of every port, as the mapping of the project permits nothing else.',
    ])
    expect(await said({ port_security_off: true })).toBeUndefined()
    expect((await world.demo.get('/broker/v1/capabilities')).body.clouds[0]).toMatchObject({
      filters: 'enforced',
      port_security_off: true,
    })
    const open = await neutron('port', { network_id: id, port_security_enabled: false })
    const bare = await settled((await boot({ networks: [{ port: open.id }] })).body.server.id)
    expect([server.status, bare.status]).toEqual(['ACTIVE', 'ACTIVE'])
    const frozen = async (port: string) =>
      (await world.plimsoll.db.select().from(bindings).where(eq(bindings.resourceId, port)))[0]!.frozen
    expect(await frozen(open.id)).toMatchObject({ portSecurity: false, securityGroups: [] })
    expect((await world.demo.put(`${NEUTRON}/ports/${guarded.id}`, off)).status).toBe(200)
    await world.plimsoll.settle()
    const { port } = (await world.demo.get(`${NEUTRON}/ports/${guarded.id}`)).body
    expect(port).toMatchObject({ port_security_enabled: false, security_groups: [], 'plimsoll:filters': 'enforced' })
  })

  test('is refused of a network that is there already: new subnets, changed ones, and interfaces', async () => {
    await begin(NARROW!, WIDE!)
    const id = await network(plain)
    const server = await settled((await boot({ networks: [{ uuid: id }] })).body.server.id)
    const words = (answer: { status: number; body: { NeutronError: { message: string } } }) => [
      answer.status,
      answer.body.NeutronError.message,
    ]
    expect(
      words(
        await world.demo.post(`${NEUTRON}/subnets`, {
          subnet: { network_id: id, ip_version: 4, cidr: '10.0.1.0/29' },
        }),
      ),
    ).toEqual([409, 'Cloud narrow takes subnets of /16 to /28, and 10.0.1.0/29 is not.'])
    const [subnet] = (await world.demo.get(`${NEUTRON}/subnets?network_id=${id}`)).body.subnets
    expect(words(await world.demo.put(`${NEUTRON}/subnets/${subnet.id}`, { subnet: { enable_dhcp: false } }))).toEqual([
      409,
      'Cloud narrow takes no subnets without DHCP, and 10.0.0.0/24 has none.',
    ])
    const small = await network({ cidr: '10.7.0.0/29' })
    const attached = await world.demo.post(`${NOVA}/servers/${server.id}/os-interface`, {
      interfaceAttachment: { net_id: small },
    })
    expect([attached.status, attached.body.conflictingRequest?.message]).toEqual([
      409,
      'Cloud narrow takes subnets of /16 to /28, and 10.7.0.0/29 is not.',
    ])
    const external = (await world.demo.get(`${NEUTRON}/networks?router:external=true`)).body.networks.find(
      (each: { availability_zones: string[] }) => each.availability_zones[0]?.startsWith('narrow'),
    )
    const router = await neutron('router', { external_gateway_info: { network_id: external.id } })
    const [little] = (await world.demo.get(`${NEUTRON}/subnets?network_id=${small}`)).body.subnets
    expect(
      words(await world.demo.put(`${NEUTRON}/routers/${router.id}/add_router_interface`, { subnet_id: little.id })),
    ).toEqual([409, 'Cloud narrow takes subnets of /16 to /28, and 10.7.0.0/29 is not.'])
  })
})

describe('a server that comes to nothing', () => {
  const homeOf = async (id: string) =>
    (await world.demo.get(`${NEUTRON}/networks/${id}`)).body.network.availability_zones
  const there = async (kind: string) =>
    (await world.plimsoll.db.select().from(bindings)).filter((each) => each.kind === kind && each.phase === 'bound')

  test('ties its network to no cloud, once it is gone or if nothing was made, and what was made goes', async () => {
    await begin(NARROW!, WIDE!)
    const id = await network(plain)
    const brought = await neutron('port', { network_id: id })
    narrow.refusing = true
    const failed = await settled((await boot({ networks: [{ port: brought.id }] })).body.server.id)
    expect([failed.status, failed.fault.message]).toEqual(['ERROR', 'The cloud wants no such server.'])
    expect(await homeOf(id), 'its port is on the cloud').toEqual(['narrow.a'])
    await world.demo.delete(`${NOVA}/servers/${failed.id}`)
    await world.plimsoll.settle()
    await world.demo.delete(`${NEUTRON}/ports/${brought.id}`)
    await world.plimsoll.settle()

    const own = await settled((await boot({ networks: [{ uuid: id }] })).body.server.id)
    await world.demo.delete(`${NOVA}/servers/${own.id}`)
    await world.plimsoll.settle()
    expect(await homeOf(id)).toEqual([])
    expect([await there('network'), await there('subnet'), await there('port')]).toEqual([[], [], []])

    const wide = await settled((await boot({ networks: [{ uuid: id }], availability_zone: 'wide' })).body.server.id)
    expect(wide.status).toBe('ACTIVE')
  })

  test('does not keep its network from coming back to the same cloud', async () => {
    await begin(NARROW!)
    const id = await network(plain)
    narrow.refusing = true
    const failed = await settled((await boot({ networks: [{ uuid: id }] })).body.server.id)
    await world.demo.delete(`${NOVA}/servers/${failed.id}`)
    await world.plimsoll.settle()
    narrow.refusing = false
    expect((await settled((await boot({ networks: [{ uuid: id }] })).body.server.id)).status).toBe('ACTIVE')
    expect(await homeOf(id)).toEqual(['narrow.a'])
  })

  test('is followed by another on its network at once, which is made when the cloud has let go of it', async () => {
    await begin(NARROW!)
    const id = await network(plain)
    narrow.refusing = true
    const failed = await settled((await boot({ networks: [{ uuid: id }] })).body.server.id)
    await world.demo.delete(`${NOVA}/servers/${failed.id}`)
    await world.plimsoll.runDeferred()
    narrow.refusing = false
    const next = await settled((await boot({ networks: [{ uuid: id }] })).body.server.id)
    expect([next.status, await homeOf(id)]).toEqual(['ACTIVE', ['narrow.a']])
  })

  test('leaves a network to those who are on it', async () => {
    await begin(NARROW!, WIDE!)
    const id = await network(plain)
    const first = await settled((await boot({ networks: [{ uuid: id }] })).body.server.id)
    narrow.refusing = true
    const second = await settled((await boot({ networks: [{ uuid: id }] })).body.server.id)
    await world.demo.delete(`${NOVA}/servers/${second.id}`)
    await world.plimsoll.settle()
    expect([first.status, second.status, await homeOf(id)]).toEqual(['ACTIVE', 'ERROR', ['narrow.a']])
    expect(await there('network')).toHaveLength(1)
  })
})
