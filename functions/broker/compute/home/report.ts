import { moveReporting, noteReady } from '../../../../db/queries/compute/server-moves.ts'
import type { Context } from '../../../context.ts'
import { commit } from '../../line/commit.ts'
import { oneTimeKept } from '../../line/one-time.ts'
import { Refused } from '../../line/refused.ts'
import { changed } from '../../line/resources.ts'
import { stillArriving } from './role.ts'

/**
 * The guest of a machine that arrives says that it is ready, with the word that it alone was given. To say so again changes nothing, nor does
 * it where the machine is the server by then, as it stood in for one that was gone. False: no machine that arrives was given that word, or its time is over.
 */
export const reportReady = async (context: Context, word: string): Promise<boolean> => {
  const kept = oneTimeKept(context, 'arrival', word)
  const move = kept.length ? await moveReporting(context.db, kept) : null
  if (!move || move.cancelled) return false
  if (move.readyAt !== null || move.state === 'staying') return true
  const { serverId } = move
  try {
    await commit(context, { action: 'homecoming.ready', kind: 'server', resourceId: serverId }, [
      stillArriving(context, serverId),
      noteReady(context.db, serverId, context.now()),
      changed(context, 'server', serverId),
    ])
    return true
  } catch (error) {
    if (error instanceof Refused && error.refusal.kind === 'guard') return false
    throw error
  }
}
