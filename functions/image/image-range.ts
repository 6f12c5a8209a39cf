import { badRequest, Fault } from '../http/fault.ts'

/** Bytes `from` to `to`, both of them included. */
export interface ByteRange {
  from: number
  to: number
}

/**
 * What a `Range` header asks of so many bytes; null: all of them. Throws 400 for several ranges, which Glance does not
 * serve, and 416 for one that is not there (glance/common/wsgi.py, get_range_from_request).
 */
export const rangeOf = (header: string | null, size: number): ByteRange | null => {
  if (header === null) return null
  if (header.includes(','))
    throw badRequest(
      'Requests with multiple ranges are not supported in Glance. You may make multiple single-range requests instead.',
    )
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? []
  if (first === '' && last === '') throw unsatisfiable('Invalid Range header.', size)
  if (first !== '' && last !== '' && Number(last) < Number(first)) throw unsatisfiable('Invalid Range header.', size)
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  if (from >= size)
    throw unsatisfiable(
      `Invalid start position in Range header. Start position MUST be in the inclusive range [0, ${size - 1}].`,
      size,
    )
  return { from, to: first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}

const unsatisfiable = (message: string, size: number): Fault =>
  new Fault(416, message, { headers: { 'Content-Range': `bytes */${size}` } })
