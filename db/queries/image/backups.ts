import { and, desc, eq, isNull, type Placeholder, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { images } from '../../schema/index.ts'
import { volumeAwaitsImage } from '../block-storage/volumes.ts'
import type { ImageRow } from './images.ts'

/** Of which server backups are, and of which of its rotations. */
export interface Rotation {
  serverId: string
  /** Whose they are, and were from the beginning. */
  projectId: string
  /** As users call it: `daily`, `weekly`. */
  type: string
}

/** So many are rotated out at once; the next backup goes on. */
const MOST = 100

/** It is there, may go, and nothing waits for it. */
const rotates = (projectId: Placeholder | string) =>
  and(
    eq(images.projectId, projectId),
    isNull(images.deletedAt),
    eq(images.status, 'active'),
    eq(images.protected, false),
    sql`not ${volumeAwaitsImage(images.id)}`,
  )

const beyond = prepared((db, { serverId, projectId, type, kept }: Slots<Rotation & { kept: number }>) =>
  db
    .select()
    .from(images)
    .where(
      and(
        eq(images.serverId, serverId),
        sql`${images.serverId} is not null`,
        rotates(projectId),
        sql`${images.properties} ->> 'image_type' = 'backup'`,
        sql`${images.properties} ->> 'backup_type' = ${type}`,
      ),
    )
    .orderBy(desc(images.createdAt), desc(images.id))
    .limit(MOST)
    .offset(kept),
)

/** The oldest backups of a rotation, all but the newest `kept` of those that are there; what is protected is in none. */
export const backupsBeyond = (db: Database, rotation: Rotation, kept: number): Promise<ImageRow[]> =>
  beyond.run(db, { ...rotation, kept })

/** Statement: one of them goes, if it still may. */
export const rotateAway = (db: Database, { id, projectId }: ImageRow, now: number) =>
  db
    .update(images)
    .set({ status: 'deleted', deletedAt: now, updatedAt: now })
    .where(and(eq(images.id, id), rotates(projectId ?? '')))

/** True (as SQL) while an image is there. */
export const imageStays = (id: string) => sql`exists (select 1 from images where id = ${id} and deleted_at is null)`
