import * as z from 'zod'
import { perVersion } from './fields.ts'

/** Sort keys that Nova once took and must pass over (SERVER_LIST_IGNORE_SORT_KEY); from 2.75 on they are unknown. */
// biome-ignore format: a table
export const IGNORED_SORTS = [
  'architecture', 'cell_name', 'cleaned', 'default_ephemeral_device', 'default_swap_device', 'deleted', 'deleted_at',
  'disable_terminate', 'ephemeral_gb', 'ephemeral_key_uuid', 'id', 'key_data', 'launched_on', 'memory_mb', 'os_type',
  'reservation_id', 'root_gb', 'shutdown_terminate', 'user_data', 'vcpus', 'vm_mode',
]
/** Known, but the same for all servers here. */
export const CONSTANT_SORTS = ['kernel_id', 'locked_by', 'ramdisk_id', 'root_device_name']
export const JOINED = [
  'block_device_mapping',
  'services',
  'metadata',
  'system_metadata',
  'info_cache',
  'security_groups',
  'pci_devices',
]

/** What everybody may filter by, and from which version on. */
const FOR_ALL: [since: number, names: string[]][] = [
  [1, ['reservation_id', 'name', 'status', 'image', 'flavor', 'ip', 'changes-since', 'all_tenants']],
  [5, ['ip6']],
  [26, ['tags', 'tags-any', 'not-tags', 'not-tags-any']],
  [66, ['changes-before']],
  [73, ['locked']],
  // biome-ignore format: a table
  [83, ['availability_zone', 'config_drive', 'key_name', 'created_at', 'launched_at', 'terminated_at', 'power_state', 'task_state', 'vm_state', 'progress', 'user_id']],
  [90, ['hostname']],
]
// biome-ignore format: a table
export const FOR_ADMINS = [
  'user_id', 'project_id', 'tenant_id', 'launch_index', 'image_ref', 'kernel_id', 'ramdisk_id', 'hostname', 'key_name', 'power_state',
  'vm_state', 'task_state', 'host', 'node', 'launched_at', 'terminated_at', 'availability_zone', 'display_name', 'description',
  'display_description', 'locked_by', 'uuid', 'root_device_name', 'config_drive', 'access_ip_v4', 'access_ip_v6',
  'auto_disk_config', 'progress', 'soft_deleted', 'deleted', 'created_at', 'ip6',
]
const PAGING = ['limit', 'marker', 'sort_key', 'sort_dir', 'page_size', 'offset']

/** What everybody may filter by in a version. */
export const forAll = (version: number): string[] =>
  FOR_ALL.flatMap(([since, names]) => (version >= since ? names : []))

type Query = Record<string, string | undefined>
/** From 2.75 on unknown keys are refused; before, they are passed over. */
export const listQuery = perVersion((version): z.ZodType<Query> => {
  const names = [...forAll(version), ...FOR_ADMINS, ...JOINED, ...PAGING]
  const shape = Object.fromEntries(names.map((name) => [name, z.string().optional()]))
  return version >= 75 ? z.strictObject(shape) : z.looseObject(shape)
})
