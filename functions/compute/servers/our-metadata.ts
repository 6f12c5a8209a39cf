import { own } from '../../../adapters/table.ts'
import { ruleFault } from '../../broker/compute/metadata-rules.ts'
import { badRequest } from '../../http/fault.ts'

type Metadata = Record<string, string>

/**
 * Throws 400 for an item with our prefix that is no rule, or a malformed one: one that nobody keeps must not pass for one
 * that is kept. What is there already may be sent again, as clients do that send all they have read.
 */
export const refuseOurMetadata = (asked: Metadata, present: Metadata = {}): void => {
  for (const [key, value] of Object.entries(asked)) {
    const fault = own(present, key) === value ? null : ruleFault(key, value)
    if (fault !== null) throw badRequest(fault)
  }
}
