import type { Adapter, Capability, GroupPolicy } from '../../../../adapters/contract.ts'
import type { CandidateRow as Candidate } from '../../../../db/queries/compute/candidates.ts'
import type { GroupPlace } from '../../../../db/queries/compute/server-groups.ts'
import type { Because } from './explanation.ts'

/* What a server group means for places: its hard policies bar some, its soft ones draw to others. Pure. */

/** Nova's words for what a group keeps: the soft ones are wishes. */
export const GROUP_POLICIES = [
  'affinity',
  'anti-affinity',
  'soft-affinity',
  'soft-anti-affinity',
] as const satisfies GroupPolicy[]

export interface FoundGroup {
  id: string
  name: string
  policy: GroupPolicy
  maxServerPerHost: number | null
  /** Where its servers are, or are on their way to. */
  places: GroupPlace[]
}

/** The policy is kept, or there is no server. */
export const isHard = (policy: GroupPolicy): boolean => policy === 'affinity' || policy === 'anti-affinity'

/** What a cloud must be capable of for servers of a group. */
export const capabilitiesFor = (policy: GroupPolicy): Capability[] =>
  policy === 'affinity' ? ['server_group', 'server_group.affinity'] : policy === 'anti-affinity' ? ['server_group'] : []

type Spot = Pick<Candidate, 'cloudId' | 'cloudName' | 'zone'>

const serversAt = ({ places }: Pick<FoundGroup, 'places'>, { cloudId, zone }: Pick<Spot, 'cloudId' | 'zone'>): number =>
  places.find((each) => each.cloudId === cloudId && each.zone === zone)?.servers ?? 0

/** Why `more` servers of a group cannot be in a zone; null: its policy has nothing against it. */
export const whyBarred = (
  group: FoundGroup,
  spot: Spot,
  more: number,
  adapter: Pick<Adapter, 'limits'> | null | undefined,
): Because | null => {
  const { id, policy, maxServerPerHost, places } = group
  const here = serversAt(group, spot)
  if (policy === 'affinity' && places.length && !here)
    return { rule: 'group', reason: `Server group ${id} keeps its servers on one host, and that is in another zone.` }
  const hosts = adapter?.limits.server.apart
  if (policy !== 'anti-affinity' || hosts === undefined) return null
  const most = hosts * (maxServerPerHost ?? 1)
  return here + more > most
    ? {
        rule: 'group',
        reason: `Server group ${id} keeps its servers apart: ${spot.cloudName}.${spot.zone} takes ${most} of them, and has ${here}.`,
      }
    : null
}

/** How much a soft policy draws to a zone; the larger comes first. */
export const drawnTo = (group: FoundGroup, spot: Pick<Spot, 'cloudId' | 'zone'>): number => {
  if (group.policy === 'soft-affinity') return serversAt(group, spot)
  return group.policy === 'soft-anti-affinity' || group.policy === 'anti-affinity' ? -serversAt(group, spot) : 0
}

/** What that did, as a sentence. */
export const preferenceOf = ({ id, policy }: FoundGroup): Because[] => {
  const reasons: Record<GroupPolicy, string | null> = {
    affinity: null,
    'anti-affinity': 'Then the zones where fewest servers of it are.',
    'soft-affinity': 'Then the zones where most servers of it are.',
    'soft-anti-affinity': 'Then the zones where fewest servers of it are.',
  }
  const reason = reasons[policy]
  return reason === null ? [] : [{ rule: 'group', reason: `Server group ${id} is ${policy}. ${reason}` }]
}
