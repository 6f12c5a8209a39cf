import { and, desc, eq, isNotNull, isNull, not, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { type BackupFacts, bindings, snapshots } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { named, pagesOf, type Slice } from '../listing.ts'
import { snapshotInUse } from './snapshots.ts'

type Row = typeof snapshots.$inferSelect
/** A snapshot that outlives its volume, with whether others build on it and when its binding has work left. */
export interface BackupRead extends Omit<Row, 'backup'> {
  backup: BackupFacts
  hasDependents: boolean
  dueAt: number | null
}

const read = (db: Database) =>
  db
    .select({
      snapshot: snapshots,
      dueAt: bindings.dueAt,
      hasDependents: sql<boolean>`exists (select 1 from ${snapshots} d where d.parent_id = ${snapshots.id}
        and d.project_id = ${snapshots.projectId} and d.deleted_at is null)`.mapWith(Boolean),
    })
    .from(snapshots)
    .leftJoin(bindings, and(eq(bindings.kind, 'snapshot'), eq(bindings.resourceId, snapshots.id)))

const flat = ({ snapshot, ...rest }: Awaited<ReturnType<typeof read>>[number]): BackupRead => ({
  ...snapshot,
  ...rest,
  backup: snapshot.backup!,
})

/** Columns by which lists may be sorted, in Cinder's words. */
export const BACKUP_SORT = {
  id: snapshots.id,
  name: snapshots.name,
  display_name: snapshots.name,
  size: snapshots.sizeGib,
  volume_id: snapshots.volumeId,
  status: snapshots.status,
  created_at: snapshots.createdAt,
  updated_at: snapshots.updatedAt,
} as const

const visible = (scope: Scope<string | Placeholder>) =>
  and(isNull(snapshots.deletedAt), isNotNull(snapshots.backup), within(snapshots.projectId, scope))

interface BackupFilter {
  id?: string | undefined
  name?: string | null | undefined
  status?: string | undefined
  volumeId?: string | undefined
}
const conditions = (f: Slots<BackupFilter & { scope: Scope }>): (SQL | undefined)[] => [
  visible(f.scope),
  f.id && eq(snapshots.id, f.id),
  f.name && named(snapshots.name, f.name),
  f.status && sql`+${snapshots.status} = ${f.status}`,
  f.volumeId && sql`+${snapshots.volumeId} = ${f.volumeId}`,
]

const pages = pagesOf(snapshots, BACKUP_SORT, visible, conditions, (db, page) =>
  read(db)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/** One page; null: the marker is not a backup that the scope may see. */
export const listBackups = async (
  db: Database,
  scope: Scope,
  filter: BackupFilter,
  slice: Slice,
): Promise<BackupRead[] | null> => (await pages(db, scope, filter, slice))?.map(flat) ?? null

const counting = prepared((db, asked: Slots<BackupFilter & { scope: Scope }>) =>
  db
    .select({ count: sql<number>`count(*)` })
    .from(snapshots)
    .where(and(...conditions(asked))),
)

/** How many backups of a scope a filter lets through. */
export const countBackups = async (db: Database, scope: Scope, filter: BackupFilter): Promise<number> => {
  const [row] = await counting.run(db, { scope, ...filter })
  return row!.count
}

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  read(db).where(and(eq(snapshots.id, id), visible(scope))),
)

/** A backup of the scope; null: there is none. */
export const readBackup = async (db: Database, scope: Scope, id: string): Promise<BackupRead | null> => {
  const [row] = await byId.run(db, { scope, id })
  return row ? flat(row) : null
}

/** The project's latest backup of a volume that is whole; null: there is none. */
export const latestBackup = async (
  db: Database,
  { id: volumeId, projectId }: { id: string; projectId: string },
): Promise<string | null> =>
  (
    await db
      .select({ id: snapshots.id })
      .from(snapshots)
      .where(
        and(
          eq(snapshots.volumeId, volumeId),
          sql`+${snapshots.projectId} = ${projectId}`,
          isNull(snapshots.deletedAt),
          isNotNull(snapshots.backup),
          eq(snapshots.status, 'available'),
        ),
      )
      .orderBy(desc(snapshots.createdAt), desc(snapshots.id))
      .limit(1)
  )[0]?.id ?? null

/** True (as SQL) while backups of its project build on it. */
export const hasDependents = ({ id, projectId }: Pick<BackupRead, 'id' | 'projectId'>): SQL =>
  sql`exists (select 1 from ${snapshots} where parent_id = ${id} and project_id = ${projectId} and deleted_at is null)`

/** Statement: a volume is made of it. */
export const beginRestore = (db: Database, id: string, now: number) =>
  db.update(snapshots).set({ status: 'restoring', updatedAt: now }).where(eq(snapshots.id, id))

/** Statement: a volume of it is there, or never will be: the backup rests, unless another is being made of it. */
export const endRestore = (db: Database, id: string, now: number) =>
  db
    .update(snapshots)
    .set({ status: 'available', updatedAt: now })
    .where(and(eq(snapshots.id, id), eq(snapshots.status, 'restoring'), not(snapshotInUse(id))))
