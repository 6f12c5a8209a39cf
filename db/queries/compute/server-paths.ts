import type { ServerFilter } from './server-filters.ts'
import type { ServerList, ServerOrder, SortColumn } from './server-order.ts'

/* Along which index a list of servers is read. Figures, and what has none: docs/scale.md. */

/** One way to rows of a page. */
export interface Branch {
  /** Its index; absent: SQLite finds it by itself, for what is asked for by id. */
  index?: string
  /** What holds for all rows of the index, or of this branch. */
  where?: string
  /** What the index has in place of the first key. */
  column?: string
  /** Value of the first key in all rows of the branch, which are then ordered by the others alone. */
  usual?: string | number
  /** A value of this filter stands for each question mark of `where`. */
  by?: keyof ServerFilter
  /** Gone only where the probe finds few, or many. */
  when?: 'few' | 'many'
}

export interface Path {
  branches: Branch[]
  /** Which filters of which index tell few from many. */
  probe?: { branch: Branch; filters: (keyof ServerFilter)[] } | undefined
  /** The page is chosen by keys alone, put in order, and only what is on it is read. */
  chosen: boolean
}

/** An index that has a column: of one project, and of all. */
interface Sought {
  filter: keyof ServerFilter
  /** In one project: what it has is in another index in part. */
  also?: Branch
  index?: Branch & { has?: (value: unknown) => boolean }
  everywhere?: Branch & { has?: (value: unknown) => boolean }
}

/** Columns that are alike in most servers; the index has the others. */
interface Uneven {
  key: SortColumn
  filter: keyof ServerFilter
  index: string
  /** Which servers it has: the words of its own condition. */
  where: string
  column: string
  usual: string | number
  /** The usual value as a filter has it. */
  unasked: unknown
}
const UNEVEN: Uneven[] = [
  // biome-ignore format: a table
  ...([
    ['access_ip_v4', 'accessIpv4', 'servers_by_access_v4', "s.access_ip_v4 <> ''", 's.access_ip_v4', '', ''],
    ['access_ip_v6', 'accessIpv6', 'servers_by_access_v6', "s.access_ip_v6 <> ''", 's.access_ip_v6', '', ''],
    ['terminated_at', 'terminatedAt', 'servers_terminated', 's.terminated_at is not null', 's.terminated_at', 0, null],
    ['task_state', 'taskState', 'servers_busy', 's.task_state is not null', 's.task_state', '', null],
    ['launch_index', 'launchIndex', 'servers_of_many', 's.launch_index > 0', 's.launch_index', 0, 0],
    ['locked', 'locked', 'servers_locked', 's.locked = 1', 's.locked', 0, false],
    ['config_drive', 'configDrive', 'servers_with_drive', 's.config_drive = 1', 's.config_drive', 0, false],
    ['progress', 'progress', 'servers_in_progress', 's.progress <> 100', 's.progress', 100, 100],
    ['power_state', 'powerState', 'servers_unpowered', 's.power_state <> 1', 's.power_state', 1, 1],
    ['auto_disk_config', 'diskConfig', 'servers_auto_disk', "s.disk_config = 'AUTO'", 's.disk_config', 'MANUAL', 'MANUAL'],
  ] as const).map(([key, filter, index, where, column, usual, unasked]) => ({ key, filter, index, where, column, usual, unasked })),
]

/** Statuses in which most servers are: of all projects they are gone along by time. */
const SETTLED = ['ACTIVE', 'SHUTOFF']
/** A zone of a cloud, `<cloud>.<zone>`: others are names of zones wherever they are. */
const real = (value: unknown) => (value as string).includes('.')
const one = (value: unknown) => (value as unknown[]).length === 1

const inZoneMade = `s.pinned_zone is not ? and s.cloud_id in (select h.cloud_id from aggregates g
  join aggregate_hosts h on h.aggregate_id = g.id where g.availability_zone = ?)`

/** Filters that an index has, with the time of creation behind it; that which finds the fewest first. */
const SOUGHT: Sought[] = [
  {
    filter: 'hostname',
    index: { index: 'servers_by_hostname' },
    everywhere: { index: 'servers_by_hostname' },
  },
  { filter: 'launchedAt', index: { index: 'servers_by_launch' } },
  ...UNEVEN.map(({ filter, index, where, unasked }) => ({
    filter,
    index: { index, where, has: (value: unknown) => value !== unasked },
  })),
  { filter: 'keyName', index: { index: 'servers_by_key' } },
  { filter: 'userId', index: { index: 'servers_by_user' } },
  { filter: 'image', index: { index: 'servers_by_image' } },
  { filter: 'flavor', index: { index: 'servers_by_flavor' } },
  {
    filter: 'availabilityZone',
    index: {
      index: 'servers_pinned',
      where: 's.pinned_zone is not null and s.pinned_zone = ?',
      by: 'availabilityZone',
      has: (value) => !real(value),
    },
    // Who named no zone may be in that of an aggregate, where there is one of that name.
    also: { index: 'servers_by_zone', where: inZoneMade, by: 'availabilityZone' },
  },
  ...(['availabilityZone', 'node'] as const).map((filter) => ({
    filter,
    index: { index: 'servers_by_zone', has: real },
    everywhere: { index: 'servers_on_cloud', has: real },
  })),
  { filter: 'host', index: { index: 'servers_by_cloud' }, everywhere: { index: 'servers_on_cloud' } },
  {
    filter: 'statuses',
    index: { index: 'servers_by_status', has: one },
    everywhere: {
      index: 'servers_unsettled',
      where: `s.status not in ('${SETTLED.join("', '")}')`,
      has: (value) => one(value) && !SETTLED.includes((value as string[])[0]!),
    },
  },
  { filter: 'vmState', index: { index: 'servers_by_vm_state' } },
  // Those that have any: which of them are meant is asked of each.
  { filter: 'description', index: { index: 'servers_described', where: 's.description is not null' } },
  ...(['tags', 'tagsAny'] as const).map((filter) => ({
    filter,
    index: { index: 'servers_tagged', where: "s.tags <> '[]'" },
  })),
]

/** Sort keys that an index of a project has, with the time of creation behind it. */
const SORTED: Partial<Record<SortColumn, string>> = {
  display_name: 'servers_by_name',
  image_ref: 'servers_by_image',
  key_name: 'servers_by_key',
  launched_at: 'servers_by_launch',
  updated_at: 'servers_by_change',
  user_id: 'servers_by_user',
  uuid: 'servers_by_id',
  vm_state: 'servers_by_vm_state',
}

/**
 * A list in an order that an index has is read along it, from the marker on until the page is full: by a filter that has an
 * index with that order, else all. Where the filter and the order have each their own, the filter's is taken while it finds few, and
 * put in order.
 */
export const pathOf = ({ filter, order = [] }: ServerList): Path => {
  if (filter.id !== undefined || filter.ids || filter.reservationId !== undefined)
    return { branches: [{}], chosen: false }
  const everywhere = filter.projectId === undefined
  const along = inOrder(filter, order, everywhere)
  const changed = (['changesSince', 'changesBefore'] as const).filter((name) => filter[name] !== undefined)
  if (changed.length) {
    const branch = { index: everywhere ? 'servers_changed' : 'servers_by_change' }
    return fewOr(branch, ['projectId', ...changed], along)
  }
  const sought = filter.deleted === false ? soughtBy(filter, everywhere) : undefined
  if (!sought) return along ?? { branches: [base(filter, everywhere)], chosen: true }
  const { branch, also } = sought
  if (isNewest(order, everywhere)) return { branches: [branch, ...also], chosen: also.length > 0 }
  return fewOr(branch, ['projectId', 'deleted', sought.filter], along, also)
}

const fewOr = (branch: Branch, filters: (keyof ServerFilter)[], along: Path | undefined, also: Branch[] = []): Path =>
  along
    ? {
        branches: [
          ...[branch, ...also].map((each) => ({ ...each, when: 'few' as const })),
          ...along.branches.map((each) => ({ ...each, when: 'many' as const })),
        ],
        probe: { branch, filters },
        chosen: true,
      }
    : { branches: [branch, ...also], chosen: true }

const soughtBy = (filter: ServerFilter, everywhere: boolean) => {
  for (const { filter: name, also, ...by } of SOUGHT) {
    const { has = () => true, ...branch } = (everywhere ? by.everywhere : by.index) ?? { has: () => false }
    if (filter[name] !== undefined && has(filter[name]))
      return { filter: name, branch, also: also && !everywhere ? [also] : [] }
  }
  return undefined
}

/** By the time of creation, which every index has. In one project that is what is left of an order by project. */
const isNewest = (order: ServerList['order'] = [], everywhere: boolean): boolean => {
  const [key, ...more] = order.map(({ key }) => key).filter((key) => everywhere || key !== 'project_id')
  return !key || (key === 'created_at' && !more.length)
}

/** Where everything lies, newest last. */
const base = ({ deleted }: ServerFilter, everywhere: boolean): Branch => {
  if (deleted) return { index: everywhere ? 'servers_deleted' : 'servers_gone', where: 's.deleted_at is not null' }
  return { index: everywhere ? 'servers_by_time' : 'servers_by_project', where: 's.deleted_at is null' }
}

/** The way along an index that has the order; undefined: none has. */
const inOrder = (
  filter: ServerFilter,
  order: NonNullable<ServerList['order']>,
  everywhere: boolean,
): Path | undefined => {
  if (isNewest(order, everywhere)) {
    if (filter.deleted === undefined)
      return {
        branches: [false, true].map((deleted) => base({ deleted }, everywhere)),
        chosen: true,
      }
    return { branches: [base(filter, everywhere)], chosen: filter.deleted }
  }
  const [{ key }, ...more] = order as [ServerOrder, ...ServerOrder[]]
  if (everywhere || more.length || filter.deleted !== false) return undefined
  const index = SORTED[key]
  if (index) return { branches: [{ index }], chosen: false }
  const uneven = UNEVEN.find((each) => each.key === key)
  if (!uneven) return undefined
  const { where, column, usual } = uneven
  const others = { ...base(filter, everywhere), where: `not (${where})`, usual }
  return { branches: [{ index: uneven.index, where, column }, others], chosen: true }
}
