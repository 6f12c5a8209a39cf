import { badRequest } from '../http/fault.ts'

/* Times that a user sets, as keystone/common/utils.py reads them (`parse_expiration_date`). */

const CLIENT = `The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`

/** ISO 8601 in UTC, with or without its `Z` and all that is smaller than an hour. */
const TIME =
  /^(\d{4})(?:-(\d{1,2})-(\d{1,2})|(\d{2})(\d{2}))[ T](\d{2})(?::?(\d{2})(?::?(\d{1,2})(?:[.,](\d{1,9}))?)?)?Z?$/

/** A time to come in microseconds since 1970. 400 for what is no time, or over at `now` (milliseconds). */
export const parseExpiry = (text: string, now: number): number => {
  const [, year, month, day, compactMonth, compactDay, hour, minute = '0', second = '0', fraction = ''] =
    TIME.exec(text) ?? []
  const parts = [year, month ?? compactMonth, day ?? compactDay, hour, minute, second].map(Number) as Parts
  const [y, m, d, h, min, s] = parts
  const date = new Date(Date.UTC(y, m - 1, d, h, min, s))
  const shown = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours()]
  // A day or an hour that there is not would be another one.
  if (Number.isNaN(date.getTime()) || shown.some((each, i) => each !== parts[i]) || min > 59 || s > 59)
    throw badRequest(`Timestamp not in expected format. ${CLIENT}`)
  const time = date.getTime() * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
  if (time < now * 1000) throw badRequest(`The 'expires_at' must not be before now. ${CLIENT}`)
  return time
}
type Parts = [number, number, number, number, number, number]

/** As oslo.serialization writes a time: to the microsecond, without a zone. */
export const expiryView = (microseconds: number): string =>
  new Date(Math.floor(microseconds / 1000)).toISOString().replace('Z', String(microseconds % 1000).padStart(3, '0'))
