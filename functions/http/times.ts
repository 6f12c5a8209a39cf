const DAY = 86_400_000

/** `00` to `59`. */
const TWO = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))

/** Rows of a list were made one after the other: the day of the last one is most often that of the next. */
let day = Number.NaN
let date = ''

/** `2026-03-01T12:00:00`: milliseconds since 1970 as ISO 8601 in whole seconds of UTC, without a zone. */
const naked = (ms: number): string => {
  const days = Math.floor(ms / DAY)
  if (days !== day) {
    date = new Date(days * DAY).toISOString().slice(0, -'00:00:00.000Z'.length)
    day = days
  }
  const second = Math.floor((ms - days * DAY) / 1000)
  return `${date}${TWO[Math.floor(second / 3600)]}:${TWO[Math.floor(second / 60) % 60]}:${TWO[second % 60]}`
}

/** `2026-03-01T12:00:00Z`. */
export const zoned = (ms: number): string => `${naked(ms)}Z`

/** `2026-03-01T12:00:00.123`. */
export const exact = (ms: number): string =>
  `${naked(ms)}.${String(Math.floor(ms - Math.floor(ms / 1000) * 1000)).padStart(3, '0')}`
