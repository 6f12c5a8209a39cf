/* What people write, as the whole numbers that are counted with, and back. */

const AMOUNT = /^(\d{1,9})(?:\.(\d{1,6}))?$/
/** So many make one of a currency. */
const MICROS = 1_000_000

/** An amount of money as people write it, in micros (millionths of its currency); null: it is none, or finer than that. */
export const microsOf = (amount: string | number): number | null => {
  const [, whole, part = ''] = AMOUNT.exec(String(amount)) ?? []
  return whole === undefined ? null : Number(whole) * MICROS + Number(part.padEnd(6, '0'))
}

/** Micros as people write them: no digit more than is needed. Up to a thousand million of a currency that is what a number says. */
export const amountOf = (micros: number): string => String(micros / MICROS)

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const
const DURATION = /^(?=\d)(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?$/
/** Ten years: what is longer is no end. */
const LONGEST = 3_650 * 86_400

/** A duration like `2h`, `90m` or `1d12h` in seconds; null: it is none, nothing, or longer than ten years. */
export const secondsOf = (duration: string): number | null => {
  const parts = DURATION.exec(duration)
  if (!parts) return null
  const seconds = UNITS.reduce((sum, [, size], i) => sum + Number(parts[i + 1] ?? 0) * size, 0)
  return seconds > 0 && seconds <= LONGEST ? seconds : null
}

/** Seconds as a duration, in the largest units. */
export const durationOf = (seconds: number): string => {
  let rest = seconds
  return UNITS.map(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count ? `${count}${unit}` : ''
  }).join('')
}
