import { either } from '../../../db/conditions.ts'
import type { ServerRow } from '../../../db/queries/compute/servers.ts'
import { backupsBeyond, imageStays, rotateAway } from '../../../db/queries/image/backups.ts'
import type { ImageRow } from '../../../db/queries/image/images.ts'
import { imageAwaited } from '../../../db/queries/line/awaited.ts'
import type { Context } from '../../context.ts'
import { commit, type Write } from '../line/commit.ts'
import { withdrawn } from '../line/resources.ts'
import { createServerImage } from './image.ts'

/** On a backup: how many of its kind there are to be once it is there. */
const ROTATION = 'plimsoll:rotation'

export interface BackupWish {
  name: string
  /** Backups of a server rotate among those of one type. */
  type: string
  /** So many are kept, this one among them. */
  rotation: number
  metadata: Record<string, string>
}

/**
 * Makes an image of a server that takes the place of an older one: what is beyond the rotation goes in the moment in which
 * the new one is there, so that one that fails costs none. A rotation of 0 makes nothing and takes all; null: no image.
 */
export const createBackup = async (
  context: Context,
  server: ServerRow,
  { name, type, rotation, metadata }: BackupWish,
  also: Write[],
): Promise<string | null> => {
  if (rotation > 0)
    return createServerImage(
      context,
      server,
      name,
      { ...metadata, image_type: 'backup', backup_type: type, [ROTATION]: String(rotation) },
      also,
    )
  const all = { serverId: server.id, projectId: server.projectId, type }
  // A request that is repeated writes nothing again: what then does not go is no reason to go on.
  for (let last = ''; ; ) {
    const some = await backupsBeyond(context.db, all, 0)
    const newest = some[0]?.id ?? ''
    if (newest === last || newest === '') return null
    last = newest
    await commit(context, { action: 'rotate', kind: 'server', resourceId: server.id, detail: { type } }, [
      ...rotateOut(context, some),
    ])
  }
}

/** What goes when an image is there that is one of a rotation: nothing for all others. */
export const rotatedOut = async ({ db }: Pick<Context, 'db'>, image: ImageRow): Promise<ImageRow[]> => {
  const { image_type, backup_type: type, [ROTATION]: rotation } = image.properties
  const making = image.status === 'queued' || image.status === 'saving'
  const kept = Number(rotation) - 1
  if (!making || image_type !== 'backup' || type === undefined || !image.serverId || !image.projectId || !(kept >= 0))
    return []
  return backupsBeyond(db, { serverId: image.serverId, projectId: image.projectId, type }, kept)
}

/** Writes with which it goes, unless it may not go any more. */
export const rotateOut = (context: Context, surplus: ImageRow[]): Write[] =>
  surplus.flatMap((image) => [
    rotateAway(context.db, image, context.now()),
    ...withdrawn(context, 'image', image.id, either(imageStays(image.id), imageAwaited(image.id))),
  ])
