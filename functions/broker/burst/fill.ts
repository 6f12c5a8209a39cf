import type { BurstRow } from '../../../db/queries/bursts/bursts.ts'
import type { Context } from '../../context.ts'
import { refuseFewer } from '../compute/foreseen/enough.ts'
import { sentenceOf } from '../compute/foreseen/sentence.ts'
import { createServers } from '../compute/server-create.ts'
import { ServerRefused } from '../compute/server-refusal.ts'
import { Refused } from '../line/refused.ts'
import { NetworkRefused } from '../network/network-refusal.ts'
import { wishFor } from './member.ts'

/** So many are admitted in one batch: what that takes stays far within what a database takes at once (docs/performance.md). */
const MOST_AT_ONCE = 50

/** How far it came: `refused`, why no more could be had, a sentence; null: all are there, or time was up. */
export interface Filled {
  made: number
  refused: string | null
  /** It is refused for a while, by nothing that is wished. */
  passing: boolean
}

/**
 * Makes members in these positions, batch by batch, as many as can be had: of none if fewer than `least` can. Each batch is
 * admitted whole, under the guard that the burst may have as many; a process that is killed between two leaves less to do.
 */
export const fill = async (
  context: Context,
  burst: BurstRow,
  { positions, least }: { positions: number[]; least: number },
  until: number,
): Promise<Filled> => {
  const left = [...positions]
  try {
    if (least > 1) await refuseFewer(context, burst.projectId, wishFor(context, burst, left), least)
    while (left.length && context.now() < until) {
      const wish = wishFor(context, burst, left.slice(0, MOST_AT_ONCE))
      const made = await createServers(context, burst.projectId, wish)
      left.splice(0, made.length)
    }
    return { made: positions.length - left.length, refused: null, passing: false }
  } catch (error) {
    const refused = whyRefused(error)
    if (refused === undefined) throw error
    // What clouds have is listed anew within minutes.
    const passing = error instanceof ServerRefused && error.refusal.kind === 'unlisted'
    return { made: positions.length - left.length, refused, passing }
  }
}

/** What of a refusal is told; null: others were faster, or the wish has changed, and who looks again sees that. */
const whyRefused = (error: unknown): string | null | undefined => {
  if (error instanceof ServerRefused) return sentenceOf(error.refusal)
  if (error instanceof NetworkRefused) return error.refusal.reason
  if (!(error instanceof Refused)) return undefined
  if (error.refusal.kind === 'quota') return `Quota exceeded for resources: ${error.refusal.resource}`
  return null
}
