import { burstOfWord, type MemberRow, report } from '../../../db/queries/bursts/members.ts'
import type { Context } from '../../context.ts'
import { oneTimeKept } from '../line/one-time.ts'
import { driveBurst } from './turn.ts'

/** A member says how it is, with its word alone. False: there is no such word, or it has said its last. Nothing is told of either. */
export const reportOf = async (
  context: Context,
  word: string,
  { reported, message }: { reported: NonNullable<MemberRow['reported']>; message: string | null },
): Promise<boolean> => {
  const words = oneTimeKept(context, 'report', word)
  const burstId = words.length ? await burstOfWord(context.db, words) : null
  if (burstId === null) return false
  const [written] = await context.db.batch(
    report(context.db, words, { burstId, reported, message, now: context.now() }),
  )
  if (written.length && reported !== 'running') driveBurst(context, burstId)
  return written.length > 0
}
