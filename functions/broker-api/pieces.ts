import { badRequest } from '../http/fault.ts'
import { pageRequest } from '../http/pagination.ts'

/** A piece of a long answer: so many rows, after that one. The marker is the number of a row, as an earlier piece gave it. */
export const pieceOf = (query: Record<string, string | undefined>): { limit: number; after: number } => {
  const { limit, marker = '0' } = pageRequest(query)
  if (limit === 0) throw badRequest('limit: must be 1 or more')
  if (!/^\d{1,15}$/.test(marker)) throw badRequest('marker: must be one that an earlier page gave')
  return { limit, after: Number(marker) }
}
