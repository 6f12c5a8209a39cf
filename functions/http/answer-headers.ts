/** On every answer: it is for its caller, for now, and it is what it says it is. */
export const STANDING = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const

/** The name by which every service tells the id of a request; some have another one besides (`Dialect.requestIdHeaders`). */
export const REQUEST_ID = 'X-Openstack-Request-Id'

/** The same answer with these headers, whatever it said under their names before. */
export const withHeaders = (response: Response, set: Record<string, string>): Response => {
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(set)) headers.set(name, value)
  return new Response(response.body, { status: response.status, headers })
}
