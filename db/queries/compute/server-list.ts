import type { Database } from '../../client.ts'
import { AMONG } from '../../conditions.ts'
import { FULL, FULLER, type ServerView } from './server-view.ts'

/** Filters of a list. Everything that is absent does not matter. */
export interface ServerFilter {
  /** Absent: every project. */
  projectId?: string | undefined
  deleted?: boolean | undefined
  id?: string | undefined
  ids?: string[] | undefined
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
  /** The zone that it really is in. */
  node?: string | undefined
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
/** The zone that was named without saying where (it has no dot, and is no cloud's name), else the real one: as a server shows it. */
const SHOWN_ZONE = `iif(instr(s.pinned_zone, '.') = 0 and s.pinned_zone is not (select c.name from clouds c where c.id = s.cloud_id),
  s.pinned_zone, ${ZONE})`
const tagged = (not: string, all: boolean) =>
  all
    ? `${not}(select count(*) from json_each(?) w where exists (select 1 from json_each(s.tags) t where t.value = w.value)) = json_array_length(?)`
    : `${not}exists (select 1 from json_each(?) w join json_each(s.tags) t on t.value = w.value)`

/** Condition of each filter; a value stands for every question mark in it. */
const CONDITIONS: Record<Exclude<keyof ServerFilter, 'deleted'>, string> = {
  projectId: 's.project_id = ?',
  id: 's.id = ?',
  ids: `s.id in ${AMONG}`,
  nameHas: 'instr(lower(s.name), lower(?)) > 0',
  statuses: `s.status in ${AMONG}`,
  vmStates: `s.vm_state in ${AMONG}`,
  taskStates: `s.task_state in ${AMONG}`,
  image: 's.image_id = ?',
  flavor: `s.flavor ->> 'id' = ?`,
  userId: 's.user_id = ?',
  keyName: 's.key_name = ?',
  hostname: 's.hostname = ?',
  availabilityZone: `${SHOWN_ZONE} = ?`,
  node: `${ZONE} = ?`,
  host: 's.cloud_id = (select c.id from clouds c where c.name = ?)',
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
  reservationId: `s.id in (select a.server_id from server_actions a
    where a.action = 'create' and substr(a.request_id, 5, 8) = substr(?, 3) and substr(?, 1, 2) = 'r-')`,
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
  availability_zone: `coalesce(${SHOWN_ZONE}, '')`,
  config_drive: 's.config_drive',
  created_at: 's.created_at',
  display_description: `coalesce(s.description, '')`,
  display_name: 's.name',
  host: `coalesce(s.cloud_id, '')`,
  hostname: 's.hostname',
  image_ref: `coalesce(s.image_id, '')`,
  instance_type_id: `s.flavor ->> 'id'`,
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

/** What `GET /servers` shows. */
const BRIEF = 's.id, s.name'
/** What patterns are matched with: its addresses, the floating ones too, as a JSON list. */
const JUDGED = `${BRIEF}, (select json_group_array(address) from (
  select a.address from ports p join ip_allocations a on a.port_id = p.id
    where p.device_id = s.id and p.project_id = s.project_id
  union all select f.floating_ip_address from ports p join floating_ips f on f.port_id = p.id
    where p.device_id = s.id and p.project_id = s.project_id and f.floating_ip_address is not null)) as addresses`

/** A page of servers with everything that a view shows. One query. */
export const viewServers = (db: Database, list: ServerList, forAdmin = false): Promise<ServerView[]> =>
  run(db, forAdmin ? FULLER : FULL, list)

/** A page of ids and names. One query. */
export const nameServers = (db: Database, list: ServerList): Promise<Pick<ServerView, 'id' | 'name'>[]> =>
  run(db, BRIEF, list)

/** The same with all of their addresses, as a JSON list. */
export const addressServers = (
  db: Database,
  list: ServerList,
): Promise<(Pick<ServerView, 'id' | 'name'> & { addresses: string })[]> => run(db, JUDGED, list)

const run = async <T>(db: Database, select: string, list: ServerList): Promise<T[]> => {
  const { text, values } = wordingOf(select, list)
  const { results } = await db.$client
    .prepare(text)
    .bind(...values)
    .all<T>()
  return results
}

/** Filters that have an index which finds few, or goes on by time of creation and id; that of the fewest first. */
const SOUGHT = {
  hostname: 'servers_by_hostname',
  image: 'servers_by_image',
  flavor: 'servers_by_flavor',
  host: 'servers_by_cloud',
} as const

/** Sort keys that have an index which goes on by time of creation and id. */
const SORTED = ['created_at', 'display_name', 'updated_at']

/**
 * A list in an order that an index has is read along that index, from the marker on until the page is full. Where a filter
 * finds few by an index of its own, or no index has the order, the page is chosen first, by keys alone, and only what is
 * on it is read: `chosen`.
 */
const pathOf = ({ filter, order = [] }: ServerList): { index: string; chosen: boolean } => {
  if (filter.id !== undefined || filter.ids || filter.reservationId !== undefined) return { index: '', chosen: false }
  const [first, ...more] = order
  const live = filter.deleted === false
  const ofProject = filter.projectId !== undefined
  const newest = !first || (first.key === 'created_at' && !more.length)
  const changed = (filter.changesSince ?? filter.changesBefore) !== undefined
  if (newest && ofProject && changed) return { index: 'indexed by servers_by_change', chosen: true }
  const [sought] = Object.entries(SOUGHT).filter(([name]) => filter[name as keyof typeof SOUGHT] !== undefined)
  if (newest && live && sought && (ofProject || filter.hostname !== undefined))
    return { index: `indexed by ${sought[1]}`, chosen: false }
  if (newest && ofProject && live && filter.statuses?.length === 1)
    return { index: 'indexed by servers_by_status', chosen: false }
  // Across projects no index of a filter goes on by time.
  if (newest && live && !ofProject) return { index: 'indexed by servers_by_time', chosen: false }
  return { index: '', chosen: !live || !(newest || (ofProject && SORTED.includes(first.key) && !more.length)) }
}

/** The text of a list, with its values. A value that is bound twice is bound once. */
const wordingOf = (select: string, list: ServerList): { text: string; values: unknown[] } => {
  const { filter, order = [], marker, limit, now } = list
  const values: unknown[] = [now]
  const put = (value: unknown) =>
    `?${values.push(typeof value === 'boolean' ? Number(value) : Array.isArray(value) ? JSON.stringify(value) : value)}`
  // `?1` is the time, used or not.
  const where: string[] = ['?1 > 0']
  // Found by their ids, they are not looked for among all that the project has.
  const beside = filter.reservationId === undefined ? '' : '+'
  if (filter.deleted !== undefined) where.push(`${beside}s.deleted_at is ${filter.deleted ? 'not ' : ''}null`)
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as keyof ServerFilter]
    if (value === undefined) continue
    const one = name === 'statuses' && filter.statuses?.length === 1
    const plain = one ? `s.status = ${put(filter.statuses![0])}` : condition.replaceAll('?', put(value))
    where.push(name === 'projectId' ? `${beside}${plain}` : plain)
  }
  const descending = order[0]?.descending ?? true
  const keys = [
    ...order.map((o) => ({ column: SORT_COLUMNS[o.key] as string, descending: o.descending })),
    ...['s.created_at', 's.id'].map((column) => ({ column, descending })),
  ].filter(({ column }, i, all) => all.findIndex((each) => each.column === column) === i)
  if (marker !== undefined) {
    const [of, project] = [put(marker), put(filter.projectId ?? null)]
    where.push(beyond(keys, `s.id = ${of} and (${project} is null or s.project_id = ${project})`))
  }
  const { index, chosen } = pathOf(list)
  const ordered = `order by ${keys.map((k) => `${k.column}${k.descending ? ' desc' : ''}`).join(', ')}`
  const which = (what: string) =>
    `select ${what} from servers s ${index} where ${where.join(' and ')} ${ordered} limit +${put(limit)}`
  const text = chosen
    ? `select ${select} from (${which('s.rowid as chosen')}) c cross join servers s on s.rowid = c.chosen ${ordered}`
    : which(select)
  return { text, values }
}

interface Key {
  column: string
  descending: boolean
}

/** What follows the marker in that order. `marked`: which server that is. Where all keys go one way SQLite begins at it. */
const beyond = (keys: Key[], marked: string): string => {
  const columns = keys.map(({ column }) => column).join(', ')
  const { descending } = keys[0]!
  return keys.every((key) => key.descending === descending)
    ? `(${columns}) ${descending ? '<' : '>'} (select ${columns} from servers s where ${marked})`
    : spelledOut(keys, marked)
}

const spelledOut = ([first, ...rest]: Key[], marked: string): string => {
  const at = `(select ${first!.column} from servers s where ${marked})`
  const after = `${first!.column} ${first!.descending ? '<' : '>'} ${at}`
  return rest.length ? `(${after} or (${first!.column} = ${at} and ${spelledOut(rest, marked)}))` : after
}

/** Whether a marker stands for a server that the scope may see. */
export const serverExists = async (db: Database, projectId: string | undefined, id: string): Promise<boolean> =>
  (await db.$client
    .prepare('select 1 as there from servers where id = ?1 and (?2 is null or project_id = ?2)')
    .bind(id, projectId ?? null)
    .first()) !== null
