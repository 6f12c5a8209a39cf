import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Node, placeOf, sources, walk } from '../support/source.ts'

/** Input so long, and the time that one expression may take over it: a quadratic one takes ten times as long. */
const LENGTH = 30_000
const MOST_MS = 50
/** Shorter ones come first: what takes exponential time would never end at full length. */
const LENGTHS = [30, 1_000, LENGTH]
const EXAMPLES = 12

/** Read from files of the operator's own, or from our own statements: no stranger writes those. */
const OWN = /^(db\/(migrate|sqlite)|functions\/(demo\/|runtime\/dev-vars))/

const expressions = sources()
  .filter(({ file }) => !OWN.test(file))
  .flatMap((source) => {
    const found: [string, RegExp][] = []
    walk(source.tree, (node: Node) => {
      const { regex } = node as { regex?: { pattern: string; flags: string } }
      if (node.type === 'Literal' && regex) {
        const { pattern, flags } = regex
        found.push([`${placeOf(source, node)} /${pattern}/${flags}`, new RegExp(pattern, flags)])
      }
    })
    return found
  })

const CANDIDATES = [...'a1 -./=":<>!+_x@#\n\t)(,;\'&%0F']
/** A class of characters, or what stands for one, apart from the rest. */
const CLASS = /\[(?:\\.|[^\]\\])*\]|\\[dDwWsS]|\\p\{\w+\}|(?<!\\)\./g
const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Texts that match, with one character for each class, and without what is looked for around a match. */
const examplesOf = ({ source, flags }: RegExp): string[] =>
  [0, 1, 2].flatMap((variant) => {
    const plain = source.replaceAll(/\(\?<?[!=][^)]*\)|\\b/g, '').replaceAll(CLASS, (of) => {
      const one = new RegExp(of, flags.includes('u') ? 'u' : '')
      const fitting = CANDIDATES.filter((char) => one.test(char))
      return escaped(fitting[variant % (fitting.length || 1)] ?? 'x')
    })
    try {
      const matching = fc.stringMatching(new RegExp(plain), { maxLength: 40 })
      return fc.sample(matching, { numRuns: EXAMPLES / 3, seed: 7 })
    } catch {
      return []
    }
  })

/** Beginnings of what matches, a piece of it again and again, and an end that does not match. */
const attacksOn = (expression: RegExp): ((length: number) => string)[] => {
  const examples = examplesOf(expression)
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  const cuts = fc.sample(fc.tuple(share, share), { numRuns: EXAMPLES, seed: 11 })
  const literal = [...new Set(expression.source.replaceAll(/\\./g, ''))].slice(0, 20)
  const pieces = [...new Set([' ', 'a', '1', '-', '.', '\n', ...literal])].map((pump) => ({ before: '', pump }))
  for (const [index, example] of examples.entries()) {
    const from = Math.floor(cuts[index]![0] * example.length)
    const pump = example.slice(from, from + 1 + Math.floor(cuts[index]![1] * 8)) || 'a'
    pieces.push({ before: example.slice(0, from), pump }, { before: '', pump: example || 'a' })
  }
  return pieces.flatMap(({ before, pump }) => {
    const pumped = (length: number) => before + pump.repeat(Math.ceil(length / pump.length))
    return ['', '\0', ...literal.slice(0, 4)].map((end) => (length: number) => pumped(length) + end)
  })
}

const timeOf = (expression: RegExp, text: string): number => {
  const started = performance.now()
  if (expression.global) text.replaceAll(expression, '')
  else expression.test(text)
  return performance.now() - started
}

test('expressions are found', () => expect(expressions.length).toBeGreaterThan(150))

test.each(expressions)('%s takes time that grows as its input does', (_, expression) => {
  for (const length of LENGTHS)
    for (const attack of attacksOn(expression)) {
      const text = attack(length)
      // A second look, for the case that the machine was busy.
      if (timeOf(expression, text) > MOST_MS && timeOf(expression, text) > MOST_MS)
        expect.fail(`${length} characters: ${JSON.stringify(text.slice(0, 80))}`)
    }
})
