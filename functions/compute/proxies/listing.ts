import type { Slice } from '../../../db/queries/listing.ts'
import { badRequest } from '../../http/fault.ts'
import { pageRequest } from '../../http/pagination.ts'

/** The last microversion with what another service does: since then clients ask that service. */
export const LAST = 35

/** nova/api/openstack/common.py, `limited` */
const MOST = 1000

/** The part of a list that is asked for, newest first. @throws `Fault` 400 for what is no number */
export const pageOf = (asked: Record<string, string | undefined>): Slice & { offset: number } => {
  const { offset = '0' } = asked
  if (!/^\d{1,9}$/.test(offset)) throw badRequest('offset param must be an integer')
  const sort = ['created_at', 'id'].map((key) => ({ key, descending: true }))
  return { sort, limit: pageRequest(asked).limit || MOST, offset: Number(offset) }
}

/** The same part of a list that is at hand. */
export const limited = <T>(items: T[], asked: Record<string, string | undefined>): T[] => {
  const { limit, offset } = pageOf(asked)
  return items.slice(offset, offset + limit)
}
