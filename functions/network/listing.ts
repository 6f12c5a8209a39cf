import { table } from '../../adapters/table.ts'
import type { Attributes, Listing, TagMatch } from '../../db/queries/network/network-listing.ts'
import type { Scope } from '../../db/scope.ts'
import { readCidr, readIp, readMac, writeIp } from '../broker/network/address.ts'
import type { Context, Database } from '../context.ts'
import { badRequest } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { zoned } from '../http/times.ts'
import { python } from './attributes.ts'

const TAG_MATCHES = ['tags', 'tags-any', 'not-tags', 'not-tags-any']
const PAGING = ['fields', 'sort_key', 'sort_dir', 'limit', 'marker', 'page_reverse', 'changed_since']

/** What a query string asks of a list (https://docs.openstack.org/api-ref/network/v2/#filtering-and-column-selection). */
export const listingOf = (queries: URLSearchParams, attributes: Attributes, tagged = true): Listing => {
  const keys = [...new Set(queries.keys())].filter((key) => !PAGING.includes(key))
  const unknown = keys.filter((key) => !attributes[key] && !(tagged && TAG_MATCHES.includes(key)))
  if (unknown.length) throw badRequest(`${python(unknown)} is invalid attribute for filtering`)
  const since = queries.get('changed_since')
  return {
    filters: keys
      .filter((key) => attributes[key])
      .map((key) => ({ key, values: queries.getAll(key).map((value) => converted(key, value, attributes)) })),
    tags: keys
      .filter((key) => TAG_MATCHES.includes(key))
      .map((key) => ({ match: key as TagMatch, tags: queries.getAll(key).flatMap((value) => value.split(',')) })),
    changedSince: since === null ? null : timeOf('changed_since', since),
    sort: sortOf(queries, attributes),
    marker: queries.get('marker'),
    limit: limitOf(queries.get('limit')),
    reverse: /^(true|1)$/i.test(queries.get('page_reverse') ?? ''),
  }
}

const timeOf = (key: string, value: string): number => {
  const time = Date.parse(/Z|[+-]\d\d:?\d\d$/.test(value) ? value : `${value}Z`)
  if (Number.isNaN(time)) throw badRequest(`The value of ${key} parameter: ${value} is invalid.`, 'InvalidInput')
  return time
}

const converted = (key: string, value: string, attributes: Attributes): string | number | boolean => {
  switch (attributes[key]!.is) {
    case 'flag':
      if (/^(true|1)$/i.test(value)) return true
      if (/^(false|0)$/i.test(value)) return false
      throw badRequest(`Invalid input for operation: '${value}' cannot be converted to boolean.`, 'InvalidInput')
    case 'number':
      if (!/^-?\d+$/.test(value))
        throw badRequest(`Invalid input for operation: '${value}' is not an integer.`, 'InvalidInput')
      return Number(value)
    case 'time':
      return timeOf(key, value)
    case 'ip':
      return canonicalIp(value)
    case 'cidr':
      return canonicalCidr(value)
    case 'mac':
      return readMac(value) ?? value
    case 'pairs':
      return pairOf(value)
    default:
      return value
  }
}

/** As addresses are kept; what is none stays as it is and finds nothing. */
const canonicalIp = (value: string): string => {
  const ip = readIp(value)
  return ip ? writeIp(ip) : value
}
const canonicalCidr = (value: string): string => {
  const block = readCidr(value)
  const [address, prefix] = value.split('/')
  return block ? `${canonicalIp(address!)}/${Number(prefix)}` : value
}

/** `key=value`; an address in it as addresses are kept (neutron_lib/api/converters.py, `convert_kvp_str_to_list`). */
const pairOf = (value: string): string => {
  const at = value.indexOf('=')
  if (at < 1)
    throw badRequest(`Invalid input for operation: '${value}' is not of the form <key>=[value].`, 'InvalidInput')
  const key = value.slice(0, at)
  if (key !== 'ip_address') return value
  const address = value.slice(at + 1)
  return `${key}=${address.includes('/') ? canonicalCidr(address) : canonicalIp(address)}`
}

const sortOf = (queries: URLSearchParams, attributes: Attributes): Listing['sort'] => {
  const [keys, directions] = [queries.getAll('sort_key'), queries.getAll('sort_dir')]
  if (directions.length && directions.length !== keys.length)
    throw badRequest('The number of sort_keys and sort_dirs must be same')
  return keys.map((key, i) => {
    const attribute = attributes[key]
    if (!attribute || !('sql' in attribute)) throw badRequest(`${python([key])} is invalid attribute for sort_keys`)
    const direction = directions[i] ?? 'asc'
    if (direction !== 'asc' && direction !== 'desc')
      throw badRequest(`${python([direction])} is invalid value for sort_dirs, valid value is 'asc' and 'desc'`)
    return { key, descending: direction === 'desc' }
  })
}

/**
 * Of a few things that are no rows of their own, those that a query string asks for, in its order: filters of their members,
 * which are `keys`, sorting, a limit and a marker.
 */
export const few = <V extends Record<string, string | number>>(
  views: V[],
  keys: string[],
  queries: URLSearchParams,
): Partial<V>[] => {
  const attributes = table(Object.fromEntries(keys.map((key) => [key, { is: 'text', sql: null }]))) as unknown
  const { filters, sort, limit, marker, reverse } = listingOf(queries, attributes as Attributes, false)
  const found = views.filter((view) => filters.every(({ key, values }) => values.includes(String(view[key]))))
  const sorted = sort
    .toReversed()
    .reduce(
      (some, { key, descending }) => some.toSorted((a, b) => (descending ? -1 : 1) * compare(a[key]!, b[key]!)),
      reverse ? found.toReversed() : found,
    )
  const at = sorted.findIndex(({ id }) => id !== undefined && id === marker)
  const after = marker !== null && at < 0 ? [] : sorted.slice(at + 1)
  return after.slice(0, limit ?? undefined).map(onlyIn(queries))
}
const compare = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

/** Zero is no limit (neutron/api/api_common.py, `_get_limit_param`). */
const limitOf = (value: string | null): number | null => {
  if (value === null || value === '' || value === 'infinite') return null
  if (!/^\d+$/.test(value))
    throw badRequest(`Bad limit request: Limit must be an integer 0 or greater and not '${value}'.`, 'BadRequest')
  return Number(value) > 0 ? Math.min(Number(value), 1000) : null
}

/** Leaves the attributes that were asked for; all of them if none was. */
export const onlyIn = (queries: URLSearchParams) => {
  const fields = queries.getAll('fields').flatMap((value) => value.split(','))
  return <V extends object>(view: V): Partial<V> =>
    fields.length
      ? (Object.fromEntries(Object.entries(view).filter(([key]) => fields.includes(key))) as Partial<V>)
      : view
}

/**
 * `next` after every full page, `previous` before every page, also one that is empty: from there it is the last of all
 * (neutron/api/api_common.py, `get_pagination_links`).
 */
const linksOf = (url: string, queries: URLSearchParams, { limit, reverse }: Listing, ids: string[]) => {
  if (limit === null) return null
  const href = (marker: string | undefined, back: boolean): string => {
    const search = new URLSearchParams(queries)
    search.delete('marker')
    if (marker !== undefined) search.set('marker', marker)
    search.delete('page_reverse')
    if (back) search.set('page_reverse', 'True')
    return `${url}?${search}`
  }
  const full = ids.length >= limit
  return [
    ...(full || reverse ? [{ rel: 'next', href: href(ids.at(-1), false) }] : []),
    ...(full || !reverse ? [{ rel: 'previous', href: href(ids[0], true) }] : []),
  ]
}

/** A row of a list; some say whether what their project has as soon as it looks is there. */
type Listed<Row> = Row & { settled?: boolean }

interface Readable<Row extends { id: string }> {
  /** In the singular, with underscores: `security_group`. */
  resource: string
  /** As in bodies: `security_groups`. */
  collection: string
  /** As in URLs, if it is not the collection. */
  path?: string
  attributes: Attributes
  /** False: it has no tags. */
  tagged?: boolean
  /** Makes what a project has as soon as it looks; true if that is to be read once more. */
  settle?(context: Context, rows: Listed<Row>[], listing: Listing): Promise<boolean>
  list(db: Database, scope: Scope, listing: Listing, reader?: string): Promise<Listed<Row>[]>
  /** Throws if the scope does not see it. */
  find(context: Context, id: string): Promise<Row>
  view(row: Row, context: Context): object
}

/** List and show are the same for every resource. */
export const reading = <Row extends { id: string }>(readable: Readable<Row>): Operation[] => {
  const { resource, collection, attributes, view } = readable
  const path = `/v2.0/${readable.path ?? collection}`
  const list = async ({ context, queries, base }: Input) => {
    const listing = listingOf(queries, attributes, readable.tagged)
    const read = () => readable.list(context.db, context.scope, listing, context.caller?.projectId)
    const first = await read()
    const found = (await readable.settle?.(context, first, listing)) ? await read() : first
    const rows = listing.reverse ? found.reverse() : found
    const links = linksOf(
      base + path,
      queries,
      listing,
      rows.map(({ id }) => id),
    )
    const only = onlyIn(queries)
    return {
      body: {
        [collection]: rows.map((row) => only(view(row, context))),
        ...(links ? { [`${collection}_links`]: links } : {}),
      },
    }
  }
  return [
    operation({
      name: `${resource}.list`,
      method: 'GET',
      path,
      who: 'reader',
      summary: `Lists ${collection.replaceAll('_', ' ')}; every attribute is a filter.`,
      status: 200,
      handle: list,
    }),
    operation({
      name: `${resource}.get`,
      method: 'GET',
      path: `${path}/:id`,
      who: 'reader',
      summary: `Shows one of the ${collection.replaceAll('_', ' ')}.`,
      status: 200,
      handle: async ({ context, params, queries }) => ({
        body: { [resource]: onlyIn(queries)(view(await readable.find(context, params.id!), context)) },
      }),
    }),
  ]
}

/** Whoever sees what is another project's has it shared with him, unless he sees everything. */
export const isLent = ({ projectId }: { projectId: string }, { scope }: Context): boolean =>
  'projectId' in scope && scope.projectId !== projectId

/** What every resource shows, whatever it is. */
export const standardView = (row: {
  id: string
  projectId: string
  description: string
  tags?: string[]
  revision: number
  createdAt: number
  updatedAt: number
}) => ({
  id: row.id,
  tenant_id: row.projectId,
  project_id: row.projectId,
  description: row.description,
  created_at: zoned(row.createdAt),
  updated_at: zoned(row.updatedAt),
  revision_number: row.revision,
  ...(row.tags ? { tags: row.tags } : {}),
})
