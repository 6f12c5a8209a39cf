import { insertCloudsWord } from '../../../../db/queries/compute/server-actions.ts'
import { forgetMove, type MoveRow, setMove, updateMove } from '../../../../db/queries/compute/server-moves.ts'
import { portsOfServer } from '../../../../db/queries/compute/servers.ts'
import { leaveHeld } from '../../../../db/queries/network/arriving-addresses.ts'
import type { Context } from '../../../context.ts'
import { commit, type Write } from '../../line/commit.ts'
import { unwantedOn } from '../../line/resources.ts'
import { portsLeave } from './ports.ts'
import { stillArriving } from './role.ts'

/* How the machine that is not the current one goes: the old one after it was stopped, or the new one that came to nothing. */

/** Writes with which the machine on a cloud, and what ports have there, is let go of. */
export const letGo = async (context: Context, serverId: string, cloudId: string): Promise<Write[]> => {
  const ports = await portsOfServer(context.db, serverId)
  return [
    unwantedOn(context, 'server', [serverId], cloudId),
    ...portsLeave(
      context,
      ports.map(({ portId }) => portId),
      cloudId,
    ),
  ]
}

/** Writes with which an arrival comes to nothing. The server was never disturbed, and is tried again much later. */
const retreat = async (context: Context, move: MoveRow, reason: string): Promise<Write[]> => {
  const { serverId, projectId, cloudId } = move
  const now = context.now()
  return [
    stillArriving(context, serverId),
    updateMove(context.db, serverId, { state: 'leaving', reason, report: null, dueAt: now, updatedAt: now }),
    insertCloudsWord(context.db, {
      serverId,
      projectId,
      userId: '',
      requestId: `req-${context.newId()}`,
      action: 'homecoming_failed',
      state: 'failed',
      cloudId: cloudId!,
      said: `: ${reason}`,
      now,
    }),
    ...(await letGo(context, serverId, cloudId!)),
  ]
}

/** Ends an arrival whose time is over, or that was cancelled by something that was asked of its server. */
export const endArrival = async (context: Context, move: MoveRow, reason: string): Promise<void> =>
  commit(
    context,
    { action: 'homecoming.failed', kind: 'server', resourceId: move.serverId, detail: { reason } },
    await retreat(context, move, reason),
  )

/** Writes for when a cloud has let go of the machine that was beside the current one. */
export const beside = (context: Context, move: MoveRow): Write[] => {
  const { db, settings } = context
  const { serverId, projectId, reason } = move
  const now = context.now()
  if (reason === null) return [...forgetMove(db, serverId, now)]
  const dueAt = now + settings.homecoming.againMs
  return [setMove(db, { serverId, projectId, state: 'staying', reason, dueAt, updatedAt: now })]
}

/** Writes for the end of a server that had another machine: nothing is held for that any more. */
export const forgetMachines = async ({ db, now }: Context, serverId: string): Promise<Write[]> => [
  ...forgetMove(db, serverId, now()),
  ...(await portsOfServer(db, serverId)).flatMap(({ portId }) => leaveHeld(db, portId)),
]
