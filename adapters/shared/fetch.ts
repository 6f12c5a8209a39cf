import type { Surroundings } from '../contract.ts'

export interface Exchange {
  status: number
  /** Lower-case names. */
  headers: Record<string, string>
  body: Uint8Array
}

/**
 * One HTTP exchange, body included, within the surroundings' deadline. Redirects are answers, not followed: a cloud's
 * API has no reason to send us elsewhere. Rejects with whatever `fetch` rejects with; the caller cannot know then
 * whether the request took effect.
 */
export const exchange = async (
  surroundings: Pick<Surroundings, 'fetch' | 'timeoutMs'>,
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string | Uint8Array; signal?: AbortSignal },
): Promise<Exchange> => {
  const limit = AbortSignal.timeout(surroundings.timeoutMs)
  const response = await surroundings.fetch(url, {
    method: init.method,
    headers: init.headers,
    body: init.body as RequestInit['body'],
    redirect: 'manual',
    signal: init.signal ? AbortSignal.any([limit, init.signal]) : limit,
  })
  const body = new Uint8Array(await response.arrayBuffer())
  const headers: Record<string, string> = {}
  response.headers.forEach((value, name) => {
    headers[name.toLowerCase()] = value
  })
  return { status: response.status, headers, body }
}
