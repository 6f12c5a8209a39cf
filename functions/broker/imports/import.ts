import { type ImageRead, imageMoved, updateImage } from '../../../db/queries/image/images.ts'
import {
  type ImageTask,
  insertTask,
  makeRoomForTask,
  taskOpen,
  tasksFull,
  tellStores,
} from '../../../db/queries/image/tasks.ts'
import type { FetchWork, ImportWork } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { ImageRefused, mayChange } from '../image/image.ts'
import { importStaged, refuseWithoutFormats } from '../image/image-data.ts'
import { withinImageLimits } from '../image/image-quota.ts'
import { commit, guard, type Write } from '../line/commit.ts'
import { addressFault } from './address.ts'
import type { StoreCloud } from './copying.ts'
import { failure, whyFailed } from './outcome.ts'
import { OWN_STORE } from './stores.ts'
import { importDue, settled } from './turn.ts'

/** How an import is asked for. */
export interface ImportWish {
  type: ImageTask['type']
  /** As it came, for the task. */
  input: Record<string, unknown>
  /** Where copies are wanted, besides the store of the broker. */
  to: StoreCloud[]
  /** Whether one that cannot be made is a failure of the whole. */
  all: boolean
}

const taskFor = (context: Context, image: ImageRead, { type, input }: ImportWish): ImageTask => {
  const now = context.now()
  return {
    id: context.newId(),
    imageId: image.id,
    projectId: image.projectId!,
    userId: context.caller?.userId ?? '',
    requestId: context.requestId,
    ...{ type, input, status: 'pending', result: null, message: '' },
    ...{ work: null as ImportWork | null, dueAt: null, leaseUntil: 0, fence: 0 },
    ...{ createdAt: now, updatedAt: now, expiresAt: null },
  }
}

/** Writes that let a task begin: one at a time for an image, so many for a project. Guards: `task-open`, `tasks-full`. */
const admission = (context: Context, { imageId, projectId }: ImageTask): Write[] => [
  guard(context, 'task-open', taskOpen(imageId)),
  makeRoomForTask(context.db, projectId),
  guard(context, 'tasks-full', tasksFull(projectId)),
]

const refuseForeign = (context: Context, image: ImageRead): void => {
  if (!mayChange(context, image)) throw new ImageRefused({ kind: 'foreign', projectId: image.projectId })
  if (!context.blobs) throw new ImageRefused({ kind: 'no-store' })
}

const entry = (image: ImageRead, { id }: ImageTask) => ({
  ...{ action: 'import.begin', kind: 'image', resourceId: image.id },
  detail: { task: id },
})

/**
 * Has an image fetched from an address, after the answer, however often it breaks off. Throws `ImageRefused` (`formats`,
 * `transition`, `foreign`, `no-store`), `Refused` (guards `image-moved`, `task-open`, `tasks-full`, quota).
 */
export const importFrom = async (
  context: Context,
  image: ImageRead,
  url: string,
  wish: ImportWish,
): Promise<ImageTask> => {
  refuseForeign(context, image)
  if (image.status !== 'queued') throw new ImageRefused({ kind: 'transition', from: image.status, to: 'importing' })
  refuseWithoutFormats(image)
  const to = wish.to.map(({ id, name }) => ({ id, name }))
  const begun = { parts: [], done: 0, total: null, validator: null, failures: 0 }
  const work: FetchWork = { kind: 'fetch', url, blob: `${image.id}.${context.newId()}`, ...begun, to, all: wish.all }
  const task = { ...taskFor(context, image, wish), work, dueAt: context.now() }
  const left = [OWN_STORE, ...to.map(({ name }) => name)]
  await commit(context, entry(image, task), [
    guard(context, 'image-moved', imageMoved(image.id, image.updatedAt)),
    ...withinImageLimits(context, image.projectId!, { image_count_uploading: 1 }, image.id),
    updateImage(context.db, image.id, {
      status: 'importing',
      updatedAt: Math.max(context.now(), image.updatedAt + 1),
    }),
    tellStores(context.db, image.id, { left, failed: [] }, context.now()),
    ...admission(context, task),
    insertTask(context.db, task),
  ])
  context.defer(() => importDue(context))
  return task
}

/** Why nothing is fetched from an address, as a sentence; null: it may be. */
export const importFault = addressFault

/** Makes an image of what was staged for it; that it is something else than the image says is for the task to say. Throws as `importStaged`. */
export const importDirect = async (context: Context, image: ImageRead, wish: ImportWish): Promise<ImageTask> => {
  const task = taskFor(context, image, wish)
  const staged = async (writes: Write[]) => {
    await commit(context, entry(image, task), [insertTask(context.db, task), ...writes])
    context.defer(() => importDue(context))
    return task
  }
  let row: Awaited<ReturnType<typeof importStaged>>
  try {
    row = await importStaged(context, image, admission(context, task))
  } catch (error) {
    if (!(error instanceof ImageRefused && error.refusal.kind === 'mismatch')) throw error
    const failed = [OWN_STORE, ...wish.to.map(({ name }) => name)]
    return staged(failure(context, task, whyFailed(error)!, failed))
  }
  return staged(await settled(context, task, row, wish.to, wish.all))
}

/** Copies the data of an image to clouds beforehand, so that the first boot there is quick. Throws `ImageRefused` (`foreign`, `no-store`, `nothing-to-copy`). */
export const copyImage = async (context: Context, image: ImageRead, wish: ImportWish): Promise<ImageTask> => {
  refuseForeign(context, image)
  if (!image.blob) throw new ImageRefused({ kind: 'nothing-to-copy' })
  const task = taskFor(context, image, wish)
  await commit(context, entry(image, task), [
    ...admission(context, task),
    insertTask(context.db, task),
    ...(await settled(context, task, image, wish.to, wish.all)),
  ])
  context.defer(() => importDue(context))
  return task
}
