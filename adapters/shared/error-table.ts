import { CloudError, type CloudErrorCode, type CloudErrorDetail } from '../errors.ts'

/** A cloud's own error codes, by what they mean to the broker and by the sentence that users read. */
export type ErrorTable = Record<CloudErrorCode, Record<string, string[]>>

/** How long a cloud that asks for fewer requests takes to have noticeably more to give. */
const THROTTLE_MS = 2_000

/** A table as it is asked: by the cloud's own code. */
export interface KnownErrors {
  /** Every code of the table. */
  codes: readonly string[]
  /** The error for a code; undefined if the table has no such code. */
  errorFor(cloudCode: string | undefined, detail: CloudErrorDetail): CloudError | undefined
}

/** Turns a table around. A code that is in it twice counts as what comes last. */
export const knownErrors = (table: ErrorTable): KnownErrors => {
  const byCode = new Map<string, [CloudErrorCode, string]>(
    Object.entries(table).flatMap(([code, sentences]) =>
      Object.entries(sentences).flatMap(([sentence, names]) =>
        names.map((name): [string, [CloudErrorCode, string]] => [name, [code as CloudErrorCode, sentence]]),
      ),
    ),
  )
  return {
    codes: [...byCode.keys()],
    errorFor(cloudCode, detail) {
      const known = cloudCode === undefined ? undefined : byCode.get(cloudCode)
      if (!known) return undefined
      const [code, sentence] = known
      return new CloudError(code, sentence, code === 'throttled' ? { ...detail, retryAfterMs: THROTTLE_MS } : detail)
    },
  }
}
