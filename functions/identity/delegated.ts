import type { Caller } from '../context.ts'

/** Whether a token may do less than its user: it was got by an application credential, lent by a trust, or given to a program. */
export const isDelegated = ({ credential, trust, oauth }: Caller): boolean =>
  credential !== undefined || trust !== undefined || oauth !== undefined
