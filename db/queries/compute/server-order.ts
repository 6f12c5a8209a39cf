import { type ServerFilter, SHOWN_ZONE, ZONE } from './server-filters.ts'

/** Sort keys of Nova that mean something here (nova/api/openstack/compute/schemas/servers.py, VALID_SORT_KEYS). */
export const SORT_COLUMNS = {
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
