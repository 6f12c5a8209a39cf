import { Refused } from '../line/refused.ts'

/** A guard that fails because another change was faster is worth another look, so often. */
const TRIES = 4

/** Repeats what was planned on rows that have moved since, which the guard of this name tells. */
export const untilStill = async <T>(what: string, attempt: () => Promise<T>): Promise<T> => {
  for (let left = TRIES; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      const moved = error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === what
      if (!moved || left <= 1) throw error
    }
  }
}
