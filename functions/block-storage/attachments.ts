import * as z from 'zod'
import {
  ATTACHMENT_SORT,
  type AttachmentRead,
  attachmentById,
  listAttachments,
} from '../../db/queries/block-storage/attachments.ts'
import { giveBack, keepForAttachment } from '../broker/block-storage/reserve.ts'
import { volumeFor } from '../broker/block-storage/volume.ts'
import { notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { attachTo, detach, mode, noConnector, refuseReadonly } from './into-server.ts'
import { allowedFilters, sliceOf } from './listing.ts'
import { invalidVolume, noVolume, whenStatus } from './refusals.ts'
import { listScope, pursue } from './routes.ts'
import { time, uuid } from './shapes.ts'

const SINCE = 27

const summary = (a: AttachmentRead) => ({
  id: a.id,
  status: a.status === 'error' ? 'error_attaching' : a.status,
  instance: a.serverId || null,
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

const attachmentOf = async ({ context, params }: Pick<Input, 'context' | 'params'>): Promise<AttachmentRead> => {
  const attachment = await attachmentById(context.db, context.scope, params.id!)
  if (!attachment) throw noAttachment(params.id!)
  return attachment
}

const connector = z.record(z.string(), z.unknown()).nullish()

type Create = {
  attachment: { volume_uuid: string; instance_uuid?: string; connector?: object | null; mode?: 'rw' | 'ro' | null }
}
const createBody = (version: number) =>
  z.strictObject({
    attachment: z.strictObject({
      volume_uuid: uuid,
      instance_uuid: uuid.nullish(),
      connector,
      ...(version >= 54 ? { mode } : {}),
    }),
  }) as unknown as z.ZodType<Create>

/** With Cinder it is only kept, for a host to connect. Here that is so where no server is named; where one is, the cloud connects it. */
const create = async (input: Input<Create>) => {
  const { context, body } = input
  const { volume_uuid, instance_uuid: serverId, connector: host, mode: asked } = body.attachment
  if (host && Object.keys(host).length) throw noConnector()
  refuseReadonly(asked)
  const volume = await volumeFor(context, volume_uuid)
  if (!volume) throw noVolume(volume_uuid)
  const row = await (serverId
    ? attachTo(context, volume, { serverId, device: null })
    : keepForAttachment(context, volume))
  return { body: { attachment: fullView({ ...row, cloudId: null, dueAt: null }) } }
}

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
      const attachment = await attachmentOf(input)
      pursueAttachments(input, [attachment])
      return { body: { attachment: fullView(attachment) } }
    },
  }),
  operation<Create>({
    name: 'attachment.create',
    method: 'POST',
    path: '/attachments',
    who: 'member',
    summary:
      'Puts a volume into a server, as the compute API does, or keeps it, in no server, until the attachment is deleted; a connector of a host is refused.',
    status: 200,
    since: SINCE,
    body: createBody,
    handle: create,
    refuse: whenStatus(({ status }, { body }) =>
      invalidVolume(
        `Volume ${body.attachment.volume_uuid} status must be available or downloading to reserve, but the current status is ${status}.`,
      ),
    ),
  }),
  operation({
    name: 'attachment.update',
    method: 'PUT',
    path: '/attachments/:id',
    who: 'member',
    summary: 'Refused: the cloud connects the disk itself, and a connector of a host has nothing to connect to.',
    status: 200,
    since: SINCE,
    body: z.strictObject({
      attachment: z.strictObject({ connector: z.record(z.string(), z.unknown()), mode }),
    }),
    handle: async (input) => {
      await attachmentOf(input)
      throw noConnector()
    },
  }),
  operation({
    name: 'attachment.delete',
    method: 'DELETE',
    path: '/attachments/:id',
    who: 'member',
    summary: 'Takes a volume out of its server, as the compute API does, or gives back what was kept.',
    status: 200,
    since: SINCE,
    handle: async (input) => {
      const attachment = await attachmentOf(input)
      if (attachment.status === 'reserved') {
        await giveBack(input.context, attachment)
        return { body: { attachments: [] } }
      }
      await detach(input.context, attachment)
      return { body: { attachments: [summary({ ...attachment, status: 'detaching' })] } }
    },
    refuse: whenStatus(({ status }) => invalidVolume(`its attachment is ${status}, and not attached.`)),
  }),
  operation({
    name: 'attachment.complete',
    method: 'POST',
    path: '/attachments/:id/action',
    who: 'member',
    summary:
      'Says that a host has connected the disk. The cloud does, and says so itself: nothing is left to do, unless it failed.',
    status: 204,
    since: 44,
    body: z.strictObject({ 'os-complete': z.unknown() }),
    handle: async (input) => {
      const attachment = await attachmentOf(input)
      pursueAttachments(input, [attachment])
      if (!['attaching', 'attached'].includes(attachment.status))
        throw invalidVolume(`its attachment is ${attachment.status}.`)
      return {}
    },
  }),
]
