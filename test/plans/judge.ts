import { DatabaseSync } from 'node:sqlite'
import { ALLOWED } from './allowed.ts'
import { bareColumns } from './bare.ts'
import { FEW, GROWING } from './growing.ts'

/* Whether SQLite's plan of a statement costs what the statement finds, or what is stored; and whether its names mean what they seem to. */

/** One step of a plan: what is read, and by which columns of an index. */
const READS =
  /^(SCAN|SEARCH) (\S+)(?: EXISTS)?(?: USING (?:(?:COVERING )?INDEX (\S+)|AUTOMATIC[^(]*|INTEGER PRIMARY KEY))?(?: \((.*)\))?/

const NO_ALIAS =
  /^(as|on|where|set|join|left|cross|inner|indexed|order|group|limit|using|values|select|union|returning|not)$/i

/** Every name by which a statement may speak of a table: its own and its aliases. */
const namesOf = (table: string, text: string): string[] => [
  table,
  ...[...text.matchAll(new RegExp(`(?<![\\w.])"?${table}"?\\s+(?:as\\s+)?"?(\\w+)"?`, 'gi'))]
    .map(([, alias]) => alias!)
    .filter((alias) => !NO_ALIAS.test(alias)),
]

/**
 * Whether a search for whether there is a row ends at the first that the index gives: nothing is asked of a row but what
 * the index was searched by.
 */
const endsAtFirst = (text: string, table: string, name: string, columns: string): boolean => {
  const wheres = [
    ...text.matchAll(
      new RegExp(`exists \\(\\s*select [^()]*? from "?${table}"?(?: (?:as )?"?${name}"?)? where ([^()]*)\\)`, 'gi'),
    ),
  ]
  const searched = columns.split(' AND ').length
  return wheres.length > 0 && wheres.every(([, where]) => where!.split(/ and /i).length <= searched)
}

/**
 * Why a statement costs more the more is stored, one line each; none: it does not. `plan` are the lines of `explain query
 * plan`.
 */
const faultsOf = (text: string, plan: string[]): string[] => {
  const tableOf = new Map(Object.keys(GROWING).flatMap((table) => namesOf(table, text).map((name) => [name, table])))
  // A list ends at its limit, as long as an index has its order. Without one it reads to the end of what is stored.
  const bounded = /\blimit\b/i.test(text)
  const sorted = plan.some((line) => line === 'USE TEMP B-TREE FOR ORDER BY')
  return plan.flatMap((line) => {
    const [, how, name, index = '', columns = ''] = READS.exec(line) ?? []
    const table = tableOf.get(name ?? '')
    if (!table || (FEW.includes(index) && !/due_at=/.test(columns))) return []
    const others = new RegExp(`(?<!\\w)"?${name}"?\\."?project_id"? = \\?`).test(text)
    if (/ EXISTS /.test(line) && new RegExp(`exists \\(select 1 from "?${table}"?\\)`, 'i').test(text)) return []
    if (how === 'SCAN')
      return bounded && !sorted && !others && / USING /.test(line) ? [] : [`all of ${table} is read: ${line}`]
    if (/AUTOMATIC/.test(line)) return [`an index of all of ${table} is made for one statement: ${line}`]
    if (/ EXISTS /.test(line) && endsAtFirst(text, table, name!, columns)) return []
    const equal = [...columns.matchAll(/(\w+|<expr>)=\?/g)].map(([, column]) => column!)
    const wide = !/rowid=\?/.test(columns) && equal.every((column) => GROWING[table]!.includes(column))
    if (!wide || (bounded && !sorted)) return []
    return [`much of ${table} is read${sorted ? ' and sorted' : ''}: ${line}`]
  })
}

/** Judges statements of a database with this schema. What is allowed has no faults. */
export const judgeOf = (schema: string[]) => {
  const db = new DatabaseSync(':memory:')
  for (const statement of schema) db.exec(statement)
  const columns = new Map<string, ReadonlySet<string>>()
  const columnsOf = (table: string): ReadonlySet<string> => {
    const known = columns.get(table)
    if (known) return known
    const found = db.prepare('select name from pragma_table_info(?)').all(table)
    const names = new Set(found.map(({ name }) => String(name)))
    columns.set(table, names)
    return names
  }
  return (text: string): string[] => {
    if (!/^\s*(select|with|insert|update|delete|replace)\b/i.test(text)) return []
    const bare = bareColumns(text, columnsOf)
    if (bare.length)
      return bare.map(
        (name) => `a select within another one names ${name} without its table, and both have a column of that name`,
      )
    if (ALLOWED.some(({ like }) => like.test(text))) return []
    const plan = db.prepare(`explain query plan ${text}`).all() as { detail: string }[]
    return faultsOf(
      text,
      plan.map(({ detail }) => detail),
    )
  }
}
