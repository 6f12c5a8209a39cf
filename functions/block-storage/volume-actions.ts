import * as z from 'zod'
import { table } from '../../adapters/table.ts'
import { snapshotsOf } from '../../db/queries/block-storage/snapshots.ts'
import type { VolumeRead } from '../../db/queries/block-storage/volumes.ts'
import { release } from '../broker/adopt/release.ts'
import { beginDetaching, reserveVolume, rollDetaching, unreserveVolume } from '../broker/block-storage/reserve.ts'
import { retypeVolume } from '../broker/block-storage/retype.ts'
import { reimageVolume, revertVolume } from '../broker/block-storage/rewrite.ts'
import { snapshotFor } from '../broker/block-storage/snapshot.ts'
import { changeVolume, deleteVolume, extendVolume, resetVolume } from '../broker/block-storage/volume.ts'
import { typeIdOf, volumeTypeFor } from '../broker/block-storage/volume-types.ts'
import { withoutKey } from '../broker/line/commit.ts'
import type { Context } from '../context.ts'
import { check } from '../http/body.ts'
import { dialects } from '../http/dialects.ts'
import { dictionary } from '../http/dictionary.ts'
import { badRequest, forbidden, notFound, notImplemented } from '../http/fault.ts'
import { type ActionTaken, oneAction, takes } from '../http/json-schema.ts'
import { type Answer, type Operation, operation } from '../http/operation.ts'
import {
  attachmentIn,
  attachTo,
  detach,
  detachment,
  mode,
  NO_CONNECTOR,
  noConnector,
  refuseReadonly,
  UNDETACHABLE,
} from './into-server.ts'
import { invalidInput, invalidVolume, noSnapshot, whenStatus } from './refusals.ts'
import { boolean, metadata, size, text, uuid } from './shapes.ts'
import { type Action, action } from './volume-action.ts'
import { uploadImage } from './volume-image.ts'
import { volumeOf } from './volumes.ts'

const DONE: Answer = { status: 202 }

const extend = action({
  body: z.strictObject({ new_size: size }),
  run: async ({ context, version }, volume, { new_size: wanted }) => {
    const { sizeGib: current } = volume
    if (wanted <= current)
      throw invalidInput(
        `New size for extend must be greater than current size. (current: ${current}, extended: ${wanted}).`,
      )
    const allowed = version >= 42 ? ['available', 'in-use'] : ['available']
    await extendVolume(context, volume, wanted, allowed)
    return DONE
  },
})

const setBootable = action({
  body: z.strictObject({ bootable: boolean }),
  run: async ({ context }, volume, { bootable }) => {
    await changeVolume(context, volume, { bootable }, 'set_bootable')
    return { status: 200 }
  },
})

/** The flag stands among the metadata, where Cinder shows it; a volume that has it is not attached. */
const setReadonly = action({
  body: z.strictObject({ readonly: boolean }),
  run: async ({ context }, volume, { readonly }) => {
    if (volume.status !== 'available')
      throw invalidVolume(
        `Volume ${volume.id} status must be available to update readonly flag, but current status is: ${volume.status}.`,
      )
    const items = { ...volume.metadata, readonly: readonly ? 'True' : 'False' }
    await changeVolume(context, volume, { readonly, metadata: items }, 'set_readonly')
    return DONE
  },
})

const setImageMetadata = action({
  body: z.strictObject({ metadata }),
  run: async ({ context }, volume, { metadata: items }) => {
    const imageMetadata = { ...volume.imageMetadata, ...items }
    await changeVolume(context, volume, { imageMetadata }, 'set_image_metadata')
    return { status: 200, body: { metadata: imageMetadata } }
  },
})
const unsetImageMetadata = action({
  body: z.strictObject({ key: text() }),
  run: async ({ context }, volume, { key }) => {
    const { [key]: found, ...imageMetadata } = volume.imageMetadata
    if (found === undefined) throw notFound(`Glance metadata for volume/snapshot ${volume.id} cannot be found.`)
    await changeVolume(context, volume, { imageMetadata }, 'unset_image_metadata')
    return { status: 200 }
  },
})

const STATUSES = [
  'available',
  'error',
  'creating',
  'deleting',
  'in-use',
  'attaching',
  'detaching',
  'maintenance',
  'error_deleting',
]
const resetStatus = action({
  admin: true,
  body: z
    .strictObject({
      status: text()
        .transform((word) => word.toLowerCase())
        .refine((word) => STATUSES.includes(word), { error: 'Must specify a valid status' })
        .nullish(),
      attach_status: z
        .enum([
          'attached',
          'detached',
          'attaching',
          'detaching',
          'reserved',
          'error_attaching',
          'error_detaching',
          'deleted',
        ])
        .nullish(),
      migration_status: text().nullish(),
    })
    .refine((body) => Object.values(body).some((value) => value !== undefined), {
      error: '{} is not valid under any of the given schemas',
    }),
  run: async ({ context }, volume, { status, attach_status, migration_status }) => {
    if (status === 'deleting' || status === 'error_deleting' || status === 'detaching')
      throw badRequest(`Cannot reset-state to ${status}`)
    if (status === 'in-use' && !volume.attachment)
      throw badRequest('Cannot reset-state to in-use because volume does not have any attachments.')
    if (attach_status && (attach_status === 'attached') !== (volume.attachment !== null))
      throw badRequest('The attach status follows from the attachment; it cannot be set apart from it.')
    if (migration_status && migration_status.toLowerCase() !== 'none')
      throw badRequest('Volumes do not migrate between clouds; their migration status is none.')
    if (status) await resetVolume(context, volume, status)
    return DONE
  },
})

const forceDelete = action({
  admin: true,
  run: async ({ context }, volume) => {
    await deleteVolume(context, volume, { force: true })
    return DONE
  },
})

/** A migration policy asks for a copy elsewhere, which nobody makes: a type that is the same disk needs none. */
const retype = action({
  body: z.strictObject({ new_type: text(), migration_policy: z.enum(['on-demand', 'never']).nullish() }),
  run: async ({ context }, volume, { new_type: wanted }) => {
    const type = await volumeTypeFor(context, wanted)
    if (!type) throw invalidInput(`Invalid volume_type passed: ${wanted}.`)
    if (type.id === (volume.typeId ?? typeIdOf(volume.volumeType)))
      throw invalidInput(`New volume_type same as original: ${wanted}.`)
    await retypeVolume(context, volume, type)
    return DONE
  },
})

/** The disk stays on its cloud, without our mark. */
const unmanage = action({
  admin: true,
  run: async ({ context }, volume) => {
    const [snapshot] = await snapshotsOf(context.db, volume.id)
    if (snapshot) throw invalidVolume('Unmanage of a volume that has snapshots is not done: they would be lost.')
    const { refused: reasons, waiting } = await release(withoutKey(context), { resourceIds: [volume.id] })
    const [held] = reasons
    if (held) throw invalidVolume(held.reason)
    if (waiting[0]) context.log('warn', 'not handed back yet', { resourceId: volume.id, reason: waiting[0].reason })
    return DONE
  },
})

const revert = action({
  since: 40,
  body: z.strictObject({ snapshot_id: uuid }),
  run: async ({ context }, volume, { snapshot_id: id }) => {
    const snapshot = await snapshotFor(context, id)
    if (!snapshot) throw noSnapshot(id)
    if (snapshot.volumeId !== volume.id)
      throw badRequest(`Specified snapshot ${id} is not associated with volume ${volume.id}.`)
    await revertVolume(context, volume, id)
    return DONE
  },
})

const reimage = action({
  since: 68,
  body: z.strictObject({ image_id: uuid, reimage_reserved: boolean.optional() }),
  run: async ({ context }, volume, { image_id: id }) => {
    await reimageVolume(context, volume, id)
    return DONE
  },
})

const attach = action({
  body: z.strictObject({
    instance_uuid: uuid.nullish(),
    host_name: text().nullish(),
    mountpoint: text(),
    mode,
  }),
  run: async ({ context }, volume, { instance_uuid: serverId, host_name: host, mountpoint, mode: asked }) => {
    if (host && serverId) throw badRequest('Invalid request to attach volume to an invalid target')
    if (host) throw noConnector()
    if (!serverId) throw badRequest('Invalid request to attach volume to an invalid target')
    refuseReadonly(asked)
    await attachTo(context, volume, { serverId, device: mountpoint })
    return DONE
  },
})

const takeOut = (admin?: true) =>
  action({
    ...(admin ? { admin } : {}),
    body: detachment,
    run: async ({ context }, volume, { attachment_id: named, connector }) => {
      if (connector) throw noConnector()
      // One that is in nothing is out of it already, and kept for nobody any more (cinder/volume/manager.py, `detach_volume`).
      if (volume.attachment) await detach(context, await attachmentIn(context, volume, named), admin)
      else await unreserveVolume(context, volume)
      return DONE
    },
  })

/** What is said of a volume before, and after, somebody puts it into a server or takes it out. */
const said = (say: (context: Context, volume: VolumeRead) => Promise<void>) =>
  action({
    run: async ({ context }, volume) => {
      await say(context, volume)
      return DONE
    },
  })

const refused = (sentence: string, since?: number): Action => ({
  ...(since === undefined ? {} : { since }),
  run: () => {
    throw notImplemented(sentence)
  },
})
const WITHIN = 'A volume stays on its cloud as what it is: make a snapshot and a volume of it.'

/** In the order of the API reference. */
/** Everything that can be asked of a volume beyond existence, by the word that clients send. */
export const volumeActions: Record<string, Action> = table({
  'os-extend': extend,
  'os-reset_status': resetStatus,
  revert,
  'os-set_image_metadata': setImageMetadata,
  'os-unset_image_metadata': unsetImageMetadata,
  'os-show_image_metadata': action({
    run: (_, volume) => ({ status: 200, body: { metadata: volume.imageMetadata } }),
  }),
  'os-attach': attach,
  'os-detach': takeOut(),
  'os-force_detach': takeOut(true),
  'os-reserve': said(reserveVolume),
  'os-unreserve': said(unreserveVolume),
  'os-begin_detaching': said(beginDetaching),
  'os-roll_detaching': said(rollDetaching),
  'os-initialize_connection': refused(NO_CONNECTOR),
  'os-terminate_connection': refused(NO_CONNECTOR),
  'os-unmanage': unmanage,
  'os-migrate_volume': refused(WITHIN),
  'os-migrate_volume_completion': refused(WITHIN),
  'os-retype': retype,
  'os-force_delete': forceDelete,
  'os-set_bootable': setBootable,
  'os-volume_upload_image': uploadImage,
  'os-update_readonly_flag': setReadonly,
  'os-reimage': reimage,
})

const actionsTaken: ActionTaken[] = Object.entries(volumeActions).map(([name, { since, body }]) => ({
  name,
  since,
  body: body as ActionTaken['body'],
}))

/** https://docs.openstack.org/api-ref/block-storage/v3/#volume-actions-volumes-action */
export const volumeActionOperations: Operation[] = [
  operation<Record<string, unknown>>({
    name: 'volume.action',
    method: 'POST',
    path: '/volumes/:id/action',
    who: 'member',
    summary:
      'Extends a volume, puts it into a server or takes it out, makes an image of it, sets its flags or its image metadata; what a host would do is refused.',
    status: 202,
    body: (version) => takes(dictionary(z.string(), z.unknown()), () => oneAction(actionsTaken, version)),
    handle: async (input) => {
      const [name, ...others] = Object.keys(input.body)
      if (name === undefined || others.length) throw badRequest('Malformed request body')
      const found = Object.hasOwn(volumeActions, name) ? volumeActions[name]! : undefined
      if (!found || input.version < (found.since ?? 0))
        throw badRequest(
          `There is no such action: ${name}. Verify the request body and Content-Type header and try again.`,
        )
      if (found.admin && !input.context.caller?.isAdmin)
        throw forbidden(
          `Policy doesn't allow volume_extension:volume_admin_actions:${name.replace('os-', '')} to be performed.`,
        )
      const schema = typeof found.body === 'function' ? found.body(input.version) : found.body
      const body = schema ? check(schema, input.body[name], dialects.blockStorage, [name]) : undefined
      return found.run(input, await volumeOf(input), body)
    },
    refuse: whenStatus(({ allowed, status }, { params, body }) => {
      if ('os-extend' in body)
        return invalidVolume(
          `Volume ${params.id} status must be '${allowed.join(' or ')}' to extend, currently ${status}.`,
        )
      if ('os-reserve' in body) return invalidVolume(`Volume status must be available to reserve, but it is ${status}.`)
      if ('os-detach' in body || 'os-begin_detaching' in body) return invalidVolume(UNDETACHABLE)
      return undefined
    }),
  }),
]
