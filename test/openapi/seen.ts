import { mkdirSync, writeFileSync } from 'node:fs'

/** What was seen at one place of an answer. */
export interface Seen {
  null?: number
  boolean?: number
  integer?: number
  number?: number
  /** How many texts, and of them those that look like a UUID, a time, a URL. */
  string?: { count: number; uuid: number; time: number; uri: number }
  list?: { count: number; items: Seen }
  object?: { count: number; members: Record<string, Seen>; more?: Seen }
}

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const URI = /^https?:\/\/\S+$/

/** Adds a value to what was seen where it is. */
const see = (seen: Seen, value: unknown): void => {
  if (value === null) seen.null = (seen.null ?? 0) + 1
  else if (typeof value === 'boolean') seen.boolean = (seen.boolean ?? 0) + 1
  else if (typeof value === 'number') {
    if (Number.isInteger(value)) seen.integer = (seen.integer ?? 0) + 1
    else seen.number = (seen.number ?? 0) + 1
  } else if (typeof value === 'string') {
    seen.string ??= { count: 0, uuid: 0, time: 0, uri: 0 }
    const { string } = seen
    string.count++
    if (UUID.test(value)) string.uuid++
    if (TIME.test(value)) string.time++
    if (URI.test(value)) string.uri++
  } else if (Array.isArray(value)) {
    seen.list ??= { count: 0, items: {} }
    seen.list.count++
    for (const item of value.slice(0, 50)) see(seen.list.items, item)
  } else if (typeof value === 'object') {
    seen.object ??= { count: 0, members: Object.create(null) as Record<string, Seen> }
    const { object } = seen
    object.count++
    for (const [key, member] of Object.entries(value)) {
      const known = object.members[key]
      if (!known && Object.keys(object.members).length >= 150) {
        object.more ??= {}
        see(object.more, member)
        continue
      }
      object.members[key] = known ?? {}
      see(object.members[key]!, member)
    }
  }
}

/** By `<service> <operation> <status> <minor version>`: the media type, and what was seen of the body. */
const all = new Map<string, { type: string | null; empty: number; seen: Seen }>()

/** Where it is written down, if anybody wants to know: `npm run answers`. */
const FOLDER = process.env.PLIMSOLL_SEEN

/** Remembers what an operation answered, if it is to be written down. */
export const remember = (key: string, response: Response, text: string): void => {
  if (!FOLDER) return
  const type = response.headers.get('content-type')
  const known = all.get(key) ?? { type, empty: 0, seen: {} }
  all.set(key, known)
  // The first answer may have had no body.
  known.type ??= type
  if (text === '') known.empty++
  else if (/json/.test(type ?? '') && response.status < 400) see(known.seen, JSON.parse(text))
}

/** Writes down what this process has seen. */
export const keepSeen = (): void => {
  if (!FOLDER || !all.size) return
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(`${FOLDER}/${process.pid}.json`, JSON.stringify([...all]))
}

/** Adds what was seen in one place to what was seen in another, and gives that. */
export const merge = (into: Seen, from: Seen): Seen => {
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

/** How often something was seen there. */
export const presence = (seen: Seen | undefined): number =>
  seen
    ? (seen.null ?? 0) +
      (seen.boolean ?? 0) +
      (seen.integer ?? 0) +
      (seen.number ?? 0) +
      (seen.string?.count ?? 0) +
      (seen.list?.count ?? 0) +
      (seen.object?.count ?? 0)
    : 0

/** The types that were seen there; a text that always looked like one thing is that. */
export const scalars = (seen: Seen): string[] => [
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

/** The types without what texts look like: what makes it another kind of thing. */
export const kindOf = (seen: Seen): string =>
  [
    ...scalars(seen).map((word) => (/uuid|time|uri/.test(word) ? 'string' : word)),
    ...(seen.list ? ['list'] : []),
    ...(seen.object ? ['object'] : []),
  ].join('|')
