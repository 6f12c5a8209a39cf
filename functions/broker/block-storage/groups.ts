import {
  deleteGroup,
  deleteGroupSnapshot,
  deleteGroupType,
  dropEmptyGroupSnapshots,
  type GroupRow,
  type GroupSnapshotRead,
  type GroupTypeRow,
  groupGone,
  groupHasSnapshots,
  groupHasVolumes,
  groupTypeInUse,
  insertGroup,
  insertGroupSnapshot,
  insertGroupType,
  notFree,
  putInGroup,
  sayGroupSnapshot,
  snapshotsInGroup,
  updateGroup,
  updateGroupType,
  volumesInGroup,
} from '../../../db/queries/block-storage/groups.ts'
import { deleteSnapshots, snapshotInUse } from '../../../db/queries/block-storage/snapshots.ts'
import { snapshotFrozen } from '../../../db/queries/block-storage/volume-services.ts'
import { volumeNot } from '../../../db/queries/block-storage/volumes.ts'
import { refuseChange } from '../../../db/queries/line/adopt.ts'
import type { Context } from '../../context.ts'
import { charge, commit, type Entry, guard, journalled, type Write } from '../line/commit.ts'
import { unwanted } from '../line/resources.ts'
import { planSnapshot } from './snapshot.ts'
import { isPlaced } from './unplaced.ts'
import { planDeletion, projectOf, refuseIncapable, volumeFor } from './volume.ts'
import { planNewVolume } from './volume-create.ts'
import { untilPaid } from './volume-money.ts'
import { VolumeRefused } from './volume-refusal.ts'

const write = (context: Context, action: string, kind: string, resourceId: string, writes: Write[]): Promise<void> =>
  commit(context, { action, kind, resourceId }, writes)

const volumeEntry = (action: string, resourceId: string): Entry => ({ action, kind: 'volume', resourceId })

/** A new type of groups. Throws `Refused` (`taken`) where its name is. */
export const createGroupType = async (
  context: Context,
  wish: Omit<GroupTypeRow, 'id' | 'createdAt'>,
): Promise<GroupTypeRow> => {
  const row = { ...wish, id: context.newId(), createdAt: context.now() }
  await write(context, 'create', 'group_type', row.id, [insertGroupType(context.db, row)])
  return row
}

/** Changes a type of groups. */
export const changeGroupType = async (
  context: Context,
  type: GroupTypeRow,
  set: Partial<GroupTypeRow>,
): Promise<GroupTypeRow> => {
  await write(context, 'update', 'group_type', type.id, [updateGroupType(context.db, type.id, set)])
  return { ...type, ...set }
}

/** Takes a type of groups away. Guard: `group-type-in-use`. */
export const removeGroupType = (context: Context, { id }: GroupTypeRow): Promise<void> =>
  write(context, 'delete', 'group_type', id, [
    guard(context, 'group-type-in-use', groupTypeInUse(id)),
    deleteGroupType(context.db, id),
  ])

type NewGroup = Pick<GroupRow, 'name' | 'description' | 'groupTypeId' | 'volumeTypes' | 'zone'> &
  Partial<Pick<GroupRow, 'groupSnapshotId' | 'sourceGroupId'>>

/** A group without volumes; charges `groups`. Throws `VolumeRefused` (`incapable`) for a type that promises what no cloud does. */
export const createGroup = async (context: Context, type: GroupTypeRow, wish: NewGroup): Promise<GroupRow> => {
  const { row, writes } = planGroup(context, type, wish)
  await write(context, 'create', 'group', row.id, writes)
  return row
}

const planGroup = (context: Context, type: GroupTypeRow, wish: NewGroup): { row: GroupRow; writes: Write[] } => {
  const promised = Object.entries(type.specs).find(
    ([key, value]) => /_enabled$/.test(key) && /<is>\s*true/i.test(value),
  )
  if (promised)
    throw new VolumeRefused({
      kind: 'incapable',
      reason: `Group type ${type.name} has ${promised[0]}: clouds make snapshots of volumes one by one, and replicate no groups.`,
    })
  const projectId = projectOf(context)
  const row: GroupRow = {
    groupSnapshotId: null,
    sourceGroupId: null,
    ...wish,
    ...{ id: context.newId(), projectId, status: 'available', createdAt: context.now() },
  }
  return { row, writes: [charge(projectId, 'groups', 1), insertGroup(context.db, row)] }
}

/** Name and text, and which volumes are in it. Guards: `group-gone`, `group-volumes`. */
export const changeGroup = async (
  context: Context,
  group: GroupRow,
  set: Partial<Pick<GroupRow, 'name' | 'description' | 'status'>>,
  { add = [], remove = [] }: { add?: string[]; remove?: string[] } = {},
): Promise<void> => {
  const now = context.now()
  await write(context, 'update', 'group', group.id, [
    guard(context, 'group-gone', groupGone(group.id)),
    ...(add.length ? [guard(context, 'group-volumes', notFree(add, group.projectId))] : []),
    ...(add.length ? [putInGroup(context.db, add, group.id, now)] : []),
    ...(remove.length ? [putInGroup(context.db, remove, null, now)] : []),
    ...(Object.keys(set).length ? [updateGroup(context.db, group.id, set)] : []),
  ])
}

/** A group goes, `withVolumes` with all that is in it. Guards: `group-gone`, `group-volumes`, `group-snapshots`. Throws as `deleteVolume`. */
export const removeGroup = async (context: Context, group: GroupRow, withVolumes: boolean): Promise<void> => {
  const { db } = context
  const ids = withVolumes ? (await volumesInGroup(db, group.id)).map(({ id }) => id) : []
  const writes: Write[] = []
  for (const id of ids) {
    const volume = await volumeFor(context, id)
    if (!volume) continue
    writes.push(...(await planDeletion(context, volume)), journalled(context, volumeEntry('delete', id)))
  }
  await write(context, 'delete', 'group', group.id, [
    guard(context, 'group-gone', groupGone(group.id)),
    guard(context, 'group-snapshots', groupHasSnapshots(group.id)),
    dropEmptyGroupSnapshots(db, group.id),
    ...(ids.length ? [refuseChange(ids), putInGroup(db, ids, null, context.now()), ...writes] : []),
    guard(context, 'group-volumes', groupHasVolumes(group.id)),
    charge(group.projectId, 'groups', -1),
    deleteGroup(db, group.id),
  ])
}

/** Snapshots of all volumes of a group, admitted together and made one by one. Throws as `createSnapshot`; `incapable` for an empty group. */
export const snapGroup = async (
  context: Context,
  group: GroupRow,
  { name, description }: Pick<GroupRow, 'name' | 'description'>,
): Promise<GroupSnapshotRead> => {
  const { db } = context
  const inside = await volumesInGroup(db, group.id)
  const allowed = ['available', 'in-use']
  if (!inside.length)
    throw new VolumeRefused({ kind: 'incapable', reason: `Invalid group: Source group ${group.id} has no volumes.` })
  const id = context.newId()
  const writes: Write[] = []
  for (const volume of inside) {
    if (!allowed.includes(volume.status)) throw new VolumeRefused({ kind: 'status', status: volume.status, allowed })
    if (!isPlaced(volume))
      throw new VolumeRefused({
        kind: 'incapable',
        reason: `Volume ${volume.id} is nowhere yet: there is nothing to copy.`,
      })
    await refuseIncapable(context, volume.cloudId, volume.projectId, 'snapshot')
    const plan = planSnapshot(
      context,
      volume,
      { name: `${name ?? id}-${volume.id}`, description: null, metadata: {} },
      id,
    )
    writes.push(guard(context, 'volume-status', volumeNot(volume, allowed)), ...plan.writes)
  }
  const row = {
    ...{ id, projectId: group.projectId, groupId: group.id, groupTypeId: group.groupTypeId, name, description },
    ...{ said: null, createdAt: context.now() },
  }
  await write(context, 'create', 'group_snapshot', id, [
    guard(context, 'group-gone', groupGone(group.id)),
    dropEmptyGroupSnapshots(db, group.id),
    insertGroupSnapshot(db, row),
    ...writes,
  ])
  return { ...row, status: 'creating' }
}

/** The snapshots of a group go. Guard: `snapshot-used`. */
export const removeGroupSnapshot = async (context: Context, { id }: GroupSnapshotRead): Promise<void> => {
  const ids = (await snapshotsInGroup(context.db, id)).map((each) => each.id)
  await write(context, 'delete', 'group_snapshot', id, [
    ...ids.flatMap((each) => [
      guard(context, 'snapshot-used', snapshotInUse(each)),
      guard(context, 'volume-frozen', snapshotFrozen(each)),
    ]),
    deleteSnapshots(context.db, ids, context.now()),
    unwanted(context, 'snapshot', ids),
    deleteGroupSnapshot(context.db, id),
  ])
}

/** What an administrator says that it is. */
export const resetGroupSnapshot = (context: Context, { id }: GroupSnapshotRead, status: string): Promise<void> =>
  write(context, 'reset_status', 'group_snapshot', id, [sayGroupSnapshot(context.db, id, status)])

/** A group with a volume for each snapshot of another, or for each of its volumes: all or nothing. Throws as `createVolume`. */
export const copyGroup = async (
  context: Context,
  type: GroupTypeRow,
  from: GroupRow,
  shot: GroupSnapshotRead | null,
  { name, description }: Pick<GroupRow, 'name' | 'description'>,
): Promise<GroupRow> => {
  const sources = shot ? await snapshotsInGroup(context.db, shot.id) : await volumesInGroup(context.db, from.id)
  if (!sources.length)
    throw new VolumeRefused({ kind: 'incapable', reason: `Invalid group: Source group ${from.id} has no volumes.` })
  const { volumeTypes, zone } = from
  const of = shot ? { groupSnapshotId: shot.id } : { sourceGroupId: from.id }
  const group = planGroup(context, type, { name, description, groupTypeId: type.id, volumeTypes, zone, ...of })
  await untilPaid(async () => {
    const writes: Write[] = []
    for (const { id } of sources) {
      const plan = await planNewVolume(context, {
        ...{ name: null, description: null, size: null, zone: null, metadata: {}, imageId: null, type: null },
        ...{ snapshotId: shot ? id : null, sourceVolumeId: shot ? null : id, groupId: group.row.id },
      })
      writes.push(...plan.writes, journalled(context, volumeEntry('create', plan.volume.id)))
    }
    await write(context, 'create', 'group', group.row.id, [...group.writes, ...writes])
  })
  return group.row
}
