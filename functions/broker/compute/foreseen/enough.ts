import type { FlavorRow } from '../../../../db/queries/compute/flavors.ts'
import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Context } from '../../../context.ts'
import { NO_POLICY } from '../../clouds/policy.ts'
import { type Allowance, affordable, held } from '../../money/allowance.ts'
import { amountAt, isSpilled } from '../place/marks.ts'
import { affordable as withinQuotas } from '../server-action.ts'
import { takenByEach, weighWish } from '../server-create.ts'
import type { Place } from '../server-facts.ts'
import { refuse } from '../server-refusal.ts'
import type { ServerWish } from '../server-wish.ts'
import { asManyAsFit, whyNowhere } from './as-many.ts'

/**
 * Looks whether so many servers of one wish could be made now, one place after another, and leaves everything as it is. Throws
 * `ServerRefused` with what lets fewer of them be made.
 */
export const refuseFewer = async (
  context: Context,
  projectId: string,
  asked: ServerWish,
  count: number,
): Promise<void> => {
  const { wish, understood, found } = await weighWish(context, projectId, { ...asked, maxCount: count })
  await withinQuotas(
    context,
    { projectId, userId: context.caller?.userId ?? '' },
    { minCount: count, maxCount: count },
    takenByEach(understood),
  )
  let left = count
  let now = found
  while (left > 0) {
    const { count: fits, choice } = await asManyAsFit(context, { ...wish, maxCount: left }, understood, now)
    const [best] = choice.places
    if (!best)
      return refuse({ kind: 'no-place', reason: `${whyNowhere(choice)} ${count - left} of ${count} would fit.` })
    const more = Math.max(1, Math.min(fits, affordable(choice.allowance, best.hourly)))
    left -= more
    now = after(now, { place: best, flavor: understood.flavor, count: more, allowance: choice.allowance })
  }
}

interface Made {
  place: Place
  flavor: FlavorRow
  count: number
  allowance: Allowance | null
}

/** How things are once so many are in a place. Pure. */
const after = (found: Found, { place, flavor, count, allowance }: Made): Found => {
  const more = amountAt(place, flavor, count)
  const hourly = count * (place.hourly ?? 0)
  const kept = allowance ? count * held(allowance, place.hourly ?? 0) : 0
  const at = found.clouds.find(({ id }) => id === place.cloudId)!
  const { spilled, spending, burst } = found
  return {
    ...found,
    clouds: found.clouds.map((each) =>
      each === at
        ? {
            ...each,
            takenVcpus: each.takenVcpus + more.vcpus,
            takenRamMib: each.takenRamMib + more.ramMib,
            ownVcpus: each.ownVcpus + more.vcpus,
            ownRamMib: each.ownRamMib + more.ramMib,
          }
        : each,
    ),
    spilled: isSpilled(found.policy ?? NO_POLICY, at.name)
      ? { servers: spilled.servers + count, vcpus: spilled.vcpus + more.vcpus }
      : spilled,
    spending: { ...spending, hourly: spending.hourly + hourly, month: spending.month + kept },
    burst: burst && { ...burst, hourly: burst.hourly + hourly, spent: burst.spent + kept },
  }
}
