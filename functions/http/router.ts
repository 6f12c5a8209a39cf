interface Node<T> {
  named: Map<string, Node<T>>
  /** Segments that are parameters, each with what it has to look like as a whole; null: anything but nothing. */
  parameters: { name: string; pattern: RegExp | null; node: Node<T> }[]
  /** By method, in the order of the table. */
  handlers: Map<string, { handler: T; order: number }>
}

type Found<T> = { handler: T; order: number; params: Record<string, string> } | null

const emptyNode = <T>(): Node<T> => ({ named: new Map(), parameters: [], handlers: new Map() })

const segmentsOf = (path: string): string[] => path.slice(path.startsWith('/') ? 1 : 0).split('/')

/**
 * Routes of whole segments: words, `:name` and `:name{pattern}`. Of several that fit the one that stands first in the table
 * is taken. The routers that come with Hono either refuse a parameter beside a word, as `/v3/:project_id/volumes` is beside
 * `/v3/volumes`, or try every pattern with every word that may follow it, at each request.
 */
export class SegmentRouter<T> {
  readonly name = 'SegmentRouter'
  readonly #root = emptyNode<T>()
  #count = 0

  add(method: string, path: string, handler: T): void {
    let node = this.#root
    for (const segment of segmentsOf(path)) {
      if (/[*?]$/.test(segment)) throw new Error(`${path}: there are no wildcards`)
      const [, name, pattern] = /^:(\w+)(?:\{(.+)\})?$/.exec(segment) ?? []
      node = name === undefined ? wordOf(node, segment) : parameterOf(node, name, pattern)
    }
    if (!node.handlers.has(method)) node.handlers.set(method, { handler, order: this.#count++ })
  }

  match(method: string, path: string): [[T, Record<string, string>][]] {
    const found = search(this.#root, method, segmentsOf(path), 0)
    return found ? [[[found.handler, found.params]]] : [[]]
  }
}

const wordOf = <T>(node: Node<T>, word: string): Node<T> => {
  const next = node.named.get(word) ?? emptyNode<T>()
  node.named.set(word, next)
  return next
}

const parameterOf = <T>(node: Node<T>, name: string, text: string | undefined): Node<T> => {
  const pattern = text === undefined ? null : new RegExp(`^(?:${text})$`)
  const known = node.parameters.find((each) => each.name === name && each.pattern?.source === pattern?.source)
  if (known) return known.node
  const next = emptyNode<T>()
  node.parameters.push({ name, pattern, node: next })
  return next
}

const search = <T>(node: Node<T>, method: string, segments: string[], at: number): Found<T> => {
  const segment = segments[at]
  if (segment === undefined) {
    const found = node.handlers.get(method)
    return found ? { handler: found.handler, order: found.order, params: {} } : null
  }
  const named = node.named.get(segment)
  let best = named ? search(named, method, segments, at + 1) : null
  for (const { name, pattern, node: next } of node.parameters) {
    if (segment === '' || (pattern && !pattern.test(segment))) continue
    const found = search(next, method, segments, at + 1)
    if (!found || (best && best.order < found.order)) continue
    found.params[name] = segment
    best = found
  }
  return best
}
