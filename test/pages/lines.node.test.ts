import { describe, expect, test } from 'vitest'
import { inLines, linesOf, numbersIn, pairsIn, textsIn } from '../../functions/console/api/lines.ts'

const said = (record: Record<string, unknown>) => inLines(linesOf(record))

/** What a box of several lines makes of a text (https://html.spec.whatwg.org/#concept-textarea-api-value). */
const boxed = (text: string) => text.replace(/\r\n?/g, '\n')

describe('what is written as lines is read as it was', () => {
  // biome-ignore format: a line each
  const VALUES: unknown[] = [
    'arn:aws:iam::123456789012:role/plimsoll', 'a = b', '=', '', ' ', ' at its ends ', 'two\nlines', 'with\r\nreturns', 'a\rb', '\u00a0', '\ttab\t', 'in\tside', '\u2028',
    '12', '012', '0.75', '1e3', '12345678901234567890', '1e400', 'true', 'null', 'undefined', '"quoted"', '"half', 'half"', '\\', '\\n', "'single'", '{"a":1}', '{a}', '[]', '# no comment', '日本', '😀',
    0, 12, -1, 0.75, 0.000_000_1, 1e21, 2 ** 53, true, false, null, [], ['eu-central', 'a\nb'], {}, { folder: 'tenants/{project_id}', deep: { of: [1, null] } },
  ]
  test.each(VALUES.map((value) => [value]))('the value %j', (value) => {
    expect(inLines(boxed(linesOf({ before: 1, name: value, after: 'x' })))).toEqual({
      before: 1,
      name: value,
      after: 'x',
    })
  })

  // biome-ignore format: a line each
  const NAMES = [
    'dc1', 'm1.small', 'two words', 'a=b', '=', '', ' ', ' at its ends ', 'two\nlines', 'a\rb', '"', '"quoted"', 'a"b', '\\', '"\\', '__proto__', 'constructor', '{"a":1}', '12', '日本',
  ]
  test.each(NAMES.map((name) => [name]))('the name %j', (name) => {
    const record = Object.fromEntries([
      ['first', 1],
      [name, 'value = more'],
    ])
    expect(inLines(boxed(linesOf(record)))).toEqual(record)
  })

  test('all of them at once, a line each', () => {
    const record = Object.fromEntries(NAMES.map((name, i) => [name, VALUES[i]]))
    expect(linesOf(record).split('\n')).toHaveLength(NAMES.length)
    expect(said(record)).toEqual(record)
  })

  test('amounts that are texts', () => {
    const record = { large: '0.5', small: '0.0208', cheap: '0.00000001', odd: 'a "b"', '': ' ' }
    expect(textsIn(linesOf(record))).toEqual(record)
  })

  test('nothing, and what is undefined', () => {
    expect(linesOf({ a: undefined })).toBe('')
    expect(said({})).toEqual({})
  })
})

describe('what is typed', () => {
  test('is taken with blanks around it, and empty lines between', () => {
    expect(inLines('\n  dc1=0.75 \n\n\tregions =  ["eu"]\r\n')).toEqual({ dc1: 0.75, regions: ['eu'] })
  })

  test('keeps the digits of what is too long for a number', () => {
    expect(inLines('account = 12345678901234567890')).toEqual({ account: '12345678901234567890' })
    expect(textsIn('small = 0.10')).toEqual({ small: '0.10' })
  })

  test.each([
    ['dc1 0.75', 'No name = value: dc1 0.75'],
    ['dc1 = 1\n  instances: 20', 'No name = value: instances: 20'],
    ['= 1', 'No name = value: = 1'],
    ['"dc1 = 1', 'No name = value: "dc1 = 1'],
    ['"dc1" x = 1', 'No name = value: "dc1" x = 1'],
    ['"\\x" = 1', 'No name = value: "\\x" = 1'],
    ['dc1 = 1\ndc2 = 2\n dc1=3', 'Said twice: dc1'],
    ['dc1 = 1\n"dc1" = 1', 'Said twice: dc1'],
  ])('and says nothing is refused, by the line: %j', (text, message) => {
    for (const read of [inLines, textsIn, numbersIn, pairsIn]) expect(() => read(text)).toThrow(message)
  })

  test.each(['dc1 = ', 'dc1 = abc', 'dc1 = "1"', 'dc1 = null', 'dc1 = [1]'])('%j is no number', (text) => {
    expect(() => numbersIn(text)).toThrow(/^No number: dc1 = /)
  })
})
