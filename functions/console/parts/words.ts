/* Numbers, times and names as people read them. What they are was said by the API. */

/** What something is called by: its name, else how its id begins. */
export const nameOf = ({ id, name }: { id: string; name: string | null }): string => name || id.slice(0, 8)

const whole = new Intl.NumberFormat('en')

/** A count: `1,024`; -1 is no limit. */
export const countWords = (count: number): string => (count < 0 ? '∞' : whole.format(count))

/** How many of something that is counted one by one: `1 server`, `2 servers`. */
export const manyWords = (count: number, one: string): string => `${countWords(count)} ${one}${count === 1 ? '' : 's'}`

/** vCPUs, as many as they are. */
export const vcpuWords = (count: number): string => manyWords(count, 'vCPU')

/** Memory or a disk: `2 GiB` of 2048 MiB. */
export const mibWords = (mib: number): string =>
  mib < 0
    ? '∞'
    : mib % 1024 === 0 || mib > 10_240
      ? `${whole.format(Math.round(mib / 102.4) / 10)} GiB`
      : `${whole.format(mib)} MiB`

/** An amount of money as the API tells it; currency null: in which is counted is not said. */
export interface Money {
  amount: string
  currency: string | null
}

/** An amount of money that was told, to what people read of it: `0.0104 USD`, `12.30 USD`; null: nobody knows. */
export const moneyWords = (money: { amount: string | null; currency: string | null } | null | undefined): string =>
  money?.amount == null ? 'unpriced' : `${amountWords(Number(money.amount))} ${money.currency ?? ''}`.trim()

const cents = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const less = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
/** An amount to two digits behind the point; of less than one, to three that count. */
const amountWords = (amount: number): string => (amount === 0 || Math.abs(amount) < 1 ? less : cents).format(amount)

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
