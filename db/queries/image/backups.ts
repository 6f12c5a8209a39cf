import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { prepared, type Slots } from '../../prepared.ts'
import { images } from '../../schema/index.ts'
import type { ImageRow } from './images.ts'

/** Of which server backups are, and of which of its rotations. */
export interface Rotation {
  serverId: string
  /** As users call it: `daily`, `weekly`. */
  type: string
}

/** So many are rotated out at once; the next backup goes on. */
const MOST = 100

const beyond = prepared((db, { serverId, type, kept }: Slots<Rotation & { kept: number }>) =>
  db
    .select()
    .from(images)
    .where(
      and(
        eq(images.serverId, serverId),
        sql`${images.serverId} is not null`,
        isNull(images.deletedAt),
        eq(images.status, 'active'),
        eq(images.protected, false),
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
