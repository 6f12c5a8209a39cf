import { endedLeases, type LeaseRow, postponeLease } from '../../../../db/queries/compute/server-leases.ts'
import type { Context } from '../../../context.ts'
import { confirmResize } from '../resize.ts'
import { deleteServer } from '../server.ts'
import { ask, note } from '../server-action.ts'
import { isRescuedAndOff, isShelved } from '../server-facts.ts'

/** So many are ended in one turn. */
const MOST = 50
/** What is under way is over by then, mostly. */
const SOON = 60_000
/** After that it is looked whether a server stopped, or can be by now. */
const AGAIN = 600_000

/**
 * Stops servers whose lease is over, or deletes those that say so. What is under way comes first, what is locked, adopted to
 * be looked at, or on a cloud where nothing is changed stays: each is looked at again later, so that none keeps the others.
 */
export const endLeases = async (context: Context): Promise<void> => {
  for (const server of await endedLeases(context.db, context.now(), MOST)) {
    try {
      const later = server.untouchable ? AGAIN : await end(context, server)
      if (later !== null) await postponeLease(context.db, server.id, context.now() + later)
    } catch (error) {
      context.log('warn', 'the lease of a server is over, and it could not be ended', {
        id: server.id,
        reason: error instanceof Error ? error.message : String(error),
      })
      await postponeLease(context.db, server.id, context.now() + AGAIN)
    }
  }
}

/** After so many milliseconds it is looked at again; null: something was done about it, and the next turn sees more. */
const end = async (context: Context, server: LeaseRow): Promise<number | null> => {
  if (server.taskState === 'deleting') return AGAIN
  if (server.leaseEnd === 'delete') {
    await deleteServer(context, server)
    return null
  }
  if (server.taskState !== null) return SOON
  if (server.launchedAt === null || isShelved(server) || isRescuedAndOff(server)) return AGAIN
  if (server.vmState === 'resized') {
    await confirmResize(context, server)
    return null
  }
  await ask(context, server, {
    action: 'stop',
    set: { wantPower: 'stopped', leaseDueAt: context.now() + AGAIN },
    also: [note(context, server, 'lease_end')],
  })
  return null
}
