import { deleteMessage, insertMessage, type MessageRow } from '../../../db/queries/block-storage/messages.ts'
import type { Context } from '../../context.ts'
import { commit, type Write } from '../line/commit.ts'

/** What a user is told: what was tried, and why it came to nothing, each with its number (cinder/message/message_field.py). */
export interface Told {
  event: string
  action: string
  detail: string
}

/** No pool is as the volume's type asks. */
export const NOWHERE: Told = {
  event: '001_003',
  action: 'schedule allocate volume',
  detail: 'Could not find any available weighted backend.',
}
/** Its cloud could not make a volume, and says why. */
export const notMade = (detail: string): Told => ({
  event: '008_001',
  action: 'create volume from backend storage',
  detail,
})
/** Its cloud could not make a volume larger. */
export const notExtended = (detail: string): Told => ({ event: '007_001', action: 'extend volume', detail })
/** Its cloud could not make it a volume of another type. Cinder has no message of that: it is told as what its back end could not do. */
export const notRetyped = (detail: string): Told => ({ event: '008_001', action: 'retype volume', detail })
/** Its cloud could not make a snapshot. */
export const noSnapshotMade = (detail: string): Told => ({ event: '009_001', action: 'create snapshot', detail })

const ANEW = {
  revert: { event: '018_001', action: 'revert volume to snapshot' },
  reimage: { event: '016_001', action: 'reimage volume' },
  restore: { event: '015_001', action: 'restore backup' },
}
/** A volume was to be written anew. */
export const notRewritten = (what: keyof typeof ANEW, detail: string): Told => ({ ...ANEW[what], detail })
/** Its cloud could not make a backup. */
export const noBackupMade = (detail: string): Told => ({ event: '013_001', action: 'create backup', detail })

/** Cinder's `message_ttl`: 30 days. */
const KEPT = 30 * 86_400_000

/** Statement: users of the project find a message about a volume, or another kind of resource. */
export const tellUser = (
  context: Context,
  { id, projectId }: { id: string; projectId: string },
  { event, action, detail }: Told,
  type = 'VOLUME',
): Write =>
  insertMessage(context.db, {
    id: context.newId(),
    projectId,
    requestId: context.requestId,
    resourceType: type,
    resourceId: id,
    eventId: `VOLUME_${type}_${event}`,
    message: `${action}:${detail}`,
    createdAt: context.now(),
    expiresAt: context.now() + KEPT,
  })

/** A message that was read, or need not be. */
export const removeMessage = (context: Context, { id }: MessageRow): Promise<void> =>
  commit(context, { action: 'delete', kind: 'message', resourceId: id }, [deleteMessage(context.db, id)])
