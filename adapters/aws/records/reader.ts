import { CreateTagsCommand, DeleteTagsCommand, type Filter, type Tag } from '@aws-sdk/client-ec2'
import type { Mark, NativeId, Seen } from '../../contract.ts'
import { assertOurs, foreign } from '../../shared/marks.ts'
import type { Records } from '../../shared/realm.ts'
import { gone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { filtersFor, markFrom, markTags, OWN_KEYS, TAG, tagValue } from '../marks.ts'
import { type Ask, allPages, onePage } from '../wire/paging.ts'

/** The mark in some tags, if it is this deployment's. */
export const markOf = (context: Context, tags: Tag[] | undefined): Mark | undefined =>
  markFrom(tags, context.connection.deployment)

/** How one kind is read: everything else about reading is the same for all kinds. */
export interface Described<N, S extends Seen> {
  /** The filter that selects by native id. A filter, unlike an id list, answers an absent id with an empty list. */
  idFilter: string
  idOf(native: N): NativeId | undefined
  tags(native: N): Tag[] | undefined
  /** What tags go to, where the native id is a name. */
  tagged?(native: N): string | undefined
  /** What bears the object's mark besides itself: the root disk of a server. */
  beside?(native: N): NativeId[]
  /** One Describe call. `Filters` is left out when empty. */
  describe(filters: Filter[] | undefined): Ask<N>
  /** In bulk, because some kinds ask a second question about all of them at once. */
  seen(natives: N[]): S[] | Promise<S[]>
}

export interface Reader<N, S extends Seen> extends Records<never, S, N> {
  find(mark: Mark): Promise<S | null>
  get(id: NativeId): Promise<S | null>
  one(native: N): Promise<S>
  /** All that match. */
  select(filters: Filter[]): Promise<N[]>
  /** One that is to be changed. @throws `not_found`, or `definitive` if it is not ours */
  ours(id: NativeId): Promise<N>
  /** The record after a change. @throws `not_found` for one that is gone meanwhile */
  again(id: NativeId): Promise<S>
}

/** find, get, list and marking of one kind, by tags and filters. */
export const reader = <N, S extends Seen>(context: Context, kind: Described<N, S>): Reader<N, S> => {
  const { deployment } = context.connection
  const select = (filters: Filter[]) => allPages(kind.describe(filters))
  const raw = async (id: NativeId) => (await select([{ Name: kind.idFilter, Values: [id] }]))[0] ?? null
  const one = async (native: N): Promise<S> => (await kind.seen([native]))[0]!
  const there = async (id: NativeId): Promise<N> => {
    const native = await raw(id)
    if (!native) throw gone(id)
    return native
  }
  return {
    select,
    raw,
    one,
    markOf: (native) => markOf(context, kind.tags(native)),
    async find(mark) {
      const found = await kind.seen(await select(filtersFor(mark)))
      return found.find((seen) => seen.health !== 'gone') ?? found[0] ?? null
    },
    async get(id) {
      const native = await raw(id)
      return native && one(native)
    },
    async list(cursor) {
      const page = await onePage(kind.describe(undefined), cursor)
      return { ...page, items: await kind.seen(page.items) }
    },
    async ours(id) {
      const native = await there(id)
      assertOurs(markOf(context, kind.tags(native)), deployment)
      return native
    },
    again: async (id) => one(await there(id)),
    /** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html: all of them or none */
    async remark(native, mark) {
      const own = kind.tagged?.(native) ?? kind.idOf(native) ?? ''
      const Resources = [own, ...(kind.beside?.(native) ?? [])]
      if (!mark) {
        await context.ec2.send(new DeleteTagsCommand({ Resources, Tags: OWN_KEYS }))
        return
      }
      // Half a mark of another deployment is none that could be read, and still not ours to write over.
      if (![undefined, deployment].includes(tagValue(kind.tags(native), TAG.deployment))) throw foreign(undefined, mark)
      await context.ec2.send(new CreateTagsCommand({ Resources, Tags: markTags(mark) }))
    },
  }
}

/** Shows a changed name in the console of the cloud. */
export const rename = async ({ ec2 }: Context, id: NativeId, tags: Tag[] | undefined, name: string): Promise<void> => {
  if (tagValue(tags, 'Name') === name) return
  await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'Name', Value: name }] }))
}
