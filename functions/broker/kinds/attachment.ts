import type { AttachmentSeen, AttachmentSpec } from '../../../adapters/contract.ts'
import {
  attachmentWork,
  deleteAttachments,
  finishAction,
  stillWanted,
  updateAttachment,
} from '../../../db/queries/block-storage/attachments.ts'
import { moveVolumes } from '../../../db/queries/block-storage/volumes.ts'
import type { Context } from '../../context.ts'
import { endExtension } from '../block-storage/server-history.ts'
import type { Write } from '../line/commit.ts'
import { unwanted } from '../line/resources.ts'
import { type Need, steps } from '../line/steps.ts'

type Row = NonNullable<Awaited<ReturnType<typeof attachmentWork>>>

const server = ({ attachment: a }: Row): Need => ({ kind: 'server', resourceId: a.serverId, projectId: a.projectId })
const volume = ({ attachment: a }: Row): Need => ({ kind: 'volume', resourceId: a.volumeId, projectId: a.projectId })

/** The volume is free again and the attachment a matter of the past. */
const freed = (context: Context, { attachment: a }: Row, failed?: string): Write[] => {
  const now = context.now()
  // As Nova cleans up after a server that could not be built.
  const kept = failed !== undefined && a.deleteOnTermination ? stillWanted(a) : null
  return [
    deleteAttachments(context.db, [a.id]),
    moveVolumes(context.db, [a.volumeId], ['reserved', 'attaching', 'in-use', 'detaching'], 'available', now),
    finishAction(context.db, 'attach_volume', a.serverId, a.volumeId, {
      failed: failed ?? 'The attachment was undone.',
      now,
    }),
    finishAction(context.db, 'detach_volume', a.serverId, a.volumeId, { now }),
    ...endExtension(context, a, 'The volume was taken out.'),
    ...(kept
      ? [
          unwanted(context, 'volume', a.volumeId, kept),
          moveVolumes(context.db, [a.volumeId], ['creating', 'available', 'error'], 'deleting', now, kept),
        ]
      : []),
  ]
}

/** A volume in a server. The row says how far it is; the volume's status follows it. */
export const attachmentSteps = steps<Row, AttachmentSpec, AttachmentSeen>({
  kind: 'attachment',
  realm: (cloud) => cloud.attachment,
  load: (context, { resourceId }) => attachmentWork(context.db, resourceId),
  needs: (_, row) => [server(row), volume(row)],
  spec: (_, row, __, native) => ({
    server: native(server(row)),
    volume: native(volume(row)),
    device: row.attachment.device,
    ...(row.attachment.bootIndex === 0 ? { boot: true } : {}),
  }),

  observe({ db, now }, { attachment: a, volumeStatus }, binding, seen) {
    if (binding.want === 'absent' || a.status === 'attached' || a.status === 'detaching') return []
    if (seen.health === 'pending')
      return volumeStatus === 'reserved' ? [moveVolumes(db, [a.volumeId], ['reserved'], 'attaching', now())] : []
    if (seen.health !== 'ready') return []
    return [
      updateAttachment(db, a.id, { status: 'attached', device: seen.device ?? a.device, attachedAt: now() }),
      moveVolumes(db, [a.volumeId], ['reserved', 'attaching', 'available'], 'in-use', now()),
      finishAction(db, 'attach_volume', a.serverId, a.volumeId, { now: now() }),
    ]
  },

  // It was refused, or somebody took the volume out behind our back: either way nothing holds it any more.
  failed: (context, row, _, error) =>
    row.exchanged ? [] : [...freed(context, row, error.message), unwanted(context, 'attachment', row.attachment.id)],

  gone: (context, row) => (row ? freed(context, row) : []),
})
