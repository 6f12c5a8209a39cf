import { giveImport, type ImageTask, saveTask, taskLost, tellStores } from '../../../db/queries/image/tasks.ts'
import type { Context } from '../../context.ts'
import { ImageRefused } from '../image/image.ts'
import { over } from '../image/image-tasks.ts'
import { commit, guard, type Write } from '../line/commit.ts'
import { Refused } from '../line/refused.ts'
import { ImportFailed } from './address.ts'

/** Writes by which an import has come to nothing: its image waits for data again, and its task says why. */
export const failure = (context: Context, task: ImageTask, message: string, failed: string[]): Write[] => [
  giveImport(context.db, task.imageId, context.now()),
  tellStores(context.db, task.imageId, { left: [], failed }, context.now()),
  saveTask(context.db, task, over(context, { status: 'failure', message })),
]

/** The same at once. False: somebody else has the task by now. */
export const fail = async (context: Context, task: ImageTask, message: string, failed: string[]): Promise<boolean> => {
  const entry = { action: 'import.failed', kind: 'image', resourceId: task.imageId, detail: { task: task.id } }
  try {
    await commit(context, entry, [
      guard(context, 'task-lost', taskLost(task)),
      ...failure(context, task, message, failed),
    ])
    return true
  } catch (error) {
    if (!isLost(error)) throw error
    return false
  }
}

/** Whether a batch was refused because somebody else has the task by now. */
export const isLost = (error: unknown): boolean =>
  error instanceof Refused && error.refusal.kind === 'guard' && error.refusal.what === 'task-lost'

/** Why an import came to nothing, as a sentence; null: for no reason of its own. */
export const whyFailed = (error: unknown): string | null => {
  if (error instanceof ImportFailed) return error.message
  if (error instanceof Refused) {
    if (error.refusal.kind === 'quota') return `The limit ${error.refusal.resource} of the project is reached.`
    return error.refusal.kind === 'guard' ? 'The image was changed or deleted meanwhile.' : null
  }
  if (!(error instanceof ImageRefused)) return null
  const { refusal } = error
  switch (refusal.kind) {
    case 'mismatch':
      return refusal.reason
    case 'too-large':
      return `The image is larger than ${refusal.limit} bytes.`
    case 'full':
      return 'There is no space left for image data.'
    case 'vanished':
      return 'The image was changed or deleted meanwhile.'
    case 'no-store':
      return 'There is no place for image data here.'
    default:
      return 'The data ended before all of it was there.'
  }
}
