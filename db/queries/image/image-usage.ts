import { and, eq, isNull, ne, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { images, quotas } from '../../schema/index.ts'
import { type Scope, within } from '../../scope.ts'
import { mostOf } from '../quotas.ts'

/** Glance's limits of a project, in its words: sizes are in MiB. */
export const IMAGE_LIMITS = [
  'image_size_total',
  'image_stage_total',
  'image_count_total',
  'image_count_uploading',
] as const
export type ImageLimit = (typeof IMAGE_LIMITS)[number]
/** An amount of what a limit counts; sizes in bytes. */
export type ImageAmounts = Partial<Record<ImageLimit, number>>

const MIB = 2 ** 20
/** Bytes to the unit of a limit. */
export const unitOf = (limit: ImageLimit): number =>
  limit.startsWith('image_size') || limit.startsWith('image_stage') ? MIB : 1

/** Of an image that is being fetched: what its server says that it has, or more if more of it is here. */
const bytes = sql`case when status = 'importing' then (select max(max(coalesce(t.work ->> 'done', 0), coalesce(t.work ->> 'total', 0)))
  from image_tasks t where t.image_id = images.id and t.expires_at is null) else size_bytes end`

/** What is counted is read from the images and their tasks, so that no counter can go astray. Images that forks are made of are not the user's. */
const COUNTED: Record<ImageLimit, { what: SQL; which: SQL }> = {
  image_size_total: { what: sql`sum(${bytes})`, which: sql`status <> 'uploading'` },
  image_stage_total: { what: sql`sum(${bytes})`, which: sql`status = 'uploading' or status = 'importing'` },
  image_count_total: { what: sql`count(*)`, which: sql`true` },
  image_count_uploading: {
    what: sql`count(*)`,
    which: sql`status = 'saving' or status = 'uploading' or status = 'importing'`,
  },
}

const used = (
  projectId: string,
  limit: ImageLimit,
  but: string | null,
): SQL => sql`coalesce((select ${COUNTED[limit].what}
  from images where project_id = ${projectId} and deleted_at is null and fork_id is null and id is not ${but}
  and (${COUNTED[limit].which})), 0)`

/**
 * True (as SQL) when so much more would pass the limit of a project. Within a batch it sees what was written before it.
 * @param but an image that is counted as `more` says, whatever is written of it
 */
export const passesLimit = (
  projectId: string,
  limit: ImageLimit,
  { more, standard, but = null }: { more: number; standard: number; but?: string | null },
): SQL => {
  const maximum = mostOf(projectId, limit, standard)
  return sql`${maximum} >= 0 and ${used(projectId, limit, but)} + ${more} > ${maximum} * ${unitOf(limit)}`
}

/** What images of a project come to and may come to. */
export interface ImageStanding {
  /** Sizes in bytes. */
  used: Record<ImageLimit, number>
  /** Limits that somebody set, in their units. */
  maxima: Partial<Record<string, number>>
  /** Whether there is such a project at all. */
  known: boolean
}

const standing = prepared((db, { scope, project, but }: Slots<{ scope: Scope; project: string; but: string }>) => {
  const used = ({ what, which }: (typeof COUNTED)[ImageLimit]) =>
    sql<number>`coalesce(${what} filter (where ${which}), 0)`
  const set = db
    .select({ all: sql`json_group_object(${quotas.resource}, ${quotas.maximum}) filter (where ${quotas.given})` })
    .from(quotas)
    .where(and(eq(quotas.projectId, project), within(quotas.projectId, scope)))
  return db
    .select({
      image_size_total: used(COUNTED.image_size_total),
      image_stage_total: used(COUNTED.image_stage_total),
      image_count_total: used(COUNTED.image_count_total),
      image_count_uploading: used(COUNTED.image_count_uploading),
      maxima: sql`(${set})`.mapWith((text: string): ImageStanding['maxima'] => JSON.parse(text)),
      known: sql`exists (select 1 from projects where id = ${project})`.mapWith(Boolean),
    })
    .from(images)
    .where(and(eq(images.projectId, project), isNull(images.deletedAt), isNull(images.forkId), ne(images.id, but)))
})

/** What images of a project come to, all `but` one, and the limits that were set. One query. */
export const imageStanding = async (
  db: Database,
  scope: Scope,
  projectId: string,
  but: string | null = null,
): Promise<ImageStanding> => {
  const [row] = await standing.run(db, { scope, project: projectId, but: but ?? '' })
  const { maxima, known, ...used } = row!
  return { used, maxima, known }
}
