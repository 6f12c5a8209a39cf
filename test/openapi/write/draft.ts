import type { Shape } from '../../../functions/openapi/shapes.ts'
import { kindOf, merge, presence, type Seen, scalars, UUID } from '../seen.ts'
import { place } from './place.ts'
import { type ByVersion, type Objects, parted, windowOf } from './windows.ts'

/** Objects whose keys are their users' or a cloud's to choose. */
const MAPS =
  /^(metadata|extra_specs|addresses|meta|image_metadata|volume_image_metadata|options|specs|labels|native|prices|sizes|rates|cpu_info|properties|parents|subtree|group_specs|encryption_specs|connector|connection_info|key_specs|by|key_metadata|binding:profile|binding:vif_details|os_hash|files|log|statuses|reported|clouds|marks|rates\.\*)$/

/** Operations that answer with one key of a user's choice and its value. */
const ONE_SPEC = /\.(set_)?(extra_)?spec$|_extra_spec\.(show|update)$/

/** Maps whose values are as free. */
const OPAQUE = /^(parents|subtree|options|properties|input|result|data|log)$/

/** What definitions of the image service say is any JSON. */
const ANYTHING = /^(default|enum|items)$/

/** The shape of what was seen at a member of that name; of things in a list its name ends in `[]`. */
export const shapeOf = (all: ByVersion, key: string): Shape => {
  if (place.resource.startsWith('metadef') && ANYTHING.test(key)) return 'any'
  const whole = all.reduce((into, [, seen]) => merge(into, seen), {} as Seen)
  const isNull = whole.null || (whole.string && nulls.has(`${place.service} ${place.resource} ${key}`))
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
let depth = 0
const looked = new Map<string, Shape>()

/** What is known of a member that was only ever null or empty here: what others of its name are. */
const elsewhere = (key: string, orNull: boolean): Shape => {
  const known = pool.get(`${place.service} ${place.resource} ${key}`) ?? pool.get(`${place.service} ${key}`)
  if (!known || depth > 0) return 'any'
  depth++
  const memo = `${place.service} ${place.resource} ${key}`
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

/** Remembers what members are, for those of their name of which nothing is seen. */
export const gather = (seen: Seen, key: string, version: number): void => {
  if (key && seen.null) nulls.add(`${place.service} ${place.resource} ${key}`)
  if (key && isTelling(seen))
    for (const name of [`${place.service} ${place.resource} ${key}`, `${place.service} ${key}`]) {
      const known = pool.get(name) ?? new Map<number, Seen>()
      pool.set(name, known)
      known.set(version, merge(known.get(version) ?? {}, seen))
    }
  if (seen.list) gather(seen.list.items, `${key}[]`, version)
  for (const [name, member] of Object.entries(seen.object?.members ?? {}))
    gather(member, MAPS.test(key) || UUID.test(name) ? `${key}.*` : name, version)
}

const objectOf = (all: Objects, of: string): { [key: string]: Shape } => {
  if (OPAQUE.test(of)) return { '*': 'any' }
  const keys = [...new Set(all.flatMap(([, { members }]) => Object.keys(members)))]
  const total = all.reduce((sum, [, { count }]) => sum + count, 0)
  const open = isOpen(of)
  const extra = takesExtra(of)
  const isMap =
    MAPS.test(of) ||
    (of === '' && ONE_SPEC.test(place.operation)) ||
    keys.every((key) => UUID.test(key)) ||
    (of === 'qos_specs' && place.operation === 'qos_specs.update') ||
    all.some(([, { more }]) => more)
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
const isOpen = (key: string): boolean =>
  place.service === '/image' && place.resource === 'image' && /^(|images\[\])$/.test(key)
/** Keystone keeps what it does not know. */
const EXTRA = /^(user|project|domain|group|role|region|service|endpoint)(s\[\])?$/
const takesExtra = (key: string): boolean =>
  place.service === '/identity' && EXTRA.test(key) && key.startsWith(place.resource.replace(/^auth_/, ''))
const isText = (seen: Seen): boolean => kindOf(seen) === 'string'
