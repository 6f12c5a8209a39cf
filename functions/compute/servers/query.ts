import { own, table } from '../../../adapters/table.ts'
import type { ServerFilter } from '../../../db/queries/compute/server-filters.ts'
import { isSortColumn, type ServerOrder } from '../../../db/queries/compute/server-order.ts'
import { POWER_STATES, SERVER_STATUSES } from '../../broker/compute/lifecycle.ts'
import type { Context } from '../../context.ts'
import { strictBoolean } from '../../http/boolean.ts'
import { badRequest, forbidden } from '../../http/fault.ts'
import { distinctKeys } from '../../http/pagination.ts'
import { compile, type Matcher } from './pattern.ts'
import { CONSTANT_SORTS, FOR_ADMINS, forAll, IGNORED_SORTS, JOINED } from './query-names.ts'

export interface Asked {
  filter: ServerFilter
  order: ServerOrder[]
  /** Judged row by row, after the database. */
  judges: { of: 'name' | 'ip4' | 'ip6'; matcher: Matcher }[]
  /** Nothing can match. */
  nothing: boolean
}

const ISO = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/
/** Milliseconds; a time without a zone is UTC. */
export const timeOf = (key: string, value: string): number => {
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(value) || !/[T ]/.test(value)
  const ms = ISO.test(value) ? Date.parse(zoned ? value : `${value}Z`) : Number.NaN
  if (Number.isNaN(ms))
    throw badRequest(`Invalid input for query parameters ${key}. Value: ${value}. '${value}' is not a 'date-time'`)
  return ms
}

const numberOf = (key: string, value: string): number => {
  if (!/^-?\d+$/.test(value)) throw badRequest(`Invalid filter field: ${key}.`)
  return Number(value)
}

const ROOT_DEVICE = '/dev/vda'
const PLAIN = /^[\w\s@%&=:;,<>"'~`!#-]*$/

interface Draft extends Asked {
  version: number
}

/** How each filter is understood. */
const READERS: Record<string, (draft: Draft, value: string, key: string) => void> = table({
  name: (d, value) => {
    if (PLAIN.test(value)) d.filter.nameHas = value
    else d.judges.push({ of: 'name', matcher: patternOf('name', value) })
  },
  image: (d, value) => {
    d.filter.image = value
  },
  flavor: (d, value) => {
    d.filter.flavor = value
  },
  ip: (d, value) => {
    d.judges.push({ of: 'ip4', matcher: patternOf('ip', value) })
  },
  ip6: (d, value) => {
    d.judges.push({ of: 'ip6', matcher: patternOf('ip6', value) })
  },
  'changes-since': (d, value, key) => {
    d.filter.changesSince = timeOf(key, value)
  },
  'changes-before': (d, value, key) => {
    d.filter.changesBefore = timeOf(key, value)
  },
  tags: (d, value) => {
    d.filter.tags = value.split(',')
  },
  'tags-any': (d, value) => {
    d.filter.tagsAny = value.split(',')
  },
  'not-tags': (d, value) => {
    d.filter.notTags = value.split(',')
  },
  'not-tags-any': (d, value) => {
    d.filter.notTagsAny = value.split(',')
  },
  locked: (d, value) => {
    const locked = strictBoolean(value)
    if (locked === null)
      throw badRequest(
        `Unrecognized value '${value}', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'`,
      )
    d.filter.locked = locked
  },
  reservation_id: (d, value) => {
    d.filter.reservationId = value
  },
  user_id: (d, value) => {
    d.filter.userId = value
  },
  key_name: (d, value) => {
    d.filter.keyName = value
  },
  hostname: (d, value) => {
    d.filter.hostname = value
  },
  availability_zone: (d, value) => {
    d.filter.availabilityZone = value
  },
  node: (d, value) => {
    d.filter.node = value
  },
  host: (d, value) => {
    d.filter.host = value
  },
  auto_disk_config: (d, value) => {
    d.filter.diskConfig = strictBoolean(value) ? 'AUTO' : 'MANUAL'
  },
  // Nothing is deleted softly, nobody but its owner or an administrator locks a server, and the rest is what all show.
  soft_deleted: (d, value) => {
    d.nothing ||= strictBoolean(value) === true
  },
  locked_by: (d, value) => {
    d.nothing ||= !['owner', 'admin'].includes(value)
    d.filter.locked = true
  },
  kernel_id: (d, value) => {
    d.nothing ||= value !== ''
  },
  ramdisk_id: (d, value) => {
    d.nothing ||= value !== ''
  },
  root_device_name: (d, value) => {
    d.nothing ||= value !== ROOT_DEVICE
  },
  power_state: (d, value, key) => {
    const named = own(POWER_STATES, value.toLowerCase())
    d.filter.powerState = named ?? numberOf(key, value)
  },
  launch_index: (d, value, key) => {
    d.filter.launchIndex = numberOf(key, value)
  },
  task_state: (d, value) => {
    d.filter.taskState = value
  },
  vm_state: (d, value) => {
    d.filter.vmState = value
  },
  progress: (d, value, key) => {
    d.filter.progress = numberOf(key, value)
  },
  config_drive: (d, value) => {
    d.filter.configDrive = strictBoolean(value) ?? false
  },
  created_at: (d, value, key) => {
    d.filter.createdAt = timeOf(key, value)
  },
  launched_at: (d, value, key) => {
    d.filter.launchedAt = timeOf(key, value)
  },
  terminated_at: (d, value, key) => {
    d.filter.terminatedAt = timeOf(key, value)
  },
  description: (d, value) => {
    d.filter.description = value
  },
  uuid: (d, value) => {
    d.filter.id = value
  },
  access_ip_v4: (d, value) => {
    d.filter.accessIpv4 = value
  },
  access_ip_v6: (d, value) => {
    d.filter.accessIpv6 = value
  },
  deleted: (d, value) => {
    d.filter.deleted = strictBoolean(value) ?? false
  },
})
const ALIASES: Record<string, string> = table({
  display_name: 'name',
  display_description: 'description',
  image_ref: 'image',
})

const patternOf = (key: string, value: string): Matcher => {
  const matcher = compile(value)
  if (!matcher)
    throw badRequest(`Invalid input for query parameters ${key}. Value: ${value}. '${value}' is not a 'regex'`)
  return matcher
}

/** Filters and order of a list, as this caller may have them. https://docs.openstack.org/api-ref/compute/#list-servers */
export const readQuery = (context: Context, queries: URLSearchParams, version: number): Asked => {
  const isAdmin = context.caller?.isAdmin ?? false
  const mine = new Set([...forAll(version), ...(isAdmin ? FOR_ADMINS : [])])
  const draft: Draft = {
    filter: {},
    order: distinctKeys(orderOf(context, queries, version)),
    judges: [],
    nothing: false,
    version,
  }
  // Of a repeated key the last counts.
  for (const [key, value] of new Map(queries)) {
    if (key.startsWith('_') || JOINED.includes(key)) throw badRequest(`Invalid filter field: ${key}.`)
    if (mine.has(key)) READERS[ALIASES[key] ?? key]?.(draft, value, key)
  }
  readStatus(draft, queries.getAll('status'), isAdmin)
  const { filter } = draft
  if (
    filter.changesSince !== undefined &&
    filter.changesBefore !== undefined &&
    filter.changesBefore < filter.changesSince
  )
    throw badRequest('The value of changes-since must be less than or equal to changes-before.')
  if (filter.deleted === undefined && filter.changesSince === undefined && filter.changesBefore === undefined)
    filter.deleted = false
  readProject(draft, context, queries, isAdmin)
  return draft
}

const readStatus = (draft: Draft, statuses: string[], isAdmin: boolean): void => {
  if (!statuses.length) return
  const known = statuses.map((status) => status.toUpperCase()).filter((status) => SERVER_STATUSES.has(status))
  if (!known.length) {
    if (draft.version >= 38) throw badRequest('Invalid status value')
    draft.nothing = true
  }
  if (known.length === 1 && known[0] === 'DELETED') {
    if (!isAdmin) throw forbidden('Only administrators may list deleted instances')
    draft.filter.deleted = true
  }
  draft.filter.statuses = known
}

/** The caller's own project, unless an admin asks for all of them, or for another among them. */
const readProject = ({ filter }: Draft, { caller }: Context, queries: URLSearchParams, isAdmin: boolean): void => {
  const given = queries.get('all_tenants')
  // Another project's id alone says nothing (https://bugs.launchpad.net/nova/+bug/1185290).
  const all = given === null ? false : given === '' ? true : strictBoolean(given)
  if (all === null)
    throw badRequest(
      `Unrecognized value '${given}', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'`,
    )
  if (all && !isAdmin)
    throw forbidden("Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be performed.")
  if (!all) filter.projectId = caller?.projectId ?? ''
  else filter.projectId = queries.get('project_id') ?? queries.get('tenant_id') ?? undefined
}

const orderOf = ({ caller }: Context, queries: URLSearchParams, version: number): ServerOrder[] => {
  const directions = queries.getAll('sort_dir')
  for (const direction of directions)
    if (direction !== 'asc' && direction !== 'desc')
      throw badRequest(`Invalid sort direction '${direction}': it must be 'asc' or 'desc'.`)
  return queries.getAll('sort_key').flatMap((key, index) => {
    const ignored = IGNORED_SORTS.includes(key) || (key === 'locked' && version < 73)
    if (ignored && version < 75) return []
    if (!isSortColumn(key) && !CONSTANT_SORTS.includes(key))
      throw badRequest(
        `Invalid input for query parameters sort_key. Value: ${key}. '${key}' is not one of the keys that servers can be sorted by`,
      )
    if ((key === 'host' || key === 'node') && !caller?.isAdmin)
      throw forbidden(`Only administrators can sort servers by ${key}`)
    return isSortColumn(key) ? [{ key, descending: (directions[index] ?? directions[0] ?? 'desc') === 'desc' }] : []
  })
}
