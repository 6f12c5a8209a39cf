import { and, asc, desc, eq, isNull, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { groupSnapshots, groupTypes, snapshots, volumeGroups, volumes } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { pagesOf, type Slice } from '../listing.ts'

export type GroupTypeRow = typeof groupTypes.$inferSelect
export type GroupRow = typeof volumeGroups.$inferSelect
type GroupSnapshotRow = typeof groupSnapshots.$inferSelect

const types = prepared((db, { form: { all } }: Slots<{ form: { all: boolean } }>) =>
  db
    .select()
    .from(groupTypes)
    .where(all ? undefined : eq(groupTypes.isPublic, true))
    .orderBy(desc(groupTypes.createdAt), desc(groupTypes.id)),
)

/** Types of groups, newest first; `all`: those that are not public, too. */
export const listGroupTypes = (db: Database, all: boolean): Promise<GroupTypeRow[]> => types.run(db, { form: { all } })

const typeFor = prepared((db, { idOrName }: Slots<{ idOrName: string }>) =>
  db.select().from(groupTypes).where(sql`${idOrName} in (${groupTypes.id}, ${groupTypes.name})`),
)

/** One by id or name; null: there is none. */
export const groupTypeFor = async (db: Database, idOrName: string): Promise<GroupTypeRow | null> =>
  (await typeFor.run(db, { idOrName }))[0] ?? null

/** Statement: a new type; its name is taken once. */
export const insertGroupType = (db: Database, row: GroupTypeRow) => db.insert(groupTypes).values(row)
/** Statement: changes a type. */
export const updateGroupType = (db: Database, id: string, set: Partial<GroupTypeRow>) =>
  db.update(groupTypes).set(set).where(eq(groupTypes.id, id))
/** Statement: a type is no more. */
export const deleteGroupType = (db: Database, id: string) => db.delete(groupTypes).where(eq(groupTypes.id, id))
/** True (as SQL) while there are groups of the type. */
export const groupTypeInUse = (id: string): SQL =>
  sql`exists (select 1 from ${volumeGroups} where group_type_id = ${id})`

/** Columns by which lists may be sorted, in Cinder's words. */
export const GROUP_SORT = {
  id: volumeGroups.id,
  name: volumeGroups.name,
  status: volumeGroups.status,
  group_type_id: volumeGroups.groupTypeId,
  created_at: volumeGroups.createdAt,
} as const

interface GroupFilter {
  name?: string | undefined
  status?: string | undefined
}
const seenGroups = (scope: Scope<string | Placeholder>) => within(volumeGroups.projectId, scope)
const groupConditions = (f: Slots<GroupFilter & { scope: Scope }>) => [
  seenGroups(f.scope),
  f.name && eq(volumeGroups.name, f.name),
  f.status && eq(volumeGroups.status, f.status),
]
const groupPages = pagesOf(volumeGroups, GROUP_SORT, seenGroups, groupConditions, (db, page) =>
  db
    .select()
    .from(volumeGroups)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/** One page of groups; null: the marker is none that the scope may see. */
export const listGroups = (db: Database, scope: Scope, filter: GroupFilter, slice: Slice) =>
  groupPages(db, scope, filter, slice)

const oneGroup = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(volumeGroups)
    .where(and(eq(volumeGroups.id, id), seenGroups(scope))),
)

/** A group of the scope; null: there is none. */
export const groupById = async (db: Database, scope: Scope, id: string): Promise<GroupRow | null> =>
  (await oneGroup.run(db, { scope, id }))[0] ?? null

/** Statement: a new group. */
export const insertGroup = (db: Database, row: GroupRow) => db.insert(volumeGroups).values(row)
/** Statement: changes a group. */
export const updateGroup = (db: Database, id: string, set: Partial<GroupRow>) =>
  db.update(volumeGroups).set(set).where(eq(volumeGroups.id, id))
/** Statement: a group is no more. */
export const deleteGroup = (db: Database, id: string) => db.delete(volumeGroups).where(eq(volumeGroups.id, id))

/** True (as SQL) when the group is no more. */
export const groupGone = (id: string): SQL => sql`not exists (select 1 from ${volumeGroups} where id = ${id})`

/** Volumes of a group, in the order in which they were made. */
export const volumesInGroup = (db: Database, groupId: string) =>
  db
    .select()
    .from(volumes)
    .where(and(eq(volumes.groupId, groupId), isNull(volumes.deletedAt)))
    .orderBy(asc(volumes.createdAt), asc(volumes.id))

const idsInside = prepared((db, { ids }: Slots<{ ids: string[] }>) =>
  db
    .select({
      id: volumeGroups.id,
      inside: sql`(select json_group_array(v.id) from (select id from volumes
        where group_id = volume_groups.id and deleted_at is null order by created_at, id) v)`.mapWith(
        (text: string): string[] => JSON.parse(text),
      ),
    })
    .from(volumeGroups)
    .where(sql`${volumeGroups.id} in ${among(ids)}`),
)

/** Ids of the volumes of each of some groups, in the order in which they were made. */
export const volumeIdsOf = async (db: Database, groupIds: string[]): Promise<Map<string, string[]>> => {
  const rows = await idsInside.run(db, { ids: groupIds })
  return new Map(rows.map(({ id, inside }) => [id, inside]))
}

/** Statement: volumes are in a group, or (null) in none. */
export const putInGroup = (db: Database, ids: string[], groupId: string | null, now: number) =>
  db
    .update(volumes)
    .set({ groupId, updatedAt: now })
    .where(sql`${volumes.id} in ${among(ids)} and ${volumes.deletedAt} is null`)

/** True (as SQL) while the group has volumes. */
export const groupHasVolumes = (id: string): SQL =>
  sql`exists (select 1 from ${volumes} where group_id = ${id} and deleted_at is null)`
/** One whose snapshots are all gone is gone. */
const some = sql`exists (select 1 from snapshots where group_snapshot_id = group_snapshots.id and deleted_at is null)`
/** True (as SQL) while the group has snapshots. */
export const groupHasSnapshots = (id: string): SQL =>
  sql`exists (select 1 from ${groupSnapshots} where group_id = ${id} and ${some})`
/** True (as SQL) when one of them is another's, is in a group by now, or is gone. */
export const notFree = (ids: string[], projectId: string): SQL =>
  sql`(select count(*) from ${volumes} where id in ${among(ids)} and project_id = ${projectId} and deleted_at is null
    and group_id is null) <> ${ids.length}`

/** With what its snapshots are together. */
export interface GroupSnapshotRead extends GroupSnapshotRow {
  status: string
}

// Selected from one table a column has but its own name, which snapshots have, too.
const together = sql<string>`coalesce(${groupSnapshots.said}, (select case
    when count(*) = 0 then 'deleted' when sum(status = 'error') then 'error' when sum(status = 'deleting') then 'deleting'
    when sum(status <> 'available') then 'creating' else 'available' end
  from snapshots where group_snapshot_id = group_snapshots.id and deleted_at is null))`
const readShots = (db: Database) => db.select({ shot: groupSnapshots, status: together }).from(groupSnapshots)
const flat = ({ shot, status }: { shot: GroupSnapshotRow; status: string }): GroupSnapshotRead => ({ ...shot, status })

/** Columns by which lists may be sorted, in Cinder's words. */
export const GROUP_SNAPSHOT_SORT = {
  id: groupSnapshots.id,
  name: groupSnapshots.name,
  group_id: groupSnapshots.groupId,
  group_type_id: groupSnapshots.groupTypeId,
  created_at: groupSnapshots.createdAt,
} as const

interface ShotFilter {
  name?: string | undefined
  groupId?: string | undefined
}
const seenShots = (scope: Scope<string | Placeholder>) => and(within(groupSnapshots.projectId, scope), some)
const shotConditions = (f: Slots<ShotFilter & { scope: Scope }>) => [
  seenShots(f.scope),
  f.name && eq(groupSnapshots.name, f.name),
  f.groupId && sql`+${groupSnapshots.groupId} = ${f.groupId}`,
]
const shotPages = pagesOf(groupSnapshots, GROUP_SNAPSHOT_SORT, seenShots, shotConditions, (db, page) =>
  readShots(db)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/** One page of snapshots of groups; null: the marker is none that the scope may see. */
export const listGroupSnapshots = async (
  db: Database,
  scope: Scope,
  filter: ShotFilter,
  slice: Slice,
): Promise<GroupSnapshotRead[] | null> => (await shotPages(db, scope, filter, slice))?.map(flat) ?? null

const oneShot = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  readShots(db).where(and(eq(groupSnapshots.id, id), seenShots(scope))),
)

/** A snapshot of a group of the scope; null: there is none. */
export const groupSnapshotById = async (db: Database, scope: Scope, id: string): Promise<GroupSnapshotRead | null> => {
  const [row] = await oneShot.run(db, { scope, id })
  return row ? flat(row) : null
}

/** Snapshots that one is made of. */
export const snapshotsInGroup = (db: Database, groupSnapshotId: string) =>
  db
    .select()
    .from(snapshots)
    .where(and(eq(snapshots.groupSnapshotId, groupSnapshotId), isNull(snapshots.deletedAt)))
    .orderBy(asc(snapshots.createdAt), asc(snapshots.id))

/** Statement: a new snapshot of a group. */
export const insertGroupSnapshot = (db: Database, row: GroupSnapshotRow) => db.insert(groupSnapshots).values(row)
/** Statement: an administrator says what it is. */
export const sayGroupSnapshot = (db: Database, id: string, said: string) =>
  db.update(groupSnapshots).set({ said }).where(eq(groupSnapshots.id, id))
/** Statement: snapshots of the group of which nothing is left are no more. */
export const dropEmptyGroupSnapshots = (db: Database, groupId: string) =>
  db.delete(groupSnapshots).where(and(eq(groupSnapshots.groupId, groupId), sql`not ${some}`))
/** Statement: the snapshot of a group is no more. */
export const deleteGroupSnapshot = (db: Database, id: string) =>
  db.delete(groupSnapshots).where(eq(groupSnapshots.id, id))
