/* Numbers and times as people read them. What they are was said by the API. */

const whole = new Intl.NumberFormat('en')

/** A count: `1,024`; -1 is no limit. */
export const countWords = (count: number): string => (count < 0 ? '∞' : whole.format(count))

/** vCPUs, as many as they are. */
export const vcpuWords = (count: number): string => `${countWords(count)} vCPU${count === 1 ? '' : 's'}`

/** Memory or a disk: `2 GiB` of 2048 MiB. */
export const mibWords = (mib: number): string =>
  mib < 0
    ? '∞'
    : mib % 1024 === 0 || mib > 10_240
      ? `${whole.format(Math.round(mib / 102.4) / 10)} GiB`
      : `${whole.format(mib)} MiB`

/** An amount of money as it was told: `0.0104 USD`; null: nobody knows. */
export const moneyWords = (money: { amount: string | null; currency: string | null } | null | undefined): string =>
  money?.amount == null ? 'unpriced' : `${money.amount} ${money.currency ?? ''}`.trim()

/** A share as whole percent. */
export const percentWords = (share: number): string => `${Math.round(share * 100)} %`

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })

/** How long ago, or until: `3 min. ago`. */
export const agoWords = (at: number, now = Date.now()): string => {
  const seconds = (at - now) / 1000
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 1]
  return relative.format(Math.round(seconds / size), unit as Intl.RelativeTimeFormatUnit)
}
