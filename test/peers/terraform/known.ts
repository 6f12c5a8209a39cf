import { type Faults, type Known, knownBy } from '../suites/outcomes.ts'

/** Whom the tests are run as. */
export type As = 'user' | 'admin'

const BOTH: Faults = {}

const OWN: Record<As, Faults> = { user: {}, admin: {} }

export const knownAs = (as: As): ((test: string) => Known | undefined) => knownBy(BOTH, OWN[as])
