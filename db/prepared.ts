import { is, Param, Placeholder, type SQL, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import { type Database, QueryFailed } from './client.ts'
import { mapperOf, type Selection } from './rows.ts'
import type { Scope } from './scope.ts'

/** What drizzle makes of a query once its text is written. */
interface Written extends Selection {
  getQuery(): { sql: string; params: unknown[] }
  mapResult(result: unknown, isFromBatch: boolean): unknown
}

/** A query as drizzle builds it, which would give an `R`. */
export type Query<R> = PromiseLike<R> & { prepare(): unknown }

/**
 * What stands for values in a query that is worded without them: a placeholder for each that is there, undefined for one
 * that is absent. `scope` keeps its form. `form` comes as it is: what the text follows from besides, e.g. an order.
 */
export type Slots<V> = {
  [K in keyof V]: K extends 'form'
    ? V[K]
    : V[K] extends Scope
      ? Scope<Placeholder>
      : undefined extends V[K]
        ? Placeholder | undefined
        : Placeholder
}

/** So many wordings of one query are kept. */
const SHAPES = 100

interface Worded {
  text: string
  fill(values: object): unknown[]
  /** Rows as the driver gives them, as arrays; null: what is written gives none. */
  map: ((rows: unknown[][]) => unknown) | null
  mapResult(result: unknown): unknown
}

/** A statement for a batch whose text is written already. */
export const ready = (text: string, params: unknown[], mapResult: (result: unknown) => unknown = (result) => result) =>
  ({ _prepare: () => ({ getQuery: () => ({ sql: text, params }), mapResult }) }) as unknown as BatchItem<'sqlite'>

/**
 * A query that is worded once: to word it costs more than SQLite takes to answer. `build` is given slots in place of the
 * values, and may ask which are there: each set of values that is there, with each `form` and kind of scope, is worded by
 * itself, and the wordings used last are kept. A list or an object is bound as JSON (`anyOf`, `among`), so that no text
 * depends on its length. `run` asks the query, `statement` puts it into a batch.
 *
 *     const page = prepared((db, { scope, name, form, limit }: Slots<Page>) =>
 *       db.select().from(flavors).where(and(onSale(scope), name && eq(flavors.name, name))).orderBy(…form.sort…).limit(limit))
 *     page.run(db, { scope, name: query.name, form: { sort }, limit: 10 })
 */
export const prepared = <V, R>(build: (db: Database, slots: Slots<V>) => Query<R>) => {
  const kept = new Map<string, Worded>()
  let last: { shape: string; worded: Worded } | null = null
  const wordedFor = (db: Database, values: object): Worded => {
    const shape = shapeOf(values as Record<string, unknown>)
    if (last?.shape === shape) return last.worded
    const worded = kept.get(shape) ?? wordingOf(build(db, slotsFor(values) as Slots<V>))
    // The order of the map is that of use.
    kept.delete(shape)
    kept.set(shape, worded)
    if (kept.size > SHAPES) kept.delete(kept.keys().next().value!)
    last = { shape, worded }
    return worded
  }
  return {
    run: async (db: Database, values: V): Promise<R> => {
      const { text, fill, map } = wordedFor(db, values as object)
      const statement = db.$client.prepare(text).bind(...fill(values as object))
      let answer: unknown
      try {
        answer = await (map ? statement.raw() : statement.run())
      } catch (error) {
        throw new QueryFailed(text, error)
      }
      return (map ? map(answer as unknown[][]) : answer) as R
    },
    statement: (db: Database, values: V): BatchItem<'sqlite'> & PromiseLike<R> => {
      const { text, fill, mapResult } = wordedFor(db, values as object)
      return ready(text, fill(values as object), mapResult) as BatchItem<'sqlite'> & PromiseLike<R>
    },
  }
}

const wordingOf = (query: Query<unknown>): Worded => {
  const written = query.prepare() as Written
  const { text, slots } = numbered(written.getQuery())
  const map = mapperOf(written)
  const rows = ({ results }: { results: object[] }) => results.map((row) => Object.values(row))
  return {
    text,
    fill: (values) => slots.map((slot) => slot(values as Record<string, unknown>)),
    map,
    mapResult: (result) => (map ? map(rows(result as { results: object[] })) : written.mapResult(result, true)),
  }
}

/** A binding has a scope too, which is a text. */
const isScope = (name: string, value: unknown): value is Scope => name === 'scope' && typeof value === 'object'

/** What the text of a query depends on: which values are there, for whom, and its form. */
const shapeOf = (values: Record<string, unknown>): string => {
  let shape = ''
  let form = ''
  for (const name in values) {
    const value = values[name]
    if (value === undefined) continue
    if (name === 'form') form = JSON.stringify(value)
    else shape += isScope(name, value) && 'every' in value ? '*,' : `${name},`
  }
  return shape + form
}

const slotsFor = (values: object): object => {
  const slots: [string, unknown][] = []
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    if (name === 'form' || (isScope(name, value) && 'every' in value)) slots.push([name, value])
    else slots.push([name, isScope(name, value) ? { projectId: sql.placeholder(name) } : sql.placeholder(name)])
  }
  return Object.fromEntries(slots)
}

const bound = (value: unknown): unknown => {
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'object' && !ArrayBuffer.isView(value) ? JSON.stringify(value) : value
}

const LIMIT = /\blimit $/i

type Slot = (values: Record<string, unknown>) => unknown

/** Strings and quoted names, in which `?` does not count. */
const MARK = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\?/g

/**
 * A text in which every value has a number, with what fills each: one that is named often is bound once, for D1 takes a
 * hundred. SQLite prepares a statement anew at every run where a plan may follow from a value: from a limit, unless a plus
 * stands before it, and from what the condition of a partial index could be about: what is always the same is written out.
 */
const numbered = ({ sql: text, params }: { sql: string; params: unknown[] }): { text: string; slots: Slot[] } => {
  const slots: Slot[] = []
  const numbers = new Map<string, number>()
  let next = 0
  return {
    slots,
    text: text.replaceAll(MARK, (mark, at: number) => {
      if (mark !== '?') return mark
      const param = params[next++]
      const literal = literalOf(param)
      if (literal !== null) return literal
      const name = is(param, Placeholder) ? param.name : null
      const number = (name && numbers.get(name)) || slots.push(slotOf(param))
      if (name) numbers.set(name, number)
      return LIMIT.test(text.slice(Math.max(0, at - 7), at)) ? `+?${number}` : `?${number}`
    }),
  }
}

/** A text or a whole number as SQL writes it; null: it is bound. */
const literalOf = (param: unknown): string | null => {
  if (typeof param === 'string') return `'${param.replaceAll("'", "''")}'`
  return typeof param === 'number' && Number.isSafeInteger(param) && param >= 0 ? String(param) : null
}

/** Unlike drizzle's own, it keeps null what is null: in a JSON column that is no text. */
const slotOf = (param: unknown): Slot => {
  const inner = is(param, Param) ? param.value : param
  if (!is(inner, Placeholder)) return () => inner
  const { name } = inner
  const encoder = is(param, Param) ? param.encoder : null
  return (values) => {
    const given = values[name]
    const value = isScope(name, given) ? (given as { projectId: string }).projectId : given
    if (value === null || value === undefined) return null
    return encoder ? encoder.mapToDriverValue(value) : bound(value)
  }
}

/** Columns of a query in a query, as they are: rows of what is worded as SQL. */
export const asTheyAre = <Row>(columns: (keyof Row & string)[]) =>
  Object.fromEntries(columns.map((name) => [name, sql`${sql.identifier(name)}`])) as unknown as {
    [Name in keyof Row]: SQL<Row[Name]>
  }
