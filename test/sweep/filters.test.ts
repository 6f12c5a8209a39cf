import { beforeAll, describe, expect, test } from 'vitest'
import { type Client, type Plimsoll, startPlimsoll } from '../support/harness.ts'

/*
 * Every documented filter of a list narrows it: two resources that differ in an attribute, and exactly one comes. Those that
 * cannot differ here are asked for what both have and for what neither has.
 */

const V2 = '/network/v2.0'
const NOVA = '/compute/v2.1'
const STANDARD = ['id', 'project_id', 'tenant_id', 'description', 'created_at', 'updated_at', 'revision_number']

/** Filters of Neutron's lists, as neutron_lib/api/definitions marks them (`is_filter`). */
const documented: Record<string, { filters: string[]; alike?: string[] }> = {
  networks: {
    filters: [...STANDARD, 'name', 'admin_state_up', 'status', 'shared', 'router:external', 'mtu', 'is_default'],
    alike: ['status', 'router:external', 'mtu', 'is_default'],
  },
  subnets: {
    filters: [
      ...[...STANDARD, 'name', 'ip_version', 'network_id', 'cidr', 'gateway_ip', 'enable_dhcp', 'ipv6_ra_mode'],
      ...['ipv6_address_mode'],
    ],
  },
  subnetpools: {
    filters: [
      ...[...STANDARD, 'name', 'ip_version', 'default_quota', 'default_prefixlen', 'min_prefixlen', 'max_prefixlen'],
      ...['is_default', 'shared', 'address_scope_id'],
    ],
  },
  'address-scopes': {
    filters: ['id', 'project_id', 'tenant_id', 'name', 'ip_version', 'shared'],
  },
  ports: {
    filters: [
      ...[...STANDARD, 'name', 'network_id', 'admin_state_up', 'mac_address', 'device_id', 'device_owner', 'status'],
      ...['binding:host_id'],
    ],
    alike: ['status'],
  },
  routers: { filters: [...STANDARD, 'name', 'admin_state_up'], alike: ['revision_number'] },
  'security-groups': { filters: [...STANDARD, 'name'] },
  'security-group-rules': {
    filters: [
      ...[...STANDARD, 'security_group_id', 'direction', 'ethertype', 'protocol', 'port_range_min', 'port_range_max'],
      'remote_ip_prefix',
    ],
    alike: ['revision_number'],
  },
  floatingips: {
    filters: [
      ...[...STANDARD, 'floating_ip_address', 'floating_network_id', 'port_id', 'fixed_ip_address', 'router_id'],
      'status',
    ],
    alike: ['floating_network_id', 'status'],
  },
}

type Row = Record<string, unknown> & { id: string }
let plimsoll: Plimsoll
let admin: Client
const pairs: Record<string, [Row, Row]> = {}

beforeAll(async () => {
  plimsoll = await startPlimsoll({ clouds: [{ name: 'sandbox', type: 'sandbox', projects: ['demo', 'admin'] }] })
  admin = plimsoll.as('admin')
  const resourceOf = (collection: string) => collection.replace(/s$/, '').replaceAll('-', '_')
  /** In turn demo's and an administrator's, at different times, the second changed once more. */
  const both = async (
    collection: string,
    first: object,
    second: object,
    change: object | null = { description: 'd' },
  ) => {
    const rows: Row[] = []
    const resource = resourceOf(collection)
    for (const [body, client] of [
      [first, plimsoll.as('demo')],
      [second, admin],
    ] as const) {
      const answer = await client.post(`${V2}/${collection}`, { [resource]: body })
      expect([collection, answer.status, JSON.stringify(answer.body)]).toEqual([collection, 201, expect.anything()])
      rows.push(answer.body[resource])
      plimsoll.clock.advance(60_000)
    }
    if (change) await admin.put(`${V2}/${collection}/${rows[1]!.id}`, { [resource]: change })
    const shown = async ({ id }: Row) => (await admin.get(`${V2}/${collection}/${id}`)).body[resource] as Row
    pairs[collection] = [await shown(rows[0]!), await shown(rows[1]!)]
    return pairs[collection]
  }
  const [near, far] = await both('networks', { name: 'a' }, { name: 'b', shared: true, admin_state_up: false })
  const slaac = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }
  const [subnet] = await both(
    'subnets',
    { name: 'a', network_id: near.id, ip_version: 4, cidr: '10.0.0.0/24', enable_dhcp: false },
    { name: 'b', network_id: far.id, ip_version: 6, cidr: '2001:db8::/64', ...slaac },
  )
  const [scope] = await both(
    'address-scopes',
    { name: 'a', ip_version: 4 },
    { name: 'b', ip_version: 6, shared: true },
    null,
  )
  await both(
    'subnetpools',
    { name: 'a', prefixes: ['10.0.0.0/8'], default_quota: 1, address_scope_id: scope.id },
    { name: 'b', prefixes: ['2001:db8::/32'], default_quota: 2, shared: true, is_default: true },
  )
  const [port] = await both(
    'ports',
    { name: 'a', network_id: near.id },
    { name: 'b', network_id: far.id, admin_state_up: false, device_id: 'x', device_owner: 'y', 'binding:host_id': 'h' },
  )
  const external = (await admin.get(`${V2}/networks?router:external=true`)).body.networks[0].id
  const [router] = await both(
    'routers',
    { name: 'a', external_gateway_info: { network_id: external } },
    { name: 'b', admin_state_up: false },
  )
  const [group, other] = await both('security-groups', { name: 'a' }, { name: 'b' })
  await both(
    'security-group-rules',
    {
      security_group_id: group.id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 1,
      port_range_max: 2,
      description: 'c',
    },
    {
      security_group_id: other.id,
      direction: 'egress',
      ethertype: 'IPv6',
      protocol: 'udp',
      port_range_min: 3,
      port_range_max: 4,
      remote_ip_prefix: '2001:db8::/32',
    },
    null,
  )
  const gateway = subnet.gateway_ip === null ? null : { subnet_id: subnet.id }
  await plimsoll.as('demo').put(`${V2}/routers/${router.id}/add_router_interface`, gateway)
  await both('floatingips', { floating_network_id: external, port_id: port.id }, { floating_network_id: external })
  await plimsoll.settle()
})

const found = async (client: Client, path: string, of: Row[]): Promise<string[] | number> => {
  const { status, body } = await client.get(path)
  if (status !== 200) return status
  const [rows] = Object.values<Row[]>(body)
  return rows!.map(({ id }) => id).filter((id) => of.some((row) => row.id === id))
}

describe.each(Object.entries(documented))('%s', (collection, { filters, alike = [] }) => {
  test.each(filters)('by %s', async (filter) => {
    const resource = collection.replace(/s$/, '').replaceAll('-', '_')
    const rows = await Promise.all(
      pairs[collection]!.map(async ({ id }) => (await admin.get(`${V2}/${collection}/${id}`)).body[resource] as Row),
    )
    const ask = (value: unknown) =>
      found(admin, `${V2}/${collection}?${encodeURIComponent(filter)}=${encodeURIComponent(String(value))}`, rows)
    const values = rows.map((row) => row[filter])
    expect([filter, values[0] === values[1]]).toEqual([filter, alike.includes(filter)])
    for (const [i, value] of values.entries()) {
      if (value === null) continue
      const expected = rows.filter((_, other) => values[other] === value).map(({ id }) => id)
      expect([filter, value, ...((await ask(value)) as string[]).sort()]).toEqual([filter, value, ...expected.sort()])
      expect(expected).toContain(rows[i]!.id)
    }
    // Lengths of prefixes are shown as text, and are numbers.
    const counted = typeof values[0] === 'number' || /_prefixlen$/.test(filter)
    const neither = counted ? 99_999 : typeof values[0] === 'boolean' ? null : 'neither'
    const isTime = /_at$/.test(filter)
    if (neither !== null && !isTime && typeof values[0] === 'string') expect(await ask(neither)).toEqual([])
  })

  test('by what nobody knows is refused', async () => {
    const { status, body } = await admin.get(`${V2}/${collection}?nonsense=1`)
    expect([status, body.NeutronError.message]).toEqual([400, "['nonsense'] is invalid attribute for filtering"])
  })
})

describe('servers', () => {
  let servers: Row[]
  beforeAll(async () => {
    const demo = plimsoll.as('demo').with({ 'OpenStack-API-Version': 'compute 2.96' })
    const image = (await demo.get('/image/v2/images')).body.images.find(
      ({ name }: { name: string }) => name === 'sandbox-linux',
    ).id
    const boot = async (client: Client, more: object) => {
      const body = { imageRef: image, flavorRef: '1', networks: 'none', ...more }
      const answer = await client.post(`${NOVA}/servers`, { server: body })
      expect(answer.status, JSON.stringify(answer.body)).toBe(202)
      await plimsoll.settle()
      plimsoll.clock.advance(60_000)
      return answer.body.server.id as string
    }
    const boss = admin.with({ 'OpenStack-API-Version': 'compute 2.96' })
    const ids = [
      await boot(demo, {
        name: 'a',
        hostname: 'a',
        availability_zone: 'sandbox.a',
        tags: ['x'],
        accessIPv4: '192.0.2.1',
      }),
      await boot(boss, {
        ...{ name: 'b', hostname: 'b', availability_zone: 'sandbox.b', flavorRef: '2', description: 'd' },
        ...{ 'OS-DCF:diskConfig': 'AUTO', config_drive: true },
      }),
    ]
    await boss.post(`${NOVA}/servers/${ids[1]}/action`, { lock: null })
    await boss.post(`${NOVA}/servers/${ids[1]}/action`, { 'os-stop': null })
    await plimsoll.settle()
    servers = await Promise.all(ids.map(async (id) => (await boss.get(`${NOVA}/servers/${id}`)).body.server as Row))
  })

  test.each<[string, (row: Row) => unknown]>([
    ['name', ({ name }) => name],
    ['display_name', ({ name }) => name],
    ['hostname', ({ name }) => name],
    ['uuid', ({ id }) => id],
    ['status', ({ status }) => status],
    ['flavor', (row) => (row.name === 'a' ? '1' : '2')],
    ['tenant_id', (row) => row.tenant_id],
    ['project_id', (row) => row.tenant_id],
    ['user_id', (row) => row.user_id],
    ['vm_state', (row) => row['OS-EXT-STS:vm_state']],
    ['power_state', (row) => row['OS-EXT-STS:power_state']],
    ['availability_zone', (row) => row['OS-EXT-AZ:availability_zone']],
    ['node', (row) => row['OS-EXT-SRV-ATTR:hypervisor_hostname']],
    ['created_at', (row) => row.created],
    ['launched_at', (row) => `${row['OS-SRV-USG:launched_at']}Z`],
    ['locked', (row) => row.locked],
    ['config_drive', (row) => row.config_drive === 'True'],
    ['auto_disk_config', (row) => row['OS-DCF:diskConfig'] === 'AUTO'],
  ])('by %s', async (filter, of) => {
    const boss = admin.with({ 'OpenStack-API-Version': 'compute 2.96' })
    for (const row of servers) {
      const query = `all_tenants=1&${filter}=${encodeURIComponent(String(of(row)))}`
      expect([query, await found(boss, `${NOVA}/servers?${query}`, servers)]).toEqual([query, [row.id]])
    }
  })

  test.each<[string, boolean]>([
    ['host=sandbox', true],
    ['host=x', false],
    ['kernel_id=', true],
    ['kernel_id=x', false],
    ['ramdisk_id=x', false],
    ['root_device_name=/dev/vda', true],
    ['root_device_name=/dev/sda', false],
    ['soft_deleted=true', false],
    ['soft_deleted=false', true],
  ])('what all have alike: %s', async (query, all) => {
    const ids = servers.map(({ id }) => id).sort()
    const asked = await found(admin, `${NOVA}/servers?all_tenants=1&${query}`, servers)
    expect((asked as string[]).sort()).toEqual(all ? ids : [])
  })

  test('by what nobody knows: passed over before 2.75, refused from then on; a project of others only among all', async () => {
    const demo = plimsoll.as('demo')
    const own = [servers[0]!.id]
    expect(await found(demo, `${NOVA}/servers?nonsense=1`, servers)).toEqual(own)
    const from75 = demo.with({ 'OpenStack-API-Version': 'compute 2.75' })
    expect(await found(from75, `${NOVA}/servers?nonsense=1`, servers)).toBe(400)
    expect(await found(from75, `${NOVA}/servers?host=x`, servers)).toEqual(own)
    const ofOthers = `tenant_id=${plimsoll.projectId('demo')}`
    expect(await found(admin, `${NOVA}/servers?${ofOthers}`, servers)).toEqual([servers[1]!.id])
    expect(await found(admin, `${NOVA}/servers?${ofOthers}&all_tenants=1`, servers)).toEqual(own)
  })
})

describe('identity', () => {
  const make = async (collection: string, resource: string, names: string[]) => {
    for (const name of names)
      expect((await admin.post(`/identity/v3/${collection}`, { [resource]: { name } })).status).toBe(201)
  }
  beforeAll(async () => {
    for (const [collection, resource] of [
      ['users', 'user'],
      ['projects', 'project'],
      ['roles', 'role'],
    ])
      await make(collection!, resource!, ['Red-one', 'red-two'])
  })

  test.each(['users', 'projects', 'roles'])('%s by a part of their name', async (collection) => {
    const names = async (query: string) =>
      Object.values<{ name: string }[]>(
        Object.fromEntries(
          Object.entries((await admin.get(`/identity/v3/${collection}?${query}`)).body).filter(
            ([key]) => key === collection,
          ),
        ) as never,
      )[0]!
        .map(({ name }) => name)
        .filter((name) => /red/i.test(name))
        .sort()
    expect(await names('name__contains=ed-o')).toEqual(['Red-one'])
    expect(await names('name__contains=RED')).toEqual([])
    expect(await names('name__icontains=RED')).toEqual(['Red-one', 'red-two'])
    expect(await names('name__startswith=red')).toEqual(['red-two'])
    expect(await names('name__istartswith=RED-T')).toEqual(['red-two'])
    expect(await names('name__endswith=one')).toEqual(['Red-one'])
    expect(await names('name__iendswith=TWO&name__startswith=red')).toEqual(['red-two'])
    expect(await names('name__sounds=x&nonsense=1'), 'what nobody knows is passed over').toEqual(['Red-one', 'red-two'])
    expect(await names('name=Red-one')).toEqual(['Red-one'])
  })

  test('what nothing here has finds nothing', async () => {
    for (const query of ['idp_id=x', 'protocol_id=x', 'unique_id=x', 'password_expires_at=lt:2030-01-01T00:00:00Z'])
      expect([query, (await admin.get(`/identity/v3/users?${query}`)).body.users]).toEqual([query, []])
    const both = await admin.get('/identity/v3/projects?domain_id=default&parent_id=other')
    expect(both.body.projects).toEqual([])
  })
})
