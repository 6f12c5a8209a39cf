import { type Amount, fillsOf, spilledOf } from '../../../../db/queries/clouds/marks.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { Policy } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { inChain, policyFor, stillSaid, whyOutOfRegion } from '../../clouds/policy.ts'
import type { Write } from '../../line/commit.ts'
import { type Place, placesOf } from '../server-facts.ts'
import { amountAt, type Filled, isMore, isSpilled, markGuards, whyAbove, whyCapped } from './marks.ts'
import { isFree, unchained } from './rules.ts'
import { spotOf, whyAtHome } from './tighten.ts'

/** What the policy of its project says of places to which a server that is admitted may go instead, or grow where it is. */
export interface Marks {
  /** What is there has spilled. */
  spilled(place: Place): boolean
  /** Why it may not be there, a sentence; null: it may. */
  why(place: Place): string | null
  /** For the end of the batch that takes it there: what is said holds, as do marks and the cap of what spills. */
  guards(place: Place): Write[]
}

/** What the policy says today, and what a server says of itself by now: either may have changed since it was admitted. */
export const marksFor = async (context: Context, server: ServerRow): Promise<Marks> => {
  const { projectId, flavor } = server
  const [{ policy, said }, fills, [spilled]] = await Promise.all([
    policyFor(context, projectId),
    fillsOf(context.db, projectId),
    spilledOf(context.db, projectId),
  ])
  const held = placesOf(server).at
  const stays = ({ cloudId }: Place): boolean => held?.cloudId === cloudId
  /** All that it takes there, and that without what it has where it is. */
  const whole = (place: Place): Amount => amountAt(place, flavor, 1)
  const besides = (place: Place): Amount => less(whole(place), held ? whole(held) : { vcpus: 0, ramMib: 0 })
  const more = (place: Place): Amount => (stays(place) ? besides(place) : whole(place))
  /** What of it spills there that has not: from one cloud outside to another nothing does. */
  const spilling = (place: Place) =>
    server.spilled ? { servers: 0, vcpus: besides(place).vcpus } : { servers: 1, vcpus: whole(place).vcpus }
  /** Where it is, it was admitted: a home that was passed by since is no reason to leave. */
  const saidAt = (place: Place): Policy => ({
    ...policy,
    ...(stays(place) && { hysteresis: 0 }),
    ...(!Object.values(spilling(place)).some(Boolean) && { spill_cap: null }),
  })
  const fillAt = ({ cloudId }: Place) => fills.find(({ id }) => id === cloudId)
  const isOut = (place: Place): boolean => isSpilled(policy, fillAt(place)?.name ?? '')
  return {
    spilled: isOut,
    why: (place) => {
      const fill = fillAt(place)
      if (!fill) return 'The project is not mapped to that cloud any more.'
      const at = saidAt(place)
      return (
        whyBarred(at, server, place, fill) ??
        (isMore(more(place)) ? whyAbove(at, fill, more(place)) : null) ??
        (isOut(place) ? whyCapped(at, spilled ?? { servers: 0, vcpus: 0 }, spilling(place)) : null)
      )
    },
    guards: (place) => [
      stillSaid(context, projectId, said),
      ...markGuards(context, { projectId, policy: saidAt(place), to: fillAt(place)!, more: more(place) }),
    ],
  }
}

const less = (one: Amount, other: Amount): Amount => ({
  vcpus: Math.max(0, one.vcpus - other.vcpus),
  ramMib: Math.max(0, one.ramMib - other.ramMib),
})

/** What keeps new servers off a place keeps it, too, if it is elsewhere. */
const whyBarred = (policy: Policy, server: ServerRow, place: Place, to: Filled & { region: string | null }) => {
  const { at } = placesOf(server)
  const { metadata, tags, flavor, pinnedZone } = server
  const said = { metadata, tags, extraSpecs: flavor.extraSpecs }
  const isThere = at?.cloudId === place.cloudId
  if (place.option === 'spot' && !(isThere && at.zone === place.zone) && spotOf(policy, said) === 'never')
    return 'Its cloud may take it back there, and it is to stay.'
  if (isThere) return null
  if (isFree({ zone: pinnedZone }, { policy }) && inChain(policy, to.name) === null) return unchained(to.name)
  return whyOutOfRegion(policy, to) ?? (isSpilled(policy, to.name) ? whyAtHome(policy, said) : null)
}
