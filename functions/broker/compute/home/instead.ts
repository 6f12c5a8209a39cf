import { forgetMove, type MoveRow, notArriving } from '../../../../db/queries/compute/server-moves.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { guard, type Write } from '../../line/commit.ts'
import { changed, unwantedOn } from '../../line/resources.ts'
import type { ServerWork } from '../server-act.ts'
import type { Place } from '../server-facts.ts'
import { placeArriving } from './machine.ts'
import { arrivedPorts } from './settle.ts'

/* The current machine of a server is gone for good while another one arrives: that one stands in for it at once. */

/** What arrives, unless something spoke against it already; null: nothing does. Pure. */
export const arrivingIn = ({ move }: Pick<ServerWork, 'move'>): MoveRow | null =>
  move?.state === 'arriving' && !move.cancelled ? move : null

/** The guard that says that nothing arrives any more. */
export const ARRIVAL_OVER = 'arrival-over'

/** Where the server is from now on, and the writes that go with the row of it: for the batch in which its current machine ends. */
export const standIn = async (
  context: Context,
  server: ServerRow,
  move: MoveRow,
): Promise<{ at: Place; filters: Filters; runsSince: number | null; writes: Write[] }> => {
  const { db } = context
  const ports = await arrivedPorts(context, server, move)
  return {
    at: placeArriving(move),
    filters: ports.filters,
    runsSince: move.runsAt ?? move.readyAt,
    writes: [
      guard(context, ARRIVAL_OVER, notArriving(server.id, true)),
      ...forgetMove(db, server.id, context.now()),
      ...ports.writes,
      ...(ports.ids.length && server.cloudId !== null ? [unwantedOn(context, 'port', ports.ids, server.cloudId)] : []),
      changed(context, 'server', server.id),
    ],
  }
}
