import { table } from '../../../adapters/table.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import { type ImageTask, keepTask, saveTask, taskLost, tellStores } from '../../../db/queries/image/tasks.ts'
import { bindingsOf } from '../../../db/queries/line/bindings.ts'
import type { CopyWork } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { realiseImage, wayTo, whyUnconverted } from '../image/image-takers.ts'
import { over } from '../image/image-tasks.ts'
import { commit, guard, type Write } from '../line/commit.ts'

/** How soon to look again whether clouds have their copies, in milliseconds: the longer it has taken, the later. */
const PAUSE = { least: 2_000, share: 0.1, most: 300_000 }
/** How long they are waited for. */
const DAY = 86_400_000

/** A cloud that may be a store of an image. */
export interface StoreCloud {
  id: string
  name: string
  type: string
}

/** What is to be copied where, with what cannot be and why. */
export const copyWork = async (
  context: Context,
  image: ImageRow,
  clouds: StoreCloud[],
  all: boolean,
): Promise<CopyWork> => {
  const failed: Record<string, string> = table()
  for (const cloud of clouds)
    if (!(await wayTo(context, image, cloud))) failed[cloud.name] = whyUnconverted(context, image)
  return { kind: 'copy', all, to: clouds.map(({ id, name }) => ({ id, name })), failed, since: context.now() }
}

/** Writes by which clouds get a copy of an image, for its own project. */
export const copies = (context: Context, image: ImageRow, { to, failed }: CopyWork): Write[] => [
  ...to
    .filter(({ name }) => failed[name] === undefined)
    .flatMap(({ id }) => realiseImage(context, image, image.projectId ?? '', id)),
  tellStores(context.db, image.id, { left: to.map(({ name }) => name), failed: Object.keys(failed) }, context.now()),
]

/** Looks how far the clouds are; when each has said yes or no the task is over. */
export const watchCopies = async (context: Context, task: ImageTask, work: CopyWork): Promise<void> => {
  const bindings = await bindingsOf(context.db, task.imageId)
  const failed: Record<string, string> = table({ ...work.failed })
  const left: string[] = []
  const now = context.now()
  const waited = now - (work.since ?? task.createdAt)
  for (const { id, name } of work.to) {
    if (failed[name] !== undefined) continue
    const there = bindings.filter(
      (b) => b.kind === 'image' && b.cloudId === id && ['', task.projectId].includes(b.scope),
    )
    if (there.some(({ phase }) => phase === 'bound')) continue
    const broken = there.find(({ phase }) => phase === 'failed')
    const goesOn = there.some(({ phase }) => phase === 'intent' || phase === 'calling')
    if (goesOn && waited <= DAY) left.push(name)
    else if (goesOn) failed[name] = 'The cloud did not have its copy within a day.'
    else failed[name] = broken?.error?.message ?? 'The copy was taken back.'
  }
  const names = Object.keys(failed)
  const said = tellStores(context.db, task.imageId, { left, failed: names }, now)
  const entry = { action: 'import.copied', kind: 'image', resourceId: task.imageId, detail: { task: task.id } }
  const lost = guard(context, 'task-lost', taskLost(task))
  if (left.length) {
    const pause = Math.min(PAUSE.most, Math.max(PAUSE.least, Math.round(waited * PAUSE.share)))
    const set = { work: { ...work, failed }, dueAt: now + pause, leaseUntil: 0, updatedAt: now }
    await keepTask(context.db, task, set)
    return
  }
  const message = names.map((name) => `${name}: ${failed[name]}`).join(' ')
  const whole = names.length === 0 || (!work.all && names.length < work.to.length)
  const how = { status: whole ? ('success' as const) : ('failure' as const), message }
  const result = { image_id: task.imageId }
  await commit(context, entry, [lost, said, saveTask(context.db, task, over(context, { ...how, result }))])
}
