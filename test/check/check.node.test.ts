import { describe, expect, test } from 'vitest'
import { affectedBy } from './affected.ts'
import { documentedShare, exportedFunctions, ourFunctions } from './docstrings.ts'
import { circlesIn, floorsOf, type Import, importsOf } from './imports.ts'
import { type Locked, licenceFaults, lockedPackages } from './licences.ts'

const faultsOf = (packages: Record<string, Locked>) => licenceFaults({ '': {}, ...packages })

describe('licences', () => {
  test('of everything in the lock file are permissive', () => {
    expect(licenceFaults(lockedPackages())).toEqual([])
  })

  test('that are not permissive are reported with the name of the package, however deep it lies', () => {
    expect(faultsOf({ 'node_modules/a/node_modules/@b/c': { version: '1.0.0', license: 'AGPL-3.0' } })).toEqual([
      '@b/c 1.0.0 (node_modules/a/node_modules/@b/c) is AGPL-3.0, which is not permissive',
    ])
  })

  test('that are missing are reported', () => {
    expect(faultsOf({ 'node_modules/a': { version: '1.0.0' } })).toEqual(['a 1.0.0 (node_modules/a) says no licence'])
  })

  test('may be chosen from where there are two, and bind together where both apply', () => {
    expect(faultsOf({ 'node_modules/a': { license: '(GPL-2.0 OR MIT)' } })).toEqual([])
    expect(faultsOf({ 'node_modules/a': { license: 'MIT AND GPL-2.0' } })).toHaveLength(1)
  })

  test('of a tool are not accepted where it would run in production', () => {
    const lightningcss = { version: '1.0.0', license: 'MPL-2.0' }
    expect(faultsOf({ 'node_modules/lightningcss': { ...lightningcss, dev: true } })).toEqual([])
    expect(faultsOf({ 'node_modules/lightningcss': lightningcss })).toHaveLength(1)
  })

  test('of a package for another platform are those of its twins for this one', () => {
    const parts = { 'a-linux': '1', 'a-mac': '1' }
    const family = (license: string): Record<string, Locked> => ({
      'node_modules/a': { license: 'MIT', optionalDependencies: parts },
      'node_modules/a-linux': { license, optional: true },
      'node_modules/a-mac': { optional: true },
    })
    expect(faultsOf(family('MIT'))).toEqual([])
    expect(faultsOf(family('GPL-2.0'))).toHaveLength(2)
  })
})

describe('the meter of docstrings', () => {
  test('sees functions in every form, and nothing else', () => {
    const found = exportedFunctions(
      'a.ts',
      [
        '/** Says what it does. */',
        'export const one = (a: string): string => a',
        'export const two = async <T>(',
        '  a: { b: (c: T) => void },',
        '): Promise<T> => a',
        '// A remark is no docstring.',
        'export function three() {}',
        'export const sum = (1 + 2) * 3',
        'export const made = once(() => 1)',
        'const own = () => 1',
      ].join('\n'),
    )
    expect(found.map(({ name, documented }) => [name, documented])).toEqual([
      ['one', true],
      ['two', false],
      ['three', false],
    ])
    expect(documentedShare(found)).toBeCloseTo(33.3, 1)
  })

  test('finds the functions of this program', () => {
    expect(ourFunctions().length).toBeGreaterThan(1000)
  })
})

describe('imports', () => {
  const value = (from: string, to: string): Import => ({ from, to, type: false })

  test('in a circle are found, types included', () => {
    const circle = [value('a', 'b'), { ...value('b', 'c'), type: true }, value('c', 'a'), value('d', 'a')]
    expect(circlesIn(circle)).toEqual([['a', 'b', 'c', 'a']])
    expect(circlesIn(circle.slice(1))).toEqual([])
    expect(circlesIn([value('d', 'b'), ...circle])).toHaveLength(1)
  })

  test('give a house its floors', () => {
    const rooms = [
      value('h/top/x.ts', 'h/mid/x.ts'),
      value('h/mid/x.ts', 'h/low/x.ts'),
      value('h/top/y.ts', 'h/low/x.ts'),
    ]
    expect(floorsOf('h', rooms)).toBe(3)
    expect(floorsOf('h', rooms.slice(2))).toBe(2)
    expect(floorsOf('h', [...rooms, value('h/low/x.ts', 'h/top/z.ts')])).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('tests that a change can break', () => {
  const imports = importsOf('{functions,adapters,db,test}/**/*.ts')
  const stories = [
    'test/api/compute/flavors.test.ts',
    'test/api/network/ports.test.ts',
    'test/adapters/shared/cidr.test.ts',
  ]

  test('are the stories of a service that a file belongs to', () => {
    expect(affectedBy(['functions/compute/flavors.ts'], imports, stories)).toEqual([stories[0]])
  })

  test('are those that import it', () => {
    expect(affectedBy(['adapters/shared/cidr.ts'], imports, stories)).toContain(stories[2])
  })

  test('are themselves', () => {
    expect(affectedBy([stories[1]!], imports, stories)).toEqual([stories[1]])
  })

  test('are none for a page of prose', () => {
    expect(affectedBy(['README.md'], imports, stories)).toEqual([])
  })
})
