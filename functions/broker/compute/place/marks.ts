import {
  type Amount,
  abovePassed,
  type Fill,
  passHome,
  returnHome,
  spilledBeyond,
} from '../../../../db/queries/clouds/marks.ts'
import type { Found } from '../../../../db/queries/compute/places.ts'
import type { Policy } from '../../../../db/schema/index.ts'
import type { Context } from '../../../context.ts'
import { homeIn } from '../../clouds/policy.ts'
import { guard, type Write } from '../../line/commit.ts'
import type { Place } from '../server-facts.ts'
import type { Explanation } from './explanation.ts'

/*
 * A mark is the share of a cloud's room up to which it takes servers of a project. Home is the first of the chain; what is
 * elsewhere has spilled, and is counted apart. Decided from what was read, and kept by guards in the batch that admits.
 */

/** Guards of this file: others were faster, and another look says where it goes instead. */
export const MARK_GUARDS = ['mark-passed', 'spill-cap-passed']

export type Filled = Fill & { id: string; name: string }
type Said = Pick<Policy, 'chain' | 'marks' | 'hysteresis' | 'spill_cap'>

/** Up to which share of its room a cloud takes servers of a project; null: it has no mark. */
export const markOf = (
  { marks }: Pick<Policy, 'marks'>,
  { name, cloudMark }: Pick<Filled, 'name' | 'cloudMark'>,
): number | null => (Object.hasOwn(marks, name) ? marks[name]! : cloudMark)

/** The larger of the two shares of a room that are taken; null: nobody says how much room there is. */
export const loadOf = ({
  roomVcpus,
  roomRamMib,
  takenVcpus,
  takenRamMib,
}: Pick<Fill, 'roomVcpus' | 'roomRamMib' | 'takenVcpus' | 'takenRamMib'>): number | null => {
  const shares = [roomVcpus ? takenVcpus / roomVcpus : [], roomRamMib ? takenRamMib / roomRamMib : []].flat()
  return shares.length ? Math.max(...shares) : null
}

/** Below its mark by so much a home that was passed by is home again: at the latest when it is empty. */
const bandOf = ({ hysteresis }: Pick<Policy, 'hysteresis'>, mark: number): number => Math.min(hysteresis, mark)

interface Level {
  taken: Amount
  room: Amount
  /** It is the project's own part, and counts nobody else. */
  own: boolean
}

/** What is counted of a cloud, and what of the part that is the project's own. */
const levelsOf = (fill: Filled): Level[] => {
  const { roomVcpus, roomRamMib, ownRoomVcpus, ownRoomRamMib } = fill
  const level = (vcpus: number | null, ramMib: number | null, taken: Amount, own: boolean): Level[] =>
    vcpus === null || ramMib === null ? [] : [{ room: { vcpus, ramMib }, taken, own }]
  return [
    ...level(roomVcpus, roomRamMib, { vcpus: fill.takenVcpus, ramMib: fill.takenRamMib }, false),
    ...level(ownRoomVcpus, ownRoomRamMib, { vcpus: fill.ownVcpus, ramMib: fill.ownRamMib }, true),
  ]
}

/** Parts of a share are not told apart below that. */
const EPSILON = 1e-6
const DIMENSIONS = ['vcpus', 'ramMib'] as const
const WORDS = { vcpus: 'vCPUs', ramMib: 'MiB of memory' }
const NOTHING: Amount = { vcpus: 0, ramMib: 0 }
const SOMETHING: Amount = { vcpus: 1, ramMib: 1 }

/** The first of what would be above a share of its room by so much more. */
const beyond = (fill: Filled, share: number, more: Amount) => {
  for (const { taken, room, own } of levelsOf(fill))
    for (const of of DIMENSIONS)
      if (taken[of] + more[of] > share * room[of] + EPSILON) return { of, taken: taken[of], room: room[of], own }
  return null
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`

/**
 * Why a cloud may not have so much more of a project, a sentence that its members read: what others have there is not
 * theirs to know. Null: it may.
 */
export const whyAbove = (policy: Said, fill: Filled, more: Amount): string | null => {
  const mark = markOf(policy, fill)
  if (mark === null) return null
  const { name } = fill
  if (!levelsOf(fill).length) return `Cloud ${name} has a mark, and nobody says how much room it has.`
  const above = beyond(fill, mark, more)
  if (above?.own)
    return `Cloud ${name} is filled up to ${percent(mark)} of the ${above.room} ${WORDS[above.of]} that the project has there: ${above.taken} are taken.`
  if (above) return `Cloud ${name} is filled up to ${percent(mark)} of its ${WORDS[above.of]}.`
  const low = mark - bandOf(policy, mark)
  return fill.passed && beyond(fill, low, NOTHING)
    ? `Cloud ${name} was full up to its mark, and is home again when it is down to ${percent(low)}.`
    : null
}

/** Whether a cloud that has a mark is so far below it that what had spilled may come back. */
export const isRoomy = (policy: Said, fill: Filled): boolean => {
  const mark = markOf(policy, fill)
  if (mark === null || !levelsOf(fill).length) return false
  return beyond(fill, mark, SOMETHING) === null && beyond(fill, mark - bandOf(policy, mark), NOTHING) === null
}

/** Why no more of a project may be elsewhere than at home, a sentence; null: it may. */
export const whyCapped = (
  { spill_cap }: Pick<Policy, 'spill_cap'>,
  spilled: { servers: number; vcpus: number },
  more: { servers: number; vcpus: number },
): string | null => {
  const { instances, cores } = spill_cap ?? {}
  if (instances !== undefined && spilled.servers + more.servers > instances)
    return `No more than ${instances} instances of the project may be elsewhere than at home.`
  return cores !== undefined && spilled.vcpus + more.vcpus > cores
    ? `No more than ${cores} vCPUs of the project may be elsewhere than at home.`
    : null
}

/** Whether what is on a cloud has spilled. */
export const isSpilled = (policy: Pick<Policy, 'chain'>, cloudName: string): boolean => {
  const home = homeIn(policy)
  return home !== null && home !== cloudName
}

interface Going {
  projectId: string
  policy: Said
  /** The cloud that they go to. */
  to: Filled
  /** All of them together. */
  more: Amount
}

/** What takes no more of a cloud than it has there already passes no mark, however full that is. */
export const isMore = ({ vcpus, ramMib }: Amount): boolean => vcpus > 0 || ramMib > 0

/** For the end of a batch that admits servers, or moves one: it holds only where marks and cap hold after it. */
export const markGuards = (context: Context, { projectId, policy, to, more }: Going): Write[] => {
  const mark = markOf(policy, to)
  const cap = isSpilled(policy, to.name) ? policy.spill_cap : null
  const at = { projectId, cloudId: to.id }
  return [
    ...(mark === null || !isMore(more)
      ? []
      : [guard(context, 'mark-passed', abovePassed(at, { mark, band: bandOf(policy, mark) }, more))]),
    ...(cap === null ? [] : [guard(context, 'spill-cap-passed', spilledBeyond(projectId, cap))]),
  ]
}

/** What so many servers take in a place: with the flavor or the size, whichever is larger. */
export const amountAt = (place: Amount, flavor: Amount, count: number): Amount => ({
  vcpus: count * Math.max(place.vcpus, flavor.vcpus),
  ramMib: count * Math.max(place.ramMib, flavor.ramMib),
})

/** For the end of the batch that admits so many new servers to a place. */
export const markWrites = (
  context: Context,
  { found, explanation }: { found: Found; explanation: Explanation },
  at: Place,
  flavor: Amount,
  count: number,
): Write[] => {
  const { policy, clouds, projectId } = found
  const to = clouds.find(({ id }) => id === at.cloudId)
  if (!policy || !to) return []
  const going: Going = { projectId, policy, to, more: amountAt(at, flavor, count) }
  const home = clouds.find(({ name }) => name === homeIn(policy))
  const above = explanation.considered.some(({ cloud, refused }) => cloud === home?.name && refused?.rule === 'mark')
  return [...homeWrites(context, going, home, above), ...markGuards(context, going)]
}

/**
 * What is to be remembered of home, for the same batch: that it was passed by because of its mark, or that what is new goes
 * there again.
 */
const homeWrites = (
  { db, now }: Context,
  { projectId, policy, to }: Going,
  home: Filled | undefined,
  above: boolean,
): Write[] => {
  if (!home || homeIn(policy) !== home.name) return []
  if (to.id === home.id) return home.passed ? [returnHome(db, projectId, home.id)] : []
  return above && !home.passed ? [passHome(db, { projectId, cloudId: home.id, at: now() })] : []
}
