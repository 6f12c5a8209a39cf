import { badRequest } from './fault.ts'

export interface PageRequest {
  limit: number
  marker: string | undefined
}

/** `limit` and `marker` as the services read them: an absent limit is the maximum, one above it is cut, a bad one is 400. */
export const pageRequest = (query: Record<string, string | undefined>, maximum = 1000): PageRequest => {
  const given = query.limit
  if (given !== undefined && !/^\d+$/.test(given))
    throw badRequest(`Invalid input for query parameters limit. Value: ${given}. '${given}' does not match '^[0-9]*$'`)
  const limit = given === undefined || given === '' ? maximum : Math.min(Number(given), maximum)
  return { limit, marker: query.marker }
}

/** An order without the keys that were named before: they add nothing, and a database takes only so many. */
export const distinctKeys = <K extends { key: string }>(order: K[]): K[] =>
  [...new Map(order.toReversed().map((each) => [each.key, each])).values()].toReversed()

/** The request's own URL, with the last item of this page as marker; clients compare it with what they then send. */
export const nextHref = (url: string, search: URLSearchParams, marker: string): string => {
  const next = new URLSearchParams(search)
  next.set('marker', marker)
  return `${url}?${next}`
}
