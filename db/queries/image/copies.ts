import { and, asc, eq, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { bindings, mappings } from '../../schema/index.ts'
import { type Binding, wantAbsent } from '../line/bindings.ts'

const usable = prepared((db, { image }: Slots<{ image: string }>) =>
  db
    .select({ cloudId: bindings.cloudId })
    .from(bindings)
    .where(
      and(
        eq(bindings.kind, 'image'),
        eq(bindings.resourceId, image),
        eq(bindings.scope, ''),
        eq(bindings.phase, 'bound'),
      ),
    ),
)

/** Clouds that have an image for every project: none of its own has to be made there. */
export const cloudsForAll = async (db: Database, image: string): Promise<string[]> =>
  (await usable.run(db, { image })).map(({ cloudId }) => cloudId)

/** Statement: this object is the image there, whatever was there for all before. */
export const nameCopy = (
  db: Database,
  {
    imageId,
    cloudId,
    nativeId,
    token,
    now,
  }: Record<'imageId' | 'cloudId' | 'nativeId' | 'token', string> & {
    now: number
  },
) => {
  const named = {
    projectId: '',
    named: true,
    want: 'present' as const,
    phase: 'bound' as const,
    nativeId,
    token,
    error: null,
    task: null,
    dueAt: null,
    boundAt: now,
    seenAt: now,
    updatedAt: now,
  }
  return db
    .insert(bindings)
    .values({ kind: 'image', resourceId: imageId, cloudId, scope: '', ...named, createdAt: now })
    .onConflictDoUpdate({
      target: [bindings.kind, bindings.resourceId, bindings.cloudId, bindings.scope],
      set: { ...named, fence: sql`${bindings.fence} + 1` },
    })
}

/** Statement: an operator names nothing any more there. The object stays as it is. */
export const forgetCopy = (
  db: Database,
  { resourceId, cloudId }: Pick<Binding, 'resourceId' | 'cloudId'>,
  now: number,
) =>
  db
    .update(bindings)
    .set({ named: false, phase: 'gone', dueAt: null, fence: sql`${bindings.fence} + 1`, updatedAt: now })
    .where(
      and(
        eq(bindings.kind, 'image'),
        eq(bindings.resourceId, resourceId),
        eq(bindings.cloudId, cloudId),
        eq(bindings.scope, ''),
        eq(bindings.named, true),
      ),
    )

/** Statement: an image that has neither data nor a copy waits for one again; one that has a copy can be used. */
export const followCopies = (db: Database, image: string, now: number) =>
  db.run(sql`update images set updated_at = ${now}, status = iif(exists (select 1 from bindings b
      where b.kind = 'image' and b.resource_id = images.id and b.phase = 'bound'), 'active', 'queued')
    where id = ${image} and project_id is not null and blob is null and server_id is null
      and volume_id is null and properties ->> 'block_device_mapping' is null and status in ('queued', 'active')`)

/** True (as SQL) where something that is ours, or of the catalogue, is the image there for all. */
export const hasOther = (image: string, cloudId: string) => sql`exists (select 1 from bindings
  where kind = 'image' and resource_id = ${image} and cloud_id = ${cloudId} and scope = '' and phase <> 'gone' and project_id <> '')`

const mapped = prepared(
  (db, { cloud, project, limit }: Slots<{ cloud: string; project?: string | undefined; limit: number }>) =>
    db
      .select({ projectId: mappings.projectId, mapping: mappings.mapping })
      .from(mappings)
      .where(and(eq(mappings.cloudId, cloud), project && eq(mappings.projectId, project)))
      .orderBy(asc(mappings.projectId))
      .limit(limit),
)

/** As what projects use a cloud: one of them, or so many. */
export const usersOf = (db: Database, cloud: string, project: string | undefined, limit: number) =>
  mapped.run(db, { cloud, project, limit })

/** Statement: what would be made of an image's data for a project is not, where the cloud has the image for all. */
export const dropUnneeded = (
  db: Database,
  { imageId, cloudId, projectId }: Record<'imageId' | 'cloudId' | 'projectId', string>,
) =>
  db.delete(bindings).where(
    and(
      eq(bindings.kind, 'image'),
      eq(bindings.resourceId, imageId),
      eq(bindings.cloudId, cloudId),
      eq(bindings.scope, projectId),
      eq(bindings.phase, 'intent'),
      sql`exists (select 1 from bindings b where b.kind = 'image' and b.resource_id = ${imageId} and b.cloud_id = ${cloudId}
        and b.scope = '' and b.phase = 'bound')`,
    ),
  )

/** Statement: the copy that a cloud has of an image for a project is to go. */
export const unwantCopy = (
  db: Database,
  { imageId, cloudId, projectId }: Record<'imageId' | 'cloudId' | 'projectId', string>,
  now: number,
) => wantAbsent(db, 'image', imageId, now, sql`(cloud_id <> ${cloudId} or scope <> ${projectId})`)
