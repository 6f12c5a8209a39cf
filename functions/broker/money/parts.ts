import type { PartPrice } from '../../../adapters/contract.ts'
import type { Said } from '../../../db/queries/clouds/policies.ts'
import { hourlyOfParts } from '../../../db/queries/money/prices.ts'
import { type Spending, spendingFor } from '../../../db/queries/money/spending.ts'
import type { Policy } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'
import { allowanceOf, moneyGuards, whyTooDear } from './allowance.ts'
import { whyUnlisted } from './restored.ts'
import { paidUp } from './settle.ts'

/** What a project may spend, by what was said of it, and what it does. */
interface Means {
  policy: Policy
  said: Said
  spending: Spending
}

/** So many GiB of a type of volume, or public addresses, on a cloud. */
export interface Part {
  what: PartPrice['what']
  cloudId: string
  type: string
  count: number
  /** So many it has of them already, or of another type that these stand for. */
  before?: number
  typeBefore?: string
}

/** Why a part is not bought, as a sentence. `cost`: it is too dear; `unlisted`: nobody knows yet what was bought meanwhile. */
export interface PartRefusal {
  kind: 'cost' | 'unlisted'
  reason: string
}

/** What a project may spend, after what is due of it is paid where it has a budget. */
export const projectMeans = (context: Context, projectId: string): Promise<Means> =>
  paidUp(
    context,
    projectId,
    () => spendingFor(context.db, projectId, context.now()),
    (found) => found,
  )

/**
 * Whether a project may buy that besides what it has: why not, or the guards for the end of the batch that buys it. What has no
 * price is not counted, and is no spending that anybody could limit. A repetition was judged when it was asked for first.
 * @param words what costs, as the beginning of a sentence: "A volume of 5 GiB costs"
 */
export const buyPart = async (
  context: Context,
  projectId: string,
  { policy, spending }: Means,
  { words, ...part }: Part & { words: string },
): Promise<{ refusal: PartRefusal | null; guards: Write[] }> => {
  const nothing = { refusal: null, guards: [] }
  const allowance = context.once?.replay ? null : allowanceOf(policy, spending)
  if (!allowance) return nothing
  const { hourly, before } = await hourlyOfParts(context.db, { before: 0, ...part })
  const more = (hourly ?? 0) - (before ?? 0)
  if (more <= 0) return nothing
  const unlisted = whyUnlisted(policy, spending, context.now())
  if (unlisted !== null) return { ...nothing, refusal: { kind: 'unlisted', reason: unlisted } }
  const dear = whyTooDear(allowance, { native: '', hourly: more, words }, 1)
  if (dear) return { ...nothing, refusal: { kind: 'cost', reason: dear.reason } }
  return { refusal: null, guards: moneyGuards(context, projectId, allowance) }
}
