import type { D1Database } from '@cloudflare/workers-types'

/** Rows as they stand in a database, to be put into an empty one of the same tables. */
export interface Rows {
  statements: string[]
  /** How many there are, by table. */
  counts: Record<string, number>
}

export const NO_ROWS: Rows = { statements: [], counts: {} }

/** Tables of the program, in no order that matters. */
export const tablesOf = async (d1: D1Database): Promise<string[]> => {
  const { results } = await d1
    .prepare(
      `select name from sqlite_master where type = 'table' and name not glob 'sqlite_*' and name not glob '_cf_*'
        and name <> 'd1_migrations' order by name`,
    )
    .all<{ name: string }>()
  return results.map(({ name }) => name)
}

/** What triggers count up while other rows come in: written last, over what they have counted. Addresses behind their meters, or they begin others. */
const COUNTED = [
  'domains',
  'floating_ips',
  'address_use',
  'zone_use',
  'cloud_steady',
  'cloud_use',
  'spend',
  'spend_months',
  'spill_use',
  'burst_use',
  'user_use',
]

/** All rows of a database, but for those of the tables `but`. */
export const rowsOf = async (d1: D1Database, but: string[] = []): Promise<Rows> => {
  const rows: Rows = { statements: [], counts: {} }
  const tables = await tablesOf(d1)
  const inOrder = [
    ...tables.filter((table) => !COUNTED.includes(table)),
    ...COUNTED.filter((table) => tables.includes(table)),
  ]
  for (const table of inOrder) {
    if (but.includes(table)) continue
    const [columns, ...found] = await d1.prepare(`select * from "${table}"`).raw({ columnNames: true })
    if (!found.length) continue
    const values = found.map((row) => `(${row.map(literal).join(',')})`)
    rows.statements.push(`insert or replace into "${table}" ("${columns.join('","')}") values ${values.join(',')}`)
    rows.counts[table] = found.length
  }
  return rows
}

/** A value as it is written in SQL; what is in no template is refused. */
const literal = (value: unknown): string => {
  if (value === null) return 'null'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string' && !value.includes('\0')) return `'${value.replaceAll("'", "''")}'`
  throw new Error(`not to be copied: ${JSON.stringify(value)}`)
}

/** SQLite answers at most 100 columns. */
const COLUMNS = 100

/** Statements whose answers, together, are the number of rows of each table under its name. */
export const countAll = (tables: string[]): string[] =>
  Array.from({ length: Math.ceil(tables.length / COLUMNS) }, (_, i) => {
    const some = tables.slice(i * COLUMNS, (i + 1) * COLUMNS)
    return `select ${some.map((table) => `(select count(*) from "${table}") as "${table}"`).join(', ')}`
  })
