import { and, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { own } from '../../../adapters/table.ts'
import type { Database } from '../../client.ts'
import { anyOf, both } from '../../conditions.ts'
import { prepared, type Query, type Slots } from '../../prepared.ts'
import type { Scope } from '../../scope.ts'
import { after, markedAs, orderOf } from '../keyset.ts'

/**
 * What a list can be filtered and sorted by: an expression, or a condition that all values together make. `seeks`: it finds
 * few by an index of its own, so that those are read and put in order, in place of all in order until enough were found.
 */
type Attribute =
  | {
      is: 'text' | 'flag' | 'number' | 'time' | 'ip' | 'cidr' | 'mac'
      sql: SQL
      seeks?: boolean
      /** What few rows have, and an index of theirs has; the usual value is gone along. */
      unusual?: { where: SQL; value: number }
      /** Selects the ids of all that have a value, or one of several, by an index; one that is empty has none. */
      idsWhere?(meets: (column: SQL) => SQL): SQL
      /** An index has the rows by what changed last. */
      latest?: true
      matches?: undefined
    }
  | ({ is: 'text' } & Match)
  /** Of one of several rows that belong to what is listed: all filters of one `part` have to be met by the same row. */
  | { is: 'text' | 'number'; column: SQL; part: Part; matches?: undefined }
  /** Values are `key=value`: those of one key are alternatives, and every key has to be met. A key that is none of these is passed over. */
  | { is: 'pairs'; matches: Record<string, Match> }

/** True (as SQL) where some row that belongs to what is listed meets a condition. */
type Part = (meets: SQL) => SQL

interface Match {
  matches(wanted: Placeholder): SQL
  /** Selects the ids of all that match, by an index: as long as they are few, the list begins from them. */
  ids?(wanted: Placeholder): SQL
  /** What follows for all that match one value, and has an index with the order of lists. */
  follows?(one: Placeholder): SQL
}
export type Attributes = Record<string, Attribute>

const TAG_MATCHES = ['tags', 'tags-any', 'not-tags', 'not-tags-any'] as const
export type TagMatch = (typeof TAG_MATCHES)[number]

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

/** Everything of a kind, in the order in which it was made. */
export const everything: Listing = {
  filters: [],
  tags: [],
  changedSince: null,
  sort: [],
  marker: null,
  limit: null,
  reverse: false,
}

/** Those with one of some values. */
export const whereIn = (key: string, values: (string | boolean)[]): Listing => ({
  ...everything,
  filters: [{ key, values }],
})

/**
 * A listing as a query is asked for it that is worded beforehand: what is
 * filtered by has a name of its own, for one value and for several, and so has each key of pairs.
 */
type Wanted = Partial<Record<`is ${string}`, unknown> & Record<`by ${string}` | TagMatch, unknown[]>> & {
  scope: Scope
  form: Pick<Listing, 'sort' | 'reverse'>
  changedSince?: number | undefined
  marker?: string | undefined
  limit: number
  reader?: string | undefined
}

const wantedOf = (attributes: Attributes, scope: Scope, listing: Listing, reader: string | undefined): Wanted => {
  const { sort, reverse, changedSince, marker, limit } = listing
  const wanted: Wanted = {
    scope,
    form: { sort, reverse },
    changedSince: changedSince ?? undefined,
    marker: marker ?? undefined,
    limit: limit ?? -1,
    reader,
  }
  for (const { match, tags } of listing.tags) wanted[match] = tags
  for (const { key, values } of listing.filters) {
    const attribute = attributes[key]!
    if (attribute.is !== 'pairs') {
      if (values.length === 1 && !attribute.matches) wanted[`is ${key}`] = values[0]
      else wanted[`by ${key}`] = values
    } else
      for (const [name, pairs] of Map.groupBy(values.map(String), (pair) => pair.slice(0, pair.indexOf('='))))
        if (own(attribute.matches, name)) {
          const those = pairs.map((pair) => pair.slice(name.length + 1))
          wanted[`by ${key} ${name}`] = those
          if (those.length === 1 && attribute.matches[name]!.follows) wanted[`is ${key} ${name}`] = those[0]
        }
  }
  return wanted
}

const filtersOf = (attributes: Attributes, asked: Slots<Wanted>): (SQL | undefined)[] =>
  Object.entries(attributes).flatMap(([key, attribute]) => {
    if (attribute.is === 'pairs')
      return Object.entries(attribute.matches).flatMap(([name, match]) => {
        const [values, one] = [asked[`by ${key} ${name}`], asked[`is ${key} ${name}`]]
        return [values && match.matches(values), one && match.follows?.(one)]
      })
    const values = asked[`by ${key}`]
    if (attribute.matches) return [values && attribute.matches(values)]
    return 'part' in attribute ? [] : [valued(attribute.sql, key, asked)]
  })

/** An expression has the value that is asked for, or one of several; undefined: none is. */
const valued = (expression: SQL, key: string, asked: Slots<Wanted>): SQL | undefined => {
  const [value, values] = [asked[`is ${key}`], asked[`by ${key}`]]
  return value ? sql`${expression} = ${value}` : values && anyOf(expression, values)
}

const partsOf = (attributes: Attributes, asked: Slots<Wanted>): SQL[] => {
  const wanted = Object.entries(attributes).flatMap(([key, attribute]) => {
    const meets = 'part' in attribute && valued(attribute.column, key, asked)
    return meets ? [{ part: attribute.part, meets }] : []
  })
  return [...Map.groupBy(wanted, ({ part }) => part)].map(([part, those]) =>
    part(both(...those.map(({ meets }) => meets))),
  )
}

/** Ids of what a filter finds. */
interface Found {
  ids: SQL
  /** Where this holds they are not what is asked for, and the page is gone along. */
  unless?: SQL
}

/** Of the filters that can give the ids of what they find, the first that is asked. */
const idsOf = (table: SQLiteTable, attributes: Attributes, asked: Slots<Wanted>, seen: SQL): Found | undefined => {
  const among = (condition: SQL) => sql`select id from ${table} where ${condition} and ${seen}`
  return Object.entries(attributes).flatMap(([key, attribute]): Found[] => {
    const [one, several] = [asked[`is ${key}`], asked[`by ${key}`]]
    if (attribute.is === 'pairs')
      return Object.entries(attribute.matches).flatMap(([name, { ids }]) => {
        const wanted = asked[`by ${key} ${name}`]
        return wanted && ids ? [{ ids: ids(wanted) }] : []
      })
    if (attribute.matches) return several && attribute.ids ? [{ ids: attribute.ids(several) }] : []
    if ('part' in attribute) return []
    const { idsWhere, unusual, latest } = attribute
    if (idsWhere && (one || several)) {
      const meets = (column: SQL) => (one ? sql`${column} = ${one}` : anyOf(column, several!))
      return [{ ids: idsWhere(meets), unless: meets(sql`''`) }]
    }
    if (unusual && one) return [{ ids: among(unusual.where), unless: sql`${one} <> ${unusual.value}` }]
    if (latest && one) return [{ ids: among(sql`${attribute.sql} = ${one}`) }]
    if (latest && asked.changedSince) return [{ ids: among(sql`${attribute.sql} >= ${asked.changedSince}`) }]
    return []
  })[0]
}

/** So many are put in order at once. */
const FEW = 1_000

/**
 * Ids among which a page is: those that `ids` selects while they are few, else the page as it is found in its order. Only a
 * limit keeps SQLite from looking at all rows for the one that does not count.
 */
const idsOrPage = (
  { ids, unless = sql`0` }: Found,
  table: SQLiteTable,
  { where, orderBy, limit }: Omit<Page, 'reader'>,
): SQL => {
  const many = sql`(${unless} or (select count(*) from (${ids} limit ${sql.raw(`${FEW + 1}`)})) > ${sql.raw(`${FEW}`)})`
  return sql`(select * from (${ids} limit iif(${many}, 0, -1)) union all select * from (
    select id from ${table} where ${where} order by ${sql.join(orderBy, sql`, `)} limit iif(${many}, ${limit}, 0)))`
}

const tagged = (match: TagMatch, list: Placeholder | undefined): SQL | undefined => {
  if (!list) return undefined
  const hits = sql`(select count(*) from json_each(${list}) where value in (select value from json_each(tags)))`
  const met = match.endsWith('any') ? sql`${hits} > 0` : sql`${hits} = json_array_length(${list})`
  return match.startsWith('not') ? sql`not (${met})` : met
}

/** Conditions, order and size of one page. A page in reverse comes last item first. */
export interface Page {
  where: SQL | undefined
  orderBy: SQL[]
  limit: Placeholder
  /** The project that reads, if that makes a difference. */
  reader: Placeholder | undefined
}

const pageOf = (
  table: SQLiteTable,
  attributes: Attributes,
  asked: Slots<Wanted>,
  seen: SQL,
  found: SQL = seen,
): Page => {
  const expression = (key: string): SQL => {
    const attribute = attributes[key]
    return attribute && 'sql' in attribute ? attribute.sql : sql`''`
  }
  const { reverse } = asked.form
  const sort = [
    ...asked.form.sort,
    ...['created_at', 'id'].map((key) => ({ key, descending: asked.form.sort[0]?.descending ?? false })),
  ]
  const keys = sort
    .filter(({ key }, i) => sort.findIndex((each) => each.key === key) === i)
    .map(({ key, descending }) => ({ column: expression(key), descending: descending !== reverse }))
  const marked = asked.marker && and(sql`id = ${asked.marker}`, found)
  const at = keys.map((key) => markedAs(key, table, marked))
  const filters = and(
    ...filtersOf(attributes, asked),
    ...partsOf(attributes, asked),
    ...TAG_MATCHES.map((match) => tagged(match, asked[match])),
    asked.changedSince && sql`${expression('updated_at')} >= ${asked.changedSince}`,
    marked && after(keys, at),
  )
  const [orderBy, { limit, reader }] = [orderOf(keys), asked]
  // As an expression the condition is no way into an index: the filter is the better one.
  const beside = sql`(${found}) is true`
  const seeks = Object.entries(attributes).some(([key, attribute]) =>
    attribute.is === 'pairs'
      ? Object.keys(attribute.matches).some((name) => asked[`is ${key} ${name}`])
      : 'seeks' in attribute && attribute.seeks && (asked[`is ${key}`] || asked[`by ${key}`]),
  )
  const where = and(seeks ? beside : seen, filters)
  const ids = idsOf(table, attributes, asked, seen)
  const few = ids && and(sql`id in ${idsOrPage(ids, table, { where, orderBy, limit })}`, beside, filters)
  // What was found is put in order: along an index of the order SQLite would look through all for it.
  const sorted = orderOf(keys.map((key) => ({ ...key, column: sql`+${key.column}` })))
  return few ? { where: few, orderBy: sorted, limit, reader } : { where, orderBy, limit, reader }
}

/**
 * The pages of one kind, each asked for by one query. `seen` says what a scope may see: a marker beyond it is a marker of
 * nothing, or the order would tell what is there. `found`: the same, where a filter finds few; absent: no more.
 */
export const pagesOf = <Row>(
  table: SQLiteTable,
  attributes: Attributes,
  seen: (scope: Scope<string | Placeholder>) => SQL,
  build: (db: Database, page: Page) => Query<Row[]>,
  found = seen,
) => {
  const pages = prepared((db, asked: Slots<Wanted>) =>
    build(db, pageOf(table, attributes, asked, seen(asked.scope), found(asked.scope))),
  )
  return (db: Database, scope: Scope, listing: Listing, reader?: string): Promise<Row[]> =>
    pages.run(db, wantedOf(attributes, scope, listing, reader))
}
