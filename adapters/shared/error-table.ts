import { CloudError, type CloudErrorCode, type CloudErrorDetail, type Shortage } from '../errors.ts'

/** Codes by the sentence that users read. */
type Sentences = Record<string, string[]>

/** What has run short of the request alone says nothing of the size: the next request is not spared it. */
const OWN = 'of-the-request'

/** A cloud's own error codes, by what they mean to the broker and by the sentence that users read; `capacity` by what is short. */
export type ErrorTable = Record<Exclude<CloudErrorCode, 'capacity'>, Sentences> & {
  capacity: Record<Shortage | typeof OWN, Sentences>
}

/** How long a cloud that asks for fewer requests takes to have noticeably more to give. */
const THROTTLE_MS = 2_000

/** A table as it is asked: by the cloud's own code. */
export interface KnownErrors {
  /** Every code of the table. */
  codes: readonly string[]
  /** The error for a code; undefined if the table has no such code. */
  errorFor(cloudCode: string | undefined, detail: CloudErrorDetail): CloudError | undefined
}

/** What one code of a cloud means. */
type Meaning = [code: CloudErrorCode, sentence: string, shortage?: Shortage]

const meanings = (table: ErrorTable): [string, Meaning][] => {
  const { capacity, ...others } = table
  const of = (sentences: Sentences, code: CloudErrorCode, shortage?: Shortage) =>
    Object.entries(sentences).flatMap(([sentence, names]) =>
      names.map((name): [string, Meaning] => [name, shortage ? [code, sentence, shortage] : [code, sentence]]),
    )
  return [
    ...Object.entries(others).flatMap(([code, sentences]) => of(sentences, code as CloudErrorCode)),
    ...Object.entries(capacity).flatMap(([short, sentences]) =>
      of(sentences, 'capacity', short === OWN ? undefined : (short as Shortage)),
    ),
  ]
}

/** Turns a table around. A code that is in it twice counts as what comes last. */
export const knownErrors = (table: ErrorTable): KnownErrors => {
  const byCode = new Map(meanings(table))
  return {
    codes: [...byCode.keys()],
    errorFor(cloudCode, detail) {
      const known = cloudCode === undefined ? undefined : byCode.get(cloudCode)
      if (!known) return undefined
      const [code, sentence, shortage] = known
      return new CloudError(code, sentence, {
        ...detail,
        ...(code === 'throttled' ? { retryAfterMs: THROTTLE_MS } : {}),
        ...(shortage ? { shortage } : {}),
      })
    },
  }
}
