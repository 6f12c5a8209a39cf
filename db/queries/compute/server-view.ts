import { type Column, getTableColumns } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { AMONG } from '../../conditions.ts'
import { servers } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'

/** Columns that no view shows, or only an administrator's. */
const {
  userData,
  oldFlavor,
  wantPower,
  cloudId,
  places,
  bootedAt,
  parentId,
  forkMode,
  expiresAt,
  deletedAt,
  ...shown
} = getTableColumns(servers)

/** A column as the database gives it: JSON is text, and a flag 0 or 1. */
type Raw<C extends Column> = C['_']['driverParam'] | (C['_']['notNull'] extends true ? never : null)

/** A server with everything that a view shows. Names of JSON are JSON text still: most views need few of them. */
export type ServerView = { [Name in keyof typeof shown]: Raw<(typeof shown)[Name]> } & {
  cloud: string | null
  /** `[[network, MAC, fixed addresses, floating addresses, names of security groups]]` as the guest sees them. */
  ports: string
  /** `[{id, delete_on_termination}]`. */
  volumes: string
  /** The cloud on which work for it is due; null: nothing is. */
  dueOn: string | null
  /** Only for admins. */
  userData?: string | null
  reservationId?: string | null
}

const COLUMNS = Object.entries(shown)
  .map(([name, column]) => `s.${column.name} as "${name}"`)
  .join(', ')

/** A server's ports are the ones that name it as their device; a stranger's port that does so does not count. */
const PARTS = `(select c.name from clouds c where c.id = s.cloud_id) as cloud,
 (select json_group_array(json_array(n.name, p.mac_address, json(p.fixed_ips),
   json((select json_group_array(f.floating_ip_address) from floating_ips f where f.port_id = p.id and f.floating_ip_address is not null)),
   json((select json_group_array(g.name) from port_security_groups x join security_groups g on g.id = x.security_group_id
    where x.port_id = p.id))) order by o.position, p.created_at)
  from ports p join networks n on n.id = p.network_id left join server_ports o on o.server_id = s.id and o.port_id = p.id
  where p.device_id = s.id and p.project_id = s.project_id) as ports,
 (select json_group_array(json_object('id', a.volume_id, 'delete_on_termination', json(iif(a.delete_on_termination, 'true', 'false'))))
   from attachments a where a.server_id = s.id) as volumes,
 case when s.task_state is null then null else (select b.cloud_id from bindings b where b.resource_id = s.id
  and b.kind = 'server' and b.due_at <= ?1 and b.lease_until <= ?1 limit 1) end as dueOn`

const RESERVATION = `(select 'r-' || substr(a.request_id, 5, 8) from server_actions a where a.server_id = s.id and a.action = 'create')`
const FULL = `select ${COLUMNS}, ${PARTS} from servers s`
/** User data may be large, and only admins are shown it. */
const FULLER = `select ${COLUMNS}, ${PARTS}, s.user_data as userData, ${RESERVATION} as reservationId from servers s`
/** What `GET /servers` shows, and what drives its rows on. */
const BRIEF = `select s.id, s.name from servers s`

// Whole texts, made once: the database knows a statement by its text, and a text put together anew has to be read anew.
const SHOW = `${FULL} where s.id = ?2 and s.project_id = ?3 and s.deleted_at is null`
const SHOW_ANY = `${FULLER} where s.id = ?2 and s.deleted_at is null`

/** One live server within the scope. One query. */
export const viewServer = async (db: Database, scope: Scope, id: string, now: number): Promise<ServerView | null> =>
  'every' in scope
    ? db.$client.prepare(SHOW_ANY).bind(now, id).first<ServerView>()
    : db.$client.prepare(SHOW).bind(now, id, scope.projectId).first<ServerView>()

/** Filters of a list. Everything that is absent does not matter. */
export interface ServerFilter {
  /** Absent: every project. */
  projectId?: string | undefined
  deleted?: boolean | undefined
  id?: string | undefined
  /** A part of the name, whatever its case. */
  nameHas?: string | undefined
  statuses?: string[] | undefined
  vmStates?: string[] | undefined
  taskStates?: string[] | undefined
  image?: string | undefined
  flavor?: string | undefined
  userId?: string | undefined
  keyName?: string | undefined
  hostname?: string | undefined
  availabilityZone?: string | undefined
  /** Name of the cloud. */
  host?: string | undefined
  diskConfig?: 'AUTO' | 'MANUAL' | undefined
  powerState?: number | undefined
  launchIndex?: number | undefined
  progress?: number | undefined
  locked?: boolean | undefined
  configDrive?: boolean | undefined
  description?: string | undefined
  accessIpv4?: string | undefined
  accessIpv6?: string | undefined
  changesSince?: number | undefined
  changesBefore?: number | undefined
  createdAt?: number | undefined
  launchedAt?: number | undefined
  terminatedAt?: number | undefined
  reservationId?: string | undefined
  tags?: string[] | undefined
  tagsAny?: string[] | undefined
  notTags?: string[] | undefined
  notTagsAny?: string[] | undefined
}

const ZONE = `(select c.name || '.' || s.zone from clouds c where c.id = s.cloud_id)`
const tagged = (not: string, all: boolean) =>
  all
    ? `${not}(select count(*) from json_each(?) w where exists (select 1 from json_each(s.tags) t where t.value = w.value)) = json_array_length(?)`
    : `${not}exists (select 1 from json_each(?) w join json_each(s.tags) t on t.value = w.value)`

/** Condition of each filter; a value stands for every question mark in it. */
const CONDITIONS: Record<Exclude<keyof ServerFilter, 'deleted'>, string> = {
  projectId: 's.project_id = ?',
  id: 's.id = ?',
  nameHas: 'instr(lower(s.name), lower(?)) > 0',
  statuses: `s.status in ${AMONG}`,
  vmStates: `s.vm_state in ${AMONG}`,
  taskStates: `s.task_state in ${AMONG}`,
  image: 's.image_id = ?',
  flavor: `s.flavor ->> '$.id' = ?`,
  userId: 's.user_id = ?',
  keyName: 's.key_name = ?',
  hostname: 's.hostname = ?',
  availabilityZone: `${ZONE} = ?`,
  host: '(select c.name from clouds c where c.id = s.cloud_id) = ?',
  diskConfig: 's.disk_config = ?',
  powerState: 's.power_state = ?',
  launchIndex: 's.launch_index = ?',
  progress: 's.progress = ?',
  locked: 's.locked = ?',
  configDrive: 's.config_drive = ?',
  description: 'instr(s.description, ?) > 0',
  accessIpv4: 's.access_ip_v4 = ?',
  accessIpv6: 's.access_ip_v6 = ?',
  changesSince: 's.updated_at >= ?',
  changesBefore: 's.updated_at <= ?',
  // Users write whole seconds.
  createdAt: 's.created_at / 1000 = cast(? / 1000 as integer)',
  launchedAt: 's.launched_at / 1000 = cast(? / 1000 as integer)',
  terminatedAt: 's.terminated_at / 1000 = cast(? / 1000 as integer)',
  reservationId: `${RESERVATION} = ?`,
  tags: tagged('', true),
  tagsAny: tagged('', false),
  notTags: tagged('not ', true),
  notTagsAny: tagged('not ', false),
}

/** Sort keys of Nova that mean something here (nova/api/openstack/compute/schemas/servers.py, VALID_SORT_KEYS). */
const SORT_COLUMNS = {
  access_ip_v4: 's.access_ip_v4',
  access_ip_v6: 's.access_ip_v6',
  auto_disk_config: 's.disk_config',
  availability_zone: `coalesce(${ZONE}, '')`,
  config_drive: 's.config_drive',
  created_at: 's.created_at',
  display_description: `coalesce(s.description, '')`,
  display_name: 's.name',
  host: `coalesce(s.cloud_id, '')`,
  hostname: 's.hostname',
  image_ref: `coalesce(s.image_id, '')`,
  instance_type_id: `s.flavor ->> '$.id'`,
  key_name: `coalesce(s.key_name, '')`,
  launch_index: 's.launch_index',
  launched_at: 'coalesce(s.launched_at, 0)',
  locked: 's.locked',
  node: `coalesce(${ZONE}, '')`,
  power_state: 's.power_state',
  progress: 's.progress',
  project_id: 's.project_id',
  task_state: `coalesce(s.task_state, '')`,
  terminated_at: 'coalesce(s.terminated_at, 0)',
  updated_at: 's.updated_at',
  user_id: 's.user_id',
  uuid: 's.id',
  vm_state: 's.vm_state',
} as const
export type SortColumn = keyof typeof SORT_COLUMNS
/** Whether lists of servers can be sorted by a key. */
export const isSortColumn = (key: string): key is SortColumn => Object.hasOwn(SORT_COLUMNS, key)

export interface ServerOrder {
  key: SortColumn
  descending: boolean
}

export interface ServerList {
  filter: ServerFilter
  /** Absent: newest first. */
  order?: ServerOrder[] | undefined
  marker?: string | undefined
  limit: number
  now: number
}

/** A page of servers with everything that a view shows. One query. */
export const viewServers = (db: Database, list: ServerList, forAdmin = false): Promise<ServerView[]> =>
  run(db, forAdmin ? FULLER : FULL, list)

/** A page of ids and names. One query. */
export const nameServers = (db: Database, list: ServerList): Promise<Pick<ServerView, 'id' | 'name'>[]> =>
  run(db, BRIEF, list)

const run = async <T>(
  db: Database,
  select: string,
  { filter, order = [], marker, limit, now }: ServerList,
): Promise<T[]> => {
  const values: unknown[] = [now]
  const put = (value: unknown) =>
    `?${values.push(typeof value === 'boolean' ? Number(value) : Array.isArray(value) ? JSON.stringify(value) : value)}`
  // `?1` is the time, used or not.
  const where: string[] = ['?1 > 0']
  if (filter.deleted !== undefined) where.push(`s.deleted_at is ${filter.deleted ? 'not ' : ''}null`)
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as keyof ServerFilter]
    if (value === undefined) continue
    const slot = put(value)
    where.push(condition.replaceAll('?', slot))
  }
  const descending = order[0]?.descending ?? true
  const keys = [
    ...order.map((o) => ({ column: SORT_COLUMNS[o.key] as string, descending: o.descending })),
    ...['s.created_at', 's.id'].map((column) => ({ column, descending })),
  ]
  if (marker !== undefined) {
    const [of, project] = [put(marker), put(filter.projectId ?? null)]
    where.push(beyond(keys, `s.id = ${of} and (${project} is null or s.project_id = ${project})`))
  }
  const text = `${select} where ${where.join(' and ')} order by ${keys.map((k) => `${k.column}${k.descending ? ' desc' : ''}`).join(', ')} limit ${put(limit)}`
  const { results } = await db.$client
    .prepare(text)
    .bind(...values)
    .all<T>()
  return results
}

/** What follows the marker in that order, spelled out because directions may differ. `marked`: which server that is. */
const beyond = ([first, ...rest]: { column: string; descending: boolean }[], marked: string): string => {
  const at = `(select ${first!.column} from servers s where ${marked})`
  const after = `${first!.column} ${first!.descending ? '<' : '>'} ${at}`
  return rest.length ? `(${after} or (${first!.column} = ${at} and ${beyond(rest, marked)}))` : after
}

/** Whether a marker stands for a server that the scope may see. */
export const serverExists = async (db: Database, projectId: string | undefined, id: string): Promise<boolean> =>
  (await db.$client
    .prepare('select 1 as there from servers where id = ?1 and (?2 is null or project_id = ?2)')
    .bind(id, projectId ?? null)
    .first()) !== null
