import type { Seen, ServerSeen } from '../../../adapters/contract.ts'
import { ARRIVAL_OVER } from '../compute/home/role.ts'
import { MOVED, stuck, untilMoved, whyUnmoved } from './recover.ts'
import type { Next, Work } from './work.ts'

/** So often a move that others forestalled is tried again, with pauses of this length at first and at most, in milliseconds. */
const TRIES = 12
const PAUSES = [1_000, 30_000] as const

/** Whether an object is gone because its cloud took it back. */
export const isTakenBack = (seen: Seen): boolean =>
  seen.health === 'gone' && (seen as Partial<ServerSeen>).reclaimed !== undefined

/**
 * What is bound is gone for good, and not by us: what becomes of the resource is written in one batch, so that no binding of
 * it is current beside the one of what takes its place. Null: its cloud did not take it back.
 */
export const takenBack = async (work: Work, seen: Seen): Promise<Next | null> => {
  const { context, row, binding, steps } = work
  if (!row || !steps.reclaimed) return null
  const attempt = (why: string | null) => async () => {
    const taken = await steps.reclaimed!(context, row, binding, seen, why)
    return taken && work.write(taken.here, taken.writes, { at: work.now() })
  }
  try {
    return await untilMoved(attempt(null))
  } catch (thrown) {
    const what = whyUnmoved(work, thrown)
    // It is being deleted: what is wanted is read again.
    if (what === 'server-gone') return work.write({})
    if ((MOVED.includes(what) || what === ARRIVAL_OVER) && binding.attempts < TRIES) return work.later(...PAUSES)
    return attempt(stuck(what))()
  }
}
