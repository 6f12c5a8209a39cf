/**
 * The regular expressions that Nova's list filters take, matched in time that grows with pattern times text and no
 * faster: a JavaScript RegExp could be made to run for hours. Literals, `.`, classes, groups, `|`, `*`, `+`, `?`,
 * `{m,n}`, `^`, `$` and the escapes \d \w \s. Case does not matter, as in MySQL.
 */
export type Matcher = (text: string) => boolean

type Test = (char: string) => boolean
/** A state either reads a character, asks where it is, or forks; `next` and `other` are indexes. */
type State =
  | { kind: 'read'; test: Test; next: number }
  | { kind: 'start' | 'end'; next: number }
  | { kind: 'fork'; next: number; other: number }
  | { kind: 'match' }

const MOST_STATES = 2_000
const CLASSES: Record<string, Test> = {
  d: (c) => /[0-9]/.test(c),
  w: (c) => /[a-z0-9_]/i.test(c),
  s: (c) => /\s/.test(c),
}

/** Null: it is no pattern. */
export const compile = (pattern: string): Matcher | null => {
  try {
    return new Compiler(pattern.toLowerCase()).compile()
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

class Malformed extends Error {}

/** Builds the automaton from the end: every part is told where to go on. */
class Compiler {
  readonly #text: string
  #at = 0
  readonly #states: State[] = []

  constructor(text: string) {
    this.#text = text
  }

  compile(): Matcher {
    const match = this.#add({ kind: 'match' })
    const build = this.#alternatives()
    if (this.#at < this.#text.length) throw new Malformed()
    const start = build(match)
    const states = this.#states
    return (text) => search(states, start, text.toLowerCase())
  }

  #add(state: State): number {
    if (this.#states.length >= MOST_STATES) throw new Malformed()
    return this.#states.push(state) - 1
  }

  #alternatives(): (next: number) => number {
    const first = this.#sequence()
    if (this.#peek() !== '|') return first
    this.#at++
    const rest = this.#alternatives()
    return (next) => this.#add({ kind: 'fork', next: first(next), other: rest(next) })
  }

  #sequence(): (next: number) => number {
    const parts: ((next: number) => number)[] = []
    for (let c = this.#peek(); c !== undefined && c !== '|' && c !== ')'; c = this.#peek()) parts.push(this.#repeated())
    return (next) => parts.reduceRight((after, part) => part(after), next)
  }

  #repeated(): (next: number) => number {
    const atom = this.#atom()
    const [least, most] = this.#bounds()
    // A lazy quantifier finds the same.
    if (this.#peek() === '?' && (least !== 1 || most !== 1)) this.#at++
    return (next) => {
      let built = next
      if (most === null) {
        const loop = this.#add({ kind: 'fork', next: 0, other: next })
        this.#states[loop] = { kind: 'fork', next: atom(loop), other: next }
        built = loop
      } else for (let i = least; i < most; i++) built = this.#add({ kind: 'fork', next: atom(built), other: next })
      for (let i = 0; i < least; i++) built = atom(built)
      return built
    }
  }

  #bounds(): [least: number, most: number | null] {
    const c = this.#peek()
    if (c === '*' || c === '+' || c === '?') {
      this.#at++
      return [c === '+' ? 1 : 0, c === '?' ? 1 : null]
    }
    const braces = /^\{(\d{1,3})(,(\d{1,3})?)?\}/.exec(this.#text.slice(this.#at))
    if (!braces) return [1, 1]
    this.#at += braces[0].length
    const least = Number(braces[1])
    const most = braces[2] === undefined ? least : braces[3] === undefined ? null : Number(braces[3])
    if (most !== null && most < least) throw new Malformed()
    return [least, most]
  }

  #atom(): (next: number) => number {
    const c = this.#take()
    if (c === '*' || c === '+' || c === '?') throw new Malformed()
    if (c === '^' || c === '$') {
      const kind = c === '^' ? 'start' : 'end'
      return (next) => this.#add({ kind, next })
    }
    if (c === '(') return this.#group()
    const test =
      c === '.' ? () => true : c === '[' ? this.#class() : c === '\\' ? this.#escape() : (char: string) => char === c
    return (next) => this.#add({ kind: 'read', test, next })
  }

  #group(): (next: number) => number {
    if (this.#text.startsWith('?:', this.#at)) this.#at += 2
    const inner = this.#alternatives()
    if (this.#take() !== ')') throw new Malformed()
    return inner
  }

  #escape(): Test {
    const c = this.#take()
    return CLASSES[c] ?? ((char) => char === c)
  }

  #class(): Test {
    const not = this.#peek() === '^'
    if (not) this.#at++
    const tests: Test[] = []
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const c = this.#take()
      if (c === '\\') tests.push(this.#escape())
      else if (this.#peek() === '-' && this.#text[this.#at + 1] !== ']') {
        this.#at++
        const end = this.#take()
        tests.push((char) => c <= char && char <= end)
      } else tests.push((char) => char === c)
    }
    this.#at++
    return (char) => tests.some((test) => test(char)) !== not
  }

  #peek(): string | undefined {
    return this.#text[this.#at]
  }

  #take(): string {
    const c = this.#text[this.#at++]
    if (c === undefined) throw new Malformed()
    return c
  }
}

/** Walks all possible states at once; a match may begin anywhere. */
const search = (states: State[], start: number, text: string): boolean => {
  let current = new Set<number>()
  for (let at = 0; at <= text.length; at++) {
    if (reach(states, start, at, text.length, current)) return true
    const following = new Set<number>()
    for (const index of current) {
      const state = states[index]!
      if (state.kind === 'read' && at < text.length && state.test(text[at]!))
        if (reach(states, state.next, at + 1, text.length, following)) return true
    }
    current = following
  }
  return false
}

/** Adds a state and what follows from it without reading; true if that is the end of the pattern. */
const reach = (states: State[], from: number, at: number, length: number, into: Set<number>): boolean => {
  const open = [from]
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (into.has(index)) continue
    into.add(index)
    const state = states[index]!
    if (state.kind === 'match') return true
    if (state.kind === 'fork') open.push(state.other, state.next)
    else if ((state.kind === 'start' && at === 0) || (state.kind === 'end' && at === length)) open.push(state.next)
  }
  return false
}
