import { knownBy } from '../suites/outcomes.ts'

export const knownOf = knownBy({})
