import { type ImageRow, imageById, updateImage, uploadLost } from '../../../db/queries/image/images.ts'
import {
  claimTask,
  type ImageTask,
  keepTask,
  leavePlace,
  placeImport,
  saveTask,
  taskById,
  taskDueAt,
  taskLost,
} from '../../../db/queries/image/tasks.ts'
import type { FetchWork } from '../../../db/schema/index.ts'
import { everyProject } from '../../../db/scope.ts'
import type { BlobStore, Context } from '../../context.ts'
import { Meter } from '../image/image-meter.ts'
import { roomFor, withinImageLimits } from '../image/image-quota.ts'
import { dropParts, over } from '../image/image-tasks.ts'
import { commit, guard, type Write, withoutKey } from '../line/commit.ts'
import { ImportFailed } from './address.ts'
import { copies, copyWork, watchCopies } from './copying.ts'
import { beating, fetchMore, joined, LEASE, TaskLost } from './fetching.ts'
import { fail, isLost, whyFailed } from './outcome.ts'
import { storeClouds } from './stores.ts'

/** So many tasks are taken in one round; what is left is the next one's. */
const AT_ONCE = 8

/**
 * Goes on with imports whose time has come, each after the answer or the round that found it. Any number of processes may,
 * and any may die: a task is one's as long as it says so, and what was fetched is there for the next.
 */
export const importDue = async (context: Context): Promise<void> => {
  const now = context.now()
  const due = await taskDueAt(context.db)
  if (due === null || due > now) return
  const background = { ...withoutKey(context), caller: null, scope: everyProject }
  const { importPool: pool } = context
  for (let taken = 0; taken < AT_ONCE; taken++) {
    const but = pool.crowded
    if (but === null || but.length) pool.wait()
    const task = await claimTask(context.db, { now, until: now + LEASE, but })
    if (!task) return
    if (task.work?.kind !== 'fetch') context.defer(() => turn(background, task))
    else if (pool.enter(task.projectId)) context.defer(() => pooled(background, task))
    // Another round of this process took the last place meanwhile.
    else await keepTask(context.db, task, { leaseUntil: 0 })
  }
}

/** A turn that holds a place, which goes to whoever waits for one. */
const pooled = async (context: Context, task: ImageTask): Promise<void> => {
  try {
    await turn(context, task)
  } finally {
    if (context.importPool.leave(task.projectId)) context.defer(() => importDue(context))
  }
}

/** One turn of a task. */
const turn = async (context: Context, task: ImageTask): Promise<void> => {
  const { work } = task
  try {
    if (work?.kind === 'copy') await watchCopies(context, task, work)
    else if (work) await fetchImage(context, task, work)
  } catch (error) {
    if (error instanceof TaskLost || isLost(error)) return await leaveNothing(context, task)
    const why = whyFailed(error)
    if (why === null) {
      // A defect, or a store that does not answer: the next turn tries again, a day long.
      const tired = context.now() - task.createdAt > 86_400_000
      context.log('error', 'an import failed', {
        task: task.id,
        error: error instanceof Error ? error.stack : String(error),
      })
      if (!tired) {
        const kept = await keepTask(context.db, task, { dueAt: context.now() + 60_000, leaseUntil: 0 })
        return kept ? undefined : await leaveNothing(context, task)
      }
    }
    const left = work?.kind === 'fetch' && context.blobs ? await partsNow(context, task, work) : null
    const failed = work ? ['plimsoll', ...work.to.map(({ name }) => name)] : []
    if (!(await fail(context, task, why ?? 'It could not be brought here within a day.', failed)))
      return await leaveNothing(context, task)
    if (left) await dropParts(context.blobs!, left)
  }
}

/** Drops what was fetched for a task that ended meanwhile; what somebody else goes on with is his. */
const leaveNothing = async ({ db, blobs }: Context, { id }: ImageTask): Promise<void> => {
  const task = await taskById(db, everyProject, id)
  if (blobs && task?.work?.kind === 'fetch' && task.expiresAt !== null) await dropParts(blobs, task.work)
}

/** As the task has them by now: a turn writes down more than it began with. */
const partsNow = async ({ db }: Context, { id }: ImageTask, work: FetchWork): Promise<FetchWork> => {
  const task = await taskById(db, everyProject, id)
  return task?.work?.kind === 'fetch' ? task.work : work
}

const fetchImage = async (context: Context, task: ImageTask, work: FetchWork): Promise<void> => {
  const { blobs, db } = context
  if (!blobs) throw new ImportFailed('There is no place for image data here.')
  const image = await imageById(db, task.imageId)
  if (image?.status !== 'importing') throw new ImportFailed('The image was changed or deleted meanwhile.')
  const room = async () => {
    const limits = ['image_size_total', 'image_stage_total'] as const
    return Math.min(...(await Promise.all(limits.map((each) => roomFor(context, task.projectId, each, image.id)))))
  }
  const fetched = await fetchMore(context, blobs, task, work, room)
  if (!fetched.there) return
  await assemble(context, blobs, task, image, fetched.work)
  await dropParts(blobs, fetched.work)
}

/** Makes the image of all that was fetched: looked at, counted and hashed as an upload is. */
const assemble = async (
  context: Context,
  blobs: BlobStore,
  task: ImageTask,
  image: ImageRow,
  work: FetchWork,
): Promise<void> => {
  const { db } = context
  const key = `${image.id}.${context.newId()}`
  await db.batch([placeImport(db, image.id, key, context.now())])
  const limit = 'image_size_total'
  const room = { bytes: await roomFor(context, task.projectId, limit, image.id), limit } as const
  let unread: unknown = null
  const data = joined(blobs, work, beating(context, task), (error) => {
    unread = error
  })
  const meter = new Meter(context, image, { data, length: work.done, staged: false }, key, room)
  try {
    await blobs.write(key, meter.through(data))
    const found = meter.end()
    const active = { ...image, ...found, blob: key, status: 'active' as const }
    const after = await afterwards(context, task, active, work)
    await commit(context, { action: 'import', kind: 'image', resourceId: image.id, detail: { task: task.id } }, [
      guard(context, 'task-lost', taskLost(task)),
      guard(context, 'upload-lost', uploadLost(image.id, key)),
      ...withinImageLimits(context, task.projectId, { [limit]: found.sizeBytes ?? 0 }, image.id),
      updateImage(db, image.id, {
        ...found,
        status: 'active',
        updatedAt: Math.max(context.now(), image.updatedAt + 1),
      }),
      ...after,
    ])
  } catch (error) {
    // It may be active though the answer of the database was lost.
    if (!(await leavePlace(db, image.id, key))) return
    await blobs.remove(key).catch(() => {})
    // What the meter says of data that break off is not why they did.
    throw unread ?? meter.fault ?? error
  }
}

/** Writes by which a task is over, or waits for the copies that were asked for too. */
const afterwards = async (context: Context, task: ImageTask, image: ImageRow, work: FetchWork): Promise<Write[]> => {
  const ids = work.to.map(({ id }) => id)
  const clouds = (await storeClouds(context, task.projectId)).filter(({ id }) => ids.includes(id))
  return settled(context, task, image, clouds, work.all)
}

/** The same of an image whose data is there. */
export const settled = async (
  context: Context,
  task: ImageTask,
  image: ImageRow,
  clouds: Awaited<ReturnType<typeof storeClouds>>,
  all: boolean,
): Promise<Write[]> => {
  const work = await copyWork(context, image, clouds, all)
  const now = context.now()
  const set: Partial<ImageTask> = clouds.length
    ? { work, status: 'processing', dueAt: now, leaseUntil: 0, updatedAt: now }
    : over(context, { status: 'success', message: '', result: { image_id: image.id } })
  return [...copies(context, image, work), saveTask(context.db, task, set)]
}
