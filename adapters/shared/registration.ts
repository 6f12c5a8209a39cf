import type { Connection } from '../contract.ts'
import { CloudError } from '../errors.ts'

/**
 * What is wrong with the credentials of a connection, a sentence each.
 * @param needed fields that have to be there and not empty
 * @param optional fields that may be there besides
 */
export const credentialFaults = (
  given: Connection['credentials'],
  needed: string[],
  optional: string[] = [],
): string[] => [
  ...needed.filter((name) => !given[name]).map((name) => `The credentials need ${name}.`),
  ...Object.keys(given)
    .filter((name) => !needed.includes(name) && !optional.includes(name))
    .map((name) => `The credentials have no field ${name}.`),
]

/** What was registered is checked again whenever it is used. @throws `definitive` with the faults for the operator */
export const assertConfigured = (faults: string[]): void => {
  if (faults.length === 0) return
  throw new CloudError('definitive', 'The cloud is not configured properly.', { operatorMessage: faults.join(' ') })
}

/**
 * The tenant mapping, unless something is wrong with it: a project without a usable one has no access.
 * @param sentence for the user, e.g. that the project has no usable account
 * @throws `denied`
 */
export const usable = <M extends object>(mapping: M | { fault: string }, sentence: string): M => {
  if ('fault' in mapping) throw new CloudError('denied', sentence, { operatorMessage: mapping.fault })
  return mapping
}
