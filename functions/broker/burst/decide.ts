import type { BurstRow } from '../../../db/queries/bursts/bursts.ts'
import type { Leaving, Lost, Member } from '../../../db/queries/bursts/members.ts'

/* What becomes of a burst, from what was wished and what is there. Pure. */

/** So often a member is made again in one position that ended in ERROR before it ran, and one that ran and broke, or was taken back. */
const TRIES = { replaced: 3, lost: 24 } as const

/** What is looked at. Times in milliseconds since 1970. */
export interface Standing {
  burst: BurstRow
  there: Member[]
  /** Gone since it was last said how many there are to be. */
  lost: Lost[]
  now: number
  /** How long its money lasts at what its members cost; null: it has no end. */
  moneyMs: number | null
}

/** Why a burst is to end; `failure`: it came to nothing. */
export interface Ending {
  reason: string
  failure: boolean
}

/** So long before its money is spent a burst is drained: members run, and cost, until their clouds let go of them. */
const RUN_OUT = 300_000

const isOut = ({ taskState, leaving }: Member): boolean => taskState === 'deleting' || leaving !== null
const hasReported = ({ reported }: Pick<Member, 'reported'>): boolean => reported === 'done' || reported === 'failed'

/** Members that count: those that the burst takes away, or that are being deleted, do not. */
const staying = ({ there }: Standing): Member[] => there.filter((member) => !isOut(member))

/** How many went away that the burst did not take away: by their users, or at the end of a lease. */
const given = ({ lost, there }: Standing) => {
  const left = lost.filter(({ leaving }) => leaving === null)
  const going = there.filter(({ taskState, leaving }) => taskState === 'deleting' && leaving === null)
  const sum = (of: 'count' | 'done' | 'failed') => left.reduce((all, each) => all + each[of], 0)
  const said = (word: string) => going.filter(({ reported }) => reported === word).length
  return {
    count: sum('count') + going.length,
    done: sum('done') + said('done'),
    failed: sum('failed') + said('failed'),
  }
}

/** How many members there are to be: what users took away is not made again, unless fewer than the least are left. */
const wanted = (standing: Standing): number => {
  const { least, most } = standing.burst
  const { count, done, failed } = given(standing)
  return Math.max(0, most - count, least - done - failed)
}

const howLost = ({ launchedAt }: Member): keyof typeof TRIES => (launchedAt === null ? 'replaced' : 'lost')

const triesAt = ({ lost }: Standing, position: number, how: keyof typeof TRIES): number =>
  lost.filter((each) => each.position === position && each.leaving === how).reduce((sum, { count }) => sum + count, 0)

const isBroken = ({ status, reported }: Member): boolean => status === 'ERROR' && reported !== 'done'

/** Broken, and not made again: it was, as often as that is done. */
const isGivenUp = (standing: Standing, member: Member): boolean =>
  isBroken(member) && triesAt(standing, member.position, howLost(member)) >= TRIES[howLost(member)]

/** All that are there have said their last, and they are not fewer than the least. */
const isFinished = (standing: Standing): boolean => {
  const left = staying(standing)
  const { done, failed } = given(standing)
  return left.every(hasReported) && left.length + done + failed >= Math.max(1, standing.burst.least)
}

/** What those that are there have said, once all have; null: they have not. */
export const finished = (standing: Standing): { failure: string | null } | null => {
  if (standing.burst.finishedAt !== null || !isFinished(standing)) return null
  const left = staying(standing)
  const { done, failed } = given(standing)
  const all = left.length + done + failed
  const bad = left.filter(({ reported }) => reported === 'failed').length + failed
  return { failure: bad ? `${bad} of ${all} members reported that they failed.` : null }
}

/** Why it ends now; null: it does not. */
export const ending = (standing: Standing): Ending | null => {
  const { burst, now, moneyMs } = standing
  if (burst.drainingAt !== null) return null
  if (burst.deadline !== null && burst.deadline <= now) {
    const never = !standing.there.length && !standing.lost.length
    return never
      ? { reason: `Its deadline passed, and it had no members. ${burst.reason ?? ''}`.trim(), failure: true }
      : { reason: 'Its deadline passed.', failure: false }
  }
  if (burst.finishedAt !== null) return null
  if (moneyMs !== null && moneyMs <= RUN_OUT) return { reason: 'Its budget is spent.', failure: false }
  const broken = standing.there.filter((member) => isGivenUp(standing, member))
  if (broken.length && burst.most - broken.length < burst.least) {
    const said = broken[0]!.fault?.message
    const reason = `${broken.length} of its members ended in ERROR again and again, and fewer than ${burst.least} can be had.`
    return { reason: said ? `${reason} ${said}` : reason, failure: true }
  }
  return null
}

/** Those that the burst takes away now, and why. */
export const goingFrom = (standing: Standing): { leaving: Leaving; members: Member[] } | null => {
  const { burst } = standing
  const left = standing.there.filter(({ leaving }) => leaving === null)
  if (burst.drainingAt !== null) return left.length ? { leaving: 'drained', members: left } : null
  const stay = staying(standing)
  const surplus = stay.length - burst.most
  if (surplus > 0) return { leaving: 'surplus', members: stay.toSorted(byWorth).slice(0, surplus) }
  if (burst.finishedAt !== null) return null
  const again = stay.filter((member) => isBroken(member) && !isGivenUp(standing, member))
  const [first] = again
  if (!first) return null
  const leaving = howLost(first)
  return { leaving, members: again.filter((member) => howLost(member) === leaving) }
}

/** What goes first of too many: what has said its last, what does not run, what is elsewhere than at home, the last ones. */
const byWorth = (a: Member, b: Member): number =>
  Number(hasReported(b)) - Number(hasReported(a)) ||
  Number(a.status === 'ACTIVE') - Number(b.status === 'ACTIVE') ||
  Number(b.spilled) - Number(a.spilled) ||
  b.position - a.position

/** The positions of the members that are to be made, and how many of them it takes to have the least. */
export const missing = (standing: Standing): { positions: number[]; least: number } => {
  const { burst, there } = standing
  if (burst.drainingAt !== null || burst.finishedAt !== null) return { positions: [], least: 0 }
  // What is on its way out is there until its cloud has let go of it.
  const count = Math.min(wanted(standing), burst.most) - there.length
  if (count <= 0) return { positions: [], least: 0 }
  const taken = new Set(there.map(({ position }) => position))
  const positions: number[] = []
  for (let position = 0; positions.length < count; position++) if (!taken.has(position)) positions.push(position)
  const { done, failed } = given(standing)
  return { positions, least: Math.max(0, burst.least - done - failed - staying(standing).length) }
}

/** Those that are to stand still: all have said their last, and they are to be kept, stopped. */
export const stopping = ({ burst, there }: Standing): Member[] =>
  burst.finishedAt !== null && burst.drainingAt === null && burst.onDone === 'stop'
    ? there.filter((member) => !isOut(member) && member.status === 'ACTIVE' && member.taskState === null)
    : []

/** How long until it is looked at again, in milliseconds. */
export const nextLook = ({ burst, now, moneyMs }: Standing, otherwise: number): number => {
  const deadline = burst.deadline === null || burst.drainingAt !== null ? otherwise : burst.deadline - now
  const money = moneyMs === null || burst.drainingAt !== null ? otherwise : moneyMs - RUN_OUT
  return Math.max(1_000, Math.min(otherwise, deadline, money))
}
