import type { Json, NativeId, Outcome, Realm, Seen } from '../../contract.ts'
import { asCloudError } from '../../errors.ts'
import { gone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'

/** How an object is looked at and made to match its spec. */
type Steps<Spec, S extends Seen> = Pick<Realm<Spec, S>, 'get' | 'update'>

/**
 * An update as part of a creation. What waiting cannot cure is left to the update that follows every creation: there
 * the error is said of an object that exists, here it would say that none was made.
 */
const goOn = async <Spec, S extends Seen>(steps: Steps<Spec, S>, id: NativeId, spec: Spec): Promise<Outcome<S>> => {
  try {
    return await steps.update!(id, spec)
  } catch (error) {
    if (!['definitive', 'denied', 'capacity'].includes(asCloudError(error).code)) throw error
    const seen = await steps.get(id)
    if (!seen) throw gone(id)
    return seen
  }
}

/**
 * What follows a create call that takes several steps. The object exists by now, so a failing step must not look as if
 * it did not: it becomes a task, and `resume` goes on where it stopped.
 */
export const setUp = async <Spec, S extends Seen>(
  context: Context,
  steps: Steps<Spec, S>,
  id: NativeId,
  spec: Spec,
): Promise<Outcome<S>> => {
  try {
    return await goOn(steps, id, spec)
  } catch (raw) {
    const error = asCloudError(raw)
    context.surroundings.log('warn', 'set-up after a create call goes on later', {
      id,
      code: error.code,
      reason: error.detail.operatorMessage ?? error.message,
    })
    return { task: { id, spec: spec as never }, pollAfterMs: error.detail.retryAfterMs ?? 5_000 }
  }
}

/** Goes on with what `setUp` left: the `poll` of a kind that uses it. */
export const resume = <Spec, S extends Seen>(steps: Steps<Spec, S>, task: Json): Promise<Outcome<S>> => {
  const { id, spec } = task as { id: NativeId; spec: Spec }
  return goOn(steps, id, spec)
}
