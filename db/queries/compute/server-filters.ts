import { AMONG } from '../../conditions.ts'
import { zoneMade } from '../clouds/aggregates.ts'

/* What lists of servers can be filtered by, and what each filter means to SQLite. */

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
  vmState?: string | undefined
  taskState?: string | undefined
  image?: string | undefined
  flavor?: string | undefined
  userId?: string | undefined
  keyName?: string | undefined
  hostname?: string | undefined
  /** As a server shows it. */
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

/** As zone lists name it. */
export const ZONE = `(select c.name || '.' || s.zone from clouds c where c.id = s.cloud_id)`
/** That of an aggregate, else the zone that was named without saying where (it has no dot, and is no cloud's name), else the real one: as a server shows it. */
export const SHOWN_ZONE = `coalesce(${zoneMade('s.cloud_id', 's.zone')}, iif(instr(s.pinned_zone, '.') = 0 and s.pinned_zone is not (select c.name from clouds c where c.id = s.cloud_id),
  s.pinned_zone, ${ZONE}))`
const tagged = (not: string, all: boolean) =>
  all
    ? `${not}(select count(*) from json_each(?) w where exists (select 1 from json_each(s.tags) t where t.value = w.value)) = json_array_length(?)`
    : `${not}exists (select 1 from json_each(?) w join json_each(s.tags) t on t.value = w.value)`

/** A cloud has no dot in its name: what stands before the first one is it. */
const [CLOUD_PART, ZONE_PART] = [`substr(?, 1, instr(?, '.') - 1)`, `substr(?, instr(?, '.') + 1)`]
const IN_ZONE = `s.cloud_id = (select c.id from clouds c where c.name = ${CLOUD_PART}) and s.zone = ${ZONE_PART}`

/** A second, as users write it. */
const within = (time: string) =>
  `${time} between cast(? / 1000 as integer) * 1000 and cast(? / 1000 as integer) * 1000 + 999`

/** Condition of each filter; a value stands for every question mark in it. */
export const CONDITIONS: Record<Exclude<keyof ServerFilter, 'deleted'>, string> = {
  projectId: 's.project_id = ?',
  id: 's.id = ?',
  ids: `s.id in ${AMONG}`,
  nameHas: 'instr(lower(s.name), lower(?)) > 0',
  statuses: `s.status in ${AMONG}`,
  vmState: 's.vm_state = ?',
  taskState: 's.task_state = ?',
  image: `coalesce(s.image_id, '') = ?`,
  flavor: `s.flavor ->> 'id' = ?`,
  userId: 's.user_id = ?',
  keyName: `coalesce(s.key_name, '') = ? and s.key_name is not null`,
  hostname: 's.hostname = ?',
  availabilityZone: `${IN_ZONE} and ${SHOWN_ZONE} = ?`,
  node: IN_ZONE,
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
  createdAt: within('s.created_at'),
  launchedAt: within('coalesce(s.launched_at, 0)'),
  terminatedAt: within('s.terminated_at'),
  reservationId: `s.id in (select a.server_id from server_actions a
    where a.action = 'create' and substr(a.request_id, 5, 8) = substr(?, 3) and substr(?, 1, 2) = 'r-')`,
  tags: tagged('', true),
  tagsAny: tagged('', false),
  notTags: tagged('not ', true),
  notTagsAny: tagged('not ', false),
}

/** A condition for some values of a filter, which has an index that the one for all has not; with its value. */
export const narrowed = (
  name: keyof typeof CONDITIONS,
  { statuses, availabilityZone }: ServerFilter,
): [condition: string, value: unknown] | undefined => {
  if (name === 'statuses' && statuses?.length === 1) return ['s.status = ?', statuses[0]]
  // A real zone has a dot in its name.
  if (name === 'availabilityZone' && !availabilityZone?.includes('.')) return [`${SHOWN_ZONE} = ?`, availabilityZone]
  return undefined
}
