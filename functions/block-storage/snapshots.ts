import * as z from 'zod'
import { table } from '../../adapters/table.ts'
import {
  countSnapshots,
  listSnapshots,
  SNAPSHOT_SORT,
  type SnapshotFilter,
  type SnapshotRead,
  type SnapshotRow,
} from '../../db/queries/block-storage/snapshots.ts'
import { unmanageSnapshot } from '../broker/adopt/snapshot.ts'
import {
  changeSnapshot,
  createSnapshot,
  deleteSnapshot,
  resetSnapshot,
  snapshotFor,
  tellSnapshot,
} from '../broker/block-storage/snapshot.ts'
import { volumeFor } from '../broker/block-storage/volume.ts'
import type { Context } from '../context.ts'
import { isTrue } from '../http/boolean.ts'
import { badRequest, forbidden, notFound } from '../http/fault.ts'
import { type Input, type Operation, operation } from '../http/operation.ts'
import { allowedFilters, dictIn, nextLinks, sliceOf, timesIn } from './listing.ts'
import { metadataOperations } from './metadata.ts'
import { invalidSnapshot, invalidVolume, noSnapshot, noVolume, whenStatus } from './refusals.ts'
import { listScope, pursue } from './routes.ts'
import { boolean, changedAt, label, metadata, text, time, uuid } from './shapes.ts'

/** The snapshot of the path; 404 in Cinder's words. */
const snapshotOf = async ({ context, params }: Input): Promise<SnapshotRead> => {
  const snapshot = await snapshotFor(context, params.id!)
  if (!snapshot) throw noSnapshot(params.id!)
  return snapshot
}

/** What each microversion adds (cinder/api/v3/views/snapshots.py). */
const additions: { since: number; add: (s: SnapshotRow) => Record<string, unknown> }[] = [
  { since: 14, add: (s) => ({ group_snapshot_id: s.groupSnapshotId }) },
  { since: 41, add: ({ userId }) => ({ user_id: userId }) },
  { since: 65, add: () => ({ consumes_quota: true }) },
]

const summary = (_: Input, s: SnapshotRow) => ({
  id: s.id,
  name: s.name,
  description: s.description,
  created_at: time(s.createdAt),
  updated_at: changedAt(s),
  status: s.status,
  size: s.sizeGib,
  metadata: s.metadata,
  volume_id: s.volumeId,
})

/** As create and update answer it. */
const snapshotView = (input: Input, s: SnapshotRow): Record<string, unknown> =>
  Object.assign(summary(input, s), ...additions.filter(({ since }) => input.version >= since).map(({ add }) => add(s)))

/** With what an extension adds where a snapshot is shown. */
/** A snapshot in full, as it is shown and listed in detail. */
export const fullView = (input: Input, s: SnapshotRow): Record<string, unknown> => ({
  ...snapshotView(input, s),
  'os-extended-snapshot-attributes:progress': s.status === 'available' ? '100%' : (s.progress ?? '0%'),
  'os-extended-snapshot-attributes:project_id': s.projectId,
})

const pursueSnapshots = ({ context }: Input, snapshots: SnapshotRead[]): void =>
  pursue(
    context,
    snapshots.map(({ id, cloudId, dueAt }) => ({ kind: 'snapshot', resourceId: id, cloudId, scope: '', dueAt })),
  )

const createFields = {
  name: label,
  display_name: label,
  description: label,
  volume_id: uuid.nullable(),
  force: boolean.optional(),
  metadata: metadata.nullish(),
}
type Create = { snapshot: z.infer<z.ZodObject<typeof createFields>> }
const createBody = z.strictObject({ snapshot: z.strictObject(createFields) }) as unknown as z.ZodType<Create>

/** Until 3.65 `force` copies a volume in use; since 3.66 that goes without saying, and only `true` may still be said. */
const FORCE_IS_GONE =
  "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward compatability, however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored."

const create = async (input: Input<Create>) => {
  const { context, version, body } = input
  const wish = body.snapshot
  const volume = await volumeFor(context, wish.volume_id ?? '')
  if (!volume) throw noVolume(wish.volume_id ?? 'None')
  if (version >= 66 && wish.force === false) throw badRequest(FORCE_IS_GONE)
  const row = await createSnapshot(context, volume, {
    name: wish.name ?? wish.display_name ?? null,
    description: wish.description ?? null,
    metadata: wish.metadata ?? {},
    force: version >= 66 || wish.force === true,
  })
  return { body: { snapshot: snapshotView(input, row) } }
}

const NOTHING: SnapshotFilter = { id: '' }
const filterOf = (given: Record<string, string>, version: number): SnapshotFilter => {
  const { 'name~': nameLike, display_name, name, status, volume_id, availability_zone, user_id, ...rest } = given
  const { metadata: items, consumes_quota, created_at, updated_at, ...unknown } = rest
  const byItems = version >= 22 ? items : undefined
  const none =
    Object.keys(unknown).length > 0 ||
    (consumes_quota !== undefined && version >= 65 && !isTrue(consumes_quota)) ||
    (byItems !== undefined && !dictIn(byItems))
  if (none) return NOTHING
  return {
    name: name ?? display_name,
    nameLike,
    status,
    volumeId: volume_id,
    zone: availability_zone,
    userId: user_id,
    metadata: dictIn(byItems),
    times: timesIn({ ...(created_at ? { created_at } : {}), ...(updated_at ? { updated_at } : {}) }),
  }
}

const list = (view: (input: Input, snapshot: SnapshotRow) => unknown) => async (input: Input) => {
  const { context, query, version } = input
  const scope = listScope(context, query)
  const filter = filterOf(allowedFilters(input, 'snapshot'), version)
  const page = await listSnapshots(context.db, scope, filter, sliceOf(query, SNAPSHOT_SORT))
  if (!page) throw noSnapshot(query.marker!)
  pursueSnapshots(input, page)
  const links = nextLinks(input, page)
  return {
    body: {
      snapshots: page.map((snapshot) => view(input, snapshot)),
      ...(links ? { snapshots_links: links } : {}),
      ...(version >= 45 && isTrue(query.with_count) ? { count: await countSnapshots(context.db, scope, filter) } : {}),
    },
  }
}

const updateFields = { name: label, description: label, display_name: label, display_description: label }
type Update = { snapshot: z.infer<z.ZodObject<typeof updateFields>> }
const updateBody = z.strictObject({
  snapshot: z
    .strictObject(updateFields)
    .refine((fields) => Object.keys(fields).length > 0, { error: '{} is not valid under any of the given schemas' }),
}) as unknown as z.ZodType<Update>

const update = async (input: Input<Update>) => {
  const snapshot = await snapshotOf(input)
  const { name, display_name, description, display_description } = input.body.snapshot
  const newName = name === undefined ? display_name : name
  const newText = description === undefined ? display_description : description
  const updated = await changeSnapshot(input.context, snapshot, {
    ...(newName === undefined ? {} : { name: newName }),
    ...(newText === undefined ? {} : { description: newText }),
  })
  return { body: { snapshot: snapshotView(input, updated) } }
}

const actionFields = {
  'os-reset_status': z.strictObject({
    status: text()
      .transform((word) => word.toLowerCase())
      .refine((word) => ['available', 'error', 'creating', 'deleting', 'error_deleting'].includes(word), {
        error: 'Must specify a valid status',
      }),
  }),
  'os-force_delete': z.unknown(),
  'os-unmanage': z.unknown(),
  'os-update_snapshot_status': z.strictObject({
    status: text(),
    progress: z
      .string()
      .regex(/^(100|[0-9]{1,2})%$/, { error: 'progress has to be a percentage, as 80%' })
      .nullish(),
  }),
}
type Action = {
  'os-reset_status'?: { status: string }
  'os-force_delete'?: unknown
  'os-unmanage'?: unknown
  'os-update_snapshot_status'?: { status: string; progress?: string | null }
}
const actionBody = z
  .strictObject(actionFields)
  .partial()
  .refine((body) => Object.keys(body).length === 1, {
    error: 'There is no such action.',
  }) as unknown as z.ZodType<Action>

/** Cinder's names for what only administrators do (cinder/policies/snapshot_actions.py, snapshots.py). */
const RULES: Record<string, string> = table({
  'os-reset_status': 'volume_extension:snapshot_admin_actions:reset_status',
  'os-force_delete': 'volume_extension:snapshot_admin_actions:force_delete',
  'os-unmanage': 'snapshot_extension:snapshot_unmanage',
})

/** What may be said of one that is under way (cinder/api/contrib/snapshot_actions.py). */
const NEXT: Record<string, string[]> = table({
  creating: ['creating', 'available', 'error'],
  deleting: ['deleting', 'error_deleting'],
})

const updateStatus = async (
  context: Context,
  snapshot: SnapshotRead,
  { status, progress }: { status: string; progress?: string | null },
): Promise<void> => {
  const allowed = NEXT[snapshot.status]
  if (!allowed) throw badRequest(`Snapshot status ${snapshot.status} not allowed for update_snapshot_status`)
  if (!allowed.includes(status))
    throw badRequest(`Provided snapshot status ${status} not allowed for snapshot with status ${snapshot.status}.`)
  await tellSnapshot(context, snapshot, { status, progress: progress ?? null })
}

/** https://docs.openstack.org/api-ref/block-storage/v3/#volume-snapshots-snapshots */
export const snapshotOperations: Operation[] = [
  operation<Create>({
    name: 'snapshot.create',
    method: 'POST',
    path: '/snapshots',
    who: 'member',
    summary: 'Makes a snapshot of a volume.',
    status: 202,
    body: createBody,
    handle: create,
    refuse: whenStatus(({ allowed, status }, { body }) =>
      invalidVolume(
        `Volume ${body.snapshot.volume_id} status must be ${allowed.join(' or ')}, but current status is: ${status}.`,
      ),
    ),
  }),
  operation({
    name: 'snapshot.list',
    method: 'GET',
    path: '/snapshots',
    who: 'reader',
    summary: 'Snapshots.',
    status: 200,
    handle: list(summary),
  }),
  operation({
    name: 'snapshot.list_detail',
    method: 'GET',
    path: '/snapshots/detail',
    who: 'reader',
    summary: 'Snapshots in full.',
    status: 200,
    handle: list(fullView),
  }),
  operation({
    name: 'snapshot.show',
    method: 'GET',
    path: '/snapshots/:id',
    who: 'reader',
    summary: 'One snapshot.',
    status: 200,
    handle: async (input) => {
      const snapshot = await snapshotOf(input)
      pursueSnapshots(input, [snapshot])
      return { body: { snapshot: fullView(input, snapshot) } }
    },
  }),
  operation<Update>({
    name: 'snapshot.update',
    method: 'PUT',
    path: '/snapshots/:id',
    who: 'member',
    summary: 'Changes name or description.',
    status: 200,
    body: updateBody,
    handle: update,
  }),
  operation({
    name: 'snapshot.delete',
    method: 'DELETE',
    path: '/snapshots/:id',
    who: 'member',
    summary: 'Deletes a snapshot.',
    status: 202,
    handle: async (input) => {
      await deleteSnapshot(input.context, await snapshotOf(input))
      return {}
    },
    refuse: whenStatus(() =>
      invalidSnapshot('Snapshot status must be available or error and must not be part of a group.'),
    ),
  }),
  operation<Action>({
    name: 'snapshot.action',
    method: 'POST',
    path: '/snapshots/:id/action',
    who: 'member',
    summary:
      'Sets the status of a snapshot, deletes it whatever its status is, or hands it back to its cloud, for admins; members say how far one is that is under way.',
    status: 202,
    body: actionBody,
    handle: async (input) => {
      const { context, body } = input
      const told = body['os-update_snapshot_status']
      if (!told && !context.caller?.isAdmin)
        throw forbidden(`Policy doesn't allow ${RULES[Object.keys(body)[0]!]} to be performed.`)
      const snapshot = await snapshotOf(input)
      if (told) {
        await updateStatus(context, snapshot, told)
        return {}
      }
      if ('os-unmanage' in body) {
        const why = await unmanageSnapshot(context, snapshot)
        if (why !== null) throw invalidSnapshot(why)
        return {}
      }
      const reset = body['os-reset_status']
      if (reset) await resetSnapshot(context, snapshot, reset.status)
      else await deleteSnapshot(context, snapshot, true)
      return {}
    },
    refuse: whenStatus(() =>
      invalidSnapshot('Snapshot status must be available or error and must not be part of a group.'),
    ),
  }),
  ...metadataOperations({
    name: 'snapshot',
    collection: 'snapshots',
    find: snapshotOf,
    read: ({ metadata: items }) => items,
    write: ({ context }, snapshot, items) => changeSnapshot(context, snapshot, { metadata: items }),
    absent: ({ id }, key) => notFound(`Snapshot ${id} has no metadata with key ${key}.`),
  }),
]
