import type { Known } from '../suites/outcomes.ts'

/** Whom the tests are run as. */
export type As = 'user' | 'admin'

/** Tests that are known to fail, by why. */
type Faults = Record<string, string[]>

const BOTH: Faults = {}

const OWN: Record<As, Faults> = { user: {}, admin: {} }

/** What is known of a test, as `package Test` names it. */
export const knownAs = (as: As): ((test: string) => Known | undefined) => {
  const known = new Map(
    [...Object.entries(BOTH), ...Object.entries(OWN[as])].flatMap(([why, tests]) =>
      tests.map((test) => [test, { result: 'failed', why } satisfies Known] as const),
    ),
  )
  return (test) => known.get(test)
}
