import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const read = (path: string): string => readFileSync(path, 'utf8')
const page = read('docs/glossary.md')
const section = (title: string): string => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
const rows = (title: string): string[][] =>
  [...section(title).matchAll(/^\| (.+) \|$/gm)].slice(1).map(([, cells]) => cells!.split(' | '))
/** First cells in backticks. */
const named = (title: string): string[] =>
  rows(title)
    .map(([name]) => name!.replaceAll('`', ''))
    .sort()

/** Words of a union of literals in the code: `type Phase = 'intent' | 'calling'`. */
const literals = (path: string, type: string): string[] => {
  const union = new RegExp(`type ${type} =([^\\n]*(?:\\n\\s+\\|[^\\n]*)*)`).exec(read(path))?.[1] ?? ''
  return [...union.matchAll(/'(\w+)'/g)].map(([, word]) => word!).sort()
}

describe('the glossary', () => {
  test('knows every room of the broker', () => {
    const rooms = readdirSync('functions/broker', { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(named('Rooms of the broker')).toEqual(rooms.map(({ name }) => name).sort())
  })

  test('knows every phase of a binding', () => {
    expect(named('Phases of a binding')).toEqual(literals('db/schema/line.ts', 'Phase'))
  })

  test('knows every code of an error', () => {
    expect(named('What an error of a cloud means')).toEqual(literals('adapters/errors.ts', 'CloudErrorCode'))
  })

  const words = [...rows('The line'), ...rows('Work')]
  test('has its words of the line and of work', () => {
    expect(words.length).toBeGreaterThan(30)
  })

  test.each(words)('leads from "%s" to code that speaks of it', (names, _, where) => {
    const path = where!.replaceAll('`', '')
    expect(existsSync(path)).toBe(true)
    const text = (path.endsWith('/') ? globSync(`${path}**/*.ts`) : [path]).map((file) => file + read(file)).join('\n')
    /** `above the line` is a way to speak; of `claim, lease` one is enough. */
    const spoken = names!
      .split(', ')
      .some((name) => text.toLowerCase().includes(name.replaceAll(' ', '-')) || text.toLowerCase().includes(name))
    expect(spoken || /the line$/.test(names!)).toBe(true)
  })
})
