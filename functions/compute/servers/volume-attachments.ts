import * as z from 'zod'
import { type AttachmentRow, attachmentBetween, attachmentsOf } from '../../../db/queries/block-storage/attachments.ts'
import { attachmentsIn } from '../../../db/queries/compute/server-parts.ts'
import { attachVolume, detachVolume, keepVolume, nextDevice } from '../../broker/block-storage/attachment.ts'
import { volumeFor } from '../../broker/block-storage/volume.ts'
import { requireState } from '../../broker/compute/server-action.ts'
import { badRequest, conflict, forbidden, notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { boolean, query, text } from '../parameters.ts'
import { fieldsIf, perVersion, tag, uuid } from './fields.ts'
import { assertServer, serverOf } from './server.ts'

/** https://docs.openstack.org/api-ref/compute/#servers-with-volume-attachments-servers-os-volume-attachments */
const attachmentView = (a: AttachmentRow, version: number) => ({
  // Before attachments had ids of their own, the volume's was theirs.
  ...(version < 89 ? { id: a.volumeId } : {}),
  volumeId: a.volumeId,
  serverId: a.serverId,
  ...(a.device === null ? {} : { device: a.device }),
  ...(version >= 70 ? { tag: a.tag } : {}),
  ...(version >= 79 ? { delete_on_termination: a.deleteOnTermination } : {}),
  ...(version >= 89 ? { attachment_id: a.id, bdm_uuid: a.id } : {}),
})

const device = () =>
  text(0, 255)
    .regex(/(^\/dev\/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$/)
    .nullish()
const attach = perVersion((version) =>
  z.strictObject({
    volumeAttachment: z.strictObject({
      volumeId: uuid(),
      device: device(),
      ...fieldsIf(version >= 49, { tag: tag().optional() }),
      ...fieldsIf(version >= 79, { delete_on_termination: boolean().optional() }),
    }),
  }),
)

const change = perVersion((version) =>
  z.strictObject({
    volumeAttachment: z.strictObject({
      volumeId: uuid(),
      ...fieldsIf(version >= 85, {
        device: device(),
        tag: tag().optional(),
        delete_on_termination: boolean().optional(),
        serverId: uuid().optional(),
        id: uuid().optional(),
      }),
    }),
  }),
)

type Change = z.infer<ReturnType<typeof change>>

const notAttached = ({ id, volume }: Input['params']) => notFound(`Instance ${id} is not attached to volume ${volume}`)

const attachmentOf = async ({ context, params }: Pick<Input, 'context' | 'params'>) => {
  const { id, volume } = params
  const found = await attachmentBetween(context.db, context.scope, id!, volume!)
  if (!found || found.volumeId !== volume) throw notAttached(params)
  return found
}

const refuseChange = (asked: Change['volumeAttachment'], found: AttachmentRow): void => {
  const fixed = { id: found.volumeId, serverId: found.serverId, device: found.device, tag: found.tag }
  for (const [key, value] of Object.entries(fixed))
    if (asked[key as keyof typeof fixed] !== undefined && asked[key as keyof typeof fixed] !== value)
      throw badRequest(`The ${key} property is not mutable`)
}

export const volumeAttachmentOperations: Operation[] = [
  operation({
    name: 'volume-attachment.list',
    method: 'GET',
    path: '/servers/:id/os-volume_attachments',
    who: 'reader',
    summary: 'Volumes in a server.',
    status: 200,
    query: query(['limit', 'offset']),
    handle: async (input) => {
      const { context, params } = input
      const all = await attachmentsIn(context.db, context.scope, params.id!)
      if (!all.length) await assertServer(input)
      const [offset, limit] = [Number(input.query.offset ?? 0), Number(input.query.limit ?? 1000) || 1000]
      if (!Number.isInteger(offset) || !Number.isInteger(limit) || offset < 0 || limit < 0)
        throw badRequest('Invalid input for query parameters limit or offset.')
      const page = all.slice(offset, offset + limit)
      return { body: { volumeAttachments: page.map((each) => attachmentView(each, input.version)) } }
    },
  }),
  operation({
    name: 'volume-attachment.create',
    method: 'POST',
    path: '/servers/:id/os-volume_attachments',
    who: 'member',
    summary: 'Attaches a volume. The device is the cloud’s to choose; the list shows which it became.',
    status: 200,
    body: attach,
    handle: async (input) => {
      const { context, body, version } = input
      const asked = body.volumeAttachment
      const server = await serverOf(input)
      requireState(context, server, 'attach_volume')
      const volume = await volumeFor(context, asked.volumeId)
      if (!volume) throw notFound(`Volume ${asked.volumeId} could not be found.`)
      const before = await attachmentsOf(context.db, context.scope, server.id)
      const row = await attachVolume(context, server, volume, {
        device: asked.device ?? null,
        tag: asked.tag ?? null,
        deleteOnTermination: asked.delete_on_termination ?? false,
      })
      const others = before.filter(({ id }) => id !== row.id)
      // Nova names a device at once, and forgot to apply 2.89 to this answer: clients count on both.
      const shown = { ...row, device: await nextDevice(context, server, others, row.device) }
      return { body: { volumeAttachment: attachmentView(shown, Math.min(version, 88)) } }
    },
  }),
  operation({
    name: 'volume-attachment.show',
    method: 'GET',
    path: '/servers/:id/os-volume_attachments/:volume',
    who: 'reader',
    summary: 'One volume in a server, by the id of the volume.',
    status: 200,
    handle: async (input) => {
      const { context, params, version } = input
      const [found] = await attachmentsIn(context.db, context.scope, params.id!, params.volume!)
      if (found) return { body: { volumeAttachment: attachmentView(found, version) } }
      await assertServer(input)
      throw notAttached(params)
    },
  }),
  operation({
    name: 'volume-attachment.update',
    method: 'PUT',
    path: '/servers/:id/os-volume_attachments/:volume',
    who: 'member',
    summary: 'Changes delete_on_termination (2.85). Volumes are not swapped: no cloud does that.',
    status: 202,
    body: change,
    handle: async (input) => {
      const { context, body, version, params } = input
      const asked = body.volumeAttachment
      if (version < 85 && !context.caller?.isAdmin)
        throw forbidden("Policy doesn't allow os_compute_api:os-volumes-attachments:swap to be performed.")
      await serverOf(input)
      const found = await attachmentOf(input)
      if (version < 85 || asked.volumeId !== params.volume)
        throw conflict(`volume ${params.volume} is not migrating; this API should only be called by Cinder`)
      refuseChange(asked, found)
      if (asked.delete_on_termination !== undefined) await keepVolume(context, found, asked.delete_on_termination)
      return {}
    },
  }),
  operation({
    name: 'volume-attachment.delete',
    method: 'DELETE',
    path: '/servers/:id/os-volume_attachments/:volume',
    who: 'member',
    summary: 'Detaches a volume. It is gone from the list when the cloud has let go.',
    status: 202,
    handle: async (input) => {
      const { context } = input
      const server = await serverOf(input)
      const found = await attachmentOf(input)
      if (found.bootIndex === 0) throw badRequest('Cannot detach a root device volume')
      requireState(context, server, 'detach_volume')
      await detachVolume(context, server, found)
      return {}
    },
  }),
]
