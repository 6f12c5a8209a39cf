import { sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'

/** A secret that is to be sealed anew: the row that holds it, and what it holds. */
export interface Kept {
  row: string | number
  /** Whose it is: the id in the place for which it is sealed. */
  owner: string
  value: string
}

/** A column, or a part of one, that holds what is sealed at rest. */
export interface Secret {
  table: string
  /** SQL: what tells the row from others, the id that the place names, the value, and the statement that replaces it. */
  row: string
  owner: string
  value: string
  set: string
  /** SQL: where there is one. */
  where: string
  /** Where such a value is sealed for. */
  place(owner: string): string
}

/** `v1.`, eight digits of the key, a dot. */
const HEAD = 12

/**
 * Some of what is in the clear, or was sealed by one of the older keys. What no key of ours opens is left out.
 * @param today the beginning of what the first key seals
 * @param older the same of the others
 */
export const staleSecrets = (
  db: Database,
  { table, row, owner, value, where }: Secret,
  { today, older, limit }: { today: string; older: string[]; limit: number },
): Promise<Kept[]> => {
  // As the indexes of sealed values have it.
  const head = sql.raw(`substr(${value}, 1, ${HEAD})`)
  return db.all<Kept>(sql`select ${sql.raw(row)} as row, ${sql.raw(owner)} as owner, ${sql.raw(value)} as value from ${sql.raw(table)}
    where ${sql.raw(where)} and (${head} < ${today} or ${head} > ${today})
      and (substr(${sql.raw(value)}, 1, 3) <> 'v1.' or ${head} in (select value from json_each(${JSON.stringify(older)})))
    limit ${limit}`)
}

/** So much of a value tells it from others. */
const START = 80

/** Puts a sealed value in place of another, unless somebody changed that meanwhile. */
export const replaceSecret = (db: Database, { table, row, value, set }: Secret, kept: Kept, sealed: string) =>
  db.run(sql`update ${sql.raw(table)} set ${sql.raw(set)} from (select ${sealed} as sealed) as anew
    where ${sql.raw(row)} = ${kept.row} and substr(${sql.raw(value)}, 1, ${START}) = ${kept.value.slice(0, START)}`)
