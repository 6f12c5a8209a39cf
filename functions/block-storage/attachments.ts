import {
  ATTACHMENT_SORT,
  type AttachmentRead,
  attachmentById,
  listAttachments,
} from '../../db/queries/block-storage/attachments.ts'
import { notFound, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { allowedFilters, sliceOf } from './listing.ts'
import { listScope, pursue } from './routes.ts'
import { time } from './shapes.ts'

const SINCE = 27

const summary = (a: AttachmentRead) => ({
  id: a.id,
  status: a.status === 'error' ? 'error_attaching' : a.status,
  instance: a.serverId,
  volume_id: a.volumeId,
})
const fullView = (a: AttachmentRead) => ({
  ...summary(a),
  attached_at: time(a.attachedAt) ?? '',
  detached_at: '',
  attach_mode: 'rw',
  // The cloud connects the disk itself; nobody else could.
  connection_info: {},
})

const pursueAttachments = ({ context }: Input, rows: AttachmentRead[]): void =>
  pursue(
    context,
    rows.flatMap(({ id, cloudId, dueAt }) =>
      cloudId ? [{ kind: 'attachment' as const, resourceId: id, cloudId, scope: '', dueAt }] : [],
    ),
  )

const noAttachment = (id: string) =>
  notFound(`Volume attachment could not be found with filter: attachment_id = ${id}.`)

const list = (view: (a: AttachmentRead) => unknown) => async (input: Input) => {
  const { context, query } = input
  const { volume_id, instance_id, status, attach_status } = allowedFilters(input, 'attachment')
  const filter = { volumeId: volume_id, serverId: instance_id, status: status ?? attach_status }
  const rows = await listAttachments(context.db, listScope(context, query), filter, sliceOf(query, ATTACHMENT_SORT))
  if (!rows) throw noAttachment(query.marker!)
  pursueAttachments(input, rows)
  return { body: { attachments: rows.map(view) } }
}

const refused = (name: string, method: Operation['method'], path: string, since = SINCE) =>
  operation({
    name,
    method,
    path,
    who: 'member',
    summary: 'Refused: the compute API attaches volumes.',
    status: 200,
    since,
    handle: () => {
      throw notImplemented(
        'Volumes are attached and detached by the compute API (os-volume_attachments): the cloud connects them itself, nobody else can.',
      )
    },
  })

/** https://docs.openstack.org/api-ref/block-storage/v3/#attachments-attachments */
export const attachmentOperations: Operation[] = [
  operation({
    name: 'attachment.list',
    method: 'GET',
    path: '/attachments',
    who: 'reader',
    summary: 'Volumes in servers.',
    status: 200,
    since: SINCE,
    handle: list(summary),
  }),
  operation({
    name: 'attachment.list_detail',
    method: 'GET',
    path: '/attachments/detail',
    who: 'reader',
    summary: 'Volumes in servers, in full.',
    status: 200,
    since: SINCE,
    handle: list(fullView),
  }),
  operation({
    name: 'attachment.show',
    method: 'GET',
    path: '/attachments/:id',
    who: 'reader',
    summary: 'One attachment.',
    status: 200,
    since: SINCE,
    handle: async (input) => {
      const { context, params } = input
      const attachment = await attachmentById(context.db, context.scope, params.id!)
      if (!attachment) throw noAttachment(params.id!)
      pursueAttachments(input, [attachment])
      return { body: { attachment: fullView(attachment) } }
    },
  }),
  refused('attachment.create', 'POST', '/attachments'),
  refused('attachment.update', 'PUT', '/attachments/:id'),
  refused('attachment.delete', 'DELETE', '/attachments/:id'),
  refused('attachment.complete', 'POST', '/attachments/:id/action', 44),
]
