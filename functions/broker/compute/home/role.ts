import { type MoveRow, notArriving } from '../../../../db/queries/compute/server-moves.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Context } from '../../../context.ts'
import { guard, type Write } from '../../line/commit.ts'

/**
 * What a machine is to its server. The current one is by definition on the cloud that the row of the server names, so that there are
 * never two; one that is arriving is made, and nobody hears of it; one that is leaving is what there was, or what came to nothing.
 */
export type Role = 'current' | 'arriving' | 'leaving'

/** What the machine on a cloud is to its server. Pure. */
export const roleOn = (
  cloudId: string,
  server: Pick<ServerRow, 'cloudId'>,
  move: Pick<MoveRow, 'state' | 'cloudId'> | null,
): Role => {
  if (server.cloudId === cloudId) return 'current'
  return move?.state === 'arriving' && move.cloudId === cloudId ? 'arriving' : 'leaving'
}

/** The guard that says that nothing arrives any more. */
export const ARRIVAL_OVER = 'arrival-over'

/** For a batch about a machine that arrives: it still does; `wanted`: and nothing else was asked of its server meanwhile. */
export const stillArriving = (
  context: Pick<Context, 'db'>,
  serverId: string,
  { wanted = false }: { wanted?: boolean } = {},
): Write => guard(context, ARRIVAL_OVER, notArriving(serverId, wanted))
