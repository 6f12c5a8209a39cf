import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const sources = globSync('functions/console/**/*.{ts,tsx,html}').map((path) => ({
  path,
  text: readFileSync(path, 'utf8'),
}))

/** By what text of somebody becomes markup, a script, or a style that the policy of the page forbids. */
const FORBIDDEN = [
  /dangerouslySetInnerHTML/,
  /\.(inner|outer)HTML\b/,
  /insertAdjacentHTML|createContextualFragment|DOMParser|srcdoc/,
  /document\.write/,
  /\beval\(|new Function\b/,
  /set(Timeout|Interval)\(\s*['"`]/,
  /javascript:/i,
  /setAttribute\(\s*['"`](style|on\w+)/,
  /\sstyle="/,
]

test('there is something to look at', () => {
  expect(sources.length).toBeGreaterThan(30)
})

test('nothing of the console makes markup of text', () => {
  const found = sources.flatMap(({ path, text }) =>
    FORBIDDEN.filter((each) => each.test(text)).map((each) => `${path}: ${each}`),
  )
  expect(found).toEqual([])
})

test('nothing but the key of the page is kept where every script reads it, and nobody else is asked', () => {
  const found = sources.filter(({ text }) => /localStorage|sessionStorage|indexedDB|document\.cookie/.test(text))
  expect(found.map(({ path }) => path)).toEqual(['functions/console/session/kept.ts'])
  // What is asked goes through three files, and by relative addresses.
  const asking = sources.filter(({ text }) => /\bfetch\(|XMLHttpRequest|EventSource\(|sendBeacon/.test(text))
  expect(asking.map(({ path }) => path).sort()).toEqual([
    'functions/console/api/ask.ts',
    'functions/console/api/stream.ts',
    'functions/console/api/upload.ts',
  ])
})
