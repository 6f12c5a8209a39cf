import { and, asc, eq, gte, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { flavorAccess, flavors } from '../../schema/index.ts'
import type { Scope } from '../../scope.ts'
import { after, orderOf, type SortKey } from '../keyset.ts'

export type FlavorRow = typeof flavors.$inferSelect

/**
 * What a project may buy: common sizes, unless they are another's, and the native ones that its clouds offer. A common
 * size is listed though no cloud can meet it: that depends on the day. Admins see all but the retired.
 */
const onSale = (scope: Scope): SQL =>
  'every' in scope
    ? sql`(not ${flavors.native} or not ${flavors.retired})`
    : sql`case when ${flavors.native}
        then not ${flavors.retired} and exists (select 1 from mappings m join offers o on o.cloud_id = m.cloud_id
          where m.project_id = ${scope.projectId} and o.name = ${flavors.name})
        else ${flavors.isPublic} or exists (select 1 from flavor_access a
          where a.flavor_id = ${flavors.id} and a.project_id = ${scope.projectId}) end`

/** A flavor that a new server may have; null: there is none of that id for this project. */
export const flavorOnSale = async (db: Database, scope: Scope, id: string): Promise<FlavorRow | null> =>
  (
    await db
      .select()
      .from(flavors)
      .where(and(eq(flavors.id, id), onSale(scope)))
  )[0] ?? null

/** Also one that is not offered any more while a server of the project has it. */
export const readableFlavor = async (db: Database, scope: Scope, id: string): Promise<FlavorRow | null> => {
  const used = sql`exists (select 1 from servers s where s.deleted_at is null and s.flavor->>'id' = ${flavors.id}
    ${'every' in scope ? sql`` : sql`and s.project_id = ${scope.projectId}`})`
  const [row] = await db
    .select()
    .from(flavors)
    .where(and(eq(flavors.id, id), sql`(${onSale(scope)} or ${used})`))
  return row ?? null
}

const columns = {
  flavorid: flavors.id,
  id: flavors.id,
  name: flavors.name,
  memory_mb: flavors.ramMib,
  root_gb: flavors.diskGib,
  ephemeral_gb: flavors.ephemeralGib,
  swap: flavors.swapMib,
  vcpus: flavors.vcpus,
  is_public: flavors.isPublic,
  rxtx_factor: flavors.rxtxFactor,
  description: flavors.description,
  created_at: flavors.createdAt,
  // Nothing of ours to sort by: the id decides.
  disabled: flavors.id,
  updated_at: flavors.id,
  vcpu_weight: flavors.id,
} as const
export type FlavorSort = keyof typeof columns
export const FLAVOR_SORTS = Object.keys(columns) as [FlavorSort, ...FlavorSort[]]

export interface FlavorFilter {
  /** Absent: whatever the scope sees. */
  isPublic?: boolean
  minRamMib?: number
  minDiskGib?: number
  sort: FlavorSort
  descending: boolean
  /** The page starts behind this row. */
  marker?: FlavorRow
  limit: number
}

/** One page of the flavors that a project may buy; an administrator sees all that are not retired. */
export const listFlavors = (db: Database, scope: Scope, filter: FlavorFilter): Promise<FlavorRow[]> => {
  const { isPublic, minRamMib, minDiskGib, sort, descending, marker, limit } = filter
  const keys: SortKey[] = [
    { column: columns[sort], descending },
    { column: flavors.id, descending },
  ]
  return db
    .select()
    .from(flavors)
    .where(
      and(
        onSale(scope),
        isPublic === undefined ? undefined : eq(flavors.isPublic, isPublic),
        minRamMib === undefined ? undefined : gte(flavors.ramMib, minRamMib),
        minDiskGib === undefined ? undefined : gte(flavors.diskGib, minDiskGib),
        marker && after(keys, [sortValue(marker, sort), marker.id]),
      ),
    )
    .orderBy(...orderOf(keys))
    .limit(limit)
}

/** As SQLite holds it: flags are numbers there. */
const sortValue = (row: FlavorRow, sort: FlavorSort): unknown => {
  const column = columns[sort]
  const [key] = Object.entries(flavors).find(([, each]) => each === column)!
  const value = row[key as keyof FlavorRow]
  return typeof value === 'boolean' ? Number(value) : value
}

/** Statement: a new flavor. */
export const insertFlavor = (db: Database, row: typeof flavors.$inferInsert) => db.insert(flavors).values(row)

/** Statement: another description, which is all that changes in a flavor; null: none. */
export const describeFlavor = (db: Database, id: string, description: string | null) =>
  db.update(flavors).set({ description }).where(eq(flavors.id, id))

/** Sets the given extra specs and removes those that are null (RFC 7396), whatever else is written meanwhile. */
export const patchExtraSpecs = (db: Database, id: string, patch: Record<string, string | null>) =>
  db
    .update(flavors)
    .set({ extraSpecs: sql`json_patch(${flavors.extraSpecs}, ${JSON.stringify(patch)})` })
    .where(eq(flavors.id, id))

/** Statements: a flavor goes, and who was given it. Servers keep what they were made with. */
export const deleteFlavor = (db: Database, id: string) =>
  [db.delete(flavorAccess).where(eq(flavorAccess.flavorId, id)), db.delete(flavors).where(eq(flavors.id, id))] as const

/** Ids of the projects that see a private flavor. */
export const accessOf = async (db: Database, flavorId: string): Promise<string[]> =>
  (
    await db.select().from(flavorAccess).where(eq(flavorAccess.flavorId, flavorId)).orderBy(asc(flavorAccess.projectId))
  ).map(({ projectId }) => projectId)

/** Statement: gives a private flavor to a project. Twice breaks the primary key. */
export const insertAccess = (db: Database, flavorId: string, projectId: string) =>
  db.insert(flavorAccess).values({ flavorId, projectId })

/** Statement: takes a private flavor from a project. */
export const deleteAccess = (db: Database, flavorId: string, projectId: string) =>
  db.delete(flavorAccess).where(and(eq(flavorAccess.flavorId, flavorId), eq(flavorAccess.projectId, projectId)))
