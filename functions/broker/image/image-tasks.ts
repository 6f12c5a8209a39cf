import { endTasks, type ImageTask } from '../../../db/queries/image/tasks.ts'
import type { FetchWork } from '../../../db/schema/index.ts'
import type { BlobStore, Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'

/** How long a task that is over can be read: `task_time_to_live` of Glance. */
const KEPT = 48 * 3_600_000

/** What a task is once it is over. */
export const over = (
  context: Pick<Context, 'now'>,
  how: Pick<ImageTask, 'status' | 'message'> & { result?: Record<string, unknown> },
): Partial<ImageTask> => {
  const now = context.now()
  return {
    result: null,
    ...how,
    ...{ work: null, dueAt: null, leaseUntil: 0, updatedAt: now, expiresAt: now + KEPT },
  }
}

/** Write: nothing more is done for an image, by whoever is at it. */
export const endImageTasks = (context: Context, image: string, message: string): Write => {
  const now = context.now()
  return endTasks(context.db, image, { message, now, expiresAt: now + KEPT })
}

/** What was fetched goes, wherever it came to. */
export const dropParts = async (store: BlobStore, { blob, parts }: FetchWork): Promise<void> => {
  for (const part of parts) await store.remove(`${blob}.${part}`).catch(() => {})
}
