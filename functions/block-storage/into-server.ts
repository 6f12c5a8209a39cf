import * as z from 'zod'
import {
  type AttachmentRead,
  type AttachmentRow,
  attachmentBetween,
} from '../../db/queries/block-storage/attachments.ts'
import type { VolumeRead } from '../../db/queries/block-storage/volumes.ts'
import { type ServerRow, serverById } from '../../db/queries/compute/servers.ts'
import { attachVolume, detachVolume } from '../broker/block-storage/attachment.ts'
import { requireState } from '../broker/compute/server-action.ts'
import { ServerRefused } from '../broker/compute/server-refusal.ts'
import type { Context } from '../context.ts'
import { badRequest, conflict, type Fault, notFound, notImplemented } from '../http/fault.ts'
import { invalidInput, invalidVolume } from './refusals.ts'
import { uuid } from './shapes.ts'

/*
 * Volumes go into servers and out of them as the compute API puts them there. Cinder only keeps the books of that, and trusts a host to
 * connect the disk; here the cloud connects it, so nothing is true before it has.
 */

/** Whose a connector is: a machine that would reach the storage itself. */
export const NO_CONNECTOR =
  'The cloud connects a disk to a server itself, and gives nobody else a way to it: there is nothing for a connector of a host. Name a server (instance_uuid).'
export const noConnector = () => notImplemented(NO_CONNECTOR)

/** `rw`, as disks of clouds are in servers. */
export const mode = z.enum(['rw', 'ro']).nullish()
export const refuseReadonly = (asked: 'rw' | 'ro' | null | undefined): void => {
  if (asked === 'ro') throw invalidVolume('no cloud attaches a disk for reading only.')
}

/** What the compute API says of a server that nothing is done to now: 409, as Cinder answers where it leaves a volume to that API. */
const busy = (error: ServerRefused): Fault => {
  const { refusal } = error
  if (refusal.kind === 'locked') return conflict(`Instance ${refusal.id} is locked`)
  return refusal.kind === 'state'
    ? conflict(`Cannot '${refusal.action}' instance ${refusal.id} while it is in ${refusal.attribute} ${refusal.state}`)
    : invalidInput(error.message)
}

/** A server that lets this be done to it, by the rules of the compute API: this one is no way around them. */
const serverFor = async (
  context: Context,
  id: string,
  action: 'attach_volume' | 'detach_volume',
): Promise<ServerRow> => {
  const server = await serverById(context.db, context.scope, id)
  if (!server) throw invalidInput(`there is no server ${id}.`)
  try {
    requireState(context, server, action)
  } catch (error) {
    throw error instanceof ServerRefused ? busy(error) : error
  }
  return server
}

/** Puts a volume that is free, or kept by `os-reserve`, into a server. Throws as `attachVolume`. */
export const attachTo = async (
  context: Context,
  volume: VolumeRead,
  { serverId, device }: { serverId: string; device: string | null },
): Promise<AttachmentRow> => {
  const options = { device, tag: null, deleteOnTermination: false }
  return attachVolume(context, await serverFor(context, serverId, 'attach_volume'), volume, options, [
    'available',
    'attaching',
  ])
}

/** cinder/volume/api.py, `begin_detaching` */
export const UNDETACHABLE =
  "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach."

/** The attachment of a volume, which is the one that is named, if one is. Throws what Cinder answers where it has none. */
export const attachmentIn = async (
  context: Context,
  { id, attachment }: VolumeRead,
  named: string | null | undefined,
): Promise<AttachmentRead> => {
  if (!attachment) throw invalidVolume(UNDETACHABLE)
  if (named && named !== attachment.id)
    throw notFound(`Volume attachment could not be found with filter: attachment_id = ${named}.`)
  const found = await attachmentBetween(context.db, context.scope, attachment.serverId, id)
  if (!found) throw invalidVolume(UNDETACHABLE)
  return found
}

/**
 * Takes a volume out of its server. Throws as `detachVolume`, and 409 where the server does not let go of it now.
 * @param force whatever the state of the server is; for administrators, whom a lock does not hold either
 */
export const detach = async (context: Context, attachment: AttachmentRead, force = false): Promise<void> => {
  const { serverId: id, projectId } = attachment
  if (attachment.bootIndex === 0) throw badRequest('Cannot detach a root device volume')
  if (!force) await serverFor(context, id, 'detach_volume')
  await detachVolume(context, { id, projectId }, attachment)
}

/** What a detachment may name; a connector would be of a host. */
export const detachment = z.strictObject({
  attachment_id: uuid.nullish(),
  connector: z.record(z.string(), z.unknown()).nullish(),
})
