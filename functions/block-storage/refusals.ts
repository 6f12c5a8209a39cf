import { unauthorized } from '../auth/policy.ts'
import { type VolumeRefusal, VolumeRefused } from '../broker/block-storage/volume-refusal.ts'
import { limitsOf } from '../broker/line/quotas.ts'
import { type Refusal, Refused } from '../broker/line/refused.ts'
import type { Context } from '../context.ts'
import { badRequest, conflict, Fault, notFound } from '../http/fault.ts'
import { moneyFault } from '../http/money-fault.ts'
import type { Input } from '../http/operation.ts'
import type { Service } from '../http/service.ts'

/** Cinder's exceptions (cinder/exception.py). */
export const invalidVolume = (reason: string) => badRequest(`Invalid volume: ${reason}`)
/** `InvalidSnapshot`, 400. */
export const invalidSnapshot = (reason: string) => badRequest(`Invalid snapshot: ${reason}`)
/** `InvalidInput`, 400. */
export const invalidInput = (reason: string) => badRequest(`Invalid input received: ${reason}`)
/** The volume type is offered elsewhere. */
const notThere = (zones: string[]) =>
  badRequest(`Volume type is only supported in these availability zones: ${zones.join(', ')}`)
/** `VolumeNotFound`, 404. */
export const noVolume = (id: string) => notFound(`Volume ${id} could not be found.`)
/** `BackupNotFound`, 404. */
export const noBackup = (id: string) => notFound(`Backup ${id} could not be found.`)
/** `InvalidBackup`, 400. */
export const invalidBackup = (reason: string) => badRequest(`Invalid backup: ${reason}`)
/** `SnapshotNotFound`, 404. */
export const noSnapshot = (id: string) => notFound(`Snapshot ${id} could not be found.`)

const either = (words: string[]) => words.join(' or ')

/** What a change of a volume or snapshot was refused for, in Cinder's words. */
const worded = (refusal: VolumeRefusal): Fault => {
  switch (refusal.kind) {
    case 'status':
      return invalidVolume(`status must be ${either(refusal.allowed)}, but it is ${refusal.status}.`)
    case 'no-zone':
      return badRequest(`Availability zone '${refusal.zone}' is invalid.`)
    case 'no-cloud':
      return invalidInput('No cloud that this project is mapped to has volumes.')
    case 'no-type':
      return refusal.zones.length
        ? notThere(refusal.zones)
        : badRequest(`Invalid volume type: no cloud that this project is mapped to offers ${refusal.type}.`)
    case 'elsewhere':
      return invalidInput(`The ${refusal.what} is in ${refusal.there}, the volume would be in ${refusal.here}.`)
    case 'too-small':
      return invalidInput(
        refusal.what === 'image'
          ? `Volume size ${refusal.size}GB cannot be smaller than the image minDisk size ${refusal.least}GB.`
          : `Volume size '${refusal.size}'GB cannot be smaller than the ${refusal.what} size ${refusal.least}GB. They must be >= original ${refusal.what} size.`,
      )
    case 'unknown':
      if (refusal.what === 'image') return badRequest('Invalid image identifier or unable to access requested image.')
      if (refusal.what === 'backup') return noBackup(refusal.id)
      return refusal.what === 'snapshot' ? noSnapshot(refusal.id) : noVolume(refusal.id)
    case 'auth-key':
      return badRequest(`Invalid auth key: Attempt to transfer ${refusal.id} with invalid auth key.`)
    case 'no-parent':
      return badRequest('Invalid backup: No backups available to do an incremental backup.')
    case 'not-latest':
      return badRequest(`Specified snapshot ${refusal.id} is not the latest one of the volume.`)
    case 'has-snapshots':
    case 'attached':
      return invalidVolume(UNDELETABLE)
    case 'readonly':
      return invalidVolume('A read-only volume cannot be attached: no cloud attaches a disk for reading only.')
    case 'incapable':
      return badRequest(refusal.reason)
    case 'cost':
    case 'unlisted':
      return moneyFault(refusal)
  }
}

/** cinder/volume/api.py, delete */
export const UNDELETABLE =
  'Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.'

/** A guard of the batch did not hold: somebody was faster, or it is the limit on one volume. */
const guarded = (what: string): Fault | undefined => {
  if (what === 'volume-size')
    return overQuota(
      'Requested volume size is larger than the maximum allowed limit of the quota per_volume_gigabytes.',
    )
  if (what === 'type-in-use') return badRequest('Target volume type is still in use.')
  if (what === 'volume-gone') return notFound('Volume could not be found.')
  if (what === 'transfer-over') return notFound('Transfer could not be found.')
  if (what === 'backup-status') return invalidBackup('Backup status must be available or error')
  if (what === 'backup-dependents') return invalidBackup('Incremental backups exist for this backup.')
  if (what === 'group-gone') return notFound('Group could not be found.')
  if (what === 'group-type-in-use') return badRequest('Target group type is still in use.')
  if (what === 'group-volumes')
    return badRequest(
      'Invalid volume: Group has volumes (delete-volumes must be true), or one of them is in another group or not there.',
    )
  if (what === 'group-snapshots') return badRequest('Invalid group: Group has group snapshots.')
  if (what === 'type-moved') return conflict('Somebody changed the volume type at the same time.')
  if (what === 'qos-moved') return conflict('Somebody changed the QoS specs at the same time.')
  if (what === 'qos-in-use') return badRequest('QoS specs are still associated with entities.')
  if (what === 'qos-other') return badRequest('Invalid volume type: it is already associated with another qos specs.')
  if (what === 'volume-zone-closed') return conflict('The operator of the zone has no new volumes made there any more.')
  if (what === 'volume-changed') return invalidVolume('Its size or its type was changed at the same time.')
  if (what === 'volume-frozen')
    return invalidInput('Modification operations are not allowed on frozen storage backends.')
  if (what === 'snapshot-status') return invalidSnapshot('Snapshot status must be available or error.')
  if (what === 'snapshot-moved') return invalidSnapshot('Its status has changed.')
  if (what === 'snapshot-used') return invalidSnapshot('A volume is being created from it.')
  if (what === 'volume-copying')
    return invalidVolume(
      'A snapshot or a backup of it is being made: it stays as it is, and where it is, until that is there.',
    )
  if (what === 'revert-latest') return invalidSnapshot('It is not the latest one of the volume any more.')
  if (what === 'rewrite-snapshots')
    return invalidVolume('It has snapshots by now, which would go with what is put away.')
  if (what === 'volume-rewritten')
    return invalidVolume('It is being written anew, and has the status of that. Delete it by force, or wait.')
  if (what === 'volume-unmade') return invalidVolume('It was never made: there is nothing to write over.')
  if (what === 'backup-busy') return invalidBackup('Backup status must be available')
  if (what === 'volume-attached' || what === 'volume-snapshots') return invalidVolume(UNDELETABLE)
  return what === 'volume-status' ? invalidVolume('Its status has changed.') : undefined
}

const overQuota = (message: string) => new Fault(413, message, { headers: { 'Retry-After': '0' } })

/** Cinder tells how much there is and how much was asked for. */
const quotaFault = async (
  { db }: Context,
  { resource, projectId, asked }: Refusal & { kind: 'quota' },
): Promise<Fault> => {
  const { limit, used } = (await limitsOf({ db, scope: { projectId } }, projectId))(resource)
  if (resource === 'gigabytes')
    return overQuota(
      `Requested volume or snapshot exceeds allowed gigabytes quota. Requested ${asked}G, quota is ${limit}G and ${used}G has been consumed.`,
    )
  if (resource === 'backup_gigabytes')
    return overQuota(
      `Requested backup exceeds allowed Backup gigabytes quota. Requested ${asked}G, quota is ${limit}G and ${used}G has been consumed.`,
    )
  if (resource === 'groups') return overQuota(`Maximum number of groups (${limit}) exceeded`)
  if (resource === 'backups') return overQuota(`Maximum number of backups allowed (${limit}) exceeded`)
  return overQuota(
    resource === 'snapshots'
      ? `Maximum number of snapshots allowed (${limit}) exceeded`
      : `Maximum number of volumes allowed (${limit}) exceeded for quota 'volumes'.`,
  )
}

/** What the broker will not do, as Cinder says it. */
export const refuse: Service['refuse'] = (error, { context }) => {
  if (error instanceof VolumeRefused) return worded(error.refusal)
  if (!(error instanceof Refused)) return undefined
  const { refusal } = error
  if (refusal.kind === 'token') return unauthorized()
  if (refusal.kind === 'quota') return quotaFault(context, refusal)
  return refusal.kind === 'guard' ? guarded(refusal.what) : undefined
}

type Status = VolumeRefusal & { kind: 'status' }

/** For an operation that has a sentence of its own when something is in the wrong status. */
export const whenStatus =
  <Of extends Input>(words: (refusal: Status, input: Of) => Fault | undefined) =>
  (error: unknown, input: Of): Fault | undefined =>
    error instanceof VolumeRefused && error.refusal.kind === 'status' ? words(error.refusal, input) : undefined
