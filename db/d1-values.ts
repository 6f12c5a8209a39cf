import type { SQLInputValue } from 'node:sqlite'

/** What a statement can be bound to. */
export type SqlValue = SQLInputValue

/** A value as D1 binds it. Throws where it refuses one. */
export function toSql(value: unknown): SqlValue {
  if (typeof value === 'string' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (Array.isArray(value)) return Uint8Array.from(value)
  throw new Error(`D1_TYPE_ERROR: Type '${typeof value}' not supported for value '${value}'`)
}

/** A row as D1 gives it: same-named columns collide, the last one stays. */
export function toObject(columns: string[], row: unknown[]): Record<string, unknown> {
  // A copy has room for every column from the start; an object that grows by one column at a time moves again and again.
  const object = { ...emptyRow(columns) }
  for (let i = 0; i < columns.length; i++) object[columns[i]!] = row[i]
  return object
}

const emptyRows = new WeakMap<string[], Record<string, unknown>>()
/** A row without values, made once for each list of columns, and so for each prepared statement. */
function emptyRow(columns: string[]): Record<string, unknown> {
  const known = emptyRows.get(columns)
  if (known) return known
  const row = Object.fromEntries(columns.map((column) => [column, null]))
  emptyRows.set(columns, row)
  return row
}
