import { CloudError } from '../../../adapters/errors.ts'
import {
  applyAgain,
  type Binding,
  claim,
  dueBindings,
  getBinding,
  type Ref,
  refOf,
} from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { connectCloud } from '../clouds/clouds.ts'
import { ACTION_ENDED } from '../compute/server-act.ts'
import { backoff, LEASE } from '../line/clockwork.ts'
import { handedOver } from '../line/handed-over.ts'
import { Refused } from '../line/refused.ts'
import { conclude, remove, settleCall } from './absent.ts'
import { call, maintain, prepare } from './present.ts'
import { recorded, recover } from './recover.ts'
import { type Next, Work } from './work.ts'

/** One converge gives way to the next after this many steps, so that no resource starves the others. */
const MOST_STEPS = 24

/**
 * Makes the cloud match the intent of one resource. Safe to call by anyone, at any time, any number of times: the claim
 * keeps work from being done twice, the fence keeps a late worker from writing, the token keeps the cloud from making
 * a second object.
 */
export const converge = async (context: Context, ref: Ref): Promise<void> => {
  const binding = await claim(context.db, ref, context.now(), LEASE)
  if (!binding) return
  const told = context.instruments?.converge
  if (!told) return hold(context, binding)
  const { kind, resourceId, cloudId, projectId, trace } = binding
  await told({ kind, resourceId, cloudId, projectId, trace }, () => hold(context, binding))
}

const hold = async (context: Context, binding: Binding): Promise<void> => {
  const work = new Work(context, binding)
  try {
    await work.unclaim(
      await drive(work)
        .catch((error) => recover(work, error))
        .catch((error) => barred(work, error)),
    )
  } catch (error) {
    // The worker that took the binding over will finish it; a lost fence says nothing about the resource.
    if (!(error instanceof Refused && error.refusal.kind === 'guard')) throw error
    // But a change that took so long may have undone one of its own: it makes that again.
    if (work.changed) await applyAgain(context.db, refOf(binding), context.now())
  }
}

/** A step that the database refuses. One that would change what is not ours: so it is said, and tried again until that has changed. */
const barred = async (work: Work, thrown: unknown): Promise<Next> => {
  const what = thrown instanceof Refused && thrown.refusal.kind === 'guard' ? thrown.refusal.what : ''
  // Somebody ended what it worked on: it looks anew at what there is to do.
  if (what === ACTION_ENDED) return { at: work.now() }
  const why = handedOver(what)
  if (!why) throw thrown
  const { context, binding } = work
  context.log('warn', 'barred by what is not ours', { ...refOf(binding), reason: why.message })
  const attempts = binding.attempts + 1
  return work.write({ attempts, error: recorded(why, work.now()) }, [], {
    at: work.now() + backoff(attempts, 5_000, 60_000),
  })
}

/** How soon to look again whether something is still needed that nobody can name any more, in milliseconds. */
const KEPT = 2_000

const drive = async (work: Work): Promise<Next> => {
  if (work.binding.phase === 'gone' || work.binding.ownership === 'releasing') return 'settled'
  await work.load()
  if (work.binding.want === 'present' && !work.row) await work.write({ want: 'absent' })
  if (work.binding.projectId === '') return letBe(work)
  work.cloud = (await connectCloud(work.context, work.binding.cloudId, work.binding.projectId)).cloud
  const realm = work.steps.realm(work.cloud)
  if (!realm) throw new CloudError('definitive', `This cloud cannot make a ${work.binding.kind.replace('_', ' ')}.`)
  work.realm = realm
  let next: Next = 'again'
  for (let steps = 0; next === 'again' && steps < MOST_STEPS; steps++) {
    work.began = work.binding
    next = await toldStep(work)
    if (next === 'settled' && work.moved) next = 'again'
  }
  return next === 'settled' && work.kept ? { at: work.now() + KEPT } : next
}

/** What is nobody's, as an image that an operator named: it is used, and its cloud is asked for nothing about it. */
const letBe = async (work: Work): Promise<Next> => {
  if (work.binding.want === 'absent') return conclude(work)
  await work.write({ applied: work.binding.revision })
  return work.kept ? { at: work.now() + KEPT } : 'settled'
}

const toldStep = (work: Work): Promise<Next> => {
  const told = work.context.instruments?.step
  if (!told) return step(work)
  const { kind, resourceId, cloudId, projectId, want, phase } = work.binding
  return told({ kind, resourceId, cloudId, projectId, want, phase }, () => step(work))
}

/** The protocol as a table: what to do next from what is wanted and how far it is. */
const step = (work: Work): Promise<Next> => {
  const { want, phase } = work.binding
  // Gone above the line, at the start or between two steps.
  if (want === 'present' && !work.row) return work.write({ want: 'absent' })
  if (want === 'present') {
    if (phase === 'intent') return prepare(work)
    if (phase === 'calling') return call(work)
    if (phase === 'bound') return maintain(work)
    return Promise.resolve('settled')
  }
  if (phase === 'intent' || phase === 'failed') return conclude(work)
  if (phase === 'calling') return settleCall(work)
  if (phase === 'bound') return work.write({ phase: 'deleting', missing: 0 })
  if (phase === 'deleting') return remove(work)
  return Promise.resolve('settled')
}

/** So many bindings are read and worked on at a time, and so many of them at once. */
const BATCH = 40
const AT_ONCE = 4

/** What becomes of one resource keeps no other from its turn: its claim runs out, and it is tried again. */
const stumbled = (context: Context, ref: Ref) => (error: unknown) =>
  context.log('error', 'converge failed', { ...ref, error: error instanceof Error ? error.stack : String(error) })

/** Converges what is due, longest due first, until nothing is or the time is up. Gives the number of bindings worked on. */
export const convergeDue = async (context: Context, budgetMs: number): Promise<number> => {
  const until = context.now() + budgetMs
  const seen = new Set<string>()
  for (;;) {
    // Once a run is enough for each: what is due again at once waits for another worker.
    const due = (await dueBindings(context.db, context.now(), BATCH)).filter((ref) => !seen.has(JSON.stringify(ref)))
    if (!due.length || context.now() >= until) return seen.size
    for (const ref of due) seen.add(JSON.stringify(ref))
    const worker = async () => {
      for (let ref = due.shift(); ref && context.now() < until; ref = due.shift())
        await converge(context, ref).catch(stumbled(context, ref))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }
}

/**
 * Stays with a resource that was converged while more of its work is due within seconds, so that most wishes come true
 * without anybody asking again. The cron is the guarantee, this is the speed. It looks when the next work is due before it
 * converges: a look too early counts as an attempt, and the pauses between attempts grow.
 */
export const attend = async (context: Context, ref: Ref): Promise<void> => {
  const until = context.now() + context.settings.lingerMs
  for (;;) {
    const { dueAt = null, leaseUntil = 0 } = (await getBinding(context.db, ref)) ?? {}
    const now = context.now()
    // Another worker holds it, and goes on with it, or the cron does.
    if (dueAt === null || Math.max(dueAt, now) >= until || leaseUntil > now) return
    // A clock that is set back makes no pause longer than the whole was meant to be.
    await context.sleep(Math.min(Math.max(100, dueAt - now), context.settings.lingerMs))
    await converge(context, ref)
  }
}
