import type { Json, Outcome, Task } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { gone, unclear } from '../../shared/refusals.ts'
import { child, type Element, textOf } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import { fromFault } from '../errors.ts'
import { look } from './properties.ts'
import { asRef, type Ref, ref } from './soap.ts'

/** How soon it is asked after a task, and how rarely at most. */
const FIRST_MS = 250
const POLL_MS = 2_000

export type TaskState = { state: 'running' } | { state: 'success'; result?: Element } | { state: 'forgotten' }

/** The task that a `…_Task` method answered with. */
export const taskIn = (answer: Element): Ref => {
  const found = asRef(child(answer, 'returnval'))
  if (!found) throw unclear('a task', 'the answer names none')
  return found
}

/**
 * How far a task is. vCenter forgets tasks some minutes after they end, and all of them when it restarts.
 * @throws the fault with which it ended
 */
export const progressOf = async ({ vim }: Context, id: string): Promise<TaskState> => {
  const [found] = await look(vim, [ref('Task', id)], ['info'])
  const info = found?.props.get('info')
  if (!info) return { state: 'forgotten' }
  switch (textOf(info, 'state')) {
    case 'success': {
      const result = child(info, 'result')
      return { state: 'success', ...(result ? { result } : {}) }
    }
    case 'error': {
      const fault = child(info, 'error', 'fault')
      const message = textOf(info, 'error', 'localizedMessage') ?? ''
      throw fromFault({ type: fault?.xsiType ?? '', message }, textOf(info, 'descriptionId') ?? 'task', 'task')
    }
    default:
      return { state: 'running' }
  }
}

/** What `later` made, read back. */
export type Kept<More> = { task: string; since?: number } & More

/**
 * A task as the broker keeps it. What else is needed to go on goes in beside its name. vCenter does not say when a task
 * ends: it is asked again after as long as the task has run so far, so that a short one is not waited for in vain.
 * @param since when the task was begun, in milliseconds since 1970; now, if it was not kept
 */
export const later = (
  { surroundings }: Pick<Context, 'surroundings'>,
  task: Ref,
  more: Record<string, Json> = {},
  since = surroundings.now(),
): Task => ({
  task: { task: task.id, since, ...more },
  pollAfterMs: Math.min(POLL_MS, Math.max(FIRST_MS, surroundings.now() - since)),
})

/** A small change takes vCenter about a second: less to wait for than to come again. Together three. */
const PATIENCE_MS = [20, 80, 200, 400, 800, 1_500]

/** The end of a task that is short, or else a conflict: the caller comes again. */
export const settled = async (context: Context, task: Ref): Promise<void> => {
  for (const wait of [...PATIENCE_MS, 0]) {
    if ((await progressOf(context, task.id)).state !== 'running') return
    if (wait > 0) await context.surroundings.sleep(wait)
  }
  throw busy()
}

/** Something that we asked for still runs. */
const busy = (): CloudError =>
  new CloudError('conflict', 'The cloud is still working on the object.', { retryAfterMs: POLL_MS })

/**
 * What a task makes: the task itself as long as it runs, then the object.
 * @param kept as `later` made it; everything in it is kept on
 * @param what names the object in the error that it is not there
 * @param at the object under the id that vCenter gives as the task's result
 * @param find the object by its mark, where the task tells nothing, or lost its name to what an earlier call made
 * @throws the fault with which the task ended, or `not_found`
 */
export const made = async <S extends object>(
  context: Context,
  { task, since, ...more }: Kept<object>,
  what: string,
  { at, find }: { at?(id: string): Promise<S | null>; find(): Promise<S | null> },
): Promise<Outcome<S>> => {
  let lost: unknown
  try {
    const state = await progressOf(context, task)
    if (state.state === 'running') return later(context, ref('Task', task), more as Record<string, Json>, since)
    const found = state.state === 'success' && at ? await at(state.result?.text ?? '') : null
    if (found) return found
  } catch (error) {
    lost = error
    if (!(error instanceof CloudError && error.detail.cloudCode === 'DuplicateName')) throw error
  }
  const present = await find()
  if (present) return present
  throw lost ?? gone(what)
}
