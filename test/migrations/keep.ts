import { writeFileSync } from 'node:fs'
import type { D1Database } from '@cloudflare/workers-types'
import { plant } from '../../adapters/sandbox/backdoor.ts'
import { migrate, readMigrations } from '../../db/migrate.ts'
import { openSqlite } from '../../db/sqlite.ts'
import { createApp } from '../../functions/app.ts'
import { connectCloud } from '../../functions/broker/clouds/clouds.ts'
import { runCron } from '../../functions/cron.ts'
import { bootstrap } from '../../functions/runtime/bootstrap.ts'
import { openHost, settingsFrom } from '../../functions/runtime/host.ts'
import { type Kept, PASSWORD, SECRET_KEY, START } from './kept.ts'

/**
 * `node test/migrations/keep.ts [FOLDER]` lives through a day with this version of the program, and keeps the databases that it
 * leaves behind for every later version to migrate. Run once for a release, never again: what is kept is what was.
 */
const open = async (folder: string): Promise<D1Database> => {
  const d1 = openSqlite(':memory:')
  await migrate(d1, await readMigrations(`db/${folder}`))
  return d1
}
const [d1, cloudState] = [await open('migrations'), await open('cloud-state')]
const clock = { now: START }
const deferred: (() => Promise<unknown>)[] = []
const host = await openHost({
  d1,
  cloudState,
  settings: settingsFrom({ PLIMSOLL_PUBLIC_URL: 'http://plimsoll.test' }, 'node', SECRET_KEY),
  now: () => clock.now,
  sleep: async (ms) => {
    clock.now += ms
  },
  log: (level, message, fields) => {
    if (level === 'error') console.error(message, fields)
  },
  defer: (work) => {
    deferred.push(work)
  },
})
await bootstrap(host, { hashOf: () => host.hashes.hash(PASSWORD), sandbox: {} })
await runCron(host)
const app = createApp(host)

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
type Body = any
const send = async (
  token: string,
  method: string,
  path: string,
  body?: Body,
  headers = {},
): Promise<[Response, Body]> => {
  const response = await app.fetch(
    new Request(`http://plimsoll.test${path}`, {
      method,
      headers: {
        'X-Auth-Token': token,
        'OpenStack-API-Version': 'compute 2.96, volume 3.70',
        ...headers,
        ...(body ? { 'Content-Type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }),
  )
  const text = await response.text()
  if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return [response, text ? JSON.parse(text) : null]
}
const logIn = async (name: string, project: string, password = PASSWORD): Promise<string> => {
  const domain = { id: 'default' }
  const identity = { methods: ['password'], password: { user: { name, domain, password } } }
  const [response] = await send('', 'POST', '/identity/v3/auth/tokens', {
    auth: { identity, scope: { project: { name: project, domain } } },
  })
  return response.headers.get('X-Subject-Token')!
}
/** Until nothing is due any more. */
const settle = async (): Promise<void> => {
  for (let round = 0; round < 200; round++) {
    for (let work = deferred.shift(); work; work = deferred.shift()) await work()
    const row = await d1.prepare('select min(due_at) as due from bindings').first<{ due: number | null }>()
    if (!row?.due && !deferred.length) return
    clock.now = Math.max(clock.now + 1000, row?.due ?? 0)
    await d1.prepare("delete from leases where name = 'converge'").run()
    await runCron(host)
  }
  throw new Error('it does not come to rest')
}

const admin = await logIn('admin', 'admin')
const demo = await logIn('demo', 'demo')
const demoId = (await d1.prepare("select id from projects where name = 'demo'").first<{ id: string }>())!.id
const [NOVA, NEUTRON, CINDER, KEYSTONE] = ['/compute/v2.1', '/network/v2.0', '/volume/v3', '/identity/v3']
const made = async (token: string, path: string, body: Record<string, Body>, headers = {}) => {
  const [, answer] = await send(token, 'POST', path, body, headers)
  return answer[Object.keys(body).at(-1)!]
}

// Somebody listens.
await send(demo, 'GET', '/broker/v1/events')

// Wiring: a second cloud, and what leads there.
await send(admin, 'POST', '/broker/v1/clouds', { cloud: { name: 'linked', type: 'sandbox' } })
await send(admin, 'PUT', '/broker/v1/links', { links: [{ clouds: ['sandbox', 'linked'], reach: 'routed' }] })
// Somebody else has a network there.
const { id: linkedId } = (await d1.prepare("select id from clouds where name = 'linked'").first<{ id: string }>())!
await plant(host.cloudState, linkedId, {
  ...{ kind: 'subnet', id: 'sub-theirs', name: 'theirs', mark: null, asked: '', zone: 'a', fault: null },
  ...{ createdAt: 0, readyAt: 0, goneAt: null },
  spec: {
    name: 'theirs',
    network: 'net-theirs',
    cidr: '192.168.7.0/24',
    gateway: null,
    zone: 'a',
    dhcp: true,
    dnsServers: [],
  },
})
// It tells its machines apart.
const { cloud: linked } = await connectCloud(host, linkedId, null)
const { zones } = linked
linked.zones = async () =>
  (await zones()).map((zone) => ({ ...zone, hosts: [{ name: `${zone.name}1`, answers: true }] }))
clock.now += 300_000
await runCron(host)

// People.
const project = await made(admin, `${KEYSTONE}/projects`, { project: { name: 'kept', description: 'of old' } })
const user = await made(admin, `${KEYSTONE}/users`, {
  user: { name: 'keeper', password: PASSWORD, default_project_id: project.id },
})
const [, { roles }] = await send(admin, 'GET', `${KEYSTONE}/roles?name=member`)
await send(admin, 'PUT', `${KEYSTONE}/projects/${project.id}/users/${user.id}/roles/${roles[0].id}`)
await send(admin, 'PUT', '/broker/v1/domains/default/project-template', {
  project_template: {
    clouds: { sandbox: { folder: 'kept/{project_id}' } },
    quotas: { instances: 1, cores: 1, ram: 1024, volumes: 1, gigabytes: 1 },
    policy: { budget: { amount: '1', currency: 'USD' } },
    most_projects: 9,
  },
})
const crew = await made(admin, `${KEYSTONE}/groups`, { group: { name: 'kept' } })
await send(admin, 'PUT', `${KEYSTONE}/groups/${crew.id}/users/${user.id}`)
await send(admin, 'POST', `${KEYSTONE}/regions`, { region: { id: 'elsewhere' } })
const service = await made(admin, `${KEYSTONE}/services`, { service: { type: 'dns', name: 'kept' } })
await made(admin, `${KEYSTONE}/endpoints`, {
  endpoint: { service_id: service.id, interface: 'public', url: 'http://dns.example.org', region_id: 'elsewhere' },
})
await made(demo, `${KEYSTONE}/OS-TRUST/trusts`, {
  trust: {
    trustor_user_id: (await send(admin, 'GET', `${KEYSTONE}/users?name=demo`))[1].users[0].id,
    trustee_user_id: user.id,
    project_id: demoId,
    impersonation: true,
    roles: [{ name: 'member' }],
  },
})
await made(admin, `${KEYSTONE}/policies`, { policy: { type: 'application/json', blob: '{}' } })
const alike = await made(admin, `${KEYSTONE}/OS-EP-FILTER/endpoint_groups`, {
  endpoint_group: { name: 'kept', filters: { service_id: service.id } },
})
await send(admin, 'PUT', `${KEYSTONE}/OS-EP-FILTER/endpoint_groups/${alike.id}/projects/${project.id}`)
await send(admin, 'PUT', `${KEYSTONE}/domains/default/config`, { config: { identity: { driver: 'sql' } } })
await made(admin, `${KEYSTONE}/OS-OAUTH1/consumers`, { consumer: { description: 'kept' } })
// What takes more than a request to come to be.
for (const row of [
  `policy_places (policy_id, service_id) select id, '${service.id}' from policies`,
  `project_endpoints (project_id, endpoint_id) select '${project.id}', id from catalog_endpoints`,
  `former_passwords (user_id, hash, replaced_at) select id, password_hash, 1 from users where name = 'keeper'`,
  `used_once (id, until) values ('kept', 9000000000000)`,
  `request_tokens (id, consumer_id, secret, project_id, expires_at) select 'kept', id, secret, '${project.id}', 9000000000000 from consumers`,
  `access_tokens (id, consumer_id, secret, user_id, project_id, roles, expires_at) select 'kept', id, secret, '${user.id}', '${project.id}', '[]', 9000000000000 from consumers`,
  `registered_limits (id, service_id, resource_name, default_limit) values ('kept', '${service.id}', 'zones', 5)`,
  `limits (id, registered_id, project_id, resource_limit) values ('kept', 'kept', '${project.id}', 6)`,
  `identity_providers (id, enabled, domain_id, remote_ids) values ('kept', 1, 'default', '["https://id.example.org"]')`,
  `remote_ids (remote_id, idp_id) values ('https://id.example.org', 'kept')`,
  `federation_mappings (id, rules, schema_version) values ('kept', '[]', '1.0')`,
  `federation_protocols (idp_id, id, mapping_id) values ('kept', 'openid', 'kept')`,
  `federated_users (idp_id, protocol_id, unique_id, user_id, last_seen_at) values ('kept', 'openid', 'sub', '${user.id}', 1)`,
  `service_providers (id, enabled, auth_url, sp_url, relay_state_prefix) values ('kept', 1, 'https://a.example.org', 'https://b.example.org', '')`,
])
  await d1.prepare(`insert into ${row}`).run()
await made(demo, `${KEYSTONE}/credentials`, { credential: { type: 'cert', blob: 'kept' } })
const old = await logIn('demo', 'demo')
const [, { users }] = await send(admin, 'GET', `${KEYSTONE}/users?name=demo`)
await send(demo, 'POST', `${KEYSTONE}/users/${users[0].id}/application_credentials`, {
  application_credential: {
    name: 'kept',
    access_rules: [{ service: 'compute', method: 'GET', path: '/v2.1/servers' }],
  },
})
await send(old, 'DELETE', `${KEYSTONE}/auth/tokens`, undefined, { 'X-Subject-Token': old })

// Networks.
const [, { networks }] = await send(demo, 'GET', `${NEUTRON}/networks?router:external=true`)
const network = await made(demo, `${NEUTRON}/networks`, { network: { name: 'kept' } })
await send(demo, 'PUT', `/broker/v1/projects/${demoId}/network-plan`, {
  plan: { routed: false, pool: '10.128.0.0/16', prefix_length: 24 },
})
const scope = await made(demo, `${NEUTRON}/address-scopes`, { address_scope: { name: 'kept', ip_version: 4 } })
const pool = await made(demo, `${NEUTRON}/subnetpools`, {
  subnetpool: { name: 'kept', prefixes: ['10.64.0.0/16'], default_prefixlen: 24, address_scope_id: scope.id },
})
const pooled = await made(demo, `${NEUTRON}/networks`, { network: { name: 'pooled' } })
await made(demo, `${NEUTRON}/subnets`, { subnet: { network_id: pooled.id, ip_version: 4, subnetpool_id: pool.id } })
const subnet = await made(demo, `${NEUTRON}/subnets`, {
  subnet: { name: 'kept', network_id: network.id, ip_version: 4, cidr: '10.7.0.0/24' },
})
const router = await made(demo, `${NEUTRON}/routers`, {
  router: { name: 'kept', external_gateway_info: { network_id: networks[0].id } },
})
await send(demo, 'PUT', `${NEUTRON}/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
const group = await made(demo, `${NEUTRON}/security-groups`, { security_group: { name: 'kept' } })
await made(demo, `${NEUTRON}/address-groups`, { address_group: { name: 'kept', addresses: ['10.9.0.0/16'] } })
await made(admin, `${NEUTRON}/subnetpools`, {
  subnetpool: { name: 'all', prefixes: ['10.192.0.0/16'], default_prefixlen: 24, is_default: true, shared: true },
})
await send(demo, 'GET', `${NEUTRON}/auto-allocated-topology/None`)
const policy = await made(admin, `${NEUTRON}/qos/policies`, { policy: { name: 'kept' } })
await made(admin, `${NEUTRON}/qos/policies/${policy.id}/bandwidth_limit_rules`, {
  bandwidth_limit_rule: { max_kbps: 1000 },
})
await made(demo, `${NEUTRON}/rbac-policies`, {
  rbac_policy: { object_type: 'network', object_id: network.id, target_tenant: 'kept', action: 'access_as_shared' },
})
for (const remote_ip_prefix of ['10.0.0.0/8', '0.0.0.0/0'])
  await made(demo, `${NEUTRON}/security-group-rules`, {
    security_group_rule: {
      security_group_id: group.id,
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
      remote_ip_prefix,
    },
  })
await send(demo, 'PUT', `${NEUTRON}/networks/${network.id}/tags/of-old`)

// A server with everything.
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl kept'
await made(demo, `${NOVA}/os-keypairs`, { keypair: { name: 'kept', type: 'ssh', public_key: KEY } })
const flavor = await made(admin, `${NOVA}/flavors`, {
  flavor: { name: 'kept', ram: 512, vcpus: 1, disk: 1, 'os-flavor-access:is_public': false },
})
const [, { projects }] = await send(admin, 'GET', `${KEYSTONE}/projects?name=demo`)
await send(admin, 'PUT', `${NOVA}/os-quota-class-sets/default`, { quota_class_set: { key_pairs: 50 } })
await send(admin, 'PUT', `${NOVA}/os-quota-sets/${projects[0].id}?user_id=${users[0].id}`, {
  quota_set: { instances: 90 },
})
const { id: aggregate } = await made(admin, `${NOVA}/os-aggregates`, { aggregate: { name: 'kept' } })
await send(admin, 'POST', `${NOVA}/os-aggregates/${aggregate}/action`, { add_host: { host: 'linked' } })
await send(admin, 'POST', `${NOVA}/flavors/${flavor.id}/action`, { addTenantAccess: { tenant: projects[0].id } })
await send(admin, 'PUT', `${NOVA}/os-quota-sets/${projects[0].id}`, { quota_set: { instances: 11 } })
const [, { images }] = await send(demo, 'GET', '/image/v2/images')
const together = await made(demo, `${NOVA}/os-server-groups`, {
  server_group: { name: 'kept', policy: 'anti-affinity' },
})
const server = await made(
  demo,
  `${NOVA}/servers`,
  {
    'os:scheduler_hints': { group: together.id },
    server: {
      name: 'kept',
      flavorRef: flavor.id,
      imageRef: images[0].id,
      key_name: 'kept',
      networks: [{ uuid: network.id }],
      security_groups: [{ name: 'kept' }],
      metadata: { of: 'old' },
      tags: ['of-old'],
      user_data: Buffer.from('#!/bin/sh\n').toString('base64'),
    },
  },
  { 'Idempotency-Key': 'the-first-server' },
)
await settle()
const [, { ports }] = await send(demo, 'GET', `${NEUTRON}/ports?device_id=${server.id}`)
await made(demo, `${NEUTRON}/floatingips`, {
  floatingip: { floating_network_id: networks[0].id, port_id: ports[0].id },
})
await send(demo, 'POST', `${NOVA}/servers/${server.id}/os-interface`, { interfaceAttachment: { net_id: network.id } })
await settle()

// Disks.
const volume = await made(demo, `${CINDER}/volumes`, { volume: { name: 'kept', size: 2, metadata: { of: 'old' } } })
await settle()
await made(demo, `${CINDER}/snapshots`, { snapshot: { name: 'kept', volume_id: volume.id } })
await settle()
await send(demo, 'POST', `${NOVA}/servers/${server.id}/os-volume_attachments`, {
  volumeAttachment: { volumeId: volume.id },
})
await send(demo, 'POST', `${NOVA}/servers/${server.id}/action`, { createImage: { name: 'kept' } })
await settle()
const [, queued] = await send(demo, 'POST', '/image/v2/images', {
  name: 'queued',
  disk_format: 'raw',
  container_format: 'bare',
})
await send(demo, 'POST', `/image/v2/images/${queued.id}/members`, { member: 'kept' })

// One that is gone, and one that nobody could make.
const gone = await made(demo, `${NOVA}/servers`, {
  server: { name: 'gone', flavorRef: '1', imageRef: images[0].id, networks: [{ uuid: network.id }] },
})
await settle()
await send(demo, 'DELETE', `${NOVA}/servers/${gone.id}`)
await settle()
for (let minute = 0; minute < 12; minute++) {
  clock.now += 60_000
  await runCron(host)
}
await settle()

// Many of one wish.
await send(demo, 'POST', '/broker/v1/bursts', {
  ...{ name: 'kept', count: { min: 1, max: 2 }, flavor: '1', image: images[0].id, networks: [network.id] },
  user_data: Buffer.from('#!/bin/sh\n').toString('base64'),
})
await settle()

// A password that its user forgot.
await logIn('keeper', 'kept', 'forgotten').catch(() => {})

// What takes hours, other processes or a cloud's misfortune to come about.
const cloud = (await d1.prepare('select id from clouds').first<{ id: string }>())!.id
const now = clock.now
const rare: Record<string, Record<string, string | number>> = {
  drift: {
    kind: 'server',
    resource_id: server.id,
    what: 'flavor',
    cloud_id: cloud,
    project_id: projects[0].id,
    intent: '"kept"',
    observed: '"another"',
    first_seen_at: now,
  },
  image_tasks: {
    ...{ id: 'kept', image_id: queued.id, project_id: projects[0].id, user_id: '', request_id: '' },
    ...{ type: 'api_image_import', status: 'failure', input: '{}', created_at: now, updated_at: now, expires_at: now },
  },
  console_words: {
    ...{ word: 'of-a-console-that-nobody-opened', server_id: server.id, protocol: 'vnc', type: 'novnc' },
    ...{ asker: '{}', expires_at: now + 600_000 },
  },
  lapses: { since: 100, until: 200 },
  lingering_addresses: { subnet_id: subnet.id, address: '10.7.0.99', port_id: ports[0].id },
  listing_parts: { listing: 'of-an-interrupted-sweep', part: 0, shown: '[]' },
  orphans: {
    id: '6f0c1f8a-8c8f-4d3c-9b43-0c60a6f6c1de',
    cloud_id: cloud,
    kind: 'volume',
    native_id: 'vol-of-nobody',
    project_id: projects[0].id,
    resource_id: 'd5c9a3b2-1111-4222-8333-444455556666',
    token: 'of-an-orphan',
    epoch: 1,
    first_seen_at: now - 60_000,
    last_seen_at: now,
  },
  port_address_pairs: { port_id: ports[0].id, address: '10.7.0.200', mac: '' },
  price_books: { cloud_id: cloud, book: '{"currency":"USD","sizes":{}}', as_of: now },
  part_prices: {
    cloud_id: cloud,
    what: 'disk',
    type: 'default',
    amount: 0.5,
    currency: 'USD',
    as_of: now,
    source: 'provider',
  },
  passed_homes: { cloud_id: cloud, project_id: projects[0].id, at: now },
  roomy_homes: { cloud_id: cloud, project_id: projects[0].id, since: now },
  server_moves: {
    server_id: 'of-a-server-that-stays',
    project_id: projects[0].id,
    state: 'staying',
    reason: 'It is locked.',
    due_at: now,
    updated_at: now,
  },
  spill_use: { project_id: 'of-a-project-that-had-some-out', servers: 0, vcpus: 0 },
  webhooks: {
    ...{
      id: 'a7f3c1d2-0000-4000-8000-000000000001',
      project_id: projects[0].id,
      name: 'kept',
      url: 'https://hooks.example/',
    },
    ...{ secret: 'of-old', enabled: 0, created_at: now, updated_at: now },
  },
  deliveries: {
    ...{ webhook_id: 'a7f3c1d2-0000-4000-8000-000000000001', seq: 1, notice_id: 'msg_of_old', type: 'server.status' },
    ...{ resource_id: server.id, status: 'delivered', tries: 1, created_at: now },
  },
  volume_types: { cloud_id: cloud, name: 'fast', zones: '["a"]' },
  volume_services: { cloud_id: cloud, zone: 'b', disabled: 1, disabled_reason: 'of old', changed_at: now },
  made_volume_types: {
    ...{ id: 'a7f3c1d2-0000-4000-8000-000000000002', name: 'mine', extra_specs: '{"volume_backend_name":"fast"}' },
    ...{ is_public: 0, qos_specs_id: 'a7f3c1d2-0000-4000-8000-000000000003', created_at: now, updated_at: now },
  },
  volume_type_access: { type_id: 'a7f3c1d2-0000-4000-8000-000000000002', project_id: projects[0].id },
  default_volume_types: { project_id: projects[0].id, type_id: 'a7f3c1d2-0000-4000-8000-000000000002' },
  qos_specs: {
    ...{ id: 'a7f3c1d2-0000-4000-8000-000000000003', name: 'swift', consumer: 'back-end', specs: '{}' },
    created_at: now,
  },
  volume_transfers: {
    ...{ id: 'a7f3c1d2-0000-4000-8000-000000000004', volume_id: volume.id, project_id: projects[0].id },
    ...{ name: 'kept', key_hash: 'of-old', created_at: now },
  },
  volume_messages: {
    ...{ id: 'a7f3c1d2-0000-4000-8000-000000000005', project_id: projects[0].id, request_id: 'req-of-old' },
    ...{ resource_type: 'VOLUME', resource_id: volume.id, event_id: 'VOLUME_VOLUME_001_003', message: 'of old' },
    ...{ created_at: now, expires_at: now + 1 },
  },
  group_types: {
    ...{ id: 'a7f3c1d2-0000-4000-8000-000000000006', name: 'kept', specs: '{"of":"old"}', created_at: now },
  },
  volume_groups: {
    ...{ id: 'a7f3c1d2-0000-4000-8000-000000000007', project_id: projects[0].id, name: 'kept', status: 'available' },
    ...{ group_type_id: 'a7f3c1d2-0000-4000-8000-000000000006', volume_types: '[]', created_at: now },
  },
  group_snapshots: {
    ...{ id: 'a7f3c1d2-0000-4000-8000-000000000008', project_id: projects[0].id, name: 'kept', created_at: now },
    ...{ group_id: 'a7f3c1d2-0000-4000-8000-000000000007', group_type_id: 'a7f3c1d2-0000-4000-8000-000000000006' },
  },
  refused_offers: {
    ...{ cloud_id: cloud, zone: 'a', size: 'sb.xlarge', option: 'on-demand', shortage: 'no-capacity' },
    ...{ words: 'The cloud has not enough room left.', at: now, until: now + 180_000 },
  },
}
for (const [table, row] of Object.entries(rare)) {
  const columns = Object.keys(row)
  const sql = `insert or ignore into ${table} (${columns.join()}) values (${columns.map(() => '?').join()})`
  await d1
    .prepare(sql)
    .bind(...Object.values(row))
    .run()
}

const rowsOf = async (database: D1Database): Promise<Kept['tables']> => {
  const { results } = await database
    .prepare(
      "select name from sqlite_master where type = 'table' and name not glob 'sqlite_*' and name <> 'd1_migrations' order by name",
    )
    .all<{ name: string }>()
  const tables: Kept['tables'] = {}
  for (const { name } of results)
    tables[name] = (await database.prepare(`select * from "${name}"`).all<Kept['tables'][string][number]>()).results
  return tables
}
const names = async (folder: string) => (await readMigrations(folder)).map(({ name }) => name)
const kept: Kept = {
  migrations: await names('db/migrations'),
  cloudState: await names('db/cloud-state'),
  now,
  tables: await rowsOf(d1),
  state: await rowsOf(cloudState),
}
/** A row a line. */
const text = JSON.stringify(
  kept,
  (_, value) =>
    Array.isArray(value) && typeof value[0] === 'object' ? value.map((row) => JSON.stringify(row)) : value,
  1,
).replaceAll(/^( +)"(\{.*\})"(,?)$/gm, (_, indent, row, comma) => `${indent}${JSON.parse(`"${row}"`)}${comma}`)
writeFileSync(
  `${process.argv[2] ?? 'test/migrations/kept'}/${kept.migrations.at(-1)!.replace('.sql', '')}.json`,
  `${text}\n`,
)
