import { portAttributes } from '../../../db/queries/network/ports.ts'
import { FOR_ADMINS, forAll } from '../../../functions/compute/servers/query-names.ts'
import { uuidOf } from '../copies.ts'
import { inOneNetwork, RARE_CLOUD } from './fill.ts'
import type { Million } from './world.ts'

/** One thing that is asked of a database of any size. */
export interface Question {
  what: string
  /** What is sent the `i`-th time. */
  ask(million: Million, i: number): { method?: 'POST'; path: string; body?: unknown; microversion?: string }
  /** Why it may take longer where more is stored; absent: it may not. */
  grows?: string
}

const SERVERS = '/compute/v2.1/servers/detail'
const PORTS = '/network/v2.0/ports'
/** Items of a page that is filtered or sorted: few, so that finding them is what is measured. */
const FEW = 100

/** Numbers of the caller's servers that were not deleted, in no order. */
const someNumber = ({ count }: Million, i: number): number => {
  const n = ((i * 7919 + 13) % inOneNetwork(count)) + 1
  return n % 100 === 7 ? n + 1 : n
}
const half = ({ count }: Million) => uuidOf('server', inOneNetwork(count) / 2)
const halfPort = ({ count }: Million) => uuidOf('port', inOneNetwork(count) / 2)

const iso = (ms: unknown) => `${new Date(Number(ms)).toISOString().slice(0, 19)}Z`
const get = (what: string, path: (million: Million, i: number) => string, grows?: string): Question => ({
  what,
  ask: (million, i) => ({ path: path(million, i) }),
  ...(grows ? { grows } : {}),
})

/** What finds few of many servers, and what finds most of them, by filter. */
const SERVER_FILTERS: Record<string, { few?: (million: Million) => unknown; most?: (million: Million) => unknown }> = {
  name: { few: () => 'rare', most: () => 'bench' },
  display_name: { few: () => 'rare' },
  status: { few: () => 'ERROR', most: () => 'ACTIVE' },
  image: { few: ({ rare }) => rare.image_id, most: ({ usual }) => usual.image_id },
  image_ref: { few: ({ rare }) => rare.image_id },
  flavor: { few: () => '2', most: () => '1' },
  ip: { few: ({ rarePort }) => `^${JSON.parse(String(rarePort.fixed_ips))[0].ip_address}$`, most: () => '^10' },
  ip6: { few: () => 'fd00' },
  'changes-since': { few: ({ rare }) => iso(rare.updated_at), most: () => '2020-01-01T00:00:00Z' },
  'changes-before': { few: ({ first }) => iso(Number(first.updated_at) + 20_000), most: () => '2100-01-01T00:00:00Z' },
  tags: { few: () => 'rare', most: () => 'bench' },
  'tags-any': { few: () => 'rare,other', most: () => 'bench' },
  'not-tags': { few: () => 'bench', most: () => 'rare' },
  'not-tags-any': { few: () => 'bench', most: () => 'rare' },
  locked: { few: () => 'true', most: () => 'false' },
  availability_zone: { few: () => `${RARE_CLOUD}.rare`, most: () => 'sandbox.a' },
  node: { few: () => `${RARE_CLOUD}.rare` },
  host: { few: () => RARE_CLOUD, most: () => 'sandbox' },
  config_drive: { few: () => 'true', most: () => 'false' },
  key_name: { few: () => 'rare', most: () => 'bench' },
  created_at: { few: ({ rare }) => iso(rare.created_at) },
  launched_at: { few: ({ rare }) => iso(rare.launched_at) },
  terminated_at: { few: ({ gone }) => iso(gone.terminated_at) },
  power_state: { few: () => '4', most: () => '1' },
  task_state: { few: () => 'rebooting' },
  vm_state: { few: () => 'error', most: () => 'active' },
  progress: { few: () => '50', most: () => '100' },
  user_id: { few: () => 'rare', most: ({ usual }) => usual.user_id },
  hostname: { few: ({ rare }) => rare.hostname },
  reservation_id: { few: ({ rare }) => `r-${String(rare.request_id).slice(4, 12)}` },
  launch_index: { few: () => '7', most: () => '0' },
  description: { few: () => 'rare', most: () => 'bench' },
  display_description: { few: () => 'rare' },
  uuid: { few: ({ rare }) => rare.id },
  access_ip_v4: { few: () => '192.0.2.7' },
  access_ip_v6: { few: () => '2001:db8::7' },
  auto_disk_config: { few: () => 'true', most: () => 'false' },
  deleted: { most: () => 'true' },
  soft_deleted: { few: () => 'true' },
  locked_by: { few: () => 'owner' },
  kernel_id: { few: () => 'none' },
  ramdisk_id: { few: () => 'none' },
  root_device_name: { few: () => '/dev/none', most: () => '/dev/vda' },
  project_id: { most: ({ estate }) => `${estate.projectId}&all_tenants=1` },
  tenant_id: { most: ({ estate }) => estate.projectId },
  all_tenants: { most: () => '1' },
}

/** https://docs.openstack.org/api-ref/compute/#list-servers-detailed, `sort_key` */
// biome-ignore format: a table
const SERVER_SORTS = [
  'access_ip_v4', 'access_ip_v6', 'auto_disk_config', 'availability_zone', 'config_drive', 'created_at', 'display_description',
  'display_name', 'host', 'hostname', 'image_ref', 'instance_type_id', 'key_name', 'launch_index', 'launched_at', 'locked', 'node',
  'power_state', 'progress', 'project_id', 'task_state', 'terminated_at', 'updated_at', 'user_id', 'uuid', 'vm_state',
]

/** Of every filter of servers that is documented, or that the program knows. Throws for one that no value is given for. */
const serverFilters = (): Question[] => {
  const unknown = [...forAll(96), ...FOR_ADMINS].filter((name) => !SERVER_FILTERS[name])
  if (unknown.length) throw new Error(`say what is asked of servers by ${unknown}`)
  return Object.entries(SERVER_FILTERS).flatMap(([name, values]) =>
    Object.entries(values).map(([how, value]) =>
      get(`servers by ${name}: ${how}`, (million) => `${SERVERS}?limit=${FEW}&${name}=${encoded(value(million))}`),
    ),
  )
}
const encoded = (value: unknown) => encodeURIComponent(String(value)).replace('%26all_tenants%3D', '&all_tenants=')

/** Columns of a port by the names of the API, where they are not the same. */
const PORT_COLUMNS: Record<string, string> = {
  tenant_id: 'project_id',
  port_security_enabled: 'port_security',
  revision_number: 'revision',
}
const portValue = (key: string, port: Million['rarePort']): string => {
  const value = port[PORT_COLUMNS[key] ?? key]
  switch (key) {
    case 'fixed_ips':
      return `ip_address=${JSON.parse(String(port.fixed_ips))[0].ip_address}`
    // Nobody has any: what is told is how soon that is found out.
    case 'allowed_address_pairs':
      return 'ip_address=192.0.2.1'
    case 'security_groups':
      return String(port.security_group_id)
    case 'binding:host_id':
      return String(port.host)
    case 'created_at':
    case 'updated_at':
      return new Date(Number(value)).toISOString()
    default:
      if (value === undefined) throw new Error(`say what is asked of ports by ${key}`)
      return String(value)
  }
}
const portFilters = (): Question[] => [
  ...Object.keys(portAttributes).flatMap((key) => {
    const by = (how: string, port: (million: Million) => Million['rarePort']) =>
      get(
        `ports by ${key}: ${how}`,
        (million) => `${PORTS}?limit=${FEW}&${key}=${encodeURIComponent(portValue(key, port(million)))}`,
      )
    return [by('few', ({ rarePort }) => rarePort), by('most', ({ usualPort }) => usualPort)]
  }),
  ...(['subnet_id', 'ip_address_substr'] as const).map((key) =>
    get(`ports by fixed_ips ${key}`, ({ rarePort }) => {
      const [ip] = JSON.parse(String(rarePort.fixed_ips))
      return `${PORTS}?limit=${FEW}&fixed_ips=${key}=${key === 'subnet_id' ? ip.subnet_id : ip.ip_address}`
    }),
  ),
  ...['tags', 'tags-any', 'not-tags', 'not-tags-any'].map((key) =>
    get(`ports by ${key}`, () => `${PORTS}?limit=${FEW}&${key}=${key.startsWith('not') ? 'bench' : 'rare'}`),
  ),
  get('ports by changed_since', ({ rarePort }) => `${PORTS}?limit=${FEW}&changed_since=${iso(rarePort.updated_at)}`),
]

const sorts = (what: string, list: string, keys: string[], marker: (million: Million) => string): Question[] =>
  keys.flatMap((key) => [
    get(`${what} sorted by ${key}`, () => `${list}?limit=${FEW}&sort_key=${key}&sort_dir=desc`),
    get(
      `${what} sorted by ${key}, from the middle`,
      (million) => `${list}?limit=${FEW}&sort_key=${key}&sort_dir=asc&marker=${marker(million)}`,
    ),
  ])

/** Lists that grow with the servers, besides their own. */
const OTHER_LISTS: [what: string, path: string][] = [
  ['volumes', '/volume/v3/volumes/detail'],
  ['snapshots', '/volume/v3/snapshots/detail'],
  ['attachments', '/volume/v3/attachments'],
  ['images', '/image/v2/images'],
  ['networks', '/network/v2.0/networks'],
  ['subnets', '/network/v2.0/subnets'],
  ['security groups', '/network/v2.0/security-groups'],
  ['rules', '/network/v2.0/security-group-rules'],
  ['floating IPs', '/network/v2.0/floatingips'],
  ['bindings', '/broker/v1/bindings'],
  ['export', '/broker/v1/export'],
]

const OTHER_FILTERS: [what: string, path: string | ((million: Million) => string)][] = [
  ['servers of all projects by status', `${SERVERS}?limit=20&all_tenants=1&status=ERROR`],
  ['servers of all projects by host', `${SERVERS}?limit=20&all_tenants=1&host=${RARE_CLOUD}`],
  [
    'servers of all projects by changes-since',
    ({ rare }) => `${SERVERS}?limit=20&all_tenants=1&changes-since=${iso(rare.updated_at)}`,
  ],
  ['servers by status, sorted by name', `${SERVERS}?limit=20&status=ERROR&sort_key=display_name`],
  ['snapshots by volume_id', () => `/volume/v3/snapshots/detail?limit=20&volume_id=${uuidOf('volume', 5)}`],
  ['volumes sorted by size', '/volume/v3/volumes/detail?limit=20&sort=size:asc'],
  ['subnets by name', '/network/v2.0/subnets?limit=20&name=bench-9'],
  ['routers by name', '/network/v2.0/routers?limit=20&name=bench-9'],
  ['volumes by name', '/volume/v3/volumes/detail?limit=20&name=bench-9'],
  ['volumes by status', '/volume/v3/volumes/detail?limit=20&status=error'],
  ['volumes sorted by name', '/volume/v3/volumes/detail?limit=20&sort=name:asc'],
  ['snapshots by name', '/volume/v3/snapshots/detail?limit=20&name=bench-9'],
  ['images by name', '/image/v2/images?limit=20&name=bench-9'],
  ['images sorted by name', '/image/v2/images?limit=20&sort=name:asc'],
  ['networks by name', '/network/v2.0/networks?limit=20&name=bench-9'],
  ['networks sorted by name', '/network/v2.0/networks?limit=20&sort_key=name'],
  ['security groups by name', '/network/v2.0/security-groups?limit=20&name=bench-9'],
  ['floating IPs by address', '/network/v2.0/floatingips?limit=20&floating_ip_address=172.16.0.9'],
]

/** What adds up all that a project, or the deployment, has. */
const SUMS: [what: string, path: (million: Million) => string][] = [
  ['limits', () => '/compute/v2.1/limits'],
  ['quota with use, compute', ({ estate }) => `/compute/v2.1/os-quota-sets/${estate.projectId}/detail`],
  ['quota with use, network', ({ estate }) => `/network/v2.0/quotas/${estate.projectId}/details.json`],
  ['quota with use, volumes', ({ estate }) => `/volume/v3/os-quota-sets/${estate.projectId}?usage=True`],
  ['volumes/summary', () => '/volume/v3/volumes/summary'],
  ['use of images', () => '/image/v2/info/usage'],
  [
    'addresses in use of one network',
    ({ estate }) => `/network/v2.0/network-ip-availabilities/${estate.named.networks}`,
  ],
  ['tenant usage', ({ estate }) => `/compute/v2.1/os-simple-tenant-usage/${estate.projectId}`],
]

/** Everything that is asked, in the order of the table. */
export const questions = (): Question[] => [
  get('GET one server', (million, i) => `/compute/v2.1/servers/${uuidOf('server', someNumber(million, i))}`),
  get('GET one port', (million, i) => `${PORTS}/${uuidOf('port', someNumber(million, i))}`),
  get('GET one volume', ({ count }, i) => `/volume/v3/volumes/${uuidOf('volume', ((i * 7919) % (count / 25)) + 1)}`),
  get(
    'security groups of one server',
    (million, i) => `/compute/v2.1/servers/${uuidOf('server', someNumber(million, i))}/os-security-groups`,
  ),
  get(
    'ports of one server',
    (million, i) => `/compute/v2.1/servers/${uuidOf('server', someNumber(million, i))}/os-interface`,
  ),
  {
    what: 'POST /servers',
    ask: ({ estate }) => ({ method: 'POST', path: '/compute/v2.1/servers', body: estate.wish }),
  },
  {
    what: 'POST /ports',
    ask: ({ estate }) => ({ method: 'POST', path: PORTS, body: { port: { network_id: estate.named.networks } } }),
  },
  get('page of 1,000 servers in full', () => `${SERVERS}?limit=1000`),
  get('page of 1,000 servers in full, from the middle', (million) => `${SERVERS}?limit=1000&marker=${half(million)}`),
  get('page of 1,000 servers by name', () => '/compute/v2.1/servers?limit=1000'),
  get('page of 1,000 servers of all projects', () => `${SERVERS}?limit=1000&all_tenants=1`),
  get('page of 1,000 ports', () => `${PORTS}?limit=1000`),
  get('page of 1,000 ports, from the middle', (million) => `${PORTS}?limit=1000&marker=${halfPort(million)}`),
  ...serverFilters(),
  ...sorts('servers', SERVERS, SERVER_SORTS, half),
  ...portFilters(),
  ...sorts(
    'ports',
    PORTS,
    Object.entries(portAttributes).flatMap(([key, { matches }]) => (matches ? [] : [key])),
    halfPort,
  ),
  ...OTHER_LISTS.map(([what, path]) => get(`page of 20 ${what}`, () => `${path}?limit=20`)),
  ...OTHER_FILTERS.map(([what, path]) => get(what, typeof path === 'string' ? () => path : path)),
  {
    what: 'statistics of hypervisors',
    ask: () => ({ path: '/compute/v2.1/os-hypervisors/statistics', microversion: '2.87' }),
  },
  ...SUMS.map(([what, path]) => get(what, path)),
]
