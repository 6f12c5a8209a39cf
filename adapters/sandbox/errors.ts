import { asCloudError, CloudError, type CloudErrorCode, type CloudErrorDetail, type Shortage } from '../errors.ts'

/** The embedded cloud's own error codes, and what each means to the broker. */
const CODES = {
  NoSuchObject: 'not_found',
  InUse: 'conflict',
  NotReady: 'conflict',
  WrongState: 'conflict',
  AddressTaken: 'conflict',
  NotReachable: 'conflict',
  NameTaken: 'conflict',
  TooManyWriters: 'throttled',
  RequestLimitExceeded: 'throttled',
  NoRoom: 'capacity',
  NoHostForGroup: 'capacity',
  AccountLimitExceeded: 'capacity',
  NotSoldHere: 'capacity',
  AddressPoolEmpty: 'capacity',
  InvalidValue: 'definitive',
  WrongZone: 'definitive',
  WrongArchitecture: 'definitive',
  IdempotentParameterMismatch: 'definitive',
  NotYours: 'denied',
  Unauthorized: 'denied',
  NoAnswer: 'ambiguous',
} as const satisfies Record<string, CloudErrorCode>
export type SandboxCode = keyof typeof CODES

/** What there is too little of, of the codes that speak of a size. */
const SHORT: Partial<Record<SandboxCode, Shortage>> = {
  NoRoom: 'no-capacity',
  AccountLimitExceeded: 'account-limit',
  NotSoldHere: 'unsupported',
}

/** The error for one of the cloud's own codes; `message` is read by users of the API. */
export const refusal = (cloudCode: SandboxCode, message: string, detail: CloudErrorDetail = {}): CloudError => {
  const shortage = SHORT[cloudCode]
  return new CloudError(CODES[cloudCode], message, { cloudCode, ...(shortage ? { shortage } : {}), ...detail })
}

/** The error for an object that is not there. */
export const noSuch = (kind: string, id: string): CloudError =>
  refusal('NoSuchObject', `The cloud has no such ${kind.replace('_', ' ')}.`, { operatorMessage: `${kind} ${id}` })

/**
 * The caller died: thrown after the effect by the fault `crash`. It passes unchanged through the adapter, which turns
 * every other stray error into an ambiguous one, so a simulator can throw it from the store or the clock as well.
 */
export class SandboxCrash extends Error {
  override readonly name = 'SandboxCrash'
}

/** What leaves the adapter: a `CloudError` with the request id, or the crash itself. */
export const outgoing = (error: unknown, requestId: string): Error => {
  if (error instanceof SandboxCrash) return error
  const known = asCloudError(error)
  known.detail.requestId ??= requestId
  return known
}
