import { type MoveRow, putOffArrival } from '../../../../db/queries/compute/server-moves.ts'
import { serverById } from '../../../../db/queries/compute/servers.ts'
import { type Binding, getBinding } from '../../../../db/queries/line/bindings.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { commit } from '../../line/commit.ts'
import { endArrival } from './leave.ts'
import { becomeCurrent, standingOf } from './settle.ts'

/** How soon it is looked again for a current machine that was not there just now, in milliseconds. */
const AGAIN = 30_000

/**
 * The time of an arrival is over: it goes, unless it is all that there is of its server. A database that was put back may take the
 * machine that came home for one that is still arriving, and the one that left for the current one: so it is looked at both first.
 */
export const endOverdue = async (context: Context, move: MoveRow, reason: string): Promise<void> => {
  const { serverId, cloudId } = move
  const server = await serverById(context.db, everyProject, serverId)
  const current = server?.cloudId ? await lookedAt(context, serverId, server.cloudId) : null
  if (!server || current?.phase !== 'bound' || current.missing === 0) return endArrival(context, move, reason)
  const isLost = current.error?.code === 'not_found' && current.observed === null
  const now = context.now()
  if (!isLost) return void (await putOffArrival(context.db, move, now + AGAIN, now))
  const other = await lookedAt(context, serverId, cloudId!)
  if (other?.phase !== 'bound' || other.missing > 0) return endArrival(context, move, reason)
  await commit(
    context,
    { action: 'homecoming.instead', kind: 'server', resourceId: serverId },
    await becomeCurrent(context, server, move, {}, await standingOf(context, move)),
  )
}

/** What is known of a machine of a server when its cloud was asked just now. */
const lookedAt = async (context: Context, resourceId: string, cloudId: string): Promise<Binding | null> => {
  const ref = { kind: 'server', resourceId, cloudId, scope: '' } as const
  await context.converge(context, ref)
  return getBinding(context.db, ref)
}
