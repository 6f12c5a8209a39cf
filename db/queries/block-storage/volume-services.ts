import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../client.ts'
import { volumeServices } from '../../schema/index.ts'

/** What an operator says of the volumes of one zone of a cloud. */
export type VolumeServiceRow = typeof volumeServices.$inferSelect

/** Statement: what is said of a zone from now on. */
export const sayVolumeService = (db: Database, row: VolumeServiceRow) =>
  db
    .insert(volumeServices)
    .values(row)
    .onConflictDoUpdate({ target: [volumeServices.cloudId, volumeServices.zone], set: row })

const frozen = (condition: SQL) => sql`exists (select 1 from volumes v
  join volume_services service on service.cloud_id = v.cloud_id and service.zone = v.zone where ${condition} and service.frozen)`

/** True (as SQL) while a volume is in a zone that is frozen. */
export const volumeFrozen = (volumeId: string) => frozen(sql`v.id = ${volumeId}`)

/** True (as SQL) while the volume of a snapshot is in a zone that is frozen. */
export const snapshotFrozen = (snapshotId: string) =>
  frozen(sql`v.id = (select volume_id from snapshots where id = ${snapshotId})`)
