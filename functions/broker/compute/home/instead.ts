import { type MoveRow, setMove } from '../../../../db/queries/compute/server-moves.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import type { Write } from '../../line/commit.ts'
import { changed, unwantedOn } from '../../line/resources.ts'
import type { ServerWork } from '../server-act.ts'
import type { Place } from '../server-facts.ts'
import { placeArriving } from './machine.ts'
import { stillArriving } from './role.ts'
import { arrivedPorts } from './settle.ts'

/* The current machine of a server is gone for good while another one arrives: that one stands in for it at once. */

/** What arrives, unless something spoke against it already; null: nothing does. Pure. */
export const arrivingIn = ({ move }: Pick<ServerWork, 'move'>): MoveRow | null =>
  move?.state === 'arriving' && !move.cancelled ? move : null

/** Where the server is from now on, and the writes that go with the row of it: for the batch in which its current machine ends. */
export const standIn = async (
  context: Context,
  server: ServerRow,
  move: MoveRow,
): Promise<{ at: Place; filters: Filters; runsSince: number | null; writes: Write[] }> => {
  const { db } = context
  const now = context.now()
  const ports = await arrivedPorts(context, server, move)
  return {
    at: placeArriving(move),
    filters: ports.filters,
    runsSince: move.runsAt ?? move.readyAt,
    writes: [
      stillArriving(context, server.id, { wanted: true }),
      // Its guest may say later that it is ready, and is heard then: there is nothing left to be done about it.
      setMove(db, {
        serverId: server.id,
        projectId: server.projectId,
        state: 'staying',
        report: move.report,
        dueAt: now,
        updatedAt: now,
      }),
      ...ports.writes,
      ...(ports.ids.length && server.cloudId !== null ? [unwantedOn(context, 'port', ports.ids, server.cloudId)] : []),
      changed(context, 'server', server.id),
    ],
  }
}
