import { type BurstRow, claimBurst, dueBursts, giveBurst, updateBurst } from '../../../db/queries/bursts/bursts.ts'
import { membersLost, membersThere } from '../../../db/queries/bursts/members.ts'
import { burstSpending, unsettledOf } from '../../../db/queries/money/burst-spending.ts'
import { spendingFor } from '../../../db/queries/money/spending.ts'
import type { Context } from '../../context.ts'
import { withoutKey } from '../line/commit.ts'
import { allowanceOf, HOUR } from '../money/allowance.ts'
import { ending, finished, goingFrom, missing, nextLook, type Standing, stopping } from './decide.ts'
import { bringToRest, end, letGo, takeAway } from './empty.ts'
import { fill } from './fill.ts'
import { tellBurst } from './member.ts'

/** So long no other process looks at a burst that one looks at: if that died, this is how late it is. */
const CLAIM = 60_000
/** How often a burst is looked at, in milliseconds. */
const LOOK = 30_000
const MOST_DUE = 20
/** So long a request leaves work behind, at most, before it is the cron's. */
const AFTER_ANSWER = 20_000

/** Looks at every burst that is due: makes the members that are missing, takes away what is too many, ends what is over. */
export const driveBursts = async (context: Context, budgetMs: number): Promise<void> => {
  const until = context.now() + budgetMs
  for (const id of await dueBursts(context.db, context.now(), MOST_DUE)) {
    if (context.now() >= until) return
    try {
      await takeTurn(context, id, until)
    } catch (error) {
      context.log('error', 'a burst could not be looked at', {
        id,
        error: error instanceof Error ? error.stack : String(error),
      })
    }
  }
}

/** The same for one, after the answer. Nothing depends on it: the cron does the same. */
export const driveBurst = (context: Context, id: string): void =>
  context.defer(() => takeTurn(withoutKey(context), id, context.now() + AFTER_ANSWER))

/** Nobody asks: whatever it makes is its owner's, and no token is looked at. */
const unasked = (context: Context, projectId: string): Context => {
  const { look, once, conditions, ...rest } = context
  return { ...rest, caller: null, scope: { projectId } }
}

/** One look at a burst that is due, by one process at a time. Safe to repeat, and to break off anywhere. */
const takeTurn = async (asked: Context, id: string, until: number): Promise<void> => {
  const { db } = asked
  const now = asked.now()
  const claimed = now + CLAIM
  const burst = await claimBurst(db, id, now, claimed)
  if (!burst) return
  const context = unasked(asked, burst.projectId)
  const standing = await judge(context, await stand(context, burst))
  const going = goingFrom(standing)
  if (going) await letGo(context, standing.burst, going.members, going.leaving)
  const there = going ? await membersThere(db, id) : standing.there
  const { drainingAt, finishedAt } = standing.burst
  if ((drainingAt !== null || finishedAt !== null) && !there.length) return end(context, standing.burst)
  const leaving = there.filter((member) => member.leaving !== null)
  await takeAway(context, leaving, until)
  await bringToRest(context, stopping(standing), until)
  const lacking = missing({ ...standing, there })
  const { made, refused, passing } = await fill(context, standing.burst, lacking, until)
  const left = lacking.positions.length - made
  const never = !there.length && !standing.lost.length && !made
  if (refused !== null && !passing && never && standing.burst.deadline === null)
    return fail(context, standing.burst, refused)
  // Time was up: the rest is for the next turn, which is at once.
  const wait = left && refused === null ? 0 : leaving.length ? LOOK / 6 : nextLook(standing, LOOK)
  const reason = drainingAt === null && finishedAt === null ? refused : standing.burst.reason
  await giveBurst(db, { id, until: claimed }, { dueAt: asked.now() + wait, reason })
}

const stand = async (context: Context, burst: BurstRow): Promise<Standing> => ({
  burst,
  there: await membersThere(context.db, burst.id),
  lost: await membersLost(context.db, burst.id, burst.countedAt),
  now: context.now(),
  moneyMs: await lasting(context, burst),
})

/** How long the money of a burst lasts, in milliseconds; null: it has no end. */
const lasting = async ({ db, now }: Context, { id, budget, projectId }: BurstRow): Promise<number | null> => {
  if (!budget) return null
  const [burst, { spending }] = [await burstSpending(db, id), await spendingFor(db, projectId, now())]
  const { hourly, ...paid } = await unsettledOf(db, id, now())
  const all = allowanceOf(null, spending, { burst })?.burst?.all
  return !all || hourly <= 0 ? null : (Math.max(0, all.most - paid.soFar) / hourly) * HOUR
}

/** Writes down what has become of it, if something has: all are done, its time or its money is up, or it is hopeless. */
const judge = async (context: Context, standing: Standing): Promise<Standing> => {
  const done = finished(standing)
  const over = ending(standing)
  if (!done && !over) return standing
  const now = context.now()
  const set: Partial<BurstRow> = {
    updatedAt: now,
    ...(done && { finishedAt: now, failure: done.failure, reason: done.failure }),
    ...(done && standing.burst.onDone === 'delete' && { drainingAt: now }),
    ...(over && { drainingAt: now, reason: over.reason, failure: over.failure ? over.reason : standing.burst.failure }),
  }
  const { burst } = standing
  const { reason = null, failure = burst.failure } = set
  await context.db.batch([
    updateBurst(context.db, burst.id, set),
    tellBurst(context, set.drainingAt ? 'burst.draining' : 'burst.finished', burst, {
      reason,
      failed: failure !== null,
    }),
  ])
  return { ...standing, burst: { ...burst, ...set } }
}

/** Fewer than the least could be had, and nobody said how long to wait: nothing was made. */
const fail = async (context: Context, burst: BurstRow, reason: string): Promise<void> => {
  const now = context.now()
  const set = { failure: reason, reason, drainingAt: now, updatedAt: now }
  await updateBurst(context.db, burst.id, set)
  await end(context, { ...burst, ...set })
}
