import { DatabaseSync } from 'node:sqlite'
import { ALLOWED } from './allowed.ts'
import { FEW, GROWING } from './growing.ts'

/* Whether SQLite's plan of a statement costs what the statement finds, or what is stored. */

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
    if (!table || (FEW.includes(index) && !/due_at=/.test(columns)) || / EXISTS USING COVERING /.test(line)) return []
    const others = new RegExp(`(?<!\\w)"?${name}"?\\."?project_id"? = \\?`).test(text)
    if (how === 'SCAN')
      return bounded && !sorted && !others && / USING /.test(line) ? [] : [`all of ${table} is read: ${line}`]
    if (/AUTOMATIC/.test(line)) return [`an index of all of ${table} is made for one statement: ${line}`]
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
  return (text: string): string[] => {
    if (!/^\s*(select|with|insert|update|delete|replace)\b/i.test(text)) return []
    if (ALLOWED.some(({ like }) => like.test(text))) return []
    const plan = db.prepare(`explain query plan ${text}`).all() as { detail: string }[]
    return faultsOf(
      text,
      plan.map(({ detail }) => detail),
    )
  }
}
