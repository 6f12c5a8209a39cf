import { CreateTagsCommand, DeleteTagsCommand, type Filter, type Tag } from '@aws-sdk/client-ec2'
import type { Mark, NativeId, Page, Realm, Seen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { assertOurs, filtersFor, markFrom, markTags, OWN_KEYS, TAG, tagValue } from '../marks.ts'
import { type Ask, allPages, onePage } from '../wire/paging.ts'

/** The mark in some tags, if it is this deployment's. */
export const markOf = (context: Context, tags: Tag[] | undefined): Mark | undefined =>
  markFrom(tags, context.connection.deployment)

/** How one kind is read: everything else about reading is the same for all kinds. */
export interface Shelf<N, S extends Seen> {
  /** The filter that selects by native id. A filter, unlike an id list, answers an absent id with an empty list. */
  idFilter: string
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

export interface Reader<N, S extends Seen> extends Pick<Realm<never, S>, 'get' | 'list'> {
  mark(id: NativeId, mark: Mark | null): Promise<void>
  find(mark: Mark): Promise<S | null>
  /** The cloud's own record, null if absent. */
  raw(id: NativeId): Promise<N | null>
  /** All that match. */
  select(filters: Filter[]): Promise<N[]>
  /** The record, if it carries our mark and is to be changed or removed; null if absent. */
  ours(id: NativeId, mark?: Mark): Promise<N | null>
  /** The record after a change; an object that is gone meanwhile is `not_found`. */
  again(id: NativeId): Promise<S>
  one(native: N): Promise<S>
}

export const gone = (id: NativeId): CloudError =>
  new CloudError('not_found', 'The cloud does not know this object.', { operatorMessage: `${id} is not described` })

/** find, get and list of one kind, by tags and filters. */
export const reader = <N, S extends Seen>(context: Context, shelf: Shelf<N, S>): Reader<N, S> => {
  const select = (filters: Filter[]) => allPages(shelf.describe(filters))
  const raw = async (id: NativeId) => (await select([{ Name: shelf.idFilter, Values: [id] }]))[0] ?? null
  const one = async (native: N): Promise<S> => (await shelf.seen([native]))[0]!
  return {
    select,
    raw,
    one,
    async find(mark) {
      const found = await shelf.seen(await select(filtersFor(mark)))
      return found.find((seen) => seen.health !== 'gone') ?? found[0] ?? null
    },
    async get(id) {
      const native = await raw(id)
      return native && one(native)
    },
    async list(cursor): Promise<Page<S>> {
      const page = await onePage(shelf.describe(undefined), cursor)
      return { ...page, items: await shelf.seen(page.items) }
    },
    async ours(id, mark) {
      const native = await raw(id)
      if (native) assertOurs(shelf.tags(native), context.connection.deployment, mark)
      return native
    },
    /** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html: all of them or none */
    async mark(id, mark) {
      const native = await raw(id)
      if (!native && mark) throw gone(id)
      const tags = native ? shelf.tags(native) : undefined
      const found = markOf(context, tags)
      if (!native || (!mark && !found)) return
      const Resources = [shelf.tagged?.(native) ?? id, ...(shelf.beside?.(native) ?? [])]
      if (!mark) {
        await context.ec2.send(new DeleteTagsCommand({ Resources, Tags: OWN_KEYS }))
        return
      }
      const { deployment } = context.connection
      if (found || ![undefined, deployment].includes(tagValue(tags, TAG.deployment))) {
        assertOurs(tags, deployment, mark)
        return
      }
      await context.ec2.send(new CreateTagsCommand({ Resources, Tags: markTags(mark) }))
    },
    async again(id) {
      const native = await raw(id)
      if (!native) throw gone(id)
      return one(native)
    },
  }
}

/** Shows a changed name in the console of the cloud. */
export const rename = async ({ ec2 }: Context, id: NativeId, tags: Tag[] | undefined, name: string): Promise<void> => {
  if (tagValue(tags, 'Name') === name) return
  await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'Name', Value: name }] }))
}

/** Runs a removal; that the object is gone already is what was wanted. */
export const unlessGone = async (call: () => Promise<unknown>): Promise<void> => {
  try {
    await call()
  } catch (error) {
    if (!(error instanceof CloudError && error.code === 'not_found')) throw error
  }
}
