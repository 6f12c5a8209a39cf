import { isTask } from '../../../adapters/contract.ts'
import { letGoAgain } from '../../../db/queries/line/bindings.ts'
import { settleDrift } from '../../../db/queries/line/drift.ts'
import { backoff, GRACE, shownAt } from '../line/clockwork.ts'
import { untilStill } from '../line/until-still.ts'
import { bind, poll } from './present.ts'
import type { Next, Work } from './work.ts'

/** Deletion overtook a call whose answer nobody saw: find what it made, or wait until it cannot appear any more. */
export const settleCall = async (work: Work): Promise<Next> => {
  if (work.unsent) return conclude(work)
  const { task, frozen, calledAt, attempts } = work.binding
  if (task) {
    const outcome = await poll(work, task)
    return isTask(outcome) ? { at: work.now() + (outcome.pollAfterMs ?? 1000) } : bind(work, outcome)
  }
  const lookedAt = work.now()
  const seen = await work.ask(() => work.realm.find(work.mark, work.told(frozen)))
  if (seen) return bind(work, seen)
  const certain = (calledAt ?? 0) + Math.max(GRACE, 2 * work.realm.settleMs)
  if (lookedAt >= certain) return conclude(work)
  const at = Math.min(certain, work.now() + backoff(attempts, 1_000, 20_000))
  return work.write({ attempts: attempts + 1 }, [], { at })
}

/** Asks the cloud to let go, then looks until it has: seen gone twice, because a listing may lag. */
export const remove = async (work: Work): Promise<Next> => {
  const { nativeId, missing, attempts, boundAt, seenAt, calledAt } = work.binding
  if (work.row && work.steps.clears) {
    const { context, row, binding, acting } = work
    const writes = await work.steps.clears(context, row, binding, acting)
    if (!writes) return work.later(500, 15_000)
    if (writes.length) await work.write({ attempts: 0 }, writes)
  }
  const seen = await work.ask(() => work.realm.get(nativeId!))
  // What has not shown itself since it was made may only be late.
  const visibleBy = (seenAt ?? 0) > (boundAt ?? 0) ? 0 : (boundAt ?? 0) + work.realm.settleMs
  if (!seen && work.now() < visibleBy) return { at: Math.min(visibleBy, work.now() + 1_000) }
  if (!seen || seen.health === 'gone') {
    if (missing >= 1) return conclude(work)
    return work.write({ missing: missing + 1 }, [], work.realm.settleMs > 0 ? { at: work.now() + 1_000 } : 'again')
  }
  // A call of its creation that went unanswered still finds it; were it gone, that call would make it anew.
  const settledAt = calledAt === null ? 0 : shownAt(calledAt, 0, work.context.aloneSince)
  if (work.now() < settledAt) return { at: settledAt }
  const bare = work.steps.stripped?.(work.binding)
  // One that never came to be holds nothing, and takes no change.
  if (bare && work.realm.update && seen.health === 'ready')
    await work.ask(() => work.realm.update!(nativeId!, work.told(bare)))
  await work.ask(() => work.realm.remove(nativeId!, work.mark))
  // Most removals are done when they answer: look at once, and only then wait.
  if (attempts === 0) return work.write({ attempts: 1, missing: 0, seenAt: work.now() })
  return work.later(500, 15_000)
}

/** Nothing is left below the line. What was held for it is given back in the same batch, and what it kept there may go. */
export const conclude = (work: Work): Promise<Next> =>
  untilStill(LEFT, async () => {
    const { context, row, binding, steps } = work
    const kept = binding.frozen === null ? [] : (steps.keeps?.(binding.frozen) ?? [])
    const writes = [
      ...kept.map((each) => letGoAgain(context.db, binding.cloudId, each, work.now())),
      ...((await work.steps.gone?.(context, row, binding)) ?? []),
      settleDrift(context.db, binding, work.now()),
    ]
    return work.write({ phase: 'gone', task: null, frozen: null, error: null, dueAt: null }, writes, 'settled')
  })

/** Guards that say that another cloud has let go of the same resource meanwhile: this one is the last, and takes the rest along. */
const LEFT = ['machine-left']
