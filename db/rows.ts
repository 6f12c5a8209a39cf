import { Column, getTableName, is, noopDecoder, SQL, Subquery } from 'drizzle-orm'

/** One column of a result: where its value goes, and what it is. */
interface Field {
  path: string[]
  field: unknown
}
/** What drizzle knows of the rows of a query that it has worded. */
export interface Selection {
  fields?: Field[]
  /** Of a join, whether each table has a row for certain, by its name. */
  joinsNotNullableMap?: Record<string, boolean>
}

type Decode = (value: unknown) => unknown
interface Slot {
  name: string
  decode: Decode | null
}
/** One object of a row: its columns from `first` on. */
interface Part {
  /** Null: the row itself. */
  name: string | null
  /** Columns of the result, each with the name of its value. */
  slots: [column: number, slot: Slot][]
  /** The column that is null when there is no such object; null: there always is. */
  key: number | null
}

/**
 * How rows of a query become objects, made once for all of its rows: drizzle finds out anew for each value. Null: the
 * query gives no rows that it knows of.
 */
export const mapperOf = ({ fields, joinsNotNullableMap }: Selection): ((rows: unknown[][]) => object[]) | null => {
  if (!fields) return null
  const parts = partsOf(fields, joinsNotNullableMap)
  const [own, ...others] = parts
  const bare = Object.fromEntries(fields.map(({ path }) => [path[0]!, null])) as Record<string, unknown>
  const blanks = others.map(({ slots }) => Object.fromEntries(slots.map(([, { name }]) => [name, null])))
  return (rows) =>
    rows.map((row) => {
      // A copy has room for every value from the start; an object that grows by one at a time moves again and again.
      const object = fillIn({ ...bare }, own!, row)
      for (let i = 0; i < others.length; i++) {
        const part = others[i]!
        if (part.key === null || row[part.key] !== null) object[part.name!] = fillIn({ ...blanks[i] }, part, row)
      }
      return object
    })
}

const fillIn = (object: Record<string, unknown>, { slots }: Part, row: unknown[]): Record<string, unknown> => {
  for (const [column, { name, decode }] of slots) {
    const value = row[column]
    object[name] = decode === null || value === null ? value : decode(value)
  }
  return object
}

const partsOf = (fields: Field[], certain: Record<string, boolean> | undefined): Part[] => {
  const parts = new Map<string | null, Part>([[null, { name: null, slots: [], key: null }]])
  for (const [column, { path, field }] of fields.entries()) {
    if (path.length > 2) throw new Error(`a row has objects in objects: ${path.join('.')}`)
    const name = path.length === 2 ? path[0]! : null
    const part = parts.get(name) ?? { name, slots: [], key: keyOf(name!, fields, certain) }
    parts.set(name, part)
    part.slots.push([column, { name: path.at(-1)!, decode: decoderOf(field) }])
  }
  return [...parts.values()]
}

/** As drizzle has it: an object that is all of one table is null where the first of its columns is, if a join may miss that table. */
const keyOf = (name: string, fields: Field[], certain: Record<string, boolean> | undefined): number | null => {
  if (!certain) return null
  const own = [...fields.entries()].filter(
    ([, { path, field }]) => path.length === 2 && path[0] === name && is(field, Column),
  )
  const tables = new Set(own.map(([, { field }]) => getTableName((field as Column).table)))
  const [first] = own
  return first && tables.size === 1 && !certain[[...tables][0]!] ? first[0] : null
}

const asItIs = Column.prototype.mapFromDriverValue

/** Null: a value is what the database gives. */
const decoderOf = (field: unknown): Decode | null => {
  const decoder = is(field, Column)
    ? field
    : (
        (is(field, SQL) ? field : is(field, Subquery) ? field._.sql : (field as SQL.Aliased).sql) as unknown as {
          decoder: { mapFromDriverValue: Decode }
        }
      ).decoder
  const { mapFromDriverValue } = decoder
  if (mapFromDriverValue === asItIs || mapFromDriverValue === noopDecoder.mapFromDriverValue) return null
  return (value) => decoder.mapFromDriverValue(value)
}
