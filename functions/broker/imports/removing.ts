import { unwantCopy } from '../../../db/queries/image/copies.ts'
import type { ImageRead } from '../../../db/queries/image/images.ts'
import { imageAwaited } from '../../../db/queries/line/awaited.ts'
import type { Context } from '../../context.ts'
import { commit, guard, makesDue } from '../line/commit.ts'

/**
 * Takes back the copy that a cloud has of an image for its own project; the next who needs it there gets it anew. Throws
 * `Refused` (guard `image-needed`) while something is being made of it.
 */
export const removeCopy = (context: Context, { id, projectId }: ImageRead, cloudId: string): Promise<void> => {
  const absent = unwantCopy(context.db, { imageId: id, cloudId, projectId: projectId ?? '' }, context.now())
  return commit(context, { action: 'uncopy', kind: 'image', resourceId: id, detail: { cloud: cloudId } }, [
    guard(context, 'image-needed', imageAwaited(id)),
    makesDue(absent, { kind: 'image', ids: [id], want: 'absent' }),
  ])
}
