import { and, type SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { anyOf } from '../../conditions.ts'
import { after, orderOf } from '../keyset.ts'

/** What a list can be filtered and sorted by: an expression, or a condition that all values together make. */
type Attribute =
  | { is: 'text' | 'flag' | 'number' | 'time' | 'ip' | 'cidr' | 'mac'; sql: SQL; matches?: undefined }
  | { is: 'text' | 'pairs'; matches: (values: string[]) => SQL }
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

const filterOf = (attribute: Attribute, values: unknown[]): SQL =>
  attribute.matches ? attribute.matches(values.map(String)) : anyOf(attribute.sql, values)

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
  const named = new Map(listing.sort.toReversed().map((each) => [each.key, each]))
  const keys = [
    ...[...named.values()].toReversed(),
    ...['created_at', 'id'].map((key) => ({ key, descending: false })),
  ].map((each) => ({
    column: expression(each.key),
    descending: each.descending !== listing.reverse,
  }))
  const marked = and(sql`id = ${listing.marker}`, seen)
  const at = keys.map(({ column }) => sql`(select coalesce(${column}, '') from ${table} where ${marked})`)
  return {
    where: and(
      seen,
      ...listing.filters.map(({ key, values }) => filterOf(attributes[key]!, values)),
      ...listing.tags.map(({ match, tags }) => tagsOf(match, tags)),
      listing.changedSince === null ? undefined : sql`${expression('updated_at')} >= ${listing.changedSince}`,
      listing.marker === null ? undefined : after(keys, at),
    ),
    orderBy: orderOf(keys),
    limit: listing.limit ?? -1,
  }
}
