import type { Host } from '../../context.ts'

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
