import { expiredForks, spentForkImages } from '../../../../db/queries/compute/forks.ts'
import { readImage } from '../../../../db/queries/image/images.ts'
import { everyProject } from '../../../../db/scope.ts'
import type { Context } from '../../../context.ts'
import { deleteImage } from '../../image/image.ts'
import { deleteServer } from '../server.ts'

/** So many are ended in one turn. */
const MOST = 50

/** Deletes forks whose time is up, as their users would, and the images that were only made for forks to boot from. */
export const endForks = async (context: Context): Promise<void> => {
  for (const server of await expiredForks(context.db, context.now(), MOST)) {
    if (server.locked) context.log('info', 'the time of a fork is up, and it is locked: it stays', { id: server.id })
    else await attempt(context, server.id, () => deleteServer(context, server))
  }
  for (const id of await spentForkImages(context.db, MOST)) {
    const image = await readImage(context.db, everyProject, id)
    if (image) await attempt(context, id, () => deleteImage(context, image))
  }
}

/** What stands in the way of one does not keep the others. */
const attempt = async (context: Context, id: string, end: () => Promise<void>): Promise<void> => {
  try {
    await end()
  } catch (error) {
    context.log('warn', 'a fork could not be ended', {
      id,
      reason: error instanceof Error ? error.message : String(error),
    })
  }
}
