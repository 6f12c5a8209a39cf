import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { type JsonSchema, jsonSchemaOf } from '../../functions/http/json-schema.ts'
import { answerName } from '../../functions/openapi/answers.ts'
import { documentedStatuses } from '../../functions/openapi/operations.ts'
import { services } from '../../functions/services.ts'
import type { Seen } from './seen.ts'

/* Writes functions/openapi/answers/*.json from what stories saw: `npm run answers`. */

type Shape = string | Shape[] | { [key: string]: Shape }
type ByVersion = [version: number, seen: Seen][]

const merge = (into: Seen, from: Seen): Seen => {
  for (const kind of ['null', 'boolean', 'integer', 'number'] as const)
    if (from[kind]) into[kind] = (into[kind] ?? 0) + from[kind]
  if (from.string) {
    into.string ??= { count: 0, uuid: 0, time: 0, uri: 0 }
    for (const what of ['count', 'uuid', 'time', 'uri'] as const) into.string[what] += from.string[what]
  }
  if (from.list) {
    into.list ??= { count: 0, items: {} }
    into.list.count += from.list.count
    merge(into.list.items, from.list.items)
  }
  if (from.object) {
    into.object ??= { count: 0, members: Object.create(null) as Record<string, Seen> }
    into.object.count += from.object.count
    for (const [key, member] of Object.entries(from.object.members)) {
      into.object.members[key] ??= {}
      merge(into.object.members[key], member)
    }
    if (from.object.more) into.object.more = merge(into.object.more ?? {}, from.object.more)
  }
  return into
}

/** Objects whose keys are their users' or a cloud's to choose. */
const MAPS =
  /^(metadata|extra_specs|addresses|meta|image_metadata|volume_image_metadata|options|specs|labels|native|prices|sizes|rates|cpu_info|properties|parents|subtree|group_specs|encryption_specs|connector|connection_info|key_specs|by|key_metadata|binding:profile|binding:vif_details|os_hash|files|log|statuses|reported|clouds|marks|rates\.\*)$/

/** Maps whose values are as free. */
const OPAQUE = /^(parents|subtree|options|properties|input|result|data|log)$/

const scalars = (seen: Seen): string[] => [
  ...(seen.boolean ? ['boolean'] : []),
  ...(seen.number ? ['number'] : seen.integer ? ['integer'] : []),
  ...(seen.string ? [textOf(seen.string)] : []),
]

const textOf = ({ count, uuid, time, uri }: NonNullable<Seen['string']>): string =>
  count > 2 && uuid === count
    ? 'uuid'
    : count > 2 && time === count
      ? 'time'
      : count > 2 && uri === count
        ? 'uri'
        : 'string'

const kindOf = (seen: Seen): string =>
  [
    ...scalars(seen).map((word) => (/uuid|time|uri/.test(word) ? 'string' : word)),
    ...(seen.list ? ['list'] : []),
    ...(seen.object ? ['object'] : []),
  ].join('|')

const shapeOf = (all: ByVersion, key: string): Shape => {
  const whole = all.reduce((into, [, seen]) => merge(into, seen), {} as Seen)
  const isNull = whole.null || (whole.string && nulls.has(`${service} ${resource} ${key}`))
  const words = [...scalars(whole), ...(isNull ? ['null'] : [])]
  if (whole.list) {
    const items = all.flatMap(([v, { list }]): ByVersion => (list ? [[v, list.items]] : []))
    const objects = all.flatMap(([v, { object }]) => (object ? [[v, object] as const] : []))
    return [shapeOf(items, `${key}[]`), ...words, ...(objects.length ? [objectOf(objects, key)] : [])]
  }
  if (whole.object) {
    const objects = all.flatMap(([v, { object }]) => (object ? [[v, object] as const] : []))
    return { ...objectOf(objects, key), ...(words.length ? { '|': words.join('|') } : {}) }
  }
  if (!words.length || words.join() === 'null') return elsewhere(key, words.length > 0)
  return words.join('|')
}

/** By service, resource and member: what was seen of members of that name that were more than null or empty. */
const pool = new Map<string, Map<number, Seen>>()
let resource = ''
let name = ''
let depth = 0
const looked = new Map<string, Shape>()

/** What is known of a member that was only ever null or empty here: what others of its name are. */
const elsewhere = (key: string, orNull: boolean): Shape => {
  const known = pool.get(`${service} ${resource} ${key}`) ?? pool.get(`${service} ${key}`)
  if (!known || depth > 0) return 'any'
  depth++
  const memo = `${service} ${resource} ${key}`
  const shape = looked.get(memo) ?? shapeOf([...known], key)
  looked.set(memo, shape)
  depth--
  if (!orNull) return shape
  if (typeof shape === 'string') return shape === 'any' || /\bnull\b/.test(shape) ? shape : `${shape}|null`
  if (Array.isArray(shape)) return shape.includes('null') ? shape : [...shape, 'null']
  return { ...shape, '|': shape['|'] ?? 'null' }
}

const isTelling = (seen: Seen): boolean =>
  Boolean(seen.boolean || seen.integer || seen.number || seen.string) ||
  Boolean(seen.list && isTelling(seen.list.items)) ||
  Boolean(seen.object && Object.keys(seen.object.members).length)

/** Members that are null somewhere may be so elsewhere in their resource. */
const nulls = new Set<string>()

const gather = (seen: Seen, key: string, version: number): void => {
  if (key && seen.null) nulls.add(`${service} ${resource} ${key}`)
  if (key && isTelling(seen))
    for (const name of [`${service} ${resource} ${key}`, `${service} ${key}`]) {
      const known = pool.get(name) ?? new Map<number, Seen>()
      pool.set(name, known)
      known.set(version, merge(known.get(version) ?? {}, seen))
    }
  if (seen.list) gather(seen.list.items, `${key}[]`, version)
  for (const [name, member] of Object.entries(seen.object?.members ?? {}))
    gather(member, MAPS.test(key) ? `${key}.*` : name, version)
}

type Objects = (readonly [number, NonNullable<Seen['object']>])[]

const objectOf = (all: Objects, of: string): { [key: string]: Shape } => {
  if (OPAQUE.test(of)) return { '*': 'any' }
  const keys = [...new Set(all.flatMap(([, { members }]) => Object.keys(members)))]
  const total = all.reduce((sum, [, { count }]) => sum + count, 0)
  const always = keys.some((key) => all.every(([, { members, count }]) => presence(members[key]) === count))
  const open = isOpen(of)
  const extra = takesExtra(of)
  const isMap =
    MAPS.test(of) ||
    (of === 'qos_specs' && name === 'qos_specs.update') ||
    all.some(([, { more }]) => more) ||
    (!always && keys.length > 12 && total > 3 && false)
  if (isMap || !keys.length) {
    const values = all.flatMap(
      ([v, { members, more }]): ByVersion =>
        [...Object.values(members), ...(more ? [more] : [])].map((each) => [v, each]),
    )
    return { '*': shapeOf(values, `${of}.*`) }
  }
  const shapes: { [key: string]: Shape } = {}
  for (const key of keys) {
    if (open && all.every(([, { members }]) => !members[key] || isText(members[key]))) {
      if (all.some(([, { members, count }]) => presence(members[key]) < count)) {
        shapes['*'] = 'string'
        continue
      }
    }
    const { mark, from, to } = windowOf(all, key)
    const has = all.reduce((sum, [, { members }]) => sum + presence(members[key]), 0)
    if (extra && mark && has < total / 4 && !/^(parents|subtree|description|email|default_project_id|tags)$/.test(key))
      continue
    const members = all.flatMap(([v, object]): ByVersion => (object.members[key] ? [[v, object.members[key]]] : []))
    for (const [a, b, part] of parted(members)) {
      const [lo, hi] = [a ?? from, b ?? to]
      const window = lo === undefined && hi === undefined ? '' : `@${lo ?? ''}-${hi ?? ''}`
      shapes[`${key}${mark}${window}`] = shapeOf(part, key)
    }
  }
  if (extra) shapes['*'] = 'any'
  return shapes
}

/** Objects that have members of their users' choice beside their own. */
const isOpen = (key: string): boolean => service === '/image' && resource === 'image' && /^(|images\[\])$/.test(key)
/** Keystone keeps what it does not know. */
const EXTRA = /^(user|project|domain|group|role|region|service|endpoint)(s\[\])?$/
const takesExtra = (key: string): boolean =>
  service === '/identity' && EXTRA.test(key) && key.startsWith(resource.replace(/^auth_/, ''))
const isText = (seen: Seen): boolean => kindOf(seen) === 'string'

const presence = (seen: Seen | undefined): number =>
  seen
    ? (seen.null ?? 0) +
      (seen.boolean ?? 0) +
      (seen.integer ?? 0) +
      (seen.number ?? 0) +
      (seen.string?.count ?? 0) +
      (seen.list?.count ?? 0) +
      (seen.object?.count ?? 0)
    : 0

/** By service and member: versions from which, or until which, it was seen without doubt. */
const firm = new Map<string, Set<number>>()
let service = ''

/** Whether a member is always there, and in which versions it may be. */
const windowOf = (all: Objects, key: string): { mark: '' | '?'; from?: number; to?: number } => {
  const byVersion = new Map<number, { of: number; has: number }>()
  for (const [v, { members, count }] of all) {
    const known = byVersion.get(v) ?? { of: 0, has: 0 }
    byVersion.set(v, { of: known.of + count, has: known.has + presence(members[key]) })
  }
  const versions = [...byVersion].sort(([a], [b]) => a - b)
  const having = versions.filter(([, { has }]) => has > 0).map(([v]) => v)
  const [first, last] = [having[0]!, having.at(-1)!]
  const within = versions.filter(([v]) => v >= first && v <= last)
  const mark = within.every(([, { of, has }]) => has >= of) ? '' : '?'
  const before = versions.findLast(([v]) => v < first)?.[0]
  const after = versions.find(([v]) => v > last)?.[0]
  if (before === undefined && after === undefined) return { mark }
  const sure = mark === '' || having.length > 5
  if (!sure) return { mark: '?' }
  const from = before === undefined ? undefined : edge(`from ${key}`, before, first)
  const to = after === undefined ? undefined : edge(`to ${key}`, last, after)
  const loose = from === null || to === null
  return {
    mark: loose ? '?' : mark,
    ...(before === undefined ? {} : { from: from ?? before + 1 }),
    ...(after === undefined ? {} : { to: to === null || to === undefined ? after - 1 : to - 1 }),
  }
}

/** The version in (low, high] at which something changes; null: not known. */
const edge = (what: string, low: number, high: number): number | null => {
  const name = `${service} ${what}`
  const known = firm.get(name) ?? new Set<number>()
  firm.set(name, known)
  if (high === low + 1) {
    known.add(high)
    return high
  }
  const fitting = [...known].filter((v) => v > low && v <= high)
  return fitting.length === 1 ? fitting[0]! : null
}

/** Parts by version of a member that is another kind of thing from a version on. */
const parted = (members: ByVersion): [number | undefined, number | undefined, ByVersion][] => {
  const sorted = members.filter(([, seen]) => kindOf(seen)).sort(([a], [b]) => a - b)
  const kinds = sorted.map(([v, seen]) => [v, kindOf(seen)] as const)
  const change = kinds.findIndex(([, kind], i) => i > 0 && kind !== kinds[i - 1]![1])
  if (change < 0) return [[undefined, undefined, members]]
  const at = kinds[change]![0]
  const [below, above] = [
    new Set(kinds.filter(([v]) => v < at).map(([, k]) => k)),
    new Set(kinds.filter(([v]) => v >= at).map(([, k]) => k)),
  ]
  if (below.size !== 1 || above.size !== 1 || kinds[change - 1]![0] !== at - 1) return [[undefined, undefined, members]]
  return [
    [undefined, at - 1, members.filter(([v]) => v < at)],
    [at, undefined, members.filter(([v]) => v >= at)],
  ]
}

const files: [string, { type: string | null; empty: number; seen: Seen }][][] = globSync(
  `${process.argv[2]}/*.json`,
).map((path) => JSON.parse(readFileSync(path, 'utf8')))
const seen = new Map<string, { type: string | null; empty: number; byVersion: Map<number, Seen> }>()
for (const [key, value] of files.flat()) {
  // What it says is the business of https://spec.openapis.org.
  if (key.includes(' openapi.show ')) value.seen = { object: { count: 1, members: {} } }

  const [prefix, operation, status, version] = key.split(' ')
  const name = [prefix, operation, status].join(' ')
  const known = seen.get(name) ?? { type: value.type, empty: 0, byVersion: new Map<number, Seen>() }
  seen.set(name, known)
  known.empty += value.empty
  if (value.type && !known.type) known.type = value.type
  const before = known.byVersion.get(Number(version)) ?? {}
  known.byVersion.set(Number(version), merge(before, value.seen))
}

/** Whether every operation of its kind may be refused so. */
const isGeneral = (prefix: string, name: string, status: number): boolean => {
  const owner = services.find((each) => each.prefix === prefix)!
  const operation = owner.operations.find((each) => answerName(each.name) === name)
  return !operation || documentedStatuses(operation, { service: owner, answers: NONE }).includes(status)
}
const NONE = { shapes: {}, answers: {}, refusals: {} }

const answers: Record<string, Record<string, Record<string, Shape | null>>> = {}
const refusals: Record<string, Record<string, number[]>> = {}
for (const [name, { byVersion }] of seen) {
  const [prefix, operation, status] = name.split(' ') as [string, string, string]
  service = prefix
  resource = operation.split('.')[0]!
  if (Number(status) < 400) for (const [version, each] of byVersion) gather(each, '', version)
}
/** What is made alone is made in numbers as well: both answers are of the same things. */
for (const [key, { byVersion }] of seen) {
  const [prefix, operation] = key.split(' ') as [string, string]
  if (!operation.endsWith('.create')) continue
  const body = services
    .find((each) => each.prefix === prefix)
    ?.operations.find(({ name: own }) => own === operation)?.body
  const ways = body && typeof body !== 'function' ? (jsonSchemaOf(body).oneOf as JsonSchema[] | undefined) : undefined
  const [one, many] = (ways ?? []).map(({ required }) => required?.[0])
  if (prefix !== '/network' || !one || !many) continue
  for (const { object } of byVersion.values()) {
    if (!object) continue
    const thing = merge(merge({}, object.members[one] ?? {}), object.members[many]?.list?.items ?? {})
    object.members[one] = thing
    object.members[many] = { list: { count: 1, items: thing } }
    object.count += presence(thing) + 1
  }
}

// Twice: what one operation shows without doubt tells where another changes.
for (const _round of [1, 2])
  for (const [key, { type, byVersion, empty }] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [prefix, operation, status] = key.split(' ') as [string, string, string]
    service = prefix
    resource = operation.split('.')[0]!
    name = operation
    if (Number(status) >= 400) {
      if (status === '500' || isGeneral(prefix, operation, Number(status))) continue
      refusals[prefix] ??= {}
      refusals[prefix][operation] = [...new Set([...(refusals[prefix][operation] ?? []), Number(status)])].sort()
      continue
    }
    answers[prefix] ??= {}
    answers[prefix][operation] ??= {}
    const bodies = [...byVersion].filter(([, each]) => kindOf(each))
    const json = bodies.length > 0
    answers[prefix][operation][status] = json ? shapeOf(bodies, '') : type && !/json/.test(type) ? `=${type}` : null
    const shape = answers[prefix][operation][status]
    if (json && empty && shape !== null && typeof shape === 'object' && !Array.isArray(shape)) shape['|'] = 'nothing'
  }

/* Shapes that stand at several places get a name. */
for (const [prefix, operations] of Object.entries(answers)) {
  const counts = new Map<string, { n: number; names: Map<string, number> }>()
  const walk = (shape: Shape | null, name: string): void => {
    if (Array.isArray(shape)) {
      walk(shape[0]!, name.replace(/ies$/, 'y').replace(/s$/, ''))
      return
    }
    if (shape === null || typeof shape === 'string') return
    const text = JSON.stringify(shape)
    if (text.length > 60 && name !== '*' && name) {
      const known = counts.get(text) ?? { n: 0, names: new Map() }
      counts.set(text, known)
      known.n++
      known.names.set(name, (known.names.get(name) ?? 0) + 1)
    }
    for (const [key, member] of Object.entries(shape)) walk(member, key.replace(/[?@].*$/, ''))
  }
  for (const [, statuses] of Object.entries(operations)) for (const shape of Object.values(statuses)) walk(shape, '')
  const named = new Map<string, string>()
  const taken = new Set<string>()
  for (const [text, { n, names }] of [...counts].sort(([a], [b]) => b.length - a.length)) {
    if (n < 2) continue
    const base = [...names].sort(([, a], [, b]) => b - a)[0]![0].replace(/[^\w]/g, '_')
    let name = base
    for (let i = 2; taken.has(name); i++) name = `${base}_${i}`
    taken.add(name)
    named.set(text, name)
  }
  const replace = (shape: Shape, top = false): Shape => {
    if (Array.isArray(shape)) return [replace(shape[0]!), ...shape.slice(1)]
    if (typeof shape === 'string') return shape
    const name = named.get(JSON.stringify(shape))
    if (name && !top) return `$${name}`
    return Object.fromEntries(
      Object.entries(shape).map(([key, member]) => [key, key === '|' ? member : replace(member)]),
    )
  }
  const shapes = Object.fromEntries(
    [...named].map(([text, name]) => [name, replace(JSON.parse(text), true)]).sort(([a], [b]) => (a! < b! ? -1 : 1)),
  )
  const out = {
    shapes,
    answers: Object.fromEntries(
      Object.entries(operations).map(([name, statuses]) => [
        name,
        Object.fromEntries(
          Object.entries(statuses).map(([status, shape]) => [status, shape === null ? null : replace(shape)]),
        ),
      ]),
    ),
    refusals: refusals[prefix] ?? {},
  }
  const file = `${process.argv[3]}/${prefix.slice(1).replaceAll('/', '-')}.json`
  writeFileSync(file, JSON.stringify(out, null, 1))
  console.log(file, Object.keys(operations).length, Object.keys(shapes).length)
}
