import { and, eq, getTableColumns, isNull, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { anyOf, either } from '../../conditions.ts'
import { bindings, images, snapshots, volumes } from '../../schema/index.ts'
import { foundWithin, type Scope, within } from '../../scope.ts'
import { volumeZonesQuery } from '../block-storage/volume-zones.ts'
import { sharedWith } from '../line/sharing.ts'

/** What disks of a new server are made of. */
export interface SourceReferences {
  imageIds: string[]
  snapshotIds: string[]
}

/** An image, with the clouds that have it. */
export type SourceImage = typeof images.$inferSelect & { clouds: string[] }

/** A snapshot, with what volumes of it have from its volume; null: that is gone. */
export type SourceSnapshot = typeof snapshots.$inferSelect & {
  volumeType: string | null
  typeId: string | null
  bootable: boolean | null
  imageMetadata: Record<string, string> | null
}

/** Statements that read what new volumes of a project's server are made of, and where there are types of them. */
export const diskSourceStatements = (
  db: Database,
  { projectId, scope }: { projectId: string; scope: Scope },
  refs: SourceReferences,
) => [
  db
    .select({
      ...getTableColumns(images),
      clouds: sql<string[]>`(select json_group_array(${bindings.cloudId}) from ${bindings}
        where ${bindings.resourceId} = ${images.id} and ${bindings.kind} = 'image' and ${bindings.phase} = 'bound')`.mapWith(
        (ids: string) => JSON.parse(ids) as string[],
      ),
    })
    .from(images)
    .where(
      and(
        anyOf(images.id, refs.imageIds),
        isNull(images.deletedAt),
        either(
          within(images.projectId, scope),
          sql`${images.visibility} in ('public', 'community')`,
          sharedWith(scope),
        ),
      ),
    ),
  db
    .select({
      ...getTableColumns(snapshots),
      volumeType: volumes.volumeType,
      typeId: volumes.typeId,
      bootable: volumes.bootable,
      imageMetadata: volumes.imageMetadata,
    })
    .from(snapshots)
    .leftJoin(volumes, and(eq(volumes.id, snapshots.volumeId), isNull(volumes.deletedAt)))
    .where(
      and(
        anyOf(snapshots.id, refs.snapshotIds),
        isNull(snapshots.deletedAt),
        isNull(snapshots.backup),
        foundWithin(snapshots.projectId, scope),
      ),
    ),
  volumeZonesQuery(db, { projectId }),
]
