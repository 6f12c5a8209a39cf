import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { NOTICES } from '../../functions/broker/line/notices.ts'

const sources = globSync('functions/**/*.ts').map((path) => readFileSync(path, 'utf8'))
/** Entries in the history of a server that say what happened: triggers tell each as `server.<action>`. */
const NOTED = [
  /\bnote\(context, \w+, '([\w-]+)'\)/g,
  /action: '([\w-]+)',(?:\s*args: \{[^}]*\},)?\s*state: 'done'/g,
  /^const REFUSED = '(\w+)'$/gm,
]

test('what is noted in the history of a server is an event with a line in the table', () => {
  const noted = new Set(
    sources.flatMap((text) =>
      NOTED.flatMap((pattern) => [...text.matchAll(pattern)].map(([, action]) => `server.${action}`)),
    ),
  )
  expect(noted.size).toBeGreaterThan(8)
  const silent = [...noted].filter((type) => !Object.hasOwn(NOTICES, type))
  expect(silent, 'give each a line in functions/broker/line/notices.ts, and run npm run reference').toEqual([])
})

test('a type is a word of a kind, and what it says has words', () => {
  for (const [type, { when, data }] of Object.entries(NOTICES)) {
    expect(type).toMatch(/^[a-z_]+\.[A-Za-z_-]+$/)
    expect([type, when]).toEqual([type, expect.stringMatching(/^[A-Z].{10,}\.$/)])
    expect(Object.keys(data).length).toBeGreaterThan(0)
  }
})
