import { own } from '../../../adapters/table.ts'
import { isOurs } from '../../broker/compute/place/hints.ts'
import { badRequest } from '../../http/fault.ts'

type Metadata = Record<string, string>

/**
 * Throws 400 for an item with our prefix: it says what the broker says of a server, and a rule that nobody keeps must not
 * pass for one that is kept. What is there already may be sent again, as clients do that send all they have read.
 */
export const refuseOurMetadata = (asked: Metadata, present: Metadata = {}): void => {
  for (const [key, value] of Object.entries(asked))
    if (isOurs(key) && own(present, key) !== value)
      throw badRequest(`There is no metadata key ${key}: those that begin with plimsoll: are the broker's own.`)
}
