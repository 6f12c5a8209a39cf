import { own, table } from '../../adapters/table.ts'
import { IMAGE_SORT, type ImageFilter } from '../../db/queries/image/images.ts'
import type { Comparison, Slice, Sort } from '../../db/queries/listing.ts'
import { strictBoolean } from '../http/boolean.ts'
import { badRequest } from '../http/fault.ts'
import { distinctKeys } from '../http/pagination.ts'

/** `limit_param_default` and `api_limit_max` of Glance. */
const DEFAULT_LIMIT = 25
const MAXIMUM = 1000

const CONTROLS = ['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'tag', 'member_status', 'visibility']
const COMPARISONS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq']

/** Items of a page: what the query says, at most the maximum; 400 for what is no such number. */
export const limitOf = (queries: URLSearchParams): number => {
  const given = queries.get('limit')
  if (given === null) return DEFAULT_LIMIT
  if (!/^[+-]?\d+$/.test(given)) throw badRequest('limit param must be an integer')
  if (Number(given) < 0) throw badRequest('limit param must be positive')
  return Math.min(Number(given), MAXIMUM)
}

/** `sort=name:asc,size`, or pairs of the older `sort_key` and `sort_dir`; ties are broken by creation and id. */
export const sliceOf = (queries: URLSearchParams): Slice => {
  const keys = distinctKeys(sortOf(queries))
  const { descending } = keys.at(-1)!
  for (const key of ['created_at', 'id']) if (!keys.some((k) => k.key === key)) keys.push({ key, descending })
  return { sort: keys, limit: limitOf(queries), marker: queries.get('marker') ?? undefined }
}

const sortOf = (queries: URLSearchParams): Sort[] => {
  const one = (key: string, direction: string): Sort => {
    if (!Object.hasOwn(IMAGE_SORT, key))
      throw badRequest(
        `Invalid sort key: ${key}. It must be one of the following: ${Object.keys(IMAGE_SORT).join(', ')}.`,
      )
    if (direction !== 'asc' && direction !== 'desc') throw badRequest(`Invalid sort direction: ${direction}`)
    return { key, descending: direction === 'desc' }
  }
  const keys = queries.getAll('sort_key')
  const directions = queries.getAll('sort_dir')
  const sort = queries.get('sort')
  if (sort !== null) {
    if (keys.length || directions.length) throw badRequest('Old and new sorting syntax cannot be combined')
    return sort
      .trim()
      .split(',')
      .map((part) => {
        const [key = '', direction = ''] = part.split(':')
        return one(key.trim(), direction.trim() || 'desc')
      })
  }
  if (directions.length > 1 && directions.length !== keys.length)
    throw badRequest('Number of sort dirs does not match the number of sort keys')
  return (keys.length ? keys : ['created_at']).map((key, i) =>
    one(key.trim(), (directions.length > 1 ? directions[i]! : (directions[0] ?? 'desc')).trim()),
  )
}

/**
 * `in:a,"b,c"`: one of several; `eq:a` and `a`: that one. 400 for another operator, and for quotes that do not match
 * (glance/common/utils.py, split_filter_op and validate_quotes).
 */
const amongOf = (text: string): string[] => {
  const colon = text.indexOf(':')
  if (colon < 0 || TIME.test(text)) return [text]
  const [operator, value] = [text.slice(0, colon), text.slice(colon + 1)]
  if (operator === 'eq') return [value]
  if (operator !== 'in') throw badRequest(`Unable to filter by unknown operator '${operator}'.`)
  refuseStrayQuotes(value)
  const parts = value.match(/"[^"]*"|[^,"]+/g) ?? []
  return parts.map((part) => (part.startsWith('"') ? part.slice(1, -1) : part.trim()))
}

/** Of ISO 8601, whose colons part no operator from a value. */
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/

const refuseStrayQuotes = (value: string): void => {
  const wrong = (why: string) => badRequest(`Invalid filter value ${value}. ${why}`)
  let open = false
  for (let i = value.indexOf('"'); i >= 0; i = value.indexOf('"', i + 1)) {
    if (value[i - 1] === '\\') continue
    if (!open && i > 0 && value[i - 1] !== ',') throw wrong('There is no comma before opening quotation mark.')
    if (open && i + 1 < value.length && value[i + 1] !== ',')
      throw wrong('There is no comma after closing quotation mark.')
    open = !open
  }
  if (open) throw wrong('The quote is not closed.')
}

const numberOf = (name: string, text: string): number => {
  if (!/^\d+$/.test(text))
    throw badRequest(
      name.startsWith('size_')
        ? 'Unable to filter on a range with a non-numeric value.'
        : `Invalid value for ${name}: ${text} must be a non-negative integer`,
    )
  return Number(text)
}

const booleanOf = (name: string, text: string): boolean => {
  const flag = strictBoolean(text)
  if (flag === null)
    throw badRequest(
      `Invalid value '${text}' for '${name}' filter. Valid values are case insensitive 'true' or 'false'.`,
    )
  return flag
}

const timeOf = (column: 'created_at' | 'updated_at', text: string) => {
  const colon = text.indexOf(':')
  const word = text.slice(0, Math.max(0, colon))
  const given = COMPARISONS.includes(word)
  const at = Date.parse(given ? text.slice(colon + 1) : text)
  if (Number.isNaN(at)) throw badRequest(`Bad "${column}" query filter format. Use ISO 8601 DateTime notation.`)
  return { column, comparison: (given ? word : 'eq') as Comparison, at }
}

const AMONG = {
  id: 'id',
  name: 'name',
  status: 'status',
  container_format: 'containerFormat',
  disk_format: 'diskFormat',
  checksum: 'checksum',
  os_hash_value: 'hashValue',
} as const

/** Every filter of the API reference; what is no attribute of an image is a property of it. */
export const filterOf = (queries: URLSearchParams): ImageFilter => {
  const filter: ImageFilter = { among: {}, properties: table(), times: [], hidden: false }
  const visibility = queries.get('visibility')
  if (visibility !== null) {
    if (!['community', 'public', 'private', 'shared', 'all'].includes(visibility))
      throw badRequest(`Invalid visibility value: ${visibility}`)
    filter.visibility = visibility
  }
  const member = queries.get('member_status')
  if (member !== null && !['pending', 'accepted', 'rejected', 'all'].includes(member))
    throw badRequest(`Invalid status: ${member}`)
  if (member !== null) filter.memberStatus = member
  const tags = queries.getAll('tag').map((tag) => tag.trim())
  if (tags.length) filter.tags = tags
  for (const [key, value] of queries) if (!CONTROLS.includes(key)) take(filter, key, value)
  return filter
}

const take = (filter: ImageFilter, key: string, value: string): void => {
  const among = own(AMONG, key)
  if (among) filter.among![among] = amongOf(value)
  else if (key === 'created_at' || key === 'updated_at') filter.times!.push(timeOf(key, value))
  else if (key === 'changes-since') throw badRequest('The "changes-since" filter is no longer available on v2.')
  else if (key === 'owner') filter.owner = value
  else if (key === 'protected') filter.protected = booleanOf(key, value)
  else if (key === 'os_hidden') filter.hidden = booleanOf(key, value)
  else if (key === 'size_min') filter.sizeMin = numberOf(key, value)
  else if (key === 'size_max') filter.sizeMax = numberOf(key, value)
  else if (key === 'size') filter.sizeMin = filter.sizeMax = numberOf(key, value)
  else if (key === 'min_disk') filter.minDisk = numberOf(key, value)
  else if (key === 'min_ram') filter.minRam = numberOf(key, value)
  else filter.properties![key] = value
}
