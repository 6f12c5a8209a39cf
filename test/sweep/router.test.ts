import type { Result } from 'hono/router'
import { TrieRouter } from 'hono/router/trie-router'
import { describe, expect, it } from 'vitest'
import { operations } from '../../functions/app.ts'
import { SegmentRouter } from '../../functions/http/router.ts'

const ours = new SegmentRouter<string>()
const honos = new TrieRouter<string>()
for (const { service, operation } of operations)
  for (const router of [ours, honos])
    router.add(operation.method, service.prefix + operation.path, `${service.name} ${operation.name}`)

/** The route that is served, and what it is told. */
const first = ([routes]: Result<string>) => {
  const [route] = routes
  return route ? [route[0], { ...route[1] }] : null
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD']
/** What stands for a parameter: an id, a word that is a route beside it, what no pattern takes, nothing. */
const WORDS = [
  '0a1b2c3d-0000-4000-8000-000000000000',
  'detail',
  'volumes',
  'ABC xyz',
  '%2F',
  'constructor',
  '__proto__',
  '',
]

describe('a request finds the route that stands first in the table of those that fit', () => {
  it.each(WORDS)('with %j for each parameter', (word) => {
    for (const { service, operation } of operations) {
      const path = (service.prefix + operation.path).replace(/:\w+(\{[^}]*\})?/g, word)
      for (const each of [path, `${path}/`, `${path}/more`, path.slice(0, -1)])
        for (const method of METHODS)
          expect(first(ours.match(method, each)), `${method} ${each}`).toEqual(first(honos.match(method, each)))
    }
  })

  it('and knows no wildcards', () => {
    expect(() => new SegmentRouter().add('GET', '/v1/*', 0)).toThrow('there are no wildcards')
  })
})
