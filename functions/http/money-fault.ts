import { Fault, forbidden } from './fault.ts'

/** What is not bought for the sake of money, the same from each service; `unlisted`: it may be by and by. */
export const moneyFault = ({ kind, reason }: { kind: 'cost' | 'unlisted'; reason: string }, type?: string): Fault =>
  kind === 'cost'
    ? forbidden(reason, type)
    : new Fault(409, `${reason} Ask again in a minute.`, {
        headers: { 'Retry-After': '60' },
        ...(type === undefined ? {} : { type }),
      })
