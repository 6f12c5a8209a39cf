import type { Known } from '../suites/outcomes.ts'

/** Tests that are known to fail, by why. */
const FAULTS: Record<string, string[]> = {}

const KNOWN = new Map(
  Object.entries(FAULTS).flatMap(([why, tests]) =>
    tests.map((test) => [test, { result: 'failed', why } satisfies Known] as const),
  ),
)

export const knownOf = (test: string): Known | undefined => KNOWN.get(test)
