import { amountAt, isSpilled, markOf, whyAbove, whyCapped } from './marks.ts'
import type { Requirement } from './rank.ts'
import { type Ground, isFree } from './rules.ts'
import { spotOf } from './tighten.ts'

/**
 * What marks keep off clouds, and that the chain is kept before all else where there are some; and whether a cloud may take the
 * server back.
 */
export const marked = ({
  wish,
  understood: { flavor },
  found: { policy, clouds, spilled },
}: Ground): Pick<Requirement, 'above' | 'chained' | 'spot'> => {
  if (!policy) return { spot: 'never' }
  const fills = new Map(clouds.map((each) => [each.id, each]))
  return {
    above: (candidate) => {
      const fill = fills.get(candidate.cloudId)
      if (!fill) return null
      const count = wish.maxCount
      const more = amountAt(candidate, flavor, count)
      const above = whyAbove(policy, fill, more)
      if (above !== null) return { rule: 'mark', reason: above }
      const capped = isSpilled(policy, fill.name) ? whyCapped(policy, spilled, { servers: count, ...more }) : null
      return capped === null ? null : { rule: 'spill-cap', reason: capped }
    },
    spot: spotOf(policy, { ...wish, extraSpecs: flavor.extraSpecs }),
    chained: policy.chain !== null && isFree(wish, { policy }) && clouds.some((each) => markOf(policy, each) !== null),
  }
}
