import { beforeAll, expect, test } from 'vitest'
import { operations } from '../../../functions/app.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../../support/harness.ts'

/* What is listed is kept, and what is kept is listed: attributes and routes as neutron_lib/api/definitions promises them. */

const V2 = '/network/v2.0'
const STANDARD = [
  ...['networks', 'subnets', 'subnetpools', 'ports', 'routers', 'floatingips', 'security-groups'],
  'security-group-rules',
]
/** What has times, a description and a revision. */
const TIMED = [...STANDARD, 'segments', 'qos/policies']
const SHOWN = [...TIMED, 'address-scopes']
const TAGGED = [...STANDARD.filter((each) => each !== 'security-group-rules'), 'qos/policies']
const among = (collections: string[], ...attributes: string[]) =>
  Object.fromEntries(collections.map((collection) => [collection, attributes]))

interface Pledge {
  attributes?: Record<string, string[]>
  /** Paths below `/v2.0`, without ids and what follows them. */
  routes?: string[]
  /** A query that has to be understood. */
  query?: string
}

const core: Pledge = {
  attributes: {
    networks: ['id', 'tenant_id', 'name', 'subnets', 'admin_state_up', 'status', 'shared'],
    subnets: [
      ...['id', 'tenant_id', 'name', 'ip_version', 'network_id', 'subnetpool_id', 'cidr', 'gateway_ip', 'enable_dhcp'],
      ...['allocation_pools', 'dns_nameservers', 'host_routes', 'ipv6_ra_mode', 'ipv6_address_mode'],
    ],
    subnetpools: [
      ...['id', 'tenant_id', 'name', 'prefixes', 'ip_version', 'min_prefixlen', 'max_prefixlen', 'default_prefixlen'],
      ...['default_quota', 'is_default', 'shared'],
    ],
    ports: [
      ...['id', 'tenant_id', 'name', 'network_id', 'admin_state_up', 'mac_address', 'fixed_ips', 'device_id'],
      ...['device_owner', 'status'],
    ],
  },
  // Clients ask for agents without looking whether there is an extension of them.
  routes: ['networks', 'subnets', 'ports', 'subnetpools', 'extensions', 'agents', ''],
}

const promises: Record<string, Pledge> = {
  'address-group': { routes: ['address-groups'] },
  'address-scope': {
    attributes: {
      'address-scopes': ['id', 'tenant_id', 'name', 'shared', 'ip_version'],
      subnetpools: ['address_scope_id'],
      networks: ['ipv4_address_scope', 'ipv6_address_scope'],
    },
    routes: ['address-scopes'],
  },
  'allowed-address-pairs': { attributes: { ports: ['allowed_address_pairs'] } },
  'auto-allocated-topology': { attributes: { networks: ['is_default'] }, routes: ['auto-allocated-topology'] },
  availability_zone: { routes: ['availability_zones'] },
  binding: {
    attributes: {
      ports: ['vif_type', 'vif_details', 'vnic_type', 'host_id', 'profile'].map((name) => `binding:${name}`),
    },
  },
  'default-subnetpools': {},
  'empty-string-filtering': { query: 'networks?name=' },
  'ext-gw-mode': {},
  'external-net': { attributes: { networks: ['router:external'] } },
  extraroute: { attributes: { routers: ['routes'] } },
  'extraroute-atomic': {},
  extra_dhcp_opt: { attributes: { ports: ['extra_dhcp_opts'] } },
  'filter-validation': {},
  'fip-port-details': { attributes: { floatingips: ['port_details'] } },
  'ip-substring-filtering': { query: 'ports?fixed_ips=ip_address_substr%3D10.' },
  ip_allocation: { attributes: among(['ports'], 'ip_allocation') },
  l2_adjacency: { attributes: among(['networks'], 'l2_adjacency') },
  'multi-provider': {},
  'net-mtu': { attributes: { networks: ['mtu'] } },
  'net-mtu-writable': { attributes: { networks: ['mtu'] } },
  'network-ip-availability': { routes: ['network-ip-availabilities'] },
  network_availability_zone: { attributes: among(['networks'], 'availability_zones', 'availability_zone_hints') },
  pagination: { query: 'networks?limit=1' },
  'plimsoll-egress': { attributes: { routers: ['plimsoll:egress_of'] } },
  'plimsoll-filters': { attributes: { ports: ['plimsoll:filters'] } },
  'plimsoll-reach': { attributes: among(['networks', 'ports'], 'plimsoll:reach') },
  'plimsoll-routed': { attributes: among(['networks'], 'plimsoll:routed') },
  'port-security': { attributes: among(['networks', 'ports'], 'port_security_enabled') },
  'port-security-groups-filtering': { query: 'ports?security_groups=x' },
  'project-id': { attributes: among([...STANDARD, 'qos/policies', 'address-scopes'], 'project_id') },
  provider: {
    attributes: among(['networks'], 'provider:network_type', 'provider:physical_network', 'provider:segmentation_id'),
  },
  qos: {
    attributes: {
      ...among(['networks', 'ports'], 'qos_policy_id'),
      'qos/policies': ['id', 'tenant_id', 'name', 'shared', 'rules'],
    },
    routes: ['qos'],
  },
  'qos-bw-limit-direction': {},
  'qos-default': { attributes: { 'qos/policies': ['is_default'] } },
  'qos-port-network-policy': { attributes: { ports: ['qos_network_policy_id'] } },
  'qos-rule-type-details': {},
  'qos-rule-type-filter': { query: 'qos/rule-types?all_rules=true' },
  'qos-rules-alias': {},
  quotas: { routes: ['quotas'] },
  'quota-check-limit': {},
  'quota-check-limit-default': {},
  quota_details: {},
  'rbac-address-group': {},
  'rbac-address-scope': {},
  'rbac-policies': { routes: ['rbac-policies'] },
  'rbac-security-groups': { attributes: { 'security-groups': ['shared'] } },
  'rbac-subnetpool': {},
  'revision-if-match': {},
  router: {
    attributes: {
      routers: ['id', 'tenant_id', 'name', 'admin_state_up', 'status', 'external_gateway_info'],
      floatingips: [
        ...['id', 'tenant_id', 'floating_ip_address', 'floating_network_id', 'router_id', 'port_id'],
        ...['fixed_ip_address', 'status'],
      ],
    },
    routes: ['routers', 'floatingips'],
  },
  router_availability_zone: { attributes: among(['routers'], 'availability_zones', 'availability_zone_hints') },
  'security-group': {
    attributes: {
      ports: ['security_groups'],
      'security-groups': ['id', 'tenant_id', 'name', 'security_group_rules'],
      'security-group-rules': [
        ...['id', 'tenant_id', 'security_group_id', 'remote_group_id', 'direction', 'protocol', 'port_range_min'],
        ...['port_range_max', 'ethertype', 'remote_ip_prefix'],
      ],
    },
    routes: ['security-groups', 'security-group-rules'],
  },
  'security-groups-default-rules': { routes: ['default-security-group-rules'] },
  'security-groups-remote-address-group': { attributes: { 'security-group-rules': ['remote_address_group_id'] } },
  'security-groups-normalized-cidr': { attributes: { 'security-group-rules': ['normalized_cidr'] } },
  segment: {
    attributes: {
      segments: ['id', 'network_id', 'physical_network', 'network_type', 'segmentation_id', 'name'],
      subnets: ['segment_id'],
    },
    routes: ['segments'],
  },
  'service-type': { routes: ['service-providers'] },
  'sort-key-validation': {},
  sorting: { query: 'networks?sort_key=name&sort_dir=desc' },
  'standard-attr-description': { attributes: among(TIMED, 'description') },
  'standard-attr-revisions': { attributes: among(TIMED, 'revision_number') },
  'standard-attr-segment': { attributes: among(['segments'], 'revision_number') },
  'standard-attr-tag': { attributes: among(TAGGED, 'tags'), routes: ['policies'], query: 'networks?tags=a' },
  'standard-attr-timestamp': { attributes: among(TIMED, 'created_at', 'updated_at') },
  'stateful-security-group': { attributes: among(['security-groups'], 'stateful') },
  'subnet-service-types': { attributes: { subnets: ['service_types'] } },
  subnet_allocation: {},
  subnet_onboard: {},
  'subnetpool-prefix-ops': {},
}

let plimsoll: Plimsoll
let admin: Client
let shown: Record<string, object>
beforeAll(async () => {
  plimsoll = await startPlimsoll()
  const demo = plimsoll.as('demo')
  admin = plimsoll.as('admin')
  const make = async (collection: string, body: object) => {
    const resource = collection.replace(/s$/, '').replaceAll('-', '_')
    return Object.values<{ id: string }>((await demo.post(`${V2}/${collection}`, { [resource]: body })).body)[0]!
  }
  const network = await make('networks', {})
  await make('subnets', { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' })
  await make('subnetpools', { name: 'p', prefixes: ['10.0.0.0/8'] })
  await make('address-scopes', { ip_version: 4 })
  await make('ports', { network_id: network.id })
  await make('routers', {})
  const external = (await demo.get(`${V2}/networks?router:external=true`)).body.networks[0]
  await make('floatingips', { floating_network_id: external.id })
  await admin.post(`${V2}/qos/policies`, { policy: { name: 'p' } })
  shown = {}
  for (const collection of SHOWN)
    shown[collection] = Object.values<object[]>((await admin.get(`${V2}/${collection}?limit=1`)).body)[0]![0]!
})

const listed = async (): Promise<string[]> =>
  (await admin.get(`${V2}/extensions`)).body.extensions.map(({ alias }: { alias: string }) => alias)

test('every extension that is listed says here what it promises, and no other', async () => {
  expect((await listed()).sort()).toEqual(Object.keys(promises).sort())
})

test('answers have exactly the attributes of the core and of what is listed', () => {
  for (const collection of SHOWN) {
    const promised = [core, ...Object.values(promises)].flatMap(({ attributes }) => attributes?.[collection] ?? [])
    expect([collection, ...Object.keys(shown[collection]!).sort()]).toEqual([
      collection,
      ...[...new Set(promised)].sort(),
    ])
  }
})

test('routes are exactly those of the core and of what is listed', () => {
  const own = operations.filter(({ service }) => service.name === 'neutron').map(({ operation }) => operation.path)
  const there = own.filter((path) => path.startsWith('/v2.0')).map((path) => path.split('/')[2] ?? '')
  const promised = [core, ...Object.values(promises)].flatMap(({ routes }) => routes ?? [])
  expect([...new Set(there)].sort()).toEqual(promised.sort())
})

test('queries of what is listed are understood', async () => {
  for (const { query } of Object.values(promises))
    if (query) expect([query, (await admin.get(`${V2}/${query}`)).status]).toEqual([query, 200])
})

test('what a binding was asked to be comes back to admins, and is for nobody else', async () => {
  const demo = plimsoll.as('demo')
  const { id } = (await demo.get(`${V2}/ports`)).body.ports[0]
  const asked = { 'binding:host_id': 'h1', 'binding:profile': { a: 1 } }
  const set = await admin.put(`${V2}/ports/${id}`, { port: asked })
  expect(set.body.port).toMatchObject({ ...asked, 'binding:vif_type': 'binding_failed' })
  expect((await admin.get(`${V2}/ports?binding:host_id=h1`)).body.ports).toMatchObject([{ id, ...asked }])
  expect((await admin.get(`${V2}/ports?binding:host_id=h2`)).body.ports).toEqual([])
  expect((await demo.get(`${V2}/ports/${id}`)).body.port).not.toHaveProperty('binding:host_id')
  for (const [key, value] of Object.entries(asked)) {
    const answer = await demo.put(`${V2}/ports/${id}`, { port: { [key]: value } })
    expect([answer.status, answer.body.NeutronError.message]).toEqual([
      403,
      `(rule:update_port and rule:update_port:${key}) is disallowed by policy`,
    ])
  }
})

test('what every installation answers: no providers, no agents', async () => {
  const demo = plimsoll.as('demo')
  expect((await demo.get(`${V2}/service-providers?service_type=VPN`)).body).toEqual({ service_providers: [] })
  expect((await admin.get(`${V2}/agents?agent_type=DHCP%20agent`)).body).toEqual({ agents: [] })
  expect((await admin.get(`${V2}/agents/x`)).body.NeutronError.type).toBe('AgentNotFound')
})

test('zones of one answer exist in the other, and a network or a router may be given one', async () => {
  const demo = plimsoll.as('demo')
  const zones: string[] = (await demo.get(`${V2}/availability_zones?resource=network`)).body.availability_zones.map(
    ({ name }: { name: string }) => name,
  )
  for (const { availability_zones } of (await demo.get(`${V2}/networks`)).body.networks)
    expect(availability_zones.filter((zone: string) => !zones.includes(zone))).toEqual([])
  const [zone] = zones
  const named = { availability_zone_hints: [zone] }
  const network = (await demo.post(`${V2}/networks`, { network: named })).body.network
  expect(network).toMatchObject({ ...named, availability_zones: zones })
  expect((await demo.get(`${V2}/networks/${network.id}`)).body.network).toEqual(network)
  const router = (await demo.post(`${V2}/routers`, { router: named })).body.router
  expect((await demo.get(`${V2}/routers/${router.id}`)).body.router).toMatchObject(named)
  for (const [collection, resource] of [
    ['networks', 'network'],
    ['routers', 'router'],
  ]) {
    const answer = await demo.post(`${V2}/${collection}`, { [resource!]: { availability_zone_hints: ['nowhere'] } })
    expect([answer.status, answer.body.NeutronError.type, answer.body.NeutronError.message]).toEqual([
      404,
      'AvailabilityZoneNotFound',
      'AvailabilityZone nowhere could not be found.',
    ])
  }
})
