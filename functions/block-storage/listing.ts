import { table } from '../../adapters/table.ts'
import type { Comparison, Slice, Sort } from '../../db/queries/listing.ts'
import { badRequest } from '../http/fault.ts'
import type { Input } from '../http/operation.ts'
import { distinctKeys, nextHref } from '../http/pagination.ts'

/** cinder/api/common.py; `osapi_max_limit` */
const MAXIMUM = 1000
const CONTROLS = [
  'limit',
  'marker',
  'offset',
  'sort',
  'sort_key',
  'sort_dir',
  'all_tenants',
  'project_id',
  'with_count',
]

/** What is left of a query when paging and sorting are taken out of it. */
export const filtersIn = (queries: URLSearchParams): Record<string, string> =>
  Object.fromEntries([...queries].filter(([key]) => !CONTROLS.includes(key)))

/** Items of a page: at most the maximum, which is also the default; 400 for what is no such number. */
const limitOf = (query: Input['query']): number => {
  const { limit } = query
  if (limit === undefined) return MAXIMUM
  if (!/^[+-]?\d+$/.test(limit.trim())) throw badRequest('limit param must be an integer')
  if (Number(limit) < 0) throw badRequest('limit param must be positive')
  return Math.min(Number(limit), MAXIMUM)
}

const offsetOf = ({ offset }: Input['query']): number => {
  if (offset === undefined) return 0
  if (!/^\d+$/.test(offset) || Number(offset) > 0x7fffffff)
    throw badRequest(`offset must be an integer from 0 to 2147483647`)
  return Number(offset)
}

/** `sort=name:asc,id` or the older `sort_key` and `sort_dir`; ties are broken by creation and id. */
const sortOf = (query: Input['query'], known: object): Sort[] => {
  if (query.sort !== undefined && (query.sort_key !== undefined || query.sort_dir !== undefined))
    throw badRequest(
      "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.",
    )
  const asked =
    query.sort === undefined
      ? [[query.sort_key ?? 'created_at', query.sort_dir ?? 'desc']]
      : query.sort
          .trim()
          .split(',')
          .map((part) => part.split(':'))
  const keys = distinctKeys(
    asked.map(([key = '', direction = 'desc']) => {
      const dir = direction.trim() || 'desc'
      if (dir !== 'asc' && dir !== 'desc')
        throw badRequest("Invalid input received: Unknown sort direction, must be 'desc' or 'asc'.")
      if (!Object.hasOwn(known, key.trim())) throw badRequest('Invalid input received: Sort key supplied is invalid.')
      return { key: key.trim(), descending: dir === 'desc' }
    }),
  )
  const { descending } = keys.at(-1)!
  for (const key of ['created_at', 'id']) if (!keys.some((k) => k.key === key)) keys.push({ key, descending })
  return keys
}

/** Which part of a list is asked for; `known`: the keys that it may be sorted by. */
export const sliceOf = (query: Input['query'], known: object): Slice => ({
  sort: sortOf(query, known),
  limit: limitOf(query),
  offset: offsetOf(query),
  marker: query.marker,
})

/** A full page has a next link, even if nothing follows. The href is the request's own URL, with the marker. */
export const nextLinks = ({ origin, request, queries, query }: Input, items: { id: string }[]) => {
  const last = items.at(-1)
  if (!last || items.length < limitOf(query)) return undefined
  return [{ rel: 'next', href: nextHref(origin + new URL(request.url).pathname, queries, last.id) }]
}

/** `created_at=gt:2020-01-01T00:00:00,lt:…`: since 3.60. */
export const timesIn = (filters: Record<string, string>) =>
  (['created_at', 'updated_at'] as const).flatMap((column) =>
    (filters[column] ? filters[column].split(',') : []).map((part) => {
      const colon = part.indexOf(':')
      const comparison = part.slice(0, Math.max(colon, 0)) || part
      if (!['gt', 'gte', 'lt', 'lte', 'eq', 'neq'].includes(comparison))
        throw badRequest(`Invalid ${comparison} operator`)
      const text = part.slice(colon + 1)
      const at = Date.parse(/[zZ]$|[+-]\d\d:?\d\d$/.test(text) || !text.includes('T') ? text : `${text}Z`)
      if (Number.isNaN(at)) throw badRequest(`Invalid ${text} value`)
      return { column, comparison: comparison as Comparison, at }
    }),
  )

/** A dictionary as Python writes it, which is how clients send `metadata={'Type': 'work'}`; undefined if it is none. */
export const dictIn = (text: string | undefined): Record<string, string> | undefined => {
  if (text === undefined) return undefined
  const string = `u?('(?:[^'\\\\]|\\\\.)*'|"(?:[^"\\\\]|\\\\.)*")`
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1]
  if (body === undefined) return undefined
  const plain = (quoted: string) => quoted.slice(1, -1).replace(/\\(.)/g, '$1')
  const found: Record<string, string> = table()
  let rest = body.trim()
  const entry = new RegExp(`^${string}\\s*:\\s*${string}\\s*(?:,\\s*|$)`, 's')
  while (rest) {
    const match = entry.exec(rest)
    if (!match) return undefined
    found[plain(match[1]!)] = plain(match[2]!)
    rest = rest.slice(match[0].length)
  }
  return found
}

/** What people may filter by (cinder's resource_filters.json); like filters end in `~`. */
export const RESOURCE_FILTERS: Record<string, string[]> = table({
  volume: [
    'name',
    'name~',
    'status',
    'metadata',
    'bootable',
    'migration_status',
    'availability_zone',
    'group_id',
    'size',
    'created_at',
    'updated_at',
    'consumes_quota',
  ],
  backup: ['name', 'status', 'volume_id'],
  snapshot: ['name', 'name~', 'status', 'volume_id', 'metadata', 'availability_zone', 'consumes_quota'],
  group: ['name'],
  group_snapshot: ['name', 'status', 'group_id'],
  attachment: ['volume_id', 'status', 'instance_id', 'attach_status'],
  message: ['resource_uuid', 'resource_type', 'event_id', 'request_id', 'message_level'],
  pool: ['name', 'volume_type'],
  volume_type: ['is_public', 'extra_specs'],
})

/** Since 3.31 an unknown filter is refused, before it is passed over; an admin may use any. */
export const allowedFilters = ({ queries, version, context }: Input, resource: string): Record<string, string> => {
  const filters = filtersIn(queries)
  if (context.caller?.isAdmin) return filters
  const allowed = RESOURCE_FILTERS[resource]!
  const unknown = Object.keys(filters).filter((key) => !allowed.includes(key) || (key.endsWith('~') && version < 34))
  if (unknown.length && version >= 31)
    throw badRequest(`Invalid filters ${unknown.join(', ')} are found in query options.`)
  for (const key of unknown) delete filters[key]
  return filters
}

/** Compares rows that are all at hand, by the keys that were asked for; `sorts` has one for each of them. */
export const inOrder =
  <T>(sort: { key: string; descending: boolean }[], sorts: Record<string, (row: T) => string | number>) =>
  (a: T, b: T): number => {
    for (const { key, descending } of sort) {
      const [left, right] = [sorts[key]!(a), sorts[key]!(b)]
      if (left !== right) return left < right === descending ? 1 : -1
    }
    return 0
  }
