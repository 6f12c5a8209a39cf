import type { CheckReport } from '../contract.ts'
import { asCloudError, type CloudError } from '../errors.ts'

/** Beyond this many milliseconds clouds refuse signatures and sessions. */
const SKEW_MS = 5 * 60_000

/** How an error of a try is told. */
export interface Telling {
  /** Why something could not be looked at, for operators. */
  why(error: CloudError): string
  /** Errors that are as good as an answer, e.g. that of a permitted dry run. */
  isAnswer?(error: CloudError): boolean
}

export interface Checking {
  report: CheckReport
  /** Tries one call, of which the report tells by `action`; undefined if it failed. */
  attempt<T>(action: string, call: () => Promise<T>): Promise<T | undefined>
  /** Takes down the cloud's clock minus ours, in milliseconds; null: the cloud did not say. */
  clock(skewMs: number | null): void
}

/** A report on a connection that fills as calls are tried: what is refused is `denied`, all else a warning. */
export const checking = (version: string | null, { why, isAnswer }: Telling): Checking => {
  const report: CheckReport = {
    reachable: false,
    account: null,
    version,
    clockSkewMs: null,
    denied: [],
    warnings: [],
  }
  return {
    report,
    async attempt(action, call) {
      try {
        const answer = await call()
        report.reachable = true
        return answer
      } catch (raw) {
        const error = asCloudError(raw)
        report.reachable ||= error.detail.cloudCode !== undefined
        if (isAnswer?.(error)) return undefined
        if (error.code === 'denied') report.denied.push(action)
        else report.warnings.push(`${action}: ${why(error)}`)
        return undefined
      }
    },
    clock(skewMs) {
      report.clockSkewMs = skewMs
      if (Math.abs(skewMs ?? 0) > SKEW_MS) report.warnings.push("The cloud's clock and ours differ too much.")
    },
  }
}
