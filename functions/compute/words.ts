import { unauthorized } from '../auth/policy.ts'
import { type Refusal, Refused } from '../broker/line/commit.ts'
import type { Fault } from '../http/fault.ts'

/** Runs a change; what its batch was refused for becomes a fault in the words of the resource, a revoked token 401. */
export const orFault = async <T>(work: Promise<T>, words: (refusal: Refusal) => Fault | undefined): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    if (error.refusal.kind === 'token') throw unauthorized()
    throw words(error.refusal) ?? error
  }
}
