import { setTags, type Taggable, taggedMoved, tagsOf } from '../../../db/queries/network/tags.ts'
import type { Context } from '../../context.ts'
import { commit, guard } from './commit.ts'
import { Refused } from './refused.ts'

/** Null: there is no such resource in the scope. */
export const readTags = async ({ db, scope }: Context, what: Taggable, id: string): Promise<string[] | null> =>
  (await tagsOf(db, scope, what, id))?.tags ?? null

/** Tags after a change; repeated while another request changes them too. Null: there is no such resource in the scope. */
export const changeTags = async (
  context: Context,
  what: Taggable,
  id: string,
  to: (tags: string[]) => string[],
): Promise<string[] | null> => {
  for (let left = 4; ; left--) {
    const found = await tagsOf(context.db, context.scope, what, id)
    if (!found) return null
    const tags = to(found.tags)
    try {
      await commit(context, { action: 'tag', kind: what, resourceId: id, detail: { tags } }, [
        guard(context, 'tags-moved', taggedMoved(what, id, found.revision)),
        setTags(context.db, what, id, tags, context.now()),
      ])
      return tags
    } catch (error) {
      const moved = error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'tags-moved'
      if (!moved || left <= 1) throw error
    }
  }
}
