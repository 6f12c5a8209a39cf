import type { Mark } from '../contract.ts'
import { CloudError } from '../errors.ts'

/** Whether a mark is of this deployment and, where one is given, of that very resource. */
const isOurs = (found: Mark | undefined, deployment: string, mark?: Mark): boolean =>
  found?.deployment === deployment && (!mark || (found.resource === mark.resource && found.kind === mark.kind))

/** The error for an object of somebody else. */
export const foreign = (found: Mark | undefined, wanted: Mark | { deployment: string }): CloudError =>
  new CloudError('definitive', 'The object on the cloud does not carry our mark and stays untouched.', {
    operatorMessage: `expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found ?? null)}`,
  })

/**
 * Guards every change and every removal.
 * @throws `definitive` unless the mark is this deployment's and, if one is given, this resource's
 */
export const assertOurs = (found: Mark | undefined, deployment: string, mark?: Mark): void => {
  if (!isOurs(found, deployment, mark)) throw foreign(found, mark ?? { deployment })
}

/**
 * Whether a mark has to be written onto an object, or (null) taken off it: false if it is as wanted already.
 * @throws `definitive` where the object carries another one than the one to be written
 */
export const mustRemark = (found: Mark | undefined, deployment: string, mark: Mark | null): boolean => {
  if (!mark) return isOurs(found, deployment)
  if (!found) return true
  assertOurs(found, mark.deployment, mark)
  return false
}
