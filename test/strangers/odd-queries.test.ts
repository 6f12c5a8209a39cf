import { beforeAll, describe, expect, test, vi } from 'vitest'
import { operations } from '../../functions/app.ts'
import { type Client, type Plimsoll, startPlimsoll } from '../support/harness.ts'
import { giveOneOfEach } from '../sweep/belongings.ts'
import { parametersOf, pathOf, type Route, titleOf, versionHeader, versionOf, walking } from '../sweep/calls.ts'

// Some routes take hundreds of calls.
vi.setConfig({ testTimeout: 60_000 })

let plimsoll: Plimsoll
let named: Record<string, string>
let send: Client['send']
beforeAll(async () => {
  plimsoll = await startPlimsoll()
  send = walking(plimsoll, 'admin')
  named = (await giveOneOfEach(plimsoll, 'demo')).named
})

const routes = operations.map((route): [string, Route] => [titleOf(route), route])
const again = (pair: string, times: number) => Array.from({ length: times }, () => pair).join('&')
const QUERIES = [
  'limit=0',
  `limit=${'9'.repeat(400)}`,
  'marker=',
  'tags=',
  'tags=,,',
  'not-tags-any=',
  'fields=',
  'sort_key=',
  'sort=:',
  'name=%00',
  'name=%ED%A0%80',
  'name=%25zz',
  again('sort_key=name&sort_dir=asc', 400),
  `sort=${again('name', 1).concat(',name'.repeat(1_200))}`,
  again('name=x', 150),
  again('fixed_ips=subnet_id%3Dx', 150),
  again('tags=a', 150),
  again('id=x', 150),
]

const call = (route: Route, path: string) =>
  send(route.operation.method, path, undefined, versionHeader(route, versionOf(route)))

describe('an odd query is answered or refused', () => {
  test.each(routes.filter(([, { operation }]) => operation.method === 'GET'))('%s', async (_, route) => {
    const path = pathOf(route, ({ name, of }) =>
      name === 'project_id' ? plimsoll.projectId('demo') : (named[of] ?? 'x'),
    )
    for (const query of QUERIES) {
      const { status } = await call(route, `${path}?${query}`)
      expect([query.slice(0, 60), status < 500 || status === 501]).toEqual([query.slice(0, 60), true])
    }
  })
})

describe('a path that does not decode is one of nothing', () => {
  const ODD = ['%25zz', '%zz', '%00', '%ED%A0%80', '%2F', '%2e%2e']
  test.each(routes.filter(([, route]) => parametersOf(route).length))('%s', async (_, route) => {
    for (const odd of ODD) {
      const last = parametersOf(route).at(-1)!
      const path = pathOf(route, (each) =>
        each.name === last.name
          ? odd
          : each.name === 'project_id'
            ? plimsoll.projectId('demo')
            : (named[each.of] ?? 'x'),
      )
      const { status } = await call(route, path)
      expect([odd, status < 500 || status === 501]).toEqual([odd, true])
    }
  })
})
