import type { Binding } from '../../../db/queries/line/bindings.ts'
import { type Drift, noteDrift, settleDrift } from '../../../db/queries/line/drift.ts'
import type { Context } from '../../context.ts'
import type { Write } from './commit.ts'

/** A difference between what was asked for and what is there, as a row; or the end of one. */
export const differs = (
  context: Context,
  binding: Binding,
  what: Drift['what'],
  intent: string,
  observed: string,
): Write => {
  const { kind, resourceId, cloudId, projectId } = binding
  return intent === observed
    ? settleDrift(context.db, binding, context.now(), what)
    : noteDrift(context.db, {
        kind,
        resourceId,
        cloudId,
        projectId,
        what,
        intent,
        observed,
        firstSeenAt: context.now(),
      })
}
