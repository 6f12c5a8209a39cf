import type { DatabaseSync, SQLInputValue } from 'node:sqlite'

/** Whose ids are made up: three hexadecimal digits of the id say of what it is. */
const MARKS = [
  'server',
  'port',
  'volume',
  'attachment',
  'snapshot',
  'image',
  'network',
  'subnet',
  'router',
  'group',
  'rule',
  'floating-ip',
  'keypair',
  'flavor',
  'project',
  'user',
  'credential',
  'token',
] as const
export type Mark = (typeof MARKS)[number]

/**
 * The UUID of the copy whose number is `n`, as SQL and as text. Its first digits are scattered over their range, as those of
 * random ids are: an index of them is filled, and read, in no order.
 */
export const uuid = (mark: Mark, n = 'n'): string =>
  `printf('%08x-0000-4${digits(mark)}-8000-%012x', (${n}) * 2654435761 % 4294967296, ${n})`
export const uuidOf = (mark: Mark, n: number): string => {
  const scattered = (n * 2654435761) % 4294967296
  return `${hex(scattered, 8)}-0000-4${digits(mark)}-8000-${hex(n, 12)}`
}
/** The same without dashes, as Keystone has them. */
export const hexId = (mark: Mark, n = 'n'): string => `replace(${uuid(mark, n)}, '-', '')`

const hex = (n: number, width: number) => n.toString(16).padStart(width, '0')
const digits = (mark: Mark) => hex(MARKS.indexOf(mark) + 1, 3)

/** The `n`-th address after one of IPv4, and the `n`-th MAC address, as SQL. */
export const address = (first: string, n = 'n'): string => {
  const number = first.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const at = `(${number} + ${n})`
  return `printf('%d.%d.%d.%d', ${at} >> 24, ${at} >> 16 & 255, ${at} >> 8 & 255, ${at} & 255)`
}
export const mac = (n = 'n'): string =>
  `printf('fa:16:3f:%02x:%02x:%02x', (${n}) >> 16 & 255, (${n}) >> 8 & 255, (${n}) & 255)`

export type Row = Record<string, SQLInputValue>

/** The rows that a condition finds, to be copied. Throws when there are none: a copy of nothing would pass for a full table. */
export const rowsOf = (db: DatabaseSync, table: string, where: string, ...values: SQLInputValue[]): Row[] => {
  const rows = db.prepare(`select * from ${table} where ${where}`).all(...values) as Row[]
  if (!rows.length) throw new Error(`${table} has no row with ${where}`)
  return rows
}

/** Which copies are made: numbers from `first` to `last`, of which those are left out for which `where` (SQL of `n`) is not so. */
export interface Range {
  first?: number
  last: number
  where?: string
}

/** Writes copies of a row in one statement. `changed`: what is different in copy number `n`, as SQL. */
export const copy = (
  db: DatabaseSync,
  table: string,
  row: Row,
  { first = 1, last, where = 'true' }: Range,
  changed: Record<string, string>,
): void => {
  const columns = Object.keys(row)
  const unknown = Object.keys(changed).filter((column) => !columns.includes(column))
  if (unknown.length) throw new Error(`${table} has no column ${unknown}`)
  const kept = columns.filter((column) => !(column in changed))
  const values = columns.map((column) => changed[column] ?? `?${kept.indexOf(column) + 3}`)
  db.prepare(
    `with recursive series(n) as (select cast(?1 as integer) union all select n + 1 from series where n < ?2)
     insert into ${table} (${columns.join(', ')}) select ${values.join(', ')} from series where ${where}`,
  ).run(first, last, ...kept.map((column) => row[column]!))
}
