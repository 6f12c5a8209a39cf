import { and, asc, desc, eq, getTableColumns, isNull, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { always, among } from '../../conditions.ts'
import { nested, outer } from '../../nested.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { images, imageTasks } from '../../schema/index.ts'
import { everyProject, type Scope, within } from '../../scope.ts'
import { pagesOf, type Slice } from '../listing.ts'
import { readingWith } from './images.ts'

export type ImageTask = typeof imageTasks.$inferSelect

/** So many tasks of an image are shown, newest first. */
const SHOWN = 100

const ofImage = prepared((db, { image }: Slots<{ image: string }>) =>
  db
    .select()
    .from(imageTasks)
    .where(eq(imageTasks.imageId, image))
    .orderBy(desc(imageTasks.createdAt), asc(imageTasks.id))
    .limit(SHOWN),
)

/** An image with the same. */
export const imageWithTasks = readingWith(
  nested(
    getTableColumns(imageTasks),
    sql`(select * from ${imageTasks} t where t.image_id = ${outer(images.id)} order by t.created_at desc, t.id limit ${sql.raw(String(SHOWN))}) r`,
    sql`r.created_at desc, r.id`,
  ),
)

/** What was and is done with an image, newest first. */
export const tasksOf = (db: Database, image: string): Promise<ImageTask[]> => ofImage.run(db, { image })

const one = prepared((db, { scope, id }: Slots<{ scope: Scope; id: string }>) =>
  db
    .select()
    .from(imageTasks)
    .where(and(eq(imageTasks.id, id), within(imageTasks.projectId, scope))),
)

/** Null: there is none that the scope sees. */
export const taskById = async (db: Database, scope: Scope, id: string): Promise<ImageTask | null> =>
  (await one.run(db, { scope, id }))[0] ?? null

/** Columns by which tasks may be sorted, in Glance's words. */
export const TASK_SORT = {
  id: imageTasks.id,
  type: imageTasks.type,
  status: imageTasks.status,
  created_at: imageTasks.createdAt,
  updated_at: imageTasks.updatedAt,
} as const

export interface TaskFilter {
  type?: string | undefined
  status?: string | undefined
}
const conditions = (f: Slots<TaskFilter & { scope: Scope }>): (SQL | undefined)[] => [
  f.type && sql`+${imageTasks.type} = ${f.type}`,
  f.status && sql`+${imageTasks.status} = ${f.status}`,
]
const pages = pagesOf(
  imageTasks,
  TASK_SORT,
  () => always,
  conditions,
  (db, page) =>
    db
      .select()
      .from(imageTasks)
      .where(page.where)
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
)

/** One page of all projects' tasks; null: the marker is none. */
export const listTasks = (db: Database, filter: TaskFilter, slice: Slice) => pages(db, everyProject, filter, slice)

/** Statement: a new task. */
export const insertTask = (db: Database, row: ImageTask) => db.insert(imageTasks).values(row)

/** So many tasks a project has at most, those that are over among them. */
export const MOST_TASKS = 200

/** Statement: the oldest tasks of a project that are over make room for one more. */
export const makeRoomForTask = (db: Database, project: string) =>
  db.run(sql`delete from image_tasks where id in (select id from image_tasks
    where project_id = ${project} and expires_at is not null order by created_at
    limit max(0, (select count(*) from image_tasks where project_id = ${project}) - ${MOST_TASKS - 1}))`)

/** True (as SQL): a project has as many tasks as it may. */
export const tasksFull = (project: string): SQL =>
  sql`exists (select 1 from image_tasks where project_id = ${project} limit 1 offset ${MOST_TASKS - 1})`

/** True (as SQL): something is being done with an image already. */
export const taskOpen = (image: string): SQL =>
  sql`exists (select 1 from image_tasks where image_id = ${image} and expires_at is null)`

/** Statement: whoever is at work for an image loses its task, which says why. What was fetched is still named by it. */
export const endTasks = (
  db: Database,
  image: string,
  { message, now, expiresAt }: { message: string; now: number; expiresAt: number },
) =>
  db
    .update(imageTasks)
    .set({
      ...{ status: 'failure', message, dueAt: null, leaseUntil: 0, updatedAt: now, expiresAt },
      fence: sql`${imageTasks.fence} + 1`,
    })
    .where(and(eq(imageTasks.imageId, image), isNull(imageTasks.expiresAt)))

/**
 * Takes the task whose time came first, for as long as the lease says: nobody else has it meanwhile. `but`: projects of which
 * nothing is fetched now; null: of none is. Null: there is no such task.
 */
export const claimTask = async (
  db: Database,
  { now, until, but }: { now: number; until: number; but: string[] | null },
): Promise<ImageTask | null> => {
  const fetched = but ? sql`or t.project_id not in ${among(but)}` : sql``
  const [task] = await db
    .update(imageTasks)
    .set({ leaseUntil: until, fence: sql`${imageTasks.fence} + 1`, status: 'processing' })
    .where(
      sql`${imageTasks.id} in (select t.id from image_tasks t where t.due_at <= ${now} and t.lease_until <= ${now}
        and (t.work ->> 'kind' is not 'fetch' ${fetched}) order by t.due_at limit 1)`,
    )
    .returning()
  return task ?? null
}

/** Statement: what is known of a task, by whoever has it, until it is over. */
export const saveTask = (db: Database, { id, fence }: Pick<ImageTask, 'id' | 'fence'>, set: Partial<ImageTask>) =>
  db
    .update(imageTasks)
    .set(set)
    .where(and(eq(imageTasks.id, id), eq(imageTasks.fence, fence), isNull(imageTasks.expiresAt)))

/** The same at once. False: somebody else has it by now, or it is over. */
export const keepTask = async (db: Database, task: Pick<ImageTask, 'id' | 'fence'>, set: Partial<ImageTask>) =>
  (await saveTask(db, task, set).returning({ id: imageTasks.id })).length > 0

/** True (as SQL): somebody else has the task by now, or it is over. */
export const taskLost = ({ id, fence }: Pick<ImageTask, 'id' | 'fence'>): SQL =>
  sql`not exists (select 1 from image_tasks where id = ${id} and fence = ${fence} and expires_at is null)`

/** Throws away tasks that have been over for long enough. */
export const sweepTasks = (db: Database, now: number, rows: number) =>
  db.run(sql`delete from image_tasks where id in (select id from image_tasks where expires_at < ${now} limit ${rows})`)

/** When the next task is due that nobody has; null: none is. */
export const taskDueAt = async (db: Database): Promise<number | null> =>
  (await db.all<{ at: number | null }>(sql`select min(due_at) as at from image_tasks where due_at is not null`))[0]
    ?.at ?? null

/** Statement: an image names the place that its data is brought to, while it is imported. */
export const placeImport = (db: Database, image: string, blob: string, now: number) =>
  db.run(
    sql`update images set blob = ${blob}, updated_at = max(updated_at + 1, ${now}) where id = ${image} and status = 'importing' and deleted_at is null`,
  )

/**
 * An image that is imported does not name that place any more: from then on nothing makes it active with what is there.
 * False: it is active with it already.
 */
export const leavePlace = async (db: Database, image: string, blob: string): Promise<boolean> => {
  const named = await db.all<{ blob: string | null }>(
    sql`update images set blob = iif(status = 'importing', null, blob) where id = ${image} and blob = ${blob} returning blob`,
  )
  return named.every((row) => row.blob === null)
}

/** Statement: an image that was to be imported waits for data again. */
export const giveImport = (db: Database, image: string, now: number) =>
  db.run(sql`update images set status = 'queued', blob = null, size_bytes = null, checksum = null, hash_algo = null, hash_value = null,
    updated_at = max(updated_at + 1, ${now}) where id = ${image} and status = 'importing' and deleted_at is null`)

/** Statement: what Glance tells with an image of where it is being brought, and where that failed. */
export const tellStores = (
  db: Database,
  image: string,
  { left, failed }: { left: string[]; failed: string[] },
  now: number,
) =>
  db.run(sql`update images set properties = json_set(properties, '$.os_glance_importing_to_stores', ${left.join(',')},
      '$.os_glance_failed_import', ${failed.join(',')}), updated_at = max(updated_at + 1, ${now})
    where id = ${image} and deleted_at is null`)
