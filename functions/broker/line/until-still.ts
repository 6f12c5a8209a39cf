import { Refused } from './refused.ts'

/** A guard that fails because another change was faster is worth another look, so often. */
const TRIES = 4

/**
 * Repeats what was planned on rows that have moved since: `moved` are the guards that say so, `attempt` is given how often it
 * was tried before.
 */
export const untilStill = async <T>(
  moved: string | string[],
  attempt: (before: number) => Promise<T>,
  tries = TRIES,
): Promise<T> => {
  for (let before = 0; ; before++) {
    try {
      return await attempt(before)
    } catch (error) {
      const what = error instanceof Refused && error.refusal.kind === 'guard' ? error.refusal.what : null
      if (what === null || ![moved].flat().includes(what) || before + 1 >= tries) throw error
    }
  }
}
