import { type Faults, type Known, knownBy } from '../suites/outcomes.ts'

/** Whom the tests are run as. */
export type As = 'user' | 'admin'

const BOTH: Faults = {}

const OWN: Record<As, Faults> = { user: {}, admin: {} }

/** What is known of a test, as `package Test` names it. */
export const knownAs = (as: As): ((test: string) => Known | undefined) => knownBy(BOTH, OWN[as])
