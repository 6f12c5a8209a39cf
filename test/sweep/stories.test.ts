import { expect, test } from 'vitest'
import { operations } from '../../functions/app.ts'
import { isAbsent, type Route, titleOf } from './calls.ts'

/**
 * Every route is told in a story: some test of the API calls it. Read from the source of the tests, so that it says which
 * route has none without running them all; what is absent is told by `absent.test.ts`. A call is a path, written out or put together from constants of the file, and a
 * method that is called on it; where the path is handed around, any method that the file calls on something handed around.
 */
const sources = Object.entries(
  import.meta.glob<string>('../api/**/*.ts', { query: '?raw', import: 'default', eager: true }),
)

const LITERAL = /`(?:[^`\\$]|\\.|\$\{[^}]*\}|\$(?!\{))*`|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g
const METHODS = 'get|head|delete|post|put|patch'
const UNKNOWN = ':x'

interface Call {
  method: string
  path: string[]
  /** The folder of the test: a path without its beginning is one of this service. */
  folder: string
}

const callsIn = ([file, source]: [string, string]): Call[] => {
  const folder = file.split('/')[2]!
  const constants = new Map<string, string>()
  for (const [, name, literal] of source.matchAll(
    new RegExp(`const (\\w+) = (?:\\([^)]*\\)(?:: \\w+)? => )?(${LITERAL.source})`, 'g'),
  ))
    constants.set(name!, literal!)
  const text = (literal: string, depth = 0): string =>
    literal.slice(1, -1).replace(/\$\{(\w+)?[^}]*\}/g, (_, name?: string) => {
      const known = name === undefined ? undefined : constants.get(name)
      return known && depth < 5 ? text(known, depth + 1) : UNKNOWN
    })
  const handed = new Set(
    [...source.matchAll(new RegExp(`\\.(${METHODS})\\(\\s*[^\`'"\\s)]`, 'g'))].map(([, method]) =>
      method!.toUpperCase(),
    ),
  )
  for (const [, method] of source.matchAll(/'(GET|HEAD|DELETE|POST|PUT|PATCH)'/g)) handed.add(method!)
  return [...source.matchAll(LITERAL)].flatMap((found) => {
    const path = text(found[0]).split('?')[0]!
    if (!path.includes('/')) return []
    const before = source.slice(Math.max(0, found.index - 40), found.index)
    const exact = new RegExp(`\\.(${METHODS})\\(\\s*$`).exec(before)?.[1] ?? /send\(\s*'(\w+)',\s*$/.exec(before)?.[1]
    const methods = exact ? [exact.toUpperCase()] : [...handed]
    const segments = path.replace(/^https?:\/\/[^/]+/, '').split('/')
    return methods.map((method) => ({ method, path: segments, folder }))
  })
}

const calls = sources.flatMap(callsIn)

const same = (wanted: string[], given: string[]) =>
  wanted.length === given.length &&
  wanted.every((segment, i) => (segment.startsWith(':') ? given[i] !== '' : given[i] === segment))

/** The whole path, or its end from some word of the API on, where the file puts the beginning somewhere else. */
const tells = ({ service, operation }: Route, { method, path, folder }: Call): boolean => {
  if (method !== operation.method) return false
  const wanted = (service.prefix + operation.path)
    .replaceAll(/\{[^}]*\}/g, '')
    .split('/')
    .slice(1)
  const given = path[0] === UNKNOWN || path[0] === '' ? path.slice(1) : path
  if (path[0] === '' && same(wanted, given)) return true
  const end = wanted.slice(-given.length)
  return folder === service.dialect.name && given.length < wanted.length && !end[0]?.startsWith(':') && same(end, given)
}

/** The same route with and without the project's id is told once. */
const plain = (route: Route) => titleOf(route).replace(/\/:project_id(\{[^}]*\})?/, '')

test('every route has a story', () => {
  const told = new Set(operations.filter((route) => calls.some((call) => tells(route, call))).map(plain))
  const untold = operations
    .filter((route) => !isAbsent(route))
    .map(plain)
    .filter((title) => !told.has(title))
  expect([...new Set(untold)]).toEqual([])
})
