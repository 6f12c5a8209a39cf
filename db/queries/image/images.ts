import { and, eq, getTableColumns, isNotNull, isNull, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { always, among, anyOf, both, either } from '../../conditions.ts'
import { nested } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { bindings, clouds, images } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { imageAwaited } from '../line/awaited.ts'
import { sharedWith } from '../line/sharing.ts'
import { contains, pagesOf, type Slice, type Time, type Times, timesBy, timesMet } from '../listing.ts'

export type ImageRow = typeof images.$inferSelect
/** With the clouds that have it, as far as the reader may know of them, and when converge has work left. */
export type ImageRead = ImageRow & { clouds: string[]; dueAt: number | null }

type Seer = Scope<string | Placeholder>

/** Bindings of an image on clouds that the scope's project is mapped to. */
const reachable = (scope: Seer): SQL => sql`from bindings b join clouds c on c.id = b.cloud_id
  where b.kind = 'image' and b.resource_id = ${images.id} and b.phase = 'bound' and b.want = 'present'
  ${'every' in scope ? sql`` : sql`and exists (select 1 from mappings m where m.cloud_id = b.cloud_id and m.project_id = ${scope.projectId})`}`

const bound = (scope: Seer): SQL => sql`exists (select 1 ${reachable(scope)})`
const nowhere = sql`not exists (select 1 from bindings b where b.kind = 'image' and b.resource_id = ${images.id})`

/** Its data is with us and on no cloud before somebody uses it there. */
const held = isNotNull(images.blob)

/**
 * Own images, those that are shared with the project (@param answered where it answered that), and the public ones of clouds
 * that it is mapped to: without a mapping nothing of a cloud is seen.
 */
const visible = (scope: Seer, answered?: Placeholder): SQL =>
  'every' in scope
    ? always
    : either(
        eq(images.projectId, scope.projectId),
        sharedWith(scope, answered),
        both(
          eq(images.visibility, 'public'),
          either(bound(scope), held, both(sql`${images.projectId} is not null`, nowhere)),
        ),
        both(eq(images.visibility, 'community'), either(bound(scope), held, nowhere)),
      )

/** A queued image whose making has begun is being saved, whatever the cloud has shown of it so far. */
const status = sql<ImageRow['status']>`case when ${images.status} = 'queued' and exists (select 1 from bindings b
  where b.kind = 'image' and b.resource_id = ${images.id} and b.phase in ('calling', 'bound')) then 'saving' else ${images.status} end`

const shown = (scope: Seer) => ({
  image: images,
  status,
  clouds: sql<string>`(select json_group_array(distinct c.name) ${reachable(scope)})`,
  dueAt: sql<
    number | null
  >`(select min(b.due_at) from bindings b where b.kind = 'image' and b.resource_id = ${images.id})`,
})
const read = (db: Database, scope: Seer) => db.select(shown(scope)).from(images)

const flat = ({ image, ...rest }: Awaited<ReturnType<typeof read>>[number]): ImageRead => ({
  ...image,
  ...rest,
  clouds: (JSON.parse(rest.clouds) as string[]).sort(),
})

const seen = (scope: Seer) => and(isNull(images.deletedAt), visible(scope))

const reading = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  read(db, scope).where(and(eq(images.id, id), seen(scope))),
)

/** Null: there is none that the scope may see. One query. */
export const readImage = async (db: Database, scope: Scope, id: string): Promise<ImageRead | null> => {
  const [row] = await reading.run(db, { scope, id })
  return row ? flat(row) : null
}

/** How an image is read with what belongs to it, a column of its query. Null: there is none that the scope may see. One query. */
export const readingWith = <T>(column: SQL<T>) => {
  const reading = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
    db
      .select({ ...shown(scope), its: column })
      .from(images)
      .where(and(eq(images.id, id), seen(scope))),
  )
  return async (db: Database, scope: Scope, id: string): Promise<{ image: ImageRead; its: T } | null> => {
    const [row] = await reading.run(db, { scope, id })
    if (!row) return null
    const { its, ...image } = row
    return { image: flat(image), its: its as T }
  }
}

const places = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(bindings)
    .where(
      and(
        eq(bindings.kind, 'image'),
        eq(bindings.resourceId, id),
        sql`${bindings.phase} <> 'gone'`,
        mapped(scope, sql`${bindings.cloudId}`),
      ),
    ),
)

/** Condition: a cloud (its id, SQL) is one that the scope's project is mapped to. */
const mapped = (scope: Seer, cloud: SQL): SQL =>
  'every' in scope
    ? always
    : sql`exists (select 1 from mappings m where m.cloud_id = ${cloud} and m.project_id = ${scope.projectId})`

const withCopies = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select({
      ...shown(scope),
      on: nested(
        { id: clouds.id, name: clouds.name, type: clouds.type },
        sql`clouds c where ${mapped(scope, sql`c.id`)}`,
        sql`c.position, c.name`,
        'c',
      ),
      copies: nested(
        getTableColumns(bindings),
        sql`bindings r where r.kind = 'image' and r.resource_id = ${images.id} and r.phase <> 'gone'
          and ${mapped(scope, sql`r.cloud_id`)} ${'every' in scope ? sql`` : sql`and r.scope in ('', ${scope.projectId})`}`,
        sql`r.scope`,
      ),
    })
    .from(images)
    .where(and(eq(images.id, id), seen(scope))),
)

/**
 * An image that the scope may see, with the clouds that its project is mapped to, in the operator's order, and what they
 * have of the image, made of its data or of a server, in their catalogue, or named by an operator; but nothing that was
 * made for other projects. Null: there is none. One query.
 */
export const imageWithCopies = async (db: Database, scope: Scope, id: string) => {
  const [row] = await withCopies.run(db, { scope, id })
  if (!row) return null
  const { on, copies, ...image } = row
  const copied = (cloudId: string) => copies.filter((copy) => copy.cloudId === cloudId)
  return { image: flat(image), clouds: on.map((cloud) => ({ ...cloud, copies: copied(cloud.id) })) }
}

/** Where an image is, on clouds that the scope's project is mapped to. */
export const imageBindings = (db: Database, scope: Scope, id: string) => places.run(db, { scope, id })

const byId = prepared((db) =>
  db
    .select()
    .from(images)
    .where(and(eq(images.id, sql.placeholder('id')), isNull(images.deletedAt))),
)

/** For converge: with the project of the server that it is made of. */
export const imageById = async (db: Database, id: string): Promise<ImageRow | null> =>
  (await byId.run(db, { id }))[0] ?? null

const ever = prepared((db) =>
  db
    .select()
    .from(images)
    .where(eq(images.id, sql.placeholder('id'))),
)

/** An image, deleted or not: for what was admitted with it. */
export const imageEver = async (db: Database, id: string): Promise<ImageRow | null> =>
  (await ever.run(db, { id }))[0] ?? null

/** A deleted image that something is still to be made of. */
export const imageKept = async (db: Database, id: string): Promise<ImageRow | null> =>
  (
    await db
      .select()
      .from(images)
      .where(and(eq(images.id, id), imageAwaited(id)))
  )[0] ?? null

const TEXTS = ['id', 'name', 'status', 'containerFormat', 'diskFormat', 'checksum', 'hashValue'] as const
type Text = (typeof TEXTS)[number]
export interface ImageFilter {
  /** One of these values. */
  among?: Partial<Record<Text, string[]>>
  owner?: string | undefined
  /** `all`: every visibility; undefined: what is listed by itself, which community images are not. */
  visibility?: string | undefined
  /** What the project said of images that are shared with it; `all`: whatever; undefined: it accepted. */
  memberStatus?: string | undefined
  hidden?: boolean | undefined
  protected?: boolean | undefined
  sizeMin?: number | undefined
  sizeMax?: number | undefined
  minDisk?: number | undefined
  minRam?: number | undefined
  tags?: string[] | undefined
  properties?: Record<string, string> | undefined
  times?: Time[] | undefined
}

/** Columns by which lists may be sorted, in Glance's words. */
export const IMAGE_SORT = {
  name: images.name,
  status: images.status,
  container_format: images.containerFormat,
  disk_format: images.diskFormat,
  size: images.sizeBytes,
  id: images.id,
  created_at: images.createdAt,
  updated_at: images.updatedAt,
} as const

type Filter = Omit<ImageFilter, 'among' | 'times'> & Partial<Record<Text, string[]>> & Times
const filterOf = ({ among, times, ...filter }: ImageFilter): Filter => ({ ...filter, ...among, ...timesBy(times) })

type Asked = Slots<Filter & { scope: Scope; form: { everyVisibility: boolean } }>

const shownTo = ({ scope, form, visibility }: Asked): SQL | undefined => {
  if (form.everyVisibility) return undefined
  if (visibility) return sql`${images.visibility} = ${visibility}`
  return 'every' in scope
    ? undefined
    : either(sql`${images.visibility} <> 'community'`, within(images.projectId, scope))
}

const conditions = (f: Asked): (SQL | undefined)[] => [
  isNull(images.deletedAt),
  visible(f.scope, f.memberStatus),
  ...TEXTS.map((name) => f[name] && anyOf(name === 'status' ? status : images[name], f[name])),
  f.owner && eq(images.projectId, f.owner),
  shownTo(f),
  f.hidden && eq(images.hidden, f.hidden),
  f.protected && eq(images.protected, f.protected),
  f.sizeMin && sql`${images.sizeBytes} >= ${f.sizeMin}`,
  f.sizeMax && sql`${images.sizeBytes} <= ${f.sizeMax}`,
  f.minDisk && eq(images.minDiskGib, f.minDisk),
  f.minRam && eq(images.minRamMib, f.minRam),
  f.tags &&
    sql`not exists (select 1 from json_each(${f.tags}) w
      where w.value not in (select h.value from json_each(${images.tags}) h))`,
  contains(images.properties, f.properties),
  ...timesMet(IMAGE_SORT, f),
]

const pages = pagesOf(images, IMAGE_SORT, seen, conditions, (db, page) =>
  read(db, page.scope)
    .where(page.where)
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset),
)

/** One page; null: the marker is not an image that the scope may see. */
export const listImages = async (
  db: Database,
  scope: Scope,
  { visibility, memberStatus = 'accepted', ...filter }: ImageFilter,
  slice: Slice,
): Promise<ImageRead[] | null> => {
  const everyVisibility = visibility === 'all'
  const wanted = filterOf({
    ...filter,
    visibility: everyVisibility ? undefined : visibility,
    memberStatus: memberStatus === 'all' || 'every' in scope ? undefined : memberStatus,
  })
  return (await pages(db, scope, wanted, slice, { everyVisibility }))?.map(flat) ?? null
}

/** Statement: a new image. */
export const insertImage = (db: Database, row: typeof images.$inferInsert) => db.insert(images).values(row)

/** Statement: changes an image. */
export const updateImage = (db: Database, id: string, set: Partial<ImageRow>) =>
  db.update(images).set(set).where(eq(images.id, id))

/** True (as SQL) when the image has changed since it was read. */
export const imageMoved = (id: string, updatedAt: number) =>
  sql`not exists (select 1 from images where id = ${id} and updated_at = ${updatedAt} and deleted_at is null)`

/** True (as SQL) when the image is not waiting for this upload any more. */
export const uploadLost = (id: string, blob: string) =>
  sql`not exists (select 1 from images where id = ${id} and blob = ${blob} and status in ('saving', 'uploading', 'importing') and deleted_at is null)`

const receiving = sql`status in ('saving', 'uploading', 'importing') and deleted_at is null`

/** Says that an upload goes on. False: nobody waits for it any more. */
export const touchUpload = async (db: Database, id: string, blob: string, now: number): Promise<boolean> =>
  (
    await db.all(
      sql`update images set updated_at = ${now} where id = ${id} and blob = ${blob} and ${receiving} returning id`,
    )
  ).length > 0

const waits = sql`status = 'queued', blob = null, size_bytes = null, checksum = null, hash_algo = null, hash_value = null`

/** The image waits for data again: this upload came to nothing. */
export const giveUpload = (db: Database, id: string, blob: string, now: number) =>
  db.all<{ id: string }>(
    sql`update images set ${waits}, updated_at = ${now} where id = ${id} and blob = ${blob} and ${receiving} returning id`,
  )

/** Uploads that have not been heard of since then; what is staged as a whole has a size and may stay. */
export const abandonUploads = (db: Database, before: number, now: number) =>
  db.run(sql`update images set ${waits}, updated_at = ${now}
    where blob is not null and status in ('saving', 'uploading') and deleted_at is null and size_bytes is null and updated_at < ${before}`)

/** Which of these keys an image names. */
export const blobsInUse = async (db: Database, keys: string[]): Promise<Set<string>> =>
  new Set(
    (
      await db.all<{
        blob: string
      }>(sql`select blob from images where (deleted_at is null or ${imageAwaited(sql`images.id`)}) and blob is not null
        and blob in ${among(keys)}
        union all select w.value from image_tasks t, json_each(${JSON.stringify(keys)}) w
        where t.due_at is not null and w.value like (t.work ->> 'blob') || '.%'`)
    ).map(({ blob }) => blob),
  )
