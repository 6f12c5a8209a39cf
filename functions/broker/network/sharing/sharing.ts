import { type SharedType, shareWithAll } from '../../../../db/queries/network/rbac.ts'
import type { Context } from '../../../context.ts'
import type { Write } from '../../line/commit.ts'

/** What is written where the attribute `shared` of something is. */
export const sharing = (
  context: Context,
  objectType: SharedType,
  { id: objectId, projectId }: { id: string; projectId: string },
  shared: boolean,
): Write => {
  const made = { id: context.newId(), createdAt: context.now() }
  return shareWithAll(context.db, { projectId, objectType, objectId }, shared, made)
}
