import * as z from 'zod'
import {
  BACKUP_SORT,
  type BackupRead,
  countBackups,
  listBackups,
  readBackup,
} from '../../db/queries/block-storage/backups.ts'
import { everyProject } from '../../db/scope.ts'
import {
  changeBackup,
  createBackup,
  deleteBackup,
  resetBackup,
  restoreAsNew,
  restoreInto,
} from '../broker/block-storage/backup.ts'
import { volumeFor } from '../broker/block-storage/volume.ts'
import { isTrue } from '../http/boolean.ts'
import { badRequest, notImplemented } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { allowedFilters, nextLinks, sliceOf } from './listing.ts'
import { invalidBackup, invalidInput, invalidVolume, noBackup, noVolume, whenStatus } from './refusals.ts'
import { linksTo, listScope, pursue } from './routes.ts'
import { boolean, changedAt, label, metadata, text, time, uuid } from './shapes.ts'

const backupOf = async ({ context, params }: Input): Promise<BackupRead> => {
  const backup = await readBackup(context.db, context.scope, params.id!)
  if (!backup) throw noBackup(params.id!)
  return backup
}

const summary = (input: Input, { id, name }: BackupRead) => ({ id, name, links: linksTo(input, 'backups', id) })

/** What each microversion adds (cinder/backup/… and cinder/api/v3/views/backups.py). */
const additions: { since: number; admin?: true; add: (b: BackupRead) => Record<string, unknown> }[] = [
  { since: 18, admin: true, add: ({ projectId }) => ({ 'os-backup-project-attr:project_id': projectId }) },
  { since: 43, add: ({ metadata: items }) => ({ metadata: items }) },
  { since: 56, add: ({ userId }) => ({ user_id: userId }) },
]

const fullView = (input: Input, b: BackupRead): Record<string, unknown> =>
  Object.assign(
    {
      ...summary(input, b),
      description: b.description,
      status: b.status,
      fail_reason: b.fault,
      size: b.sizeGib,
      // A cloud does not tell in how many pieces it keeps a snapshot.
      object_count: 0,
      container: b.backup.container,
      availability_zone: b.backup.zone,
      volume_id: b.volumeId,
      snapshot_id: null,
      is_incremental: b.parentId !== null,
      has_dependent_backups: b.hasDependents,
      data_timestamp: time(b.createdAt),
      created_at: time(b.createdAt),
      updated_at: changedAt(b),
    },
    ...additions
      .filter(({ since, admin }) => input.version >= since && (!admin || input.context.caller?.isAdmin))
      .map(({ add }) => add(b)),
  )

const pursueBackups = ({ context }: Input, backups: BackupRead[]): void =>
  pursue(
    context,
    backups.map(({ id, cloudId, dueAt }) => ({ kind: 'snapshot', resourceId: id, cloudId, scope: '', dueAt })),
  )

const list = (view: (input: Input, backup: BackupRead) => unknown) => async (input: Input) => {
  const { context, query, version } = input
  const { name, status, volume_id } = allowedFilters(input, 'backup')
  const [scope, filter] = [listScope(context, query), { name, status, volumeId: volume_id }]
  const page = await listBackups(context.db, scope, filter, sliceOf(query, BACKUP_SORT))
  if (!page) throw noBackup(query.marker!)
  pursueBackups(input, page)
  const links = nextLinks(input, page)
  return {
    body: {
      backups: page.map((each) => view(input, each)),
      ...(links ? { backups_links: links } : {}),
      ...(version >= 45 && isTrue(query.with_count) ? { count: await countBackups(context.db, scope, filter) } : {}),
    },
  }
}

const fields = {
  volume_id: uuid,
  name: label,
  description: label,
  container: text().nullish(),
  incremental: boolean.nullish(),
  force: boolean.nullish(),
  snapshot_id: uuid.nullish(),
}
const since43 = { ...fields, metadata: metadata.nullish() }
const since51 = { ...since43, availability_zone: text().nullish() }
type Create = { backup: z.infer<z.ZodObject<typeof since51>> }
const createBody = (version: number): z.ZodType<Create> =>
  z.strictObject({
    backup: z.strictObject(version >= 51 ? since51 : version >= 43 ? since43 : fields),
  }) as unknown as z.ZodType<Create>

const create = async (input: Input<Create>) => {
  const { context, body } = input
  const { volume_id: id, snapshot_id: snapshotId, name, description, container, ...wish } = body.backup
  if (snapshotId)
    throw badRequest(
      'Backups are made of volumes: no cloud copies a snapshot. Make a volume of it, and a backup of that.',
    )
  const volume = await volumeFor(context, id)
  if (!volume) throw noVolume(id)
  const backup = await createBackup(context, volume, {
    name: name ?? null,
    description: description ?? null,
    container: container ?? null,
    metadata: wish.metadata ?? {},
    incremental: wish.incremental ?? false,
    force: wish.force ?? false,
  })
  return { body: { backup: summary(input, backup) } }
}

const updateFields = { name: label, description: label, metadata: metadata.optional() }
type Update = { backup: z.infer<z.ZodObject<typeof updateFields>> }
const updateBody = z.strictObject({
  backup: z
    .strictObject(updateFields)
    .refine((given) => Object.keys(given).length > 0, { error: '{} does not have enough properties' }),
}) as unknown as z.ZodType<Update>

type Restore = { restore: { volume_id?: string | null; name?: string | null } }
const restoreBody = z.strictObject({
  restore: z.strictObject({ volume_id: uuid.nullish(), name: label }),
}) as unknown as z.ZodType<Restore>

const restore = async (input: Input<Restore>) => {
  const { context, body } = input
  const backup = await backupOf(input)
  if (backup.status !== 'available') throw invalidBackup('Backup status must be available')
  const { volume_id: id, name } = body.restore
  if (!id) {
    const { id: volumeId, name: called } = await restoreAsNew(context, backup, name || `restore_backup_${backup.id}`)
    return { body: { restore: { backup_id: backup.id, volume_id: volumeId, volume_name: called } } }
  }
  const volume = await volumeFor(context, id)
  if (!volume) throw noVolume(id)
  await restoreInto(context, backup, volume)
  return { body: { restore: { backup_id: backup.id, volume_id: volume.id, volume_name: volume.name } } }
}

type Action = { 'os-reset_status'?: { status: string }; 'os-force_delete'?: unknown }
const actionBody = z
  .strictObject({
    'os-reset_status': z.strictObject({ status: z.enum(['available', 'error']) }),
    'os-force_delete': z.unknown(),
  })
  .partial()
  .refine((body) => Object.keys(body).length === 1, {
    error: 'There is no such action.',
  }) as unknown as z.ZodType<Action>

/** Characters of a record (cinder/api/validation/parameter_types.py, `backup_url`, has no bound). */
const MOST_OF_RECORD = 65_535
const RECORDS =
  'Records of backups are not given out or taken in: a backup is a snapshot of its cloud, which the account of the project holds. Adopt the cloud to have its objects.'

type Import = { 'backup-record': { backup_service: string; backup_url: string } }
const importBody = z.strictObject({
  'backup-record': z.strictObject({ backup_service: text().min(1), backup_url: text(MOST_OF_RECORD).min(1) }),
}) as unknown as z.ZodType<Import>

/** What a record says of the backup that it is of, as far as Cinder needs it (cinder/backup/api.py, `_get_import_backup`). */
const recordOf = (url: string): { id: string } => {
  let record: unknown
  try {
    record = JSON.parse(Buffer.from(url, 'base64').toString('utf8'))
  } catch {
    throw invalidInput("Can't parse backup record.")
  }
  const { id, size } = Object(record)
  if (typeof id !== 'string') throw invalidInput('Provided backup record is missing an id')
  if (size === undefined) throw invalidInput('Provided backup record is missing size attribute')
  return { id }
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#backups-backups */
export const backupOperations: Operation[] = [
  operation({
    name: 'backup.list',
    method: 'GET',
    path: '/backups',
    who: 'reader',
    summary: 'Backups by name.',
    status: 200,
    handle: list(summary),
  }),
  operation({
    name: 'backup.list_detail',
    method: 'GET',
    path: '/backups/detail',
    who: 'reader',
    summary: 'Backups in full.',
    status: 200,
    handle: list(fullView),
  }),
  operation<Create>({
    name: 'backup.create',
    method: 'POST',
    path: '/backups',
    who: 'member',
    summary: 'Makes a backup of a volume: a snapshot that its cloud keeps when the volume is gone.',
    status: 202,
    body: createBody,
    handle: create,
    refuse: whenStatus(({ status, allowed }) =>
      invalidVolume(`Volume to be backed up must be ${allowed.join(' or ')} but the current status is "${status}".`),
    ),
  }),
  operation({
    name: 'backup.show',
    method: 'GET',
    path: '/backups/:id',
    who: 'reader',
    summary: 'One backup.',
    status: 200,
    handle: async (input) => {
      const backup = await backupOf(input)
      pursueBackups(input, [backup])
      return { body: { backup: fullView(input, backup) } }
    },
  }),
  operation<Update>({
    name: 'backup.update',
    method: 'PUT',
    path: '/backups/:id',
    who: 'member',
    summary: 'Changes name, description or metadata.',
    status: 200,
    since: 9,
    body: updateBody,
    handle: async (input) => {
      const { name, description, metadata: items } = input.body.backup
      const backup = await changeBackup(input.context, await backupOf(input), {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(items === undefined ? {} : { metadata: items }),
      })
      return { body: { backup: summary(input, backup) } }
    },
  }),
  operation({
    name: 'backup.delete',
    method: 'DELETE',
    path: '/backups/:id',
    who: 'member',
    summary: 'Deletes a backup on which no other builds.',
    status: 202,
    handle: async (input) => {
      await deleteBackup(input.context, await backupOf(input))
      return {}
    },
    refuse: whenStatus(() => invalidBackup('Backup status must be available or error')),
  }),
  operation<Restore>({
    name: 'backup.restore',
    method: 'POST',
    path: '/backups/:id/restore',
    who: 'member',
    summary: 'Makes a volume of a backup, or writes it over one that is in no server.',
    status: 202,
    body: restoreBody,
    handle: restore,
    refuse: whenStatus(() => invalidVolume('Volume to be restored to must be available')),
  }),
  operation<Action>({
    name: 'backup.action',
    method: 'POST',
    path: '/backups/:id/action',
    who: 'admin',
    summary: 'Sets the status of a backup, or deletes it whatever its status is.',
    status: 202,
    body: actionBody,
    handle: async (input) => {
      const backup = await backupOf(input)
      const reset = input.body['os-reset_status']
      if (reset) await resetBackup(input.context, backup, reset.status)
      else await deleteBackup(input.context, backup, true)
      return {}
    },
  }),
  operation({
    name: 'backup.export_record',
    method: 'GET',
    path: '/backups/:id/export_record',
    who: 'admin',
    summary: 'Refused: the account of a cloud holds its snapshots.',
    status: 200,
    handle: async (input) => {
      await backupOf(input)
      throw notImplemented(RECORDS)
    },
  }),
  operation({
    name: 'backup.import_record',
    method: 'POST',
    path: '/backups/import_record',
    who: 'admin',
    summary: 'Refused: the account of a cloud holds its snapshots.',
    status: 201,
    body: importBody,
    handle: async ({ context, body }) => {
      const { id } = recordOf(body['backup-record'].backup_url)
      if (await readBackup(context.db, everyProject, id)) throw invalidBackup('Backup already exists in database.')
      throw notImplemented(RECORDS)
    },
  }),
]
