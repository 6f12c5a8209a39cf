import { expect, test } from 'vitest'
import { compile } from '../../../functions/compute/servers/pattern.ts'

test.each<[string, string[], string[]]>([
  ['web', ['web', 'my-WEB-1'], ['we', '']],
  ['^web$', ['web'], ['web1', 'aweb']],
  ['^$', [''], ['a']],
  ['a.c', ['abc', 'xa-cx'], ['ac']],
  ['ab*c', ['ac', 'abbbc'], ['abd']],
  ['ab+c', ['abc'], ['ac']],
  ['ab?c', ['ac', 'abc'], ['abbc']],
  ['a{2}', ['aa'], ['a']],
  ['^a{2,3}$', ['aa', 'aaa'], ['a', 'aaaa']],
  ['^a{2,}$', ['aa', 'aaaaa'], ['a']],
  ['^(a|bc)+$', ['abc', 'bcbc'], ['b', 'acb']],
  ['^(?:a|b)?c$', ['c', 'ac'], ['abc']],
  ['[0-9]+', ['a1'], ['a']],
  ['^[^0-9]$', ['a'], ['1', 'ab']],
  ['[]a]', [']', 'a'], ['b']],
  ['[a-]', ['-'], ['b']],
  ['\\d\\w\\s\\.', ['1a .'], ['1a x']],
  ['10\\.0\\.0\\.5$', ['10.0.0.5'], ['10.0.0.50', '10x0.0.5']],
  ['a.*?b', ['axxb'], ['a']],
  ['a|b|^c', ['b', 'c'], ['dc']],
])('the pattern %s finds what MySQL would find', (pattern, matching, other) => {
  const { matches } = compile(pattern)!
  for (const text of matching) expect([text, matches(text)]).toEqual([text, true])
  for (const text of other) expect([text, matches(text)]).toEqual([text, false])
})

test.each(['*', '+a', '(a', 'a)', '[a', 'a\\', 'a{3,2}', '(a{100}){100}'])('%s is no pattern', (pattern) => {
  expect(compile(pattern)).toBeNull()
})

test.each(['(?=a)b', '(a)\\1', 'a'.repeat(256), '(((){999}){999}){999}', '\\pL{1000}\\pN{1000}'])(
  '%s is refused: it could take more than linear time or more room than a name is worth',
  (pattern) => expect(compile(pattern)).toBeNull(),
)

test.each(['^(a+)+(a*)*(.*.*.*.*)*c$', '(a|b)*a(a|b){100}c', '(a?){200}a{200}'])('%s takes no time', (pattern) => {
  const { matches } = compile(pattern)!
  const started = performance.now()
  expect(matches('ab'.repeat(127))).toBe(false)
  expect(performance.now() - started).toBeLessThan(5_000)
})
