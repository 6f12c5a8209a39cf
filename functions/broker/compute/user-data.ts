import { CloudError } from '../../../adapters/errors.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import type { Context } from '../../context.ts'
import { openAtRest, sealAtRest } from '../../crypto/at-rest.ts'
import { userDataPlace } from '../line/sealed-places.ts'

/**
 * What a guest runs at its first start often holds passwords and keys. It is in the clear on its way to the cloud and in
 * the answer to an administrator; in rows, and in requests that are frozen in rows, it is sealed for its server.
 */
export const sealUserData = (context: Context, serverId: string, plain: string | null): string | null =>
  plain === null ? null : sealAtRest(context, userDataPlace(serverId), plain)

/** Throws `denied` if it does not open: a server must not start with less than was asked for it. */
export const openUserData = (context: Context, serverId: string, kept: ServerRow['userData']): string | null => {
  if (kept === null) return null
  const plain = openAtRest(context, userDataPlace(serverId), kept)
  if (plain === null)
    throw new CloudError('denied', 'The user data of the server cannot be opened.', {
      operatorMessage: `The user data of server ${serverId} was sealed with a key that is not among PLIMSOLL_SECRET_KEY.`,
    })
  return plain
}
