/**
 * The few error codes that steer the broker. An adapter turns every error of its SDK into one of these
 * (its table is `adapters/<cloud>/errors.ts`); the broker decides what happens next by the code alone.
 *
 * | code       | did the call take effect?  | what the broker does                                        |
 * |------------|----------------------------|-------------------------------------------------------------|
 * | throttled  | no                         | asks again after `retryAfterMs`                             |
 * | ambiguous  | unknown                    | stays in its phase: looks up by mark, asks again, same token |
 * | capacity   | no                         | tries the next place                                        |
 * | not_found  | no, the object is not there | success for a removal, otherwise looks again before it concludes |
 * | conflict   | no, something stands in the way | asks again later                                        |
 * | definitive | no, and never will         | ERROR with the reason                                       |
 * | denied     | no, the credentials may not | ERROR with the reason, alarm for the operator              |
 */
export type CloudErrorCode = 'throttled' | 'ambiguous' | 'capacity' | 'not_found' | 'conflict' | 'definitive' | 'denied'

/**
 * What there is too little of, where a cloud refuses a size with `capacity`; it says for how long the cloud need not be asked
 * for that size again.
 *
 * | shortage      | means                                                    | another place                         |
 * |---------------|----------------------------------------------------------|---------------------------------------|
 * | no-capacity   | the zone has no machine of that size free now            | may have one; this one in minutes     |
 * | account-limit | the account has as much as it may, or too small a licence | may be counted apart                  |
 * | unsupported   | the zone does not sell the size                          | may sell it; this one when it says so |
 */
export type Shortage = 'no-capacity' | 'account-limit' | 'unsupported'

/** The sentence for limits of an account, with the words by which clients tell a quota from a fault of the machine. */
export const BEYOND_ACCOUNT = 'This exceeds what the cloud account allows: quota exceeded.'

export interface CloudErrorDetail {
  /** Of `capacity`: what there is too little of. Absent: of something that is this request's alone, as addresses of its subnet. */
  shortage?: Shortage
  /** The cloud's own code, e.g. `InsufficientInstanceCapacity`. */
  cloudCode?: string
  /** The cloud's own request id, for its support desk. */
  requestId?: string
  retryAfterMs?: number
  /** The part of the cloud, e.g. a host, that gave no answer. It says nothing of the others. Absent: the cloud as a whole. */
  part?: string
  /** What operators may read and users may not: raw messages, ARNs, hosts. Never a secret. */
  operatorMessage?: string
  cause?: unknown
}

/** An error of a cloud. `message` is written for the user of the API; the rest is for operators. */
export class CloudError extends Error {
  readonly code: CloudErrorCode
  readonly detail: CloudErrorDetail

  constructor(code: CloudErrorCode, message: string, detail: CloudErrorDetail = {}) {
    super(message, { cause: detail.cause })
    this.name = 'CloudError'
    this.code = code
    this.detail = detail
  }
}

/** Nobody was asked, because what is meant is looked at and never changed. The sentence says why. */
export class ReadOnly extends CloudError {
  constructor(message: string) {
    super('denied', message)
    this.name = 'ReadOnly'
  }
}

/** What is not known to be anything else is ambiguous: it may have taken effect. */
export const asCloudError = (error: unknown): CloudError =>
  error instanceof CloudError
    ? error
    : new CloudError('ambiguous', 'The cloud did not give a clear answer.', {
        operatorMessage: error instanceof Error ? error.message : String(error),
        cause: error,
      })
