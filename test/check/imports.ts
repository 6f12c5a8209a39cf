import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One file asks for another, or for a package (`npm:name`). */
export interface Import {
  from: string
  to: string
  /** A type leaves no trace in the running program. */
  type: boolean
}

const LINE = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)(\.\w)?/gm

/** What `#name` leads to, on whichever runtime: the conditions in package.json. */
const OURS = JSON.parse(readFileSync('package.json', 'utf8')).imports as Record<string, Record<string, string>>

const targetsOf = (from: string, specifier: string): string[] => {
  if (specifier.startsWith('.')) return [join(dirname(from), specifier).replaceAll('\\', '/')]
  if (specifier.startsWith('#')) return Object.values(OURS[specifier]!).map((path) => path.replace(/^\.\//, ''))
  return [`npm:${specifier}`]
}

/** Every import line of the sources that a glob names, paths relative to the project and with slashes. */
export const importsOf = (glob: string): Import[] =>
  globSync(glob).flatMap((path) => {
    const from = path.replaceAll('\\', '/')
    return [...readFileSync(path, 'utf8').matchAll(LINE)].flatMap(([, type, named, dynamic, member]) =>
      targetsOf(from, (named ?? dynamic)!).map((to) =>
        // `import('x').Y` names a type.
        ({ from, to, type: Boolean(type) || member !== undefined }),
      ),
    )
  })

/** Circles of files that import each other, types included, each once; it begins and ends with the same file. */
export const circlesIn = (imports: Import[]): string[][] => {
  const targets = Map.groupBy(imports, ({ from }) => from)
  const finished = new Set<string>()
  const circleThrough = (file: string, path: string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (finished.has(file)) return null
    for (const { to } of targets.get(file) ?? []) {
      const circle = circleThrough(to, [...path, file])
      if (circle) return circle
    }
    finished.add(file)
    return null
  }
  const found = new Map<string, string[]>()
  for (const file of targets.keys()) {
    const circle = circleThrough(file, [])
    if (circle) found.set([...new Set(circle)].sort().join(), circle)
  }
  return [...found.values()]
}

/** The room of a house that a file is in: `compute` of `functions/broker/compute/place.ts`; null: in none. */
export const roomOf = (house: string, path: string): string | null =>
  path.startsWith(`${house}/`) && path.indexOf('/', house.length + 1) > 0
    ? path.slice(house.length + 1, path.indexOf('/', house.length + 1))
    : null

/** How many rooms the longest chain of imports within a house passes, which are its floors. Infinite in a circle. */
export const floorsOf = (house: string, imports: Import[]): number => {
  const below = new Map<string, Set<string>>()
  for (const { from, to } of imports) {
    const [upper, lower] = [roomOf(house, from), roomOf(house, to)]
    if (upper === null) continue
    const rooms = below.get(upper) ?? new Set()
    below.set(upper, rooms)
    if (lower !== null && lower !== upper) rooms.add(lower)
  }
  const floorOf = (room: string, above: string[]): number =>
    above.includes(room)
      ? Number.POSITIVE_INFINITY
      : 1 + Math.max(0, ...[...(below.get(room) ?? [])].map((next) => floorOf(next, [...above, room])))
  return Math.max(0, ...[...below.keys()].map((room) => floorOf(room, [])))
}
