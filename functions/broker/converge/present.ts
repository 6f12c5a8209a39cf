import { isTask, type Json, type NativeId, type Outcome, type Seen } from '../../../adapters/contract.ts'
import { CloudError } from '../../../adapters/errors.ts'
import { backoff, PATIENCE, shownAt } from '../line/clockwork.ts'
import { differs } from '../line/differs.ts'
import { digest } from '../line/digest.ts'
import type { Stage } from '../line/steps.ts'
import { bindNeeds } from './needs.ts'
import { isTakenBack, takenBack } from './reclaimed.ts'
import { recorded } from './recover.ts'
import type { Next, Work } from './work.ts'

/** So many looks in a row without it before a bound object counts as lost. */
const LOOKS = 3

/** Before an effect its intention is durable: the request is written down as it will be sent, and sent again. */
export const prepare = async (work: Work): Promise<Next> => {
  const { context, row, binding, steps } = work
  const refused = await steps.refused?.(context, row, binding)
  if (refused) throw refused
  const { spec, at } = await specFor(work, 'create')
  if (at) return { at }
  work.unsent = true
  return work.write({
    phase: 'calling',
    frozen: spec as Json,
    task: null,
    calledAt: work.now(),
    attempts: work.binding.attempts + 1,
  })
}

/** While something that it needs is not there yet: the time to come back. */
const specFor = async (work: Work, stage: Stage): Promise<{ spec?: unknown; at?: number }> => {
  const { context, row, binding, steps, cloud } = work
  const later = stage === 'create' ? await steps.awaits?.(context, row, binding) : null
  if (later) return { at: later }
  const asked = await steps.needs(context, row, binding, stage)
  const needs = asked.filter(({ kind, ifOffered }) => !ifOffered || cloud[kind])
  const native = await bindNeeds(context, binding, needs)
  return typeof native === 'number' ? { at: native } : { spec: await steps.spec(context, row, binding, native, stage) }
}

/** Sends the frozen request, or finds what an earlier sending of it made. */
export const call = async (work: Work): Promise<Next> => {
  const { frozen, task, calledAt } = work.binding
  if (task) return take(work, await poll(work, task))
  const spec = work.told(frozen)
  // Nothing came of any earlier call: what is refused now is refused for good.
  let sure = work.unsent
  if (!sure) {
    // An absence says something about the time when it was looked for, not about the time of the answer.
    const lookedAt = work.now()
    const seen = await work.ask(() => work.realm.find(work.mark, spec))
    if (seen) return bind(work, seen)
    const visibleBy = shownAt(calledAt, work.realm.settleMs, work.context.aloneSince)
    sure = lookedAt >= visibleBy
    if (work.realm.once === 'none' && !sure) return { at: visibleBy }
    await work.write({ calledAt: work.now(), attempts: work.binding.attempts + 1 })
    if (work.binding.want === 'absent') return 'again'
  }
  work.unsent = false
  return take(work, await creation(work, sure ? 'sure' : 'repeated', () => work.realm.create(spec, work.mark)), sure)
}

/** An error of these calls is the cloud's answer to the creation; any other leaves open what became of it. */
const creation = async <T>(work: Work, answer: Work['answer'], call: () => Promise<T>): Promise<T> => {
  work.answer = answer
  const outcome = await work.ask(call)
  work.answer = null
  return outcome
}

/** What became of a task. One that the cloud has forgotten is as good as a call without an answer: looked up by mark. */
export const poll = async (work: Work, task: Json): Promise<Outcome<Seen>> => {
  try {
    if (!work.realm.poll) throw new CloudError('not_found', 'The cloud has no such task.')
    return await creation(work, 'polled', () => work.realm.poll!(task))
  } catch (error) {
    if (error instanceof CloudError && error.code === 'not_found') {
      await work.write({ task: null })
      throw new CloudError('ambiguous', 'The cloud has forgotten what it was doing.', error.detail)
    }
    throw error
  }
}

const take = (work: Work, outcome: Outcome<Seen>, sure = false): Promise<Next> =>
  isTask(outcome)
    ? work.write({ task: outcome.task, share: outcome.share ?? null }, [], {
        at: work.now() + (outcome.pollAfterMs ?? 1000),
      })
    : bind(work, outcome, sure)

/** The answer is there: from now on the native id speaks for the resource. `sure`: no other call can have an effect any more. */
export const bind = (work: Work, seen: Seen, sure = false): Promise<Next> => {
  // What was taken back as soon as it was made is looked at like any other.
  const gone = seen.health === 'gone'
  if (gone && !isTakenBack(seen)) throw new CloudError('definitive', 'The cloud removed it as soon as it was made.')
  const now = work.now()
  return work.write(
    {
      phase: 'bound',
      nativeId: seen.id,
      zone: seen.zone ?? work.binding.zone,
      task: null,
      share: null,
      // It was asked for once, and that call has done what it does; of several, one may do it again.
      calledAt: sure || work.binding.attempts <= 1 ? null : work.binding.calledAt,
      boundAt: now,
      seenAt: now,
      observed: digest(seen),
      missing: 0,
      attempts: 0,
      error: null,
    },
    gone ? [] : work.observed(seen),
  )
}

/** It exists: look at it, apply what changed, do what was asked of it. */
export const maintain = async (work: Work): Promise<Next> => {
  const { nativeId, task } = work.binding
  if (task) {
    const outcome = await poll(work, task)
    if (isTask(outcome)) return { at: work.now() + (outcome.pollAfterMs ?? 1000) }
    await work.write({ task: null }, work.observed(outcome))
  }
  if (work.binding.ownership === 'adopting') {
    // The row was there first, so a mark is never without one; what is repeated here does nothing twice.
    await work.change(() => markAsOurs(work, nativeId!))
    await work.write({ ownership: 'ours' })
  }
  const seen = await work.ask(() => work.realm.get(nativeId!))
  if (!seen || seen.health === 'gone') return (seen && (await takenBack(work, seen))) ?? lost(work)
  const back = work.binding.observed === null ? [differs(work.context, work.binding, 'missing', 'there', 'there')] : []
  await work.write({ seenAt: work.now(), observed: digest(seen), missing: 0 }, [...work.observed(seen), ...back])
  const { want, applied, revision } = work.binding
  if (want === 'absent' || !work.row) return 'again'
  if (seen.health === 'pending') return work.later(500, 5_000)
  if (seen.health === 'ready' && applied < revision && work.realm.update) return apply(work)
  if (work.steps.act) {
    const { context, row, binding, acting } = work
    const { settled, writes, at } = await work.steps.act(context, row, binding, acting, seen)
    // What is noted before a call is no success yet: the pauses between its repetitions grow on.
    if (writes.length) await work.write(at === undefined ? { attempts: 0 } : {}, writes)
    if (at !== undefined) return at > work.now() ? { at } : 'again'
    if (!settled) return work.later(500, 5_000)
  }
  return work.write({ attempts: 0, error: null, applied: work.realm.update ? applied : revision }, [], 'settled')
}

/** What another project handed over says whose it was: that mark comes off first, for one of its own resource alone. */
const markAsOurs = async ({ realm, mark }: Work, nativeId: NativeId): Promise<void> => {
  if (!realm.mark) return
  const { mark: its } = (await realm.get(nativeId)) ?? {}
  if (its && its.resource === mark.resource && its.project !== mark.project) await realm.mark(nativeId, null)
  await realm.mark(nativeId, mark)
}

const apply = async (work: Work): Promise<Next> => {
  // The revision first, the row second: what changes in between is applied twice rather than not at all.
  const { revision, nativeId } = work.binding
  await work.load()
  if (!work.row) return 'again'
  const { spec, at } = await specFor(work, 'apply')
  if (at) return { at }
  const outcome = await work.change(() => work.realm.update!(nativeId!, work.told(spec)))
  return isTask(outcome)
    ? work.write({ applied: revision, task: outcome.task })
    : work.write({ applied: revision, attempts: 0 }, work.observed(outcome))
}

/** A fresh object may be invisible for a while; an old one that is not there is reported, never made anew. */
const lost = async (work: Work): Promise<Next> => {
  const { boundAt, missing } = work.binding
  if (missing < LOOKS || work.now() - (boundAt ?? 0) < PATIENCE)
    return work.write({ missing: missing + 1 }, [], { at: work.now() + backoff(missing, 1_000, 30_000) })
  const error = new CloudError('not_found', 'It disappeared from the cloud.')
  return work.write(
    { error: recorded(error, work.now()), observed: null },
    [...work.blamed(error), differs(work.context, work.binding, 'missing', 'there', 'gone')],
    'settled',
  )
}
