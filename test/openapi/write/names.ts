import type { Answers } from '../../../functions/openapi/answers.ts'
import type { Shape } from '../../../functions/openapi/shapes.ts'

/** Gives a name to shapes that stand at several places, and refers to them there. */
export const withNames = (operations: Answers['answers'], refusals: Answers['refusals']): Answers => {
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
  return {
    shapes,
    answers: Object.fromEntries(
      Object.entries(operations).map(([name, statuses]) => [
        name,
        Object.fromEntries(
          Object.entries(statuses).map(([status, shape]) => [status, shape === null ? null : replace(shape)]),
        ),
      ]),
    ),
    refusals,
  }
}
