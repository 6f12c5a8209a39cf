import { operations } from '../../../functions/app.ts'
import type { Dice } from '../../simulate/dice.ts'
import { changes, pathOf, type Route, titleOf, versionHeader, versionOf } from '../../sweep/calls.ts'
import { bodiesFor } from '../../sweep/examples.ts'
import { HEADERS, HOSTILE, QUERY_KEYS, RAW_BODIES } from './words.ts'

/** One request as it goes out. */
export interface Attack {
  title: string
  method: string
  path: string
  headers: Record<string, string>
  body?: string | Uint8Array<ArrayBuffer>
}

/** What ids a path, a query or a body may name, by the segment that owns them: `servers`. */
export type Ids = ReadonlyMap<string, readonly string[]>

/** Streams answer for as long as they are read, and whole clouds are swept by one call: neither is for thousands of calls. */
const LEFT_OUT = /\/reconcile$|\/adopt$|\/release$|\/orphans|\/events$/

const routes: Route[] = operations.filter((route) => !LEFT_OUT.test(route.operation.path))

const examples = new Map<Route, unknown[]>()
/** What the schema describes; a body under the name of its collection where it says less than it takes. */
const bodiesOf = (route: Route): unknown[] => {
  try {
    return bodiesFor(route)
  } catch {
    const collection = route.operation.path.split('/').findLast((segment) => segment && !segment.startsWith(':')) ?? ''
    return [{ [collection.replace(/s$/, '').replaceAll('-', '_')]: { name: 'a' } }]
  }
}

const exampleOf = (route: Route, dice: Dice): unknown => {
  const known = examples.get(route) ?? bodiesOf(route)
  examples.set(route, known)
  return structuredClone(dice.pick(known))
}

/** Another value at a random place of a JSON value, or a member more; `ids` stand for what is real. */
const mutated = (value: unknown, dice: Dice, ids: readonly string[]): unknown => {
  if (Array.isArray(value) && value.length > 0 && dice.chance(0.8)) {
    const at = dice.below(value.length)
    return value.map((item, index) => (index === at ? mutated(item, dice, ids) : item))
  }
  if (typeof value === 'object' && value !== null && dice.chance(0.8)) {
    const entries = Object.entries(value)
    if (entries.length === 0 || dice.chance(0.15))
      return withMember(entries, String(dice.pick(HOSTILE)).slice(0, 300), dice.pick(HOSTILE))
    const [key] = dice.pick(entries)
    if (dice.chance(0.05)) return Object.fromEntries(entries.filter(([name]) => name !== key))
    return withMember(entries, key, mutated((value as Record<string, unknown>)[key], dice, ids))
  }
  return ids.length > 0 && dice.chance(0.3) ? dice.pick(ids) : dice.pick(HOSTILE)
}

/** As JSON.parse makes it: a key like `__proto__` is a member of its own. */
const withMember = (entries: [string, unknown][], key: string, value: unknown): unknown =>
  JSON.parse(JSON.stringify(Object.fromEntries([...entries.filter(([name]) => name !== key), [key, value]]) ?? null))

const hostileText = (dice: Dice): string => {
  const value = dice.pick(HOSTILE)
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 4_000)
}

const queryOf = (dice: Dice, all: readonly string[]): string => {
  const pairs = Array.from({ length: dice.below(4) }, () => {
    const value = all.length > 0 && dice.chance(0.4) ? dice.pick(all) : hostileText(dice)
    const key = dice.chance(0.9) ? dice.pick(QUERY_KEYS) : hostileText(dice).slice(0, 200)
    return `${encode(key)}=${dice.chance(0.05) ? '%' : encode(value)}`
  })
  return pairs.length > 0 ? `?${pairs.join('&')}` : ''
}

/** A lone surrogate has no UTF-8: it goes as its replacement. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed())

/**
 * A request of any route: as its schema describes it, a little wrong, or hostile. `named` fills what the sender may name;
 * `whole` is every id there is, for queries and bodies.
 */
export const attackWith = (dice: Dice, ids: Ids, whole: readonly string[]): Attack => {
  const route = dice.pick(routes)
  const value = ({ name, of }: { name: string; of: string }): string => {
    const real = ids.get(of) ?? ids.get(name) ?? []
    if (name === 'project_id') return dice.pick(ids.get('project_id') ?? ['x'])
    if (real.length > 0 && dice.chance(0.6)) return dice.pick(real)
    return dice.chance(0.5) ? dice.uuid() : encode(hostileText(dice).slice(0, 500)) || 'x'
  }
  const path = pathOf(route, value) + (dice.chance(0.5) ? queryOf(dice, whole) : '')
  const headers: Record<string, string> = {
    ...versionHeader(route, dice.chance(0.7) ? versionOf(route) : dice.below(110)),
  }
  if (dice.chance(0.1)) {
    const [name, text] = dice.pick(HEADERS)
    headers[name] = text
  }
  const attack: Attack = { title: titleOf(route), method: route.operation.method, path, headers }
  if (!changes(route)) return attack
  if (route.operation.raw) {
    attack.body = new TextEncoder().encode(hostileText(dice))
    headers['Content-Type'] ??= 'application/octet-stream'
    return attack
  }
  headers['Content-Type'] ??= 'application/json'
  if (dice.chance(0.05)) return { ...attack, body: dice.pick(RAW_BODIES) }
  const example = exampleOf(route, dice)
  if (example === undefined) return attack
  const body = dice.chance(0.3) ? example : mutated(example, dice, whole)
  return { ...attack, body: JSON.stringify(body) ?? '' }
}
