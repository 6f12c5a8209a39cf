/** A time as a box for times has it, in the time of whoever looks; empty: none. */
export const momentOf = (at: string | null): string => {
  if (!at) return ''
  const time = new Date(at)
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** What stands in such a box, as the API takes it; null: nothing, or no time. */
export const momentIn = (text: string): string | null => {
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : new Date(at).toISOString()
}
