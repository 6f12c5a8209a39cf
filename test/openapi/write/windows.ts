import { kindOf, presence, type Seen } from '../seen.ts'
import { place } from './place.ts'

/** What was seen in each minor version. */
export type ByVersion = [version: number, seen: Seen][]
export type Objects = (readonly [number, NonNullable<Seen['object']>])[]

/** By service and member: versions from which, or until which, it was seen without doubt. */
const firm = new Map<string, Set<number>>()

/** Whether a member is always there, and in which versions it may be. */
export const windowOf = (all: Objects, key: string): { mark: '' | '?'; from?: number; to?: number } => {
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
  const name = `${place.service} ${what}`
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
export const parted = (members: ByVersion): [number | undefined, number | undefined, ByVersion][] => {
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
