import type { Operation } from '../../functions/http/operation.ts'
import type { Service } from '../../functions/http/service.ts'
import type { Client, Plimsoll } from '../support/harness.ts'

export interface Route {
  service: Service
  operation: Operation
}

/** `POST /compute/v2.1/flavors`: what a failing test is called. */
export const titleOf = ({ service, operation }: Route): string =>
  `${operation.method} ${service.prefix}${operation.path}`

/** The newest microversion that has the route. */
export const versionOf = ({ service, operation }: Route): number =>
  service.microversions ? Math.min(operation.until ?? service.microversions.max, service.microversions.max) : 0

export const versionHeader = ({ service }: Route, minor: number): Record<string, string> =>
  service.microversions
    ? { 'OpenStack-API-Version': `${service.microversions.name} ${service.microversions.major}.${minor}` }
    : {}

/** The parameters of a path, each with the segment before it: `/servers/:id` has `id` of `servers`. */
export const parametersOf = ({ operation }: Route): { name: string; of: string }[] => {
  const segments = operation.path.split('/')
  return segments.flatMap((segment, index) => {
    const name = /^:(\w+)/.exec(segment)?.[1]
    return name ? [{ name, of: segments[index - 1] ?? '' }] : []
  })
}

/** The path with its parameters filled in. */
export const pathOf = (route: Route, value: (parameter: { name: string; of: string }) => string): string => {
  const values = parametersOf(route).map(value)
  return route.service.prefix + route.operation.path.replace(/:\w+(\{[^}]*\})?/g, () => values.shift()!)
}

export const changes = ({ operation: { method } }: Route): boolean => method !== 'GET' && method !== 'HEAD'

/** What a cloud below does not have: its lists are empty, its items are unknown, making one is refused. The summary says so. */
export const isAbsent = ({ operation }: Route): boolean =>
  /there (is|are) none\b|^an empty list\b|^refused\b/i.test(operation.summary)

/**
 * How somebody asks all of a walk: with one token for as long as it is taken, as to issue one costs what most calls do. What
 * is refused because a call before has ended the token is asked again, so that nothing is left out.
 */
export const walking = (plimsoll: Plimsoll, name: string): Client['send'] => {
  let client = plimsoll.as(name)
  return async (...call) => {
    const answer = await client.send(...call)
    if (answer.status !== 401) return answer
    client = plimsoll.as(name)
    return client.send(...call)
  }
}
