import { and, eq, isNull, ne, not, type Placeholder, type SQL, sql } from 'drizzle-orm'
import { alias, type SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Database } from '../../client.ts'
import { always, among, anyOf } from '../../conditions.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { attachments, bindings, clouds, madeVolumeTypes, volumes } from '../../schema/index.ts'
import { foundWithin, type Scope, within } from '../../scope.ts'
import { contains, named, pagesOf, type Slice, seldom, type Time, type Times, timesBy, timesMet } from '../listing.ts'
import { mostOf } from '../quotas.ts'

export type VolumeRow = typeof volumes.$inferSelect
/** A volume with everything that a view shows of it, and when it or its attachment has work left. */
export interface VolumeRead extends VolumeRow {
  cloud: string
  /** Of the type that an operator made; null: it is a cloud's. */
  typeName: string | null
  attachment: typeof attachments.$inferSelect | null
  dueAt: number | null
  attachmentDueAt: number | null
}

const own = alias(bindings, 'own')
const held = alias(bindings, 'held')
const read = (db: Database) =>
  db
    .select({
      volume: volumes,
      attachment: attachments,
      cloud: clouds.name,
      typeName: madeVolumeTypes.name,
      dueAt: own.dueAt,
      attachmentDueAt: held.dueAt,
    })
    .from(volumes)
    .leftJoin(clouds, eq(clouds.id, volumes.cloudId))
    .leftJoin(madeVolumeTypes, eq(madeVolumeTypes.id, volumes.typeId))
    .leftJoin(own, and(eq(own.kind, 'volume'), eq(own.resourceId, volumes.id)))
    // One that is only kept is in no server.
    .leftJoin(attachments, and(eq(attachments.volumeId, volumes.id), ne(attachments.serverId, '')))
    .leftJoin(held, and(eq(held.kind, 'attachment'), eq(held.resourceId, attachments.id)))

const flat = ({ volume, cloud, ...rest }: Awaited<ReturnType<typeof read>>[number]): VolumeRead => ({
  ...volume,
  ...rest,
  cloud: cloud ?? '',
})

const { placeholder } = sql
const reading = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  read(db).where(and(eq(volumes.id, id), isNull(volumes.deletedAt), within(volumes.projectId, scope))),
)

/** Null: there is none that the scope may see. Its attachment and the dates of its bindings come in the same query. */
export const readVolume = async (db: Database, scope: Scope, id: string): Promise<VolumeRead | null> => {
  const [row] = await reading.run(db, { scope, id })
  return row ? flat(row) : null
}

const byId = prepared((db) =>
  db
    .select({ volume: volumes, attachment: attachments })
    .from(volumes)
    .leftJoin(attachments, eq(attachments.volumeId, volumes.id))
    .where(and(eq(volumes.id, placeholder('id')), isNull(volumes.deletedAt))),
)

/** For converge, which has no tenant: the tombstoned too are gone. */
export const volumeById = async (db: Database, id: string) => (await byId.run(db, { id }))[0] ?? null

/** Volumes of ids that are known to be there. */
export const volumesById = (db: Database, ids: string[]): Promise<VolumeRow[]> =>
  db.select().from(volumes).where(anyOf(volumes.id, ids))

/** Those of the ids that are volumes of the scope. */
export const volumesOf = (db: Database, scope: Scope, ids: string[]): Promise<VolumeRow[]> =>
  db
    .select()
    .from(volumes)
    .where(and(anyOf(volumes.id, ids), isNull(volumes.deletedAt), foundWithin(volumes.projectId, scope)))

/** Statement: a volume that was being copied rests as it did before. */
export const endUpload = (db: Database, id: string, now: number) =>
  db
    .update(volumes)
    .set({
      status: sql`iif(exists (select 1 from attachments where volume_id = ${id}), 'in-use', 'available')`,
      updatedAt: now,
    })
    .where(and(eq(volumes.id, id), eq(volumes.status, 'uploading')))

export interface VolumeFilter {
  id?: string | undefined
  name?: string | null | undefined
  /** Part of a name. */
  nameLike?: string | undefined
  status?: string | undefined
  bootable?: boolean | undefined
  /** `<cloud>` or `<cloud>.<zone>`. */
  zone?: string | undefined
  /** A cloud's, or `default`. */
  type?: string | undefined
  groupId?: string | undefined
  /** An operator's. */
  typeId?: string | undefined
  size?: number | undefined
  userId?: string | undefined
  metadata?: Record<string, string> | undefined
  imageMetadata?: Record<string, string> | undefined
  times?: Time[] | undefined
}
/** Columns by which lists may be sorted, in Cinder's words. */
export const VOLUME_SORT = {
  id: volumes.id,
  name: volumes.name,
  display_name: volumes.name,
  size: volumes.sizeGib,
  status: volumes.status,
  bootable: volumes.bootable,
  availability_zone: volumes.zone,
  created_at: volumes.createdAt,
  updated_at: volumes.updatedAt,
} as const

const visible = (scope: Scope<string | Placeholder>) => and(isNull(volumes.deletedAt), within(volumes.projectId, scope))

type Filter = Omit<VolumeFilter, 'times'> & Times
const filterOf = ({ times, ...filter }: VolumeFilter): Filter => ({ ...filter, ...timesBy(times) })

const conditions = (f: Slots<Filter & { scope: Scope }>): (SQL | undefined)[] => [
  visible(f.scope),
  f.id && eq(volumes.id, f.id),
  f.name && named(volumes.name, f.name),
  f.nameLike && sql`instr(${volumes.name}, ${f.nameLike}) > 0`,
  f.status && seldom(volumes.status, f.status),
  f.bootable && eq(volumes.bootable, f.bootable),
  f.zone &&
    sql`case when ${volumes.pinnedZone} is null then ${f.zone} in (${clouds.name}, ${clouds.name} || '.' || ${volumes.zone})
      else ${volumes.pinnedZone} = ${f.zone} end`,
  f.type && and(eq(volumes.volumeType, f.type), sql`+${volumes.typeId} is null`),
  f.groupId && eq(volumes.groupId, f.groupId),
  f.typeId && eq(volumes.typeId, f.typeId),
  f.size && seldom(volumes.sizeGib, f.size),
  f.userId && eq(volumes.userId, f.userId),
  contains(volumes.metadata, f.metadata),
  contains(volumes.imageMetadata, f.imageMetadata),
  ...timesMet(VOLUME_SORT, f),
]

const pages = pagesOf(volumes, VOLUME_SORT, visible, conditions, (db, page) =>
  read(db)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/** One page; null: the marker is not a volume that the scope may see. */
export const listVolumes = async (
  db: Database,
  scope: Scope,
  filter: VolumeFilter,
  slice: Slice,
): Promise<VolumeRead[] | null> => (await pages(db, scope, filterOf(filter), slice))?.map(flat) ?? null

const total = { count: sql<number>`count(*)`, size: sql<number>`coalesce(sum(${volumes.sizeGib}), 0)` }
const counting = prepared((db, asked: Slots<Filter & { scope: Scope }>) =>
  db
    .select(total)
    .from(volumes)
    .leftJoin(clouds, eq(clouds.id, volumes.cloudId))
    .where(and(...conditions(asked))),
)

/** How many volumes of a scope a filter lets through, and how many GiB they are. */
export const countVolumes = async (db: Database, scope: Scope, filter: VolumeFilter) => {
  const [row] = await counting.run(db, { scope, ...filterOf(filter) })
  return row!
}

const summing = prepared((db, asked: Slots<Filter & { scope: Scope }>) =>
  db
    .select({
      ...total,
      metadata:
        sql`(select json_group_array(json(m.metadata)) from (select distinct metadata from ${volumes} indexed by volumes_with_metadata
        where ${and(visible(asked.scope), sql`${volumes.metadata} <> '{}'`)}) m)`.mapWith(
          (text: string): Record<string, string>[] => JSON.parse(text),
        ),
    })
    .from(volumes)
    .leftJoin(clouds, eq(clouds.id, volumes.cloudId))
    .where(and(...conditions(asked))),
)

/** The same with the metadata that volumes of the scope have, each once, whatever the filter says. */
export const sumVolumes = async (db: Database, scope: Scope, filter: VolumeFilter) => {
  const [row] = await summing.run(db, { scope, ...filterOf(filter) })
  return row!
}

/** Statement: a new volume. */
export const insertVolume = (db: Database, row: typeof volumes.$inferInsert) => db.insert(volumes).values(row)

/** Statement: changes a volume. */
export const updateVolume = (db: Database, id: string, set: Partial<VolumeRow>) =>
  db.update(volumes).set(set).where(eq(volumes.id, id))

/** Moves volumes from one of some statuses to another; others stay, and all while a condition keeps them. */
export const moveVolumes = (db: Database, ids: string[], from: string[], status: string, now: number, kept?: SQL) =>
  db
    .update(volumes)
    .set({ status, updatedAt: now })
    .where(
      sql`${volumes.id} in ${among(ids)} and ${volumes.deletedAt} is null
        and ${volumes.status} in ${among(from)} and ${kept ? not(kept) : always}`,
    )

type Owned = Pick<VolumeRow, 'id' | 'projectId'>

/** True (as SQL) when the volume is gone, or another project's than it was seen. */
export const volumeLost = ({ id, projectId }: Owned) =>
  sql`not exists (select 1 from volumes where id = ${id} and project_id = ${projectId} and deleted_at is null)`

/** The same, and when it is in none of these statuses any more. */
export const volumeNot = ({ id, projectId }: Owned, statuses: string[]) =>
  sql`not exists (select 1 from volumes where id = ${id} and project_id = ${projectId} and deleted_at is null
    and status in ${among(statuses)})`

/** True (as SQL) when the volume is gone, or has another size or type than was seen. */
export const volumeChanged = ({
  id,
  sizeGib,
  volumeType,
  typeId,
  retypedFrom,
}: Pick<VolumeRow, 'id' | 'sizeGib' | 'volumeType' | 'typeId' | 'retypedFrom'>) =>
  sql`not exists (select 1 from volumes where id = ${id} and deleted_at is null and size_gib = ${sizeGib}
    and volume_type = ${volumeType} and type_id is ${typeId} and (retyped_from is null) = ${retypedFrom === null ? 1 : 0})`

/** True (as SQL) when the volume is somewhere by now, is gone, or has another size than was seen. */
export const nowhereNoMore = ({ id, sizeGib }: Pick<VolumeRow, 'id' | 'sizeGib'>) =>
  sql`not exists (select 1 from volumes where id = ${id} and deleted_at is null and cloud_id is null and size_gib = ${sizeGib})`

/** True (as SQL) while a volume that is nowhere yet is to be made of the image. */
export const volumeAwaitsImage = (imageId: string | SQLiteColumn) =>
  sql`exists (select 1 from volumes v where v.image_id = ${imageId} and v.cloud_id is null and v.deleted_at is null
    and v.status <> 'error' and v.project_id = (select i.project_id from images i where i.id = ${imageId}))`

/** True (as SQL) while a server has the volume, or another one is being made of it. */
export const volumeHeld = (id: string) => sql`(exists (select 1 from attachments where volume_id = ${id})
  or exists (select 1 from volumes where source_volume_id = ${id} and deleted_at is null and status = 'creating'))`

/** True (as SQL) while the volume is being written anew. */
export const beingRewritten = (id: string) =>
  sql`exists (select 1 from volumes where id = ${id} and deleted_at is null and rewrite is not null)`

/** True (as SQL) when no cloud has the volume: it is yet to be made, or that failed. */
export const volumeUnmade = (id: string) =>
  sql`not exists (select 1 from bindings where kind = 'volume' and resource_id = ${id} and phase = 'bound')`

/** True (as SQL) when one volume of the project may not be that large. */
export const tooLargeFor = (projectId: string, sizeGib: number) =>
  sql`exists (select 1 from (select ${mostOf(projectId, 'per_volume_gigabytes', -1)} as most) where most >= 0 and most < ${sizeGib})`
