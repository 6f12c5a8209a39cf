import { and, type SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { anyOf } from '../../conditions.ts'
import { after, comparedAs, orderOf } from '../keyset.ts'

/**
 * What a list can be filtered and sorted by: an expression, or a condition that all values together make. `seeks`: it finds
 * few by an index of its own, so that those are read and put in order, in place of all in order until enough were found.
 */
type Attribute = { seeks?: boolean } & (
  | { is: 'text' | 'flag' | 'number' | 'time' | 'ip' | 'cidr' | 'mac'; sql: SQL; matches?: undefined }
  | { is: 'text' | 'pairs'; matches: (values: string[]) => SQL }
)
export type Attributes = Record<string, Attribute>

export type TagMatch = 'tags' | 'tags-any' | 'not-tags' | 'not-tags-any'

/** What a client asked of a list, in the names of the API. */
export interface Listing {
  /** Values of one attribute are alternatives; all attributes have to match. */
  filters: { key: string; values: (string | number | boolean)[] }[]
  tags: { match: TagMatch; tags: string[] }[]
  /** Milliseconds since 1970. */
  changedSince: number | null
  sort: { key: string; descending: boolean }[]
  marker: string | null
  limit: number | null
  /** The page before the marker. */
  reverse: boolean
}

export const everything: Listing = {
  filters: [],
  tags: [],
  changedSince: null,
  sort: [],
  marker: null,
  limit: null,
  reverse: false,
}

const filterOf = (attribute: Attribute, values: (string | number | boolean)[]): SQL => {
  if (attribute.matches) return attribute.matches(values.map(String))
  const [value, ...more] = values.map((each) => (typeof each === 'boolean' ? Number(each) : each))
  return value === undefined || more.length ? anyOf(attribute.sql, values) : sql`${attribute.sql} = ${value}`
}

const tagsOf = (match: TagMatch, tags: string[]): SQL => {
  const list = JSON.stringify(tags)
  const hits = sql`(select count(*) from json_each(${list}) where value in (select value from json_each(tags)))`
  const met = match.endsWith('any') ? sql`${hits} > 0` : sql`${hits} = json_array_length(${list})`
  return match.startsWith('not') ? sql`not (${met})` : met
}

/**
 * Conditions, order and size of one page. A page in reverse comes last item first. `seen` says what the caller may see:
 * a marker beyond it is a marker of nothing, or the order would tell what is there.
 */
export const pageOf = (table: SQLiteTable, attributes: Attributes, listing: Listing, seen: SQL | undefined) => {
  const expression = (key: string): SQL => {
    const attribute = attributes[key]
    return attribute && !attribute.matches ? attribute.sql : sql`''`
  }
  const sort = [
    ...listing.sort,
    ...['created_at', 'id'].map((key) => ({ key, descending: listing.sort[0]?.descending ?? false })),
  ]
  const keys = sort
    .filter(({ key }, i) => sort.findIndex((each) => each.key === key) === i)
    .map(({ key, descending }) => ({ column: expression(key), descending: descending !== listing.reverse }))
  const marked = and(sql`id = ${listing.marker}`, seen)
  const at = keys.map((key) => sql`(select ${comparedAs(key)} from ${table} where ${marked})`)
  // As an expression the condition is no way into an index: the filter is the better one.
  const seeks = listing.filters.some(({ key }) => attributes[key]!.seeks)
  return {
    where: and(
      seeks && seen ? sql`(${seen}) is true` : seen,
      ...listing.filters.map(({ key, values }) => filterOf(attributes[key]!, values)),
      ...listing.tags.map(({ match, tags }) => tagsOf(match, tags)),
      listing.changedSince === null ? undefined : sql`${expression('updated_at')} >= ${listing.changedSince}`,
      listing.marker === null ? undefined : after(keys, at),
    ),
    orderBy: orderOf(keys),
    limit: listing.limit ?? -1,
  }
}
