import type { Cloud } from '../../../adapters/contract.ts'
import type { CloudCall, Host } from '../../context.ts'

type Told = NonNullable<NonNullable<Host['instruments']>['call']>

/** It goes on for as long as somebody listens. */
const NO_CALL = new Set(['watch'])

/**
 * A cloud each of whose calls is told of, for all that are handed it: the one place where calls to clouds are measured. What is
 * no call stays as it is, so that the cloud looks the same.
 */
export const toldCalls = (cloud: Cloud, of: CloudCall['cloud'], told: Told): Cloud => members(cloud, '', of, told)

const members = <T extends object>(realm: T, path: string, of: CloudCall['cloud'], told: Told): T =>
  Object.fromEntries(
    Object.entries(realm).map(([name, member]) => {
      if (NO_CALL.has(name) || Array.isArray(member)) return [name, member]
      if (typeof member === 'object' && member !== null) return [name, members(member, `${path}${name}.`, of, told)]
      if (typeof member !== 'function') return [name, member]
      const call = { cloud: of, method: path + name }
      return [name, (...args: unknown[]) => told(call, async () => member.apply(realm, args))]
    }),
  ) as T

/**
 * A `fetch` that says with each request which trace it is part of, if that is recorded: whoever is asked can go on with it
 * (https://www.w3.org/TR/trace-context/). Requests that are signed are not signed anew: who verifies them leaves out what is not named.
 */
export const tracedFetch = ({ instruments }: Pick<Host, 'instruments'>, send: typeof fetch): typeof fetch => {
  const trace = instruments?.trace
  if (!trace) return send
  return (input, init) => {
    const traceparent = trace()
    if (traceparent === null) return send(input, init)
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set('traceparent', traceparent)
    return send(input, { ...init, headers })
  }
}
