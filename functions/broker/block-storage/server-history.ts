import {
  type AttachmentRow,
  finishAction,
  insertAction,
  type NewAction,
} from '../../../db/queries/block-storage/attachments.ts'
import type { Context } from '../../context.ts'
import type { Write } from '../line/commit.ts'

/* What happens to a volume is told in the history of its server, as Nova tells it. */

/** Statement: an entry in a server's history for work on one of its volumes, which that work ends. */
export const noteAction = (
  context: Context,
  server: { id: string; projectId: string },
  action: Exclude<NewAction['action'], 'createImage'>,
  volumeId: string,
): Write =>
  insertAction(context.db, {
    serverId: server.id,
    projectId: server.projectId,
    userId: context.caller?.userId ?? '',
    requestId: context.requestId,
    action,
    args: { volume_id: volumeId },
    now: context.now(),
  })

/** Statements: the server that has a volume, if one has, is told that it grows. */
export const noteExtension = (context: Context, attachment: AttachmentRow | null): Write[] =>
  attachment?.status === 'attached'
    ? [noteAction(context, { ...attachment, id: attachment.serverId }, 'extend_volume', attachment.volumeId)]
    : []

/** Statements: the volume of an attachment, if there is one, has grown, or (`failed`: why) has not. */
export const endExtension = (
  context: Pick<Context, 'db' | 'now'>,
  attachment: Pick<AttachmentRow, 'serverId' | 'volumeId'> | null,
  failed?: string,
): Write[] =>
  attachment
    ? [
        finishAction(context.db, 'extend_volume', attachment.serverId, attachment.volumeId, {
          failed,
          now: context.now(),
        }),
      ]
    : []
