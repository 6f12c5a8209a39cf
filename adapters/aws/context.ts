import type { Filter, Tag } from '@aws-sdk/client-ec2'
import { CreateTagsCommand, DeleteTagsCommand } from '@aws-sdk/client-ec2'
import type { Connection, Mark, NativeId, Outcome, Page, Realm, Seen, Surroundings, Task } from '../contract.ts'
import { asCloudError, CloudError } from '../errors.ts'
import { assertOurs, filtersFor, markFrom, markTags, OWN_KEYS, TAG, tagValue } from './marks.ts'
import type { Mapping, Options } from './options.ts'
import type { Ebs } from './storage/ebs.ts'
import type { Ec2 } from './wire/client.ts'
import { type Ask, allPages, onePage } from './wire/paging.ts'

/** What every realm of one connection shares. */
export interface Context {
  ec2: Ec2
  ebs: Ebs
  connection: Connection
  options: Options
  mapping: Mapping
  surroundings: Surroundings
}

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

/** How an object is looked at and made to match its spec. */
interface Steps<Spec, S extends Seen> {
  get(id: NativeId): Promise<S | null>
  update(id: NativeId, spec: Spec): Promise<Outcome<S>>
}

/**
 * An update as part of a creation. What waiting cannot cure is left to the update that follows every creation: there
 * the error is said of an object that exists, here it would say that none was made.
 */
const goOn = async <Spec, S extends Seen>(steps: Steps<Spec, S>, id: NativeId, spec: Spec): Promise<Outcome<S>> => {
  try {
    return await steps.update(id, spec)
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

/** The `poll` of a kind that uses `setUp`. */
export const resume =
  <Spec, S extends Seen>(steps: Steps<Spec, S>) =>
  (task: Task['task']): Promise<Outcome<S>> => {
    const { id, spec } = task as { id: NativeId; spec: Spec }
    return goOn(steps, id, spec)
  }
