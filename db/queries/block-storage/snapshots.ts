import { and, desc, eq, isNull, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { bindings, snapshots, volumes } from '../../schema/index.ts'
import { foundWithin, type Scope, within } from '../../scope.ts'
import { contains, named, pagesOf, type Slice, seldom, type Times, timesBy, timesMet } from '../listing.ts'
import type { VolumeFilter } from './volumes.ts'

export type SnapshotRow = typeof snapshots.$inferSelect
/** With when its binding has work left. */
export type SnapshotRead = SnapshotRow & { dueAt: number | null }

const read = (db: Database) =>
  db
    .select({ snapshot: snapshots, dueAt: bindings.dueAt })
    .from(snapshots)
    .leftJoin(bindings, and(eq(bindings.kind, 'snapshot'), eq(bindings.resourceId, snapshots.id)))

const flat = ({ snapshot, dueAt }: Awaited<ReturnType<typeof read>>[number]): SnapshotRead => ({ ...snapshot, dueAt })

const visible = (scope: Scope<string | Placeholder>) =>
  and(isNull(snapshots.deletedAt), isNull(snapshots.backup), within(snapshots.projectId, scope))

const reading = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  read(db).where(and(eq(snapshots.id, id), visible(scope))),
)

/** A snapshot of the scope, and when its binding is due; null: there is none, or it is another project's. */
export const readSnapshot = async (db: Database, scope: Scope, id: string): Promise<SnapshotRead | null> => {
  const [row] = await reading.run(db, { scope, id })
  return row ? flat(row) : null
}

/** For converge: with the project of the volume, whose binding it needs. */
export const snapshotById = async (db: Database, id: string) => {
  const [row] = await db
    .select({
      snapshot: snapshots,
      volumeProject: sql<string>`coalesce(${volumes.projectId}, ${snapshots.projectId})`,
    })
    .from(snapshots)
    // That of a backup may be gone for long.
    .leftJoin(volumes, eq(volumes.id, snapshots.volumeId))
    .where(and(eq(snapshots.id, id), isNull(snapshots.deletedAt)))
  return row ?? null
}

export interface SnapshotFilter
  extends Pick<VolumeFilter, 'id' | 'name' | 'nameLike' | 'status' | 'size' | 'userId' | 'metadata' | 'times'> {
  volumeId?: string | null | undefined
  zone?: string | undefined
}

/** Columns by which lists may be sorted, in Cinder's words. */
export const SNAPSHOT_SORT = {
  id: snapshots.id,
  name: snapshots.name,
  display_name: snapshots.name,
  size: snapshots.sizeGib,
  volume_size: snapshots.sizeGib,
  volume_id: snapshots.volumeId,
  status: snapshots.status,
  created_at: snapshots.createdAt,
  updated_at: snapshots.updatedAt,
} as const

/** The same where those of one volume are looked for, which are few. */
const ofVolume = (scope: Scope<string | Placeholder>) =>
  and(sql`+${snapshots.deletedAt} is null`, isNull(snapshots.backup), foundWithin(snapshots.projectId, scope))

type Filter = Omit<SnapshotFilter, 'times'> & Times
const filterOf = ({ times, ...filter }: SnapshotFilter): Filter => ({ ...filter, ...timesBy(times) })

const conditions = (f: Slots<Filter & { scope: Scope }>): (SQL | undefined)[] => [
  f.volumeId ? ofVolume(f.scope) : visible(f.scope),
  f.id && eq(snapshots.id, f.id),
  f.volumeId && sql`${snapshots.volumeId} is ${f.volumeId}`,
  f.name && named(snapshots.name, f.name),
  f.nameLike && sql`instr(${snapshots.name}, ${f.nameLike}) > 0`,
  f.status && seldom(snapshots.status, f.status),
  f.size && eq(snapshots.sizeGib, f.size),
  f.userId && eq(snapshots.userId, f.userId),
  f.zone &&
    sql`exists (select 1 from volumes v join clouds c on c.id = v.cloud_id where v.id = ${snapshots.volumeId}
      and ${f.zone} in (c.name, c.name || '.' || v.zone))`,
  contains(snapshots.metadata, f.metadata),
  ...timesMet(SNAPSHOT_SORT, f),
]

const pages = pagesOf(snapshots, SNAPSHOT_SORT, visible, conditions, (db, page) =>
  read(db)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/** One page; null: the marker is not a snapshot that the scope may see. */
export const listSnapshots = async (
  db: Database,
  scope: Scope,
  filter: SnapshotFilter,
  slice: Slice,
): Promise<SnapshotRead[] | null> => (await pages(db, scope, filterOf(filter), slice))?.map(flat) ?? null

const counting = prepared((db, asked: Slots<Filter & { scope: Scope }>) =>
  db
    .select({ count: sql<number>`count(*)` })
    .from(snapshots)
    .where(and(...conditions(asked))),
)

/** How many snapshots of a scope a filter lets through. */
export const countSnapshots = async (db: Database, scope: Scope, filter: SnapshotFilter): Promise<number> => {
  const [row] = await counting.run(db, { scope, ...filterOf(filter) })
  return row!.count
}

/** Snapshots that a volume still has, the latest first; backups are none. */
export const snapshotsOf = (db: Database, volumeId: string): Promise<SnapshotRow[]> =>
  db
    .select()
    .from(snapshots)
    .where(and(eq(snapshots.volumeId, volumeId), isNull(snapshots.deletedAt), isNull(snapshots.backup)))
    .orderBy(desc(snapshots.createdAt), desc(snapshots.id))

/** Statement: a new snapshot. */
export const insertSnapshot = (db: Database, row: typeof snapshots.$inferInsert) => db.insert(snapshots).values(row)

/** Statement: changes a snapshot. */
export const updateSnapshot = (db: Database, id: string, set: Partial<SnapshotRow>) =>
  db.update(snapshots).set(set).where(eq(snapshots.id, id))

/** Marks many for deletion; those on their way stay as they are. */
export const deleteSnapshots = (db: Database, ids: string[], now: number) =>
  db
    .update(snapshots)
    .set({ status: 'deleting', updatedAt: now })
    .where(sql`${snapshots.id} in ${among(ids)} and ${snapshots.deletedAt} is null`)

/** True (as SQL) when the snapshot is in none of these statuses any more. */
export const snapshotNot = (id: string, statuses: string[]) =>
  sql`not exists (select 1 from snapshots where id = ${id} and deleted_at is null
    and status in ${among(statuses)})`

/** True (as SQL) while the volume has snapshots. */
export const hasSnapshots = (volumeId: string) =>
  sql`exists (select 1 from snapshots where volume_id = ${volumeId} and deleted_at is null and backup is null)`

/** True (as SQL) while the volume has snapshots, or a backup of it is being made. */
export const heldByCopies = (volumeId: string) => sql`(${hasSnapshots(volumeId)} or ${beingBackedUp(volumeId)})`

/** True (as SQL) while a snapshot of the volume is being made, or a backup of it. */
export const beingCopied = (volumeId: string) =>
  sql`exists (select 1 from snapshots where volume_id = ${volumeId} and deleted_at is null and status = 'creating')`

/** True (as SQL) while a backup of the volume is being made. */
export const beingBackedUp = (volumeId: string) =>
  sql`exists (select 1 from snapshots where volume_id = ${volumeId} and deleted_at is null and status = 'creating'
    and backup is not null)`

/** True (as SQL) when a snapshot is not whole, or not the latest of its volume, any more. */
export const latestNoMore = ({ id, volumeId, createdAt }: Pick<SnapshotRow, 'id' | 'volumeId' | 'createdAt'>) =>
  sql`(${snapshotNot(id, ['available'])} or exists (select 1 from snapshots where volume_id = ${volumeId}
    and deleted_at is null and backup is null and (created_at, id) > (${createdAt}, ${id})))`

/** True (as SQL) while a volume is being made from it. */
export const snapshotInUse = (id: string) =>
  sql`(exists (select 1 from volumes where snapshot_id = ${id} and deleted_at is null and status = 'creating')
    or exists (select 1 from volumes where backup_id = ${id} and deleted_at is null and status = 'creating')
    or exists (select 1 from volumes where rewrite ->> '$.source.id' = ${id} and rewrite is not null and deleted_at is null))`
