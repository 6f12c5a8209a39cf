import { and, eq, isNull, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { among } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { bindings, snapshots, volumes, volumeTransfers } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { pagesOf, type Slice } from '../listing.ts'

export type TransferRow = typeof volumeTransfers.$inferSelect

/** Columns by which lists may be sorted, in Cinder's words. */
export const TRANSFER_SORT = {
  id: volumeTransfers.id,
  display_name: volumeTransfers.name,
  name: volumeTransfers.name,
  volume_id: volumeTransfers.volumeId,
  created_at: volumeTransfers.createdAt,
} as const

const visible = (scope: Scope<string | Placeholder>) =>
  and(isNull(volumeTransfers.deletedAt), within(volumeTransfers.projectId, scope))

interface TransferFilter {
  name?: string | undefined
  volumeId?: string | undefined
}
const conditions = (f: Slots<TransferFilter & { scope: Scope }>) => [
  visible(f.scope),
  f.name && eq(volumeTransfers.name, f.name),
  f.volumeId && sql`+${volumeTransfers.volumeId} = ${f.volumeId}`,
]

const pages = pagesOf(volumeTransfers, TRANSFER_SORT, visible, conditions, (db, page) =>
  db
    .select()
    .from(volumeTransfers)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/** One page of what a scope gives away; null: the marker is none of it. */
export const listTransfers = (db: Database, scope: Scope, filter: TransferFilter, slice: Slice) =>
  pages(db, scope, filter, slice)

const byId = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(volumeTransfers)
    .where(and(eq(volumeTransfers.id, id), visible(scope))),
)

/** A transfer that waits; for the one who accepts it `everyProject`. Null: there is none. */
export const transferById = async (db: Database, scope: Scope, id: string): Promise<TransferRow | null> =>
  (await byId.run(db, { scope, id }))[0] ?? null

/** Statement: a volume is given away. */
export const insertTransfer = (db: Database, row: typeof volumeTransfers.$inferInsert) =>
  db.insert(volumeTransfers).values(row)

/** Statement: it was accepted by a project, or (null) taken back. */
export const endTransfer = (db: Database, id: string, destinationProjectId: string | null, now: number) =>
  db.update(volumeTransfers).set({ destinationProjectId, deletedAt: now }).where(eq(volumeTransfers.id, id))

/** Statement: whatever was offered of a volume, nobody can accept it any more. */
export const endTransfersOf = (db: Database, volumeId: string, now: number) =>
  db
    .update(volumeTransfers)
    .set({ deletedAt: now })
    .where(and(eq(volumeTransfers.volumeId, volumeId), isNull(volumeTransfers.deletedAt)))

/** True (as SQL) when the transfer is over. */
export const transferOver = (id: string): SQL =>
  sql`not exists (select 1 from ${volumeTransfers} where id = ${id} and deleted_at is null)`

/** True (as SQL) while something is under way with one of them on a cloud, or it is not ours to change. */
export const atWorkOn = (ids: string[], now: number): SQL =>
  sql`exists (select 1 from ${bindings} where resource_id in ${among(ids)} and phase <> 'gone'
    and (phase <> 'bound' or want <> 'present' or ownership <> 'ours' or task is not null or lease_until > ${now}))`

/** Statements: a volume with some of its snapshots is another project's, in no group, and so says its mark once the cloud was told. */
export const moveToProject = (
  db: Database,
  ids: string[],
  { projectId, userId }: { projectId: string; userId: string },
  now: number,
) =>
  [
    db
      .update(volumes)
      .set({ projectId, userId, groupId: null, status: 'available', updatedAt: now })
      .where(sql`${volumes.id} in ${among(ids)}`),
    db
      .update(snapshots)
      .set({ projectId, userId, updatedAt: now })
      .where(sql`${snapshots.id} in ${among(ids)}`),
    db
      .update(bindings)
      .set({
        projectId,
        ownership: 'adopting',
        fence: sql`${bindings.fence} + 1`,
        attempts: 0,
        dueAt: now,
        updatedAt: now,
      })
      .where(sql`${bindings.resourceId} in ${among(ids)} and ${bindings.phase} = 'bound'`),
  ] as const
