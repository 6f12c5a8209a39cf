import { isZoneMade } from '../../../../db/queries/clouds/aggregates.ts'
import { cloudById } from '../../../../db/queries/clouds/clouds.ts'
import { candidatesFor, candidatesIn } from '../../../../db/queries/compute/candidates.ts'
import { archOfSize } from '../../../../db/queries/compute/flavors.ts'
import { movingParts } from '../../../../db/queries/compute/moving.ts'
import { placementOf } from '../../../../db/queries/compute/placements.ts'
import { memberOf } from '../../../../db/queries/compute/server-groups.ts'
import type { ServerRow } from '../../../../db/queries/compute/servers.ts'
import type { BurstSpending } from '../../../../db/queries/money/burst-spending.ts'
import type { Filters } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { filteringAt, mayMove } from '../../clouds/filters.ts'
import { policyFor } from '../../clouds/policy.ts'
import { type Allowance, allowanceOf, whyTooDear } from '../../money/allowance.ts'
import { whyUnlisted } from '../../money/restored.ts'
import { paidSpending } from '../../money/settle.ts'
import { whyNoPort } from '../../network/port-needs.ts'
import { BUSY } from '../metadata-rules.ts'
import { whyNotMovable } from '../moving/movable.ts'
import { type CarriedPorts, canGo, carriedPorts } from '../place/carried-ports.ts'
import { limitOfEach } from '../place/dear.ts'
import { isHard } from '../place/group.ts'
import { REACH } from '../place/hints.ts'
import { rank } from '../place/rank.ts'
import { refusedLately } from '../place/refusals.ts'
import { isFreeZone } from '../place/rules.ts'
import { type Place, placesOf } from '../server-facts.ts'

/* Why a server that may come home does not, and where it would be there. */

/** The home of a project. */
export interface Home {
  id: string
  name: string
}

/** A place at home for a server, and what is needed to go there. */
export interface Homeward {
  place: Place
  filters: Filters
  carried: CarriedPorts
  allowance: Allowance | null
  /** What its burst may spend; null: it is of none. */
  burst: BurstSpending | null
}

/** Why a server is not to be moved just now, whatever there is at home, a sentence; null: it may be. Pure. */
export const whyNotNow = ({
  locked,
  taskState,
  vmState,
  metadata,
}: Pick<ServerRow, 'locked' | 'taskState' | 'vmState' | 'metadata'>): string | null => {
  if (locked) return 'It is locked.'
  if (taskState !== null) return 'Something is under way with it.'
  if (vmState !== 'active') return 'It does not run, so that no other machine could be known to do what it does.'
  return metadata[BUSY] === 'true' ? `Its metadata say ${BUSY}=true.` : null
}

/** Why nobody could report that he is ready, a sentence; null: he can. */
const whyUnheard = ({ settings }: Pick<Context, 'settings'>): string | null =>
  settings.publicUrl === null
    ? 'No machine could report that it is ready: PLIMSOLL_PUBLIC_URL does not say where guests find the broker.'
    : null

/** A place at home for a server, or why there is none, a sentence. Nothing is written of the server. */
export const homewardFor = async (
  context: Context,
  server: ServerRow,
  home: Home,
): Promise<Homeward | { reason: string }> => {
  const { db } = context
  const now = whyUnheard(context) ?? whyNotNow(server)
  if (now !== null) return { reason: now }
  const parts = await movingParts(db, server.id)
  const stays = whyNotMovable(server, parts) ?? (await whyTied(context, server))
  if (stays !== null) return { reason: stays }
  const filters = await filtersAt(context, server, home)
  if (filters === null) return { reason: `Cloud ${home.name} filters less than what the server has now.` }
  const carried = await carriedPorts(context, server)
  const unkept = await whyNoPort(context, home.id, carried.ports, carried.known.networks)
  if (unkept !== null) return { reason: unkept }
  const candidates = (await placesAt(context, server, home)).filter((place) => canGo(carried, place))
  const isRefused = await refusedLately(context, [home.id], server.projectId)
  const [place] = candidates.filter((each) => !isRefused(each))
  if (!place)
    return {
      reason: candidates.length
        ? `Cloud ${home.name} had no room for its size a moment ago.`
        : `Cloud ${home.name} has no size for its flavor where its networks are.`,
    }
  const { policy, spending, burst } = await paidSpending(context, server)
  const allowance = allowanceOf(policy, spending, { each: limitOfEach(server.metadata, server.flavor), burst })
  const unlisted = whyUnlisted(policy, spending, context.now())
  if (unlisted !== null) return { reason: unlisted }
  const dear = whyTooDear(allowance, place, 1)
  return dear
    ? { reason: `For a while there are two machines. ${dear.reason}` }
    : { place, filters, carried, allowance, burst }
}

/** What was said when it was made, and holds it where it is. */
const whyTied = async ({ db }: Context, { id, pinnedZone, cloudId }: ServerRow): Promise<string | null> => {
  const cloud = pinnedZone === null || cloudId === null ? null : await cloudById(db, cloudId)
  if (pinnedZone !== null && (!isFreeZone(pinnedZone, cloud?.name ?? null) || (await isZoneMade(db, pinnedZone))))
    return 'Its zone was named.'
  const member = await memberOf(db, id)
  if (member && isHard(member.policy)) return 'Its server group says where it is.'
  return (await placementOf(db, id))?.hints[REACH]
    ? 'It was asked to be where it reaches others of its networks.'
    : null
}

/** What home does with security groups, where that is no less than it was promised; null: it is less. */
const filtersAt = async (context: Context, { projectId, filters }: ServerRow, home: Home): Promise<Filters | null> => {
  const { policy } = await policyFor(context, projectId)
  const to = (await filteringAt(context, home.id, projectId))?.filters
  return to !== undefined && mayMove(filters ?? 'enforced', to, policy.min_filters) ? to : null
}

/** What home sells for the flavor that it was admitted with, best first. It is bought for good there. */
const placesAt = async ({ db, now }: Context, server: ServerRow, home: Home): Promise<Place[]> => {
  const { projectId, flavor } = server
  const { at } = placesOf(server)
  if (!at) return []
  const admitted = { ...flavor, native: flavor.native ?? flavor.name === at.native }
  const ask = { now: now(), projectId, flavorId: flavor.id, admitted, cloudId: home.id, option: 'on-demand' as const }
  const candidates = candidatesIn(await candidatesFor(db, ask))
  const arch = (await archOfSize(db, at.cloudId, at.native)) ?? 'x86_64'
  const untied = { zone: null, clouds: null, tied: {}, home: null, converting: [], spot: 'never' as const }
  return rank({ flavor: admitted, arch, ...untied }, candidates)
}
