import { type SQL, sql } from 'drizzle-orm'

/** One column of an order. Nulls sort as the empty string does: a marker may stand on one. */
export interface SortKey {
  column: SQL | { getSQL(): SQL }
  descending: boolean
}

/** What a key compares. */
export const comparedAs = ({ column }: SortKey): SQL => sql`coalesce(${column}, '')`

export const orderOf = (keys: SortKey[]): SQL[] =>
  keys.map((key) => (key.descending ? sql`${comparedAs(key)} desc` : sql`${comparedAs(key)} asc`))

/**
 * What comes after a marker in that order: `(a, b) > (x, y)`, spelled out because directions may differ. `marker` holds
 * the marker's values in the order of the keys. The last key must be unique.
 */
export const after = (keys: SortKey[], marker: unknown[]): SQL => {
  const [first, ...rest] = keys
  if (!first) return sql`0`
  const [at, ...others] = marker
  const here = comparedAs(first)
  const beyond = first.descending ? sql`${here} < ${at ?? ''}` : sql`${here} > ${at ?? ''}`
  return rest.length ? sql`(${beyond} or (${here} = ${at ?? ''} and ${after(rest, others)}))` : beyond
}
